"""A new version of a template reaches a service as one pull request, on the model of GitHub and a real Git history."""

from collections.abc import Callable
from pathlib import Path

import pytest

from components.github.file_delivery import FileDelivery
from components.github.tree import WantedFiles
from stacks import template_updates
from stacks.service_update import service_update
from stacks.template_update import TeamFiles, UpdateError
from templates.service_template import TemplateProblem
from templates.starting_files import ANSWERS_FILE
from templates.template_history import changed_since
from tests.github.conftest import Hub, Repository
from tests.github.template_ground import WORDS, Ground, prepare_empty


def test_a_service_that_is_up_to_date_gets_nothing(ground: Ground) -> None:
    assert ground.update() == "up to date"


def test_a_new_version_is_merged_into_what_the_team_made_of_the_old_one(ground: Ground) -> None:
    repository = ground.repository
    mine = "\n".join(["mine", *WORDS[1:], f"{repository.name} 1", ""])
    ground.edit(repository, "words", mine)
    later = "\n".join([*WORDS[:-1], "theirs", "{{ service }} {{ size }}", ""])
    ground.template("1.1.0", words=later, new="n\n")
    said = ground.update()
    (pull,) = ground.pulls(repository)
    assert said == f"proposed: {pull['html_url']}"
    assert pull["title"] == "Update ours from 1.0.0 to 1.1.0"
    assert ground.text(repository, "words", pull) == mine.replace("word 8", "theirs")
    assert ground.text(repository, "new", pull) == "n\n"
    assert "_commit: 1.1.0" in ground.text(repository, ANSWERS_FILE, pull)
    assert ground.changed(repository, pull) == {"words", "new", ANSWERS_FILE}

    assert ground.update() == f"{pull['html_url']} waits"
    ground.close(repository, pull)
    assert ground.update() == f"{pull['html_url']} was closed, and is not proposed again"
    assert ground.pulls(repository) == []


def test_a_program_that_is_new_in_the_template_can_be_run(ground: Ground) -> None:
    new = ground.folder / "ours/repository/run.sh"
    new.write_text("#!/bin/sh\n")
    new.chmod(0o755)
    ground.template("1.1.0")
    ground.update()
    (pull,) = ground.pulls(ground.repository)
    tree = FileDelivery(ground.api, "acme", ground.repository.name).tree(pull["head"]["sha"])
    assert tree["run.sh"].mode == "100755"
    assert tree["words"].mode == "100644"


def test_the_readme_of_github_gives_way_to_that_of_the_template(ground: Ground) -> None:
    readme = ground.folder / "ours/repository/README.md"
    readme.write_text("What to do next\n")
    ground.template("1.1.0", words="one\n")
    ground.update()
    (pull,) = ground.pulls(ground.repository)
    assert ground.text(ground.repository, "README.md", pull) == "What to do next\n"

    assert ground.repository.ask("PUT", f"/pulls/{pull['number']}/merge").is_success
    ground.edit(ground.repository, "README.md", "Mine\n")
    ground.template("1.2.0", words="two\n")
    ground.update()
    (pull,) = ground.pulls(ground.repository)
    assert "README.md" not in ground.changed(ground.repository, pull)


def test_conflicts_are_marked_and_named(ground: Ground) -> None:
    ground.edit(ground.repository, "words", "all mine\n")
    ground.template("1.1.0", words="all theirs\n")
    ground.update()
    (pull,) = ground.pulls(ground.repository)
    assert "- `words`" in pull["body"]
    marked = "<<<<<<< yours\nall mine\n=======\nall theirs\n>>>>>>> template now\n"
    assert marked in ground.text(ground.repository, "words", pull)


def test_a_list_of_files_that_github_would_not_take_is_cut(ground: Ground) -> None:
    names = [f"both{number}" for number in range(101)]
    ground.deliver(ground.repository.name, WantedFiles({}, dict.fromkeys(names, "mine\n")))
    ground.template("1.1.0", None, **dict.fromkeys(names, "theirs\n"))
    ground.update()
    (pull,) = ground.pulls(ground.repository)
    assert pull["body"].count("\n- `") == 100
    assert "\n- … and 1 more\n" in pull["body"]


