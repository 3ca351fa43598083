"""A platform repository with a template of its own, a service that was made from it, and the model of GitHub."""

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import templates
from components.github.api import GitHubApi
from components.github.credentials import Token
from components.github.file_delivery import FileDelivery
from components.github.tree import WantedFiles
from manifests.model import OwnedFiles, Settings
from manifests.model import settings as model
from manifests.repository_files import environment_repository_files, service_repository_files
from stacks.settings import settings_of
from stacks.template_updates import Updates
from templates import service_template, starting_files
from tests.github.conftest import Hub, Repository
from tests.stacks.builders import texts, values

COPIER = "_subdirectory: repository\n_slipway: {description: Ours, version: VERSION}\nsize: {type: int, default: 1}\n"
WORDS = [f"word {number}" for number in range(9)]
FIRST = {"words": "\n".join([*WORDS, "{{ service }} {{ size }}", ""]), "gone": "g\n", "kept": "k\n"}
CHART = {"Chart.yaml.j2": "name: [[ service ]]\n", "values.yaml": "".join(f"{word}: 1\n" for word in WORDS)}


class Ground:
    """The platform repository, the service's and the environment repository."""

    def __init__(
        self, hub: Hub, repository: Repository, environments: Repository, folder: Path, more: Repository | None = None
    ) -> None:
        self.folder, self.repository, self.environments = folder, repository, environments
        self.services = [repository, *([more] if more else [])]
        self.api = GitHubApi(f"{hub.url}/api/v3", Token(hub.secrets.github_token))
        self.hub = hub
        self.answers: dict[str, Any] = {}
        self.git("init", "--quiet")

    @property
    def chart(self) -> str:
        """The folder of the service's chart."""
        return f"helm-charts/{self.repository.name}"

    def git(self, *words: str) -> None:
        person = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(["git", *words], cwd=self.folder, check=True, capture_output=True, env={**os.environ, **person})

    def template(self, version: str, chart: Mapping[str, str] | None = None, **files: str) -> None:
        """Commits a version of the template; what is not given stays as it was."""
        target = self.folder / "ours"
        (target / "repository").mkdir(parents=True, exist_ok=True)
        (target / "chart").mkdir(exist_ok=True)
        (target / "copier.yml").write_text(COPIER.replace("VERSION", version))
        for name, text in files.items():
            (target / "repository" / f"{name}.jinja").write_text(text)
        for name, text in (chart or {}).items():
            (target / "chart" / name).write_text(text)
        self.commit(version)

    def template_without_questions(self, version: str, **files: str) -> None:
        """Commits a version from before templates had questions, which services do not record."""
        target = self.folder / "ours"
        (target / "repository").mkdir(parents=True, exist_ok=True)
        (target / "template.yaml").write_text(f"name: ours\nversion: {version}\nchart: ../_chart\n")
        for name, text in files.items():
            (target / "repository" / f"{name}.j2").write_text(text)
        self.commit(version)

    def give_questions(self, version: str, **files: str) -> None:
        """Commits the first version of it with questions."""
        (self.folder / "ours/template.yaml").unlink()
        for file in (self.folder / "ours/repository").iterdir():
            file.unlink()
        self.template(version, CHART, **files)

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        for kept in (
            service_template.own_template, starting_files._starting_files, starting_files._digest,
            templates._loaded, templates.executable_files,
        ):  # fmt: skip
            kept.cache_clear()

    @property
    def settings(self) -> Settings:
        services = [
            {"name": one.name, "template": "ours", "team": "web", "answers": self.answers} for one in self.services
        ]
        stack = values(templates=[{"name": "ours", "source": "./ours"}], services=services)
        stack["environments"][1]["delivery"] = "branch"
        stack["github"] |= {"baseUrl": f"{self.hub.url}/", "environmentRepository": self.environments.name}
        return settings_of("test", texts(stack))

    def up(self) -> None:
        """What `pulumi up` does to the files of the repositories: to the charts alone in that of environments."""
        settings = self.settings
        for service in settings.services:
            found = service_repository_files(settings, service)
            self.deliver(service.repository_name, WantedFiles(found.owned, found.seeded, found.executable))
        charts = environment_repository_files(settings).seeded
        charts = {path: text for path, text in charts.items() if path.startswith("helm-charts/")}
        self.deliver(self.environments.name, WantedFiles({}, charts))

    def deliver(self, repository: str, files: WantedFiles) -> None:
        FileDelivery(self.api, "acme", repository).deliver(files, "Start", OwnedFiles.COMMIT)

    def update(self) -> str:
        """What the command does to the service's repository."""
        settings = self.settings
        return Updates(self.api, settings, self.folder).of_service(settings.services[0], proposing=True)

    def update_chart(self, index: int = 0) -> str:
        """The same for its chart."""
        settings = self.settings
        return Updates(self.api, settings, self.folder).of_chart(settings.services[index], proposing=True)

    @staticmethod
    def edit(repository: Repository, path: str, text: str) -> None:
        sha = repository.ask("GET", f"/contents/{path}").json()["sha"]
        assert repository.put_file(path, text, sha=sha).is_success

    @staticmethod
    def delete(repository: Repository, path: str) -> None:
        sha = repository.ask("GET", f"/contents/{path}").json()["sha"]
        assert repository.ask("DELETE", f"/contents/{path}", json={"message": "Tidy up", "sha": sha}).is_success

    @staticmethod
    def pulls(repository: Repository, state: str = "open") -> list[dict[str, Any]]:
        return repository.ask("GET", f"/pulls?state={state}").json()

    @staticmethod
    def close(repository: Repository, pull: Mapping[str, Any]) -> None:
        assert repository.ask("PATCH", f"/pulls/{pull['number']}", json={"state": "closed"}).is_success

    @staticmethod
    def changed(repository: Repository, pull: Mapping[str, Any]) -> set[str]:
        return {file["filename"] for file in repository.ask("GET", f"/pulls/{pull['number']}/files").json()}

    @staticmethod
    def text(repository: Repository, path: str, pull: Mapping[str, Any]) -> str:
        headers = {"Accept": "application/vnd.github.raw+json"}
        return repository.ask("GET", f"/contents/{path}?ref={pull['head']['ref']}", headers=headers).text


def prepare(
    hub: Hub, new_repository: Callable[..., Repository], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Ground:
    """A ground whose repositories are as the first version of the template makes them."""
    made = prepare_empty(hub, new_repository, tmp_path, monkeypatch)
    made.template("1.0.0", CHART, **FIRST)
    made.up()
    return made


def prepare_empty(
    hub: Hub, new_repository: Callable[..., Repository], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Ground:
    """A ground without a template and without files."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(model, "ROOT", tmp_path / "platform" / "templates")
    (tmp_path / "platform").mkdir()
    return Ground(hub, new_repository(), new_repository(), tmp_path / "platform")
