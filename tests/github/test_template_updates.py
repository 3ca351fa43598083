"""A new version of a template reaches a service as one pull request, on the model of GitHub and a real Git history."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.github.api import GitHubApi
from components.github.credentials import Token
from components.github.file_delivery import FileDelivery
from components.github.tree import WantedFiles
from manifests.model import OwnedFiles, Settings
from manifests.model import settings as model
from manifests.repository_files import service_repository_files
from stacks.settings import settings_of
from stacks.template_updates import UpdateError, propose, update_of
from templates import service_template, starting_files
from templates.service_template import TemplateProblem
from templates.starting_files import ANSWERS_FILE
from tests.github.conftest import Hub, Repository
from tests.stacks.builders import texts, values

COPIER = "_subdirectory: repository\n_slipway: {description: Ours, version: VERSION}\nsize: {type: int, default: 1}\n"
WORDS = [f"word {number}" for number in range(9)]


class Ground:
    """A platform repository with a template, and a service that was made from it."""

    def __init__(self, hub: Hub, repository: Repository, folder: Path) -> None:
        self.folder, self.repository = folder, repository
        self.api = GitHubApi(f"{hub.url}/api/v3", Token(hub.secrets.github_token))
        self.hub = hub
        self.answers: dict[str, Any] = {}
        self.git("init", "--quiet")

    def git(self, *words: str) -> None:
        person = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(["git", *words], cwd=self.folder, check=True, capture_output=True, env={**os.environ, **person})

    def template(self, version: str, **files: str) -> None:
        target = self.folder / "ours"
        (target / "repository").mkdir(parents=True, exist_ok=True)
        (target / "copier.yml").write_text(COPIER.replace("VERSION", version))
        for name, text in files.items():
            (target / "repository" / f"{name}.jinja").write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", version)
        for kept in (service_template.own_template, starting_files._starting_files, starting_files._digest):
            kept.cache_clear()

    @property
    def settings(self) -> Settings:
        stack = values(
            templates=[{"name": "ours", "source": "./ours"}],
            services=[{"name": self.repository.name, "template": "ours", "team": "web", "answers": self.answers}],
        )
        stack["github"]["baseUrl"] = f"{self.hub.url}/"
        return settings_of("test", texts(stack))

    def up(self) -> None:
        """What `pulumi up` does to the files of the service's repository."""
        found = service_repository_files(self.settings, self.settings.services[0])
        delivery = FileDelivery(self.api, "acme", self.repository.name)
        delivery.deliver(WantedFiles(found.owned, found.seeded), "Start", OwnedFiles.COMMIT)

    def update(self) -> str | None:
        settings = self.settings
        found = update_of(self.api, settings, settings.services[0], self.folder)
        return None if found is None else propose(self.api, settings, found)

    def edit(self, path: str, text: str) -> None:
        sha = self.repository.ask("GET", f"/contents/{path}").json()["sha"]
        assert self.repository.put_file(path, text, sha=sha).is_success

    def pulls(self, state: str = "open") -> list[dict[str, Any]]:
        return self.repository.ask("GET", f"/pulls?state={state}").json()

    def text(self, path: str, pull: dict[str, Any]) -> str:
        headers = {"Accept": "application/vnd.github.raw+json"}
        return self.repository.ask("GET", f"/contents/{path}?ref={pull['head']['ref']}", headers=headers).text