def test_what_the_template_has_no_more_and_the_team_has_changed_stays_and_is_named(ground: Ground) -> None:
    ground.edit(ground.repository, "kept", "mine\n")
    for name in ("kept", "gone"):
        (ground.folder / f"ours/repository/{name}.jinja").unlink()
    ground.template("1.1.0", moved="k\n")
    ground.update()
    (pull,) = ground.pulls(ground.repository)
    assert "you have changed yours, so they stay:**\n- `kept`\n" in pull["body"]
    assert ground.changed(ground.repository, pull) == {"gone", "moved", ANSWERS_FILE}


def test_a_version_that_goes_back_is_proposed_from_the_one_that_was_there(ground: Ground) -> None:
    ground.template("2.0.0", words="newer\n")
    ground.update()
    (pull,) = ground.pulls(ground.repository)
    assert ground.repository.ask("PUT", f"/pulls/{pull['number']}/merge").is_success
    ground.template("1.5.0", words="older\n")
    ground.update()
    (pull,) = ground.pulls(ground.repository)
    assert pull["title"] == "Update ours from 2.0.0 to 1.5.0"
    assert ground.text(ground.repository, "words", pull) == "older\n"


def test_a_template_that_has_changed_without_a_new_version_is_named(ground: Ground) -> None:
    template = ground.settings.template(ground.settings.services[0])
    assert changed_since(template, ground.folder) == ""
    ground.template("1.0.0", words="changed\n")
    (warning,) = template_updates._unraised(ground.settings, ground.folder)
    assert "had 1.0.0 first" in warning
    assert "raise `version` in its copier.yml" in warning
    ground.template("1.1.0")
    assert [*template_updates._unraised(ground.settings, ground.folder)] == []


def test_a_link_in_place_of_a_file_stays_and_the_request_says_so(ground: Ground) -> None:
    linked = [{"path": "words", "mode": "120000", "type": "blob", "content": "kept"}]
    files = FileDelivery(ground.api, "acme", ground.repository.name)
    commit = files.commit(files.head("main") or "", linked, "Link")
    ground.repository.ask("PATCH", "/git/refs/heads/main", json={"sha": commit})
    ground.template("1.1.0", words="theirs\n", kept="k2\n")
    ground.update()
    (pull,) = ground.pulls(ground.repository)
    assert "links, folders or no text; bring it in by hand:**\n- `words`" in pull["body"]
    assert ground.changed(ground.repository, pull) == {"kept", ANSWERS_FILE}


def test_a_newer_version_closes_the_request_of_an_older_one(ground: Ground) -> None:
    ground.template("1.1.0", words="one\n")
    ground.update()
    ground.template("1.2.0", words="two\n")
    ground.update()
    assert [pull["title"] for pull in ground.pulls(ground.repository)] == ["Update ours from 1.0.0 to 1.2.0"]
    assert len(ground.pulls(ground.repository, "closed")) == 1


def test_a_version_that_is_taken_back_closes_its_request(ground: Ground) -> None:
    ground.template("1.1.0", words="one\n")
    ground.update()
    (pull,) = ground.pulls(ground.repository)
    ground.git("revert", "--no-edit", "HEAD")
    ground.commit("Nothing")
    assert ground.update() == f"up to date; closed: {pull['html_url']}"
    assert ground.pulls(ground.repository) == []


def test_a_version_that_comes_again_is_proposed_again_unless_a_person_closed_it(ground: Ground) -> None:
    ground.template("1.1.0", words="one\n")
    ground.update()
    ground.template("1.2.0", words="two\n")
    ground.update()
    (newer,) = ground.pulls(ground.repository)
    ground.git("revert", "--no-edit", "HEAD")
    ground.commit("Nothing")
    again = ground.update()
    (pull,) = ground.pulls(ground.repository)
    assert again == f"proposed: {pull['html_url']}"
    assert (pull["title"], pull["number"] > newer["number"]) == ("Update ours from 1.0.0 to 1.1.0", True)

    # A person who does not want it does not get it again, and what is older than it goes all the same.
    ground.template("1.2.0", words="three\n")
    ground.update()
    (newer,) = ground.pulls(ground.repository)
    assert newer["number"] > pull["number"]
    ground.close(ground.repository, newer)
    ground.repository.ask("PATCH", f"/pulls/{pull['number']}", json={"state": "open"})
    told = f"{newer['html_url']} was closed, and is not proposed again; closed: {pull['html_url']}"
    assert ground.update() == told
    assert ground.pulls(ground.repository) == []


