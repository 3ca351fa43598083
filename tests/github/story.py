"""A platform's GitHub half under the real engine, against the model of GitHub."""

import itertools
import os
import stat
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi import automation

from components.adoption import Adoption
from components.github.api import GitHubApi
from components.github.credentials import AppKey, Token
from components.github.invitations import invited
from components.github.preflight import github_findings
from components.platform import repositories
from components.providers import FilesHost, github_provider
from components.state import read_state
from manifests.model import Settings
from sandbox import toolchain
from sandbox.config import SandboxConfig
from stacks.settings import settings_of
from tests.github.conftest import Hub
from tests.github.platform_secrets import platform_secrets
from tests.stacks.builders import texts, values

TOOL = toolchain.TOOLS["pulumi"]
FOLDER = SandboxConfig.from_environment().cache / "bin" / f"pulumi-{toolchain.key(TOOL)}"
ROOT = Path(__file__).parents[2]

PLUGINS = {
    "pulumi-resource-github": "-m sandbox.github_plugin",
    "pulumi-resource-pulumi-python": "-u -m pulumi.dynamic",
}


_numbers = itertools.count(1)


@dataclass
class Story:
    """A platform's GitHub half, declared by the engine again and again."""

    hub: Hub
    stack: automation.Stack
    names: dict[str, str]
    adopt: list[str] = field(default_factory=list[str])
    members: list[str] = field(default_factory=lambda: ["Alice"])
    problems: list[str] = field(default_factory=list[str])
    owner: str = "acme"
    app_key: str | None = None
    """The key of the App that it acts as; None: the administrator's token."""
    apps: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """The Apps, by their settings; empty: those of the hub."""

    def settings(self) -> Settings:
        apps = {name: {"id": app.id, "installationId": app.installation_id} for name, app in self.hub.apps.items()}
        stack = values(
            teams=[{"name": self.names["team"], "members": [{"login": login} for login in self.members]}],
            environments=[{"name": "dev"}],
            services=[{"name": self.names["service"], "template": "python-web", "team": self.names["team"]}],
            argocd={},
            adopt=self.adopt,
            **({"githubToken": None, "githubAppPrivateKey": self.app_key} if self.app_key else {}),
        )
        stack["github"] = {
            "owner": self.owner,
            "baseUrl": self.hub.url,
            "ownedFiles": "commit",
            "writeDelayMilliseconds": 0,
            "protect": False,
            "environmentRepository": self.names["environments"],
            **(self.apps or apps),
        }
        return settings_of("test", texts(stack))

    def program(self) -> None:
        """The program without the cluster."""
        settings, state = self.settings(), read_state()
        acts = settings.github.app
        token = self.hub.secrets.github_token
        credentials = AppKey(acts.id, acts.installation_id, self.app_key) if acts and self.app_key else Token(token)
        api = GitHubApi(settings.github.api_url, credentials, deadline_seconds=5)
        self.problems = github_findings(settings, api, {}, state).problems
        secrets = platform_secrets(app_key=self.app_key) if self.app_key else platform_secrets(token=token)
        providers: list[pulumi.ProviderResource] = [
            github_provider(settings.github, secrets),
            FilesHost("files", settings.github, secrets),
        ]
        adoption = Adoption(settings, api, state, has_release=False)
        options = pulumi.ResourceOptions(providers=providers, transformations=[adoption] if self.adopt else [])
        repositories(settings, secrets, invited(settings, api), options)

    def up(self) -> None:
        self.stack.up(on_output=sys.stdout.write)

    def preview(self, *, refresh: bool = False) -> dict[str, int]:
        found = self.stack.preview(refresh=refresh).change_summary
        return {str(kind): count for kind, count in found.items()}

    def forget(self) -> None:
        """Loses the state."""
        self.stack.import_stack(automation.Deployment(version=3, deployment={"resources": []}))

    def ask(self, method: str, path: str, **given: Any) -> Any:
        with self.hub.admin as admin:
            answer = admin.request(method, path, **given)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def ids(self) -> dict[str, Any]:
        """What adoption must not make again."""
        found = {
            name: self.ask("GET", f"/repos/{self.owner}/{self.names[name]}")["id"]
            for name in ("environments", "service")
        }
        return found | {"team": self.ask("GET", f"/orgs/{self.owner}/teams/{self.names['team']}")["id"]}

    def rulesets(self) -> Counter[str]:
        return Counter(
            found["name"] for found in self.ask("GET", f"/repos/{self.owner}/{self.names['service']}/rulesets")
        )


def tell(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A story with names of its own, until its test ends."""
    if not (FOLDER / "pulumi").is_file():
        pytest.skip("pulumi is built by `make up`")
    for name, arguments in PLUGINS.items():
        launcher = tmp_path / name
        launcher.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} {arguments} "$@"\n')
        launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR)
    # The Automation API looks for the CLI on the PATH of this process.
    monkeypatch.setenv("PATH", f"{tmp_path}:{FOLDER}:{os.environ['PATH']}")
    number = next(_numbers)
    names = {name: f"{name}-{number}" for name in ("environments", "service", "team")}
    made = Story(hub, None, names)  # pyright: ignore[reportArgumentType]
    variables = {
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }
    project = automation.ProjectSettings(
        "slipway", runtime="python", backend=automation.ProjectBackend(f"file://{tmp_path}")
    )
    made.stack = automation.create_or_select_stack(
        "test",
        project_name="slipway",
        program=made.program,
        opts=automation.LocalWorkspaceOptions(env_vars=variables, project_settings=project),
    )
    made.stack.set_config("pulumi:disable-default-providers", automation.ConfigValue('["*"]'))
    yield made
    for name in ("environments", "service"):
        with hub.admin as admin:
            admin.delete(f"/repos/{made.owner}/{names[name]}")