@pytest.fixture
def ground(
    hub: Hub, new_repository: Callable[..., Repository], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Ground:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(model, "ROOT", tmp_path / "platform" / "templates")
    (tmp_path / "platform").mkdir()
    made = Ground(hub, new_repository(), tmp_path / "platform")
    made.template("1.0.0", words="\n".join([*WORDS, "{{ service }} {{ size }}", ""]), gone="g\n", kept="k\n")
    made.up()
    return made


def test_a_service_that_is_up_to_date_gets_nothing(ground: Ground) -> None:
    assert ground.update() is None


def test_a_new_version_is_merged_into_what_the_team_made_of_the_old_one(ground: Ground) -> None:
    name = ground.repository.name
    mine = "\n".join(["mine", *WORDS[1:], f"{name} 1", ""])
    ground.edit("words", mine)
    later = "\n".join([*WORDS[:-1], "theirs", "{{ service }} {{ size }}", ""])
    ground.template("1.1.0", words=later, new="n\n")
    said = ground.update()
    (pull,) = ground.pulls()
    assert said == f"proposed: {pull['html_url']}"
    assert pull["title"] == "Update ours from 1.0.0 to 1.1.0"
    assert ground.text("words", pull) == mine.replace("word 8", "theirs")
    assert ground.text("new", pull) == "n\n"
    assert "_commit: 1.1.0" in ground.text(ANSWERS_FILE, pull)
    changed = {file["filename"] for file in ground.repository.ask("GET", f"/pulls/{pull['number']}/files").json()}
    assert changed == {"words", "new", ANSWERS_FILE}

    assert ground.update() == f"{pull['html_url']} waits"
    ground.repository.ask("PATCH", f"/pulls/{pull['number']}", json={"state": "closed"})
    assert "was closed, and is not proposed again" in str(ground.update())
    assert ground.pulls() == []


def test_conflicts_are_marked_and_named(ground: Ground) -> None:
    ground.edit("words", "all mine\n")
    ground.template("1.1.0", words="all theirs\n")
    ground.update()
    (pull,) = ground.pulls()
    assert "- `words`" in pull["body"]
    assert "<<<<<<< yours\nall mine\n=======\nall theirs\n>>>>>>> template now\n" in ground.text("words", pull)


def test_a_link_in_place_of_a_file_stays_and_the_request_says_so(ground: Ground) -> None:
    linked = [{"path": "words", "mode": "120000", "type": "blob", "content": "kept"}]
    files = FileDelivery(ground.api, "acme", ground.repository.name)
    commit = files.commit(files.head("main") or "", linked, "Link")
    ground.repository.ask("PATCH", "/git/refs/heads/main", json={"sha": commit})
    ground.template("1.1.0", words="theirs\n", kept="k2\n")
    ground.update()
    (pull,) = ground.pulls()
    assert "links, folders or no text; bring it in by hand:**\n- `words`" in pull["body"]
    changed = {file["filename"] for file in ground.repository.ask("GET", f"/pulls/{pull['number']}/files").json()}
    assert changed == {"kept", ANSWERS_FILE}


def test_a_newer_version_closes_the_request_of_an_older_one(ground: Ground) -> None:
    ground.template("1.1.0", words="one\n")
    ground.update()
    ground.template("1.2.0", words="two\n")
    ground.update()
    assert [pull["title"] for pull in ground.pulls()] == ["Update ours from 1.0.0 to 1.2.0"]
    assert len(ground.pulls("closed")) == 1


def test_other_answers_are_an_update_too(ground: Ground) -> None:
    ground.answers = {"size": 7}
    ground.update()
    (pull,) = ground.pulls()
    assert pull["title"] == "Follow the answers to ours"
    assert ground.text("words", pull).endswith(f"{ground.repository.name} 7\n")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("{", "does not say what it was made from"),
        ("_commit: 1.0.0\n_src_path: slipway:go-web\n", r"was made from slipway:go-web, and the settings say \./ours"),
        ("<<<<<<< yours\n_commit: 1.0.0\n=======\n", "does not say what it was made from"),
        ("_commit: 1.0.0\n_src_path: ./ours\nsize: lots\n", r"\.copier-answers\.yml: size: .*the record was edited"),
        ("_commit: 1.0.0\n_src_path: ./ours\nsize: [1]\n", r"\.copier-answers\.yml: size: .*the record was edited"),
        ("_commit: 1.0.0\n_src_path: ./ours\nhue: red\n", r"\.copier-answers\.yml: hue: ours has no such question"),
    ],
)
def test_a_record_that_was_edited_is_named(ground: Ground, record: str, reason: str) -> None:
    ground.template("1.1.0", words="theirs\n")
    ground.edit(ANSWERS_FILE, record)
    with pytest.raises(UpdateError, match=reason):
        ground.update()
    assert ground.pulls() == []


def test_a_version_that_no_history_has_is_named(ground: Ground) -> None:
    ground.edit(ANSWERS_FILE, "_commit: 0.9.0\n_src_path: ./ours\n")
    with pytest.raises(TemplateProblem, match=r"0\.9\.0 is not in the history of this clone"):
        ground.update()


def test_a_record_that_is_missing_is_named_and_written_by_pulumi_up(ground: Ground) -> None:
    sha = ground.repository.ask("GET", f"/contents/{ANSWERS_FILE}").json()["sha"]
    gone = {"message": "Tidy up", "sha": sha}
    assert ground.repository.ask("DELETE", f"/contents/{ANSWERS_FILE}", json=gone).is_success
    ground.template("1.1.0", words="theirs\n")
    with pytest.raises(UpdateError, match=r"\.copier-answers\.yml is missing; `pulumi up` writes it"):
        ground.update()
    assert ground.pulls() == []
    ground.up()
    assert ground.update() is None