def test_a_pull_request_of_a_fork_is_neither_taken_for_its_own_nor_closed(ground: Ground) -> None:
    """A fork names its branches as it likes, and one within the organisation has the same owner."""
    repository = ground.repository
    assert repository.ask("PATCH", json={"visibility": "public"}).is_success
    made = repository.ask("POST", "/forks", json={"organization": "acme", "name": f"{repository.name}-fork"})
    fork = Repository(ground.hub, made.json()["name"])
    ground.template("1.1.0", words="theirs\n")
    settings, files = ground.settings, TeamFiles(ground.api, "acme", repository.name)
    update = service_update(files, settings, settings.services[0], ground.folder)
    assert update is not None
    theirs: list[str] = []
    for branch in (update.branch, "slipway/template-0.9.0-12345678"):
        fork.branch(branch)
        assert fork.put_file("theirs.txt", branch, branch=branch).is_success
        body = {"title": branch, "head": f"acme:{branch}", "head_repo": fork.name, "base": "main"}
        opened = repository.ask("POST", "/pulls", json=body)
        assert opened.is_success, opened.text
        theirs.append(opened.json()["html_url"])

    assert ground.update().startswith("proposed: ")
    found = ground.pulls(repository)
    assert {pull["html_url"] for pull in found} > set(theirs)
    (own,) = (pull for pull in found if pull["html_url"] not in theirs)
    assert own["head"]["repo"]["full_name"] == f"acme/{repository.name}"
    assert ground.update() == f"{own['html_url']} waits"


def test_a_version_that_changes_nothing_of_a_service_is_not_proposed(ground: Ground) -> None:
    ground.template("1.1.0", {"values.yaml": "other: 1\n"})
    assert ground.update() == "up to date"
    assert ground.pulls(ground.repository) == []


def test_other_answers_are_an_update_too(ground: Ground) -> None:
    ground.answers = {"size": 7}
    ground.update()
    (pull,) = ground.pulls(ground.repository)
    assert pull["title"] == "Follow the answers to ours"
    assert ground.text(ground.repository, "words", pull).endswith(f"{ground.repository.name} 7\n")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("{", "does not say what it was made from"),
        ("_commit: 1.0.0\n_src_path: slipway:go-web\n", r"was made from slipway:go-web, and the settings say \./ours"),
        ("<<<<<<< yours\n_commit: 1.0.0\n=======\n", "does not say what it was made from"),
        ("_commit: 1.0.0\n_src_path: ./ours\nsize: lots\n", r"\.copier-answers\.yml: size: .*the record was edited"),
        ("_commit: 1.0.0\n_src_path: ./ours\nsize: [1]\n", r"\.copier-answers\.yml: size: .*the record was edited"),
        ("_commit: 1.0.0\n_src_path: ./ours\nsize: 2024-01-01\n", r"\.copier-answers\.yml: size: .*not a number"),
        ("_commit: 1.0.0\n_src_path: ./ours\n1: x\n", r"\.copier-answers\.yml: 1: ours has no such question"),
        ("_commit: 1.0\n_src_path: ./ours\n", "does not say what it was made from"),
        ("- _commit\n", "does not say what it was made from"),
        ("_commit: 1.0.0\n_src_path: ./ours\nhue: red\n", r"\.copier-answers\.yml: hue: ours has no such question"),
    ],
)
def test_a_record_that_was_edited_is_named(ground: Ground, record: str, reason: str) -> None:
    ground.template("1.1.0", words="theirs\n")
    ground.edit(ground.repository, ANSWERS_FILE, record)
    with pytest.raises(UpdateError, match=reason):
        ground.update()
    assert ground.pulls(ground.repository) == []


def test_a_version_that_no_history_has_is_named(ground: Ground) -> None:
    ground.edit(ground.repository, ANSWERS_FILE, "_commit: 0.9.0\n_src_path: ./ours\n")
    with pytest.raises(TemplateProblem, match=r"0\.9\.0 is not in the history of this clone"):
        ground.update()


def test_a_record_that_was_deleted_is_named(ground: Ground) -> None:
    ground.delete(ground.repository, ANSWERS_FILE)
    ground.template("1.1.0", words="theirs\n")
    with pytest.raises(UpdateError, match=r"\.copier-answers\.yml is missing; put it back as it was"):
        ground.update()
    assert ground.pulls(ground.repository) == []


@pytest.fixture
def older(
    hub: Hub, new_repository: Callable[..., Repository], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Ground:
    """A service of a template that had no questions yet, and has some now: of its second version of three."""
    ground = prepare_empty(hub, new_repository, tmp_path, monkeypatch)
    words = "\n".join([*WORDS, "[[ service ]] of [[ template.name ]] [[ template.version ]]", ""])
    ground.template_without_questions("1.0.0", words="none yet\n", kept="k\n", other="o\n")
    ground.template_without_questions("1.1.0", words=words, other="o2\n")
    start = {"words": words.replace("[[ service ]]", ground.repository.name), "kept": "k\n", "other": "o2\n"}
    start["words"] = start["words"].replace("[[ template.name ]] [[ template.version ]]", "ours 1.1.0")
    ground.deliver(ground.repository.name, WantedFiles({}, start))
    ground.template_without_questions("1.2.0", kept="k2\n")
    ground.give_questions(
        "2.0.0", words=words.replace("word 8", "theirs").partition("[[")[0], kept="k\n", new="n\n", other="o2\n"
    )
    return ground


def test_a_service_from_before_records_gets_what_changed_since_the_version_that_its_files_are_of(older: Ground) -> None:
    repository = older.repository
    last = f"{repository.name} of ours 1.1.0\n"
    older.edit(repository, "words", "\n".join(["mine", *WORDS[1:], last]))
    older.update()
    (pull,) = older.pulls(repository)
    assert pull["title"] == "Update ours from 1.1.0 to 2.0.0"
    assert "has no record of its version yet" in pull["body"]
    assert older.text(repository, "words", pull) == "\n".join(["mine", *WORDS[1:-1], "theirs", ""])
    assert older.changed(repository, pull) == {"words", "new", ANSWERS_FILE}

    assert repository.ask("PUT", f"/pulls/{pull['number']}/merge").is_success
    assert older.update() == "up to date"
    older.template("2.1.0", new="n2\n")
    older.update()
    (pull,) = older.pulls(repository)
    assert pull["title"] == "Update ours from 2.0.0 to 2.1.0"
    assert older.changed(repository, pull) == {"new", ANSWERS_FILE}


def test_a_service_without_a_record_whose_files_are_all_its_own_gets_nothing(older: Ground) -> None:
    for path in ("words", "kept", "other"):
        older.edit(older.repository, path, "mine\n")
    with pytest.raises(UpdateError, match=r"before there were records; write it with `_src_path: \./ours`"):
        older.update()
    assert older.pulls(older.repository) == []


def test_where_github_does_not_answer_it_is_asked_for_one_service_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = Path(template_updates.__file__).with_name("Pulumi.sandbox.yaml").read_text()
    file = tmp_path / "Pulumi.sandbox.yaml"
    file.write_text(stack.replace("http://10.201.0.1:3000/", "http://127.0.0.1:1/"))
    monkeypatch.setattr(template_updates, "PATIENCE_SECONDS", 0)
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_x")
    assert template_updates.main(["--stack", "sandbox", "--stack-file", str(file)]) == 1
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("chart of ")
    assert "http://127.0.0.1:1/" in first
    assert last == "Nothing further was looked at; run it again once GitHub answers"
