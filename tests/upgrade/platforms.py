"""A platform repository at v0.1.0, with its platform on a sandbox of today, that takes the version of this tree."""

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml

from sandbox.config import CONTEXT, SandboxConfig
from sandbox.github import credentials, process
from sandbox.images import REDIS
from sandbox.overlay import APPS, chart_directory, read_credentials
from sandbox.progress import Progress
from sandbox.pulumi.command import clean_environment
from sandbox.pulumi.settings import StackConfig, merged, read_stack
from sandbox.pulumi.workspace import Workspace
from sandbox.toolchain import HELM_VERSION
from sandbox.up import start_parts
from tests.docs.documented import documented
from tests.first_version import COMMIT, ROOT
from tests.sandbox.places import config_of, environment_of, started
from tests.sandbox.platforms import Platform

STACK = "acme"
INSTALLED = "--old-file=.venv/.everything"
"""For make: the packages are there already."""
PERSON = {f"GIT_{who}_{what}": "pat@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
PERMISSIONS: dict[str, dict[str, str]] = {
    "promoter": {"actions": "read", "contents": "write", "deployments": "write", "pull_requests": "write"},
    "requester": {"actions": "write"},
    "argocd": {"contents": "read", "deployments": "write"},
}
"""Of the Apps, as docs/github-apps.md of v0.1.0 had them."""

Values = dict[str, Any]


def git(folder: Path, *words: str) -> str:
    """Runs git there and returns what it printed."""
    ran = subprocess.run(
        ["git", "-C", str(folder), *words], env=os.environ | PERSON, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"git {shlex.join(words)}\n{ran.stderr}"
    return ran.stdout.strip()


def require_history() -> None:
    """Skips where this clone has no v0.1.0 that its tip descends from."""
    found = subprocess.run(
        ["git", "-C", str(ROOT), "merge-base", "--is-ancestor", COMMIT, "HEAD"], capture_output=True, check=False
    )
    if found.returncode:
        pytest.skip(f"v0.1.0 ({COMMIT}) is not in the history of this clone: `git fetch --unshallow` brings it")


@dataclass(frozen=True)
class PlatformRepository:
    """A clone of Slipway with a stack file of its own, on main; beside it what it takes new versions from."""

    folder: Path
    upstream: Path

    @property
    def stack_file(self) -> Path:
        return self.folder / "stacks" / f"Pulumi.{STACK}.yaml"

    def write(self, config: Values, message: str) -> None:
        """Commits settings."""
        text = yaml.safe_dump({"config": {f"slipway:{key}": value for key, value in config.items()}}, sort_keys=False)
        self.stack_file.write_text(text)
        git(self.folder, "add", str(self.stack_file))
        git(self.folder, "commit", "--quiet", "--message", message)

    def read(self) -> Values:
        """The settings by key."""
        found = yaml.safe_load(self.stack_file.read_text())["config"]
        return {key.removeprefix("slipway:"): value for key, value in found.items()}

    def upgrade(self) -> None:
        """Merges the version of the work tree, by the commands of docs/upgrade.md."""
        fetch = documented("git fetch https://github.com/acme/slipway.git")
        git(self.folder, "config", f"url.{self.upstream}.insteadOf", fetch.split()[2])
        git(self.upstream, "tag", fetch.split()[3])
        for line in (fetch, documented("git switch --create upgrade"), documented("git merge FETCH_HEAD")):
            ran = subprocess.run(
                ["sh", "-ec", line],
                cwd=self.folder,
                env=os.environ | PERSON,
                capture_output=True,
                text=True,
                check=False,
            )
            assert ran.returncode == 0, f"{line}\n{ran.stdout}\n{ran.stderr}"

    def comment(self, platform: Platform) -> "subprocess.CompletedProcess[str]":
        """The comment on the pull request of the upgrade, as preview.yml makes it; a destructive change has code 3."""
        place = platform.place
        words = ["preview", "--json", "--refresh", "--non-interactive", "--stack", STACK]
        shown = subprocess.run(
            [str(place.cli), *words], cwd=place.project, env=clean_environment() | place.environment(),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        file = self.folder.parent / "preview.json"
        file.write_text(shown.stdout)
        command = [sys.executable, "-m", "stacks.preview_comment", str(file), "--stack", STACK]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)

    def template_updates(self, token: str) -> str:
        """Proposes what changed in templates, by the command of docs/upgrade.md; returns what it said."""
        line = documented("make template-updates STACK=acme PROPOSE=1").replace("make ", f"make {INSTALLED} ", 1)
        ran = subprocess.run(
            ["sh", "-ec", line], cwd=self.folder, env=os.environ | {"GITHUB_TOKEN": token},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout


def platform_repository(folder: Path) -> PlatformRepository:
    """One that was made from v0.1.0; upstream is at this work tree, with what is not committed yet."""
    upstream, ours = folder / "upstream", folder / "platform"
    for place in (upstream, ours):
        git(ROOT, "clone", "--quiet", "--shared", "--no-tags", str(ROOT), str(place))
        with (place / ".git/info/exclude").open("a") as file:
            file.write(".venv\n")  # which may be a link
    git(upstream, "--work-tree", str(ROOT), "add", "--all")
    git(upstream, "commit", "--quiet", "--allow-empty", "--message", "The work tree")
    git(ours, "switch", "--quiet", "--force-create", "main", COMMIT)
    # Programs find their project's folders first, and the sandbox is that of today.
    git(ours, "fetch", "--quiet", str(upstream), "HEAD")
    git(ours, "rm", "-r", "--quiet", "sandbox")
    git(ours, "read-tree", "--prefix=sandbox/", "-u", "FETCH_HEAD:sandbox")
    git(ours, "commit", "--quiet", "--message", "Rehearse on the sandbox of today")
    (ours / ".venv").symlink_to((ROOT / ".venv").resolve())
    return PlatformRepository(ours, upstream)


@contextlib.contextmanager
def first_platform(folder: Path) -> Generator[tuple[PlatformRepository, Platform]]:
    """A GitHub with the Apps of v0.1.0, an empty cluster, and a platform repository with settings for them."""
    repository = platform_repository(folder)
    box = config_of(environment_of(folder / "state"))
    # v0.1.0 makes no pull secrets: nodes may pull.
    config = replace(box, root=repository.folder, private_packages=False)
    repository.write({"github": {}, "cluster": {}, "environments": []}, "A stack file to start the sandbox with")
    with contextlib.ExitStack() as stack:
        with contextlib.ExitStack() as older, mock.patch("sandbox.up.sandbox_stack", return_value=_nothing()):
            for name, given in PERMISSIONS.items():
                older.enter_context(mock.patch.dict(credentials.APPS[name], permissions=given))
            place = stack.enter_context(started(config))
        repository.write(first_settings(config, repository), "Our platform")
        yield repository, Platform(config, place, settings(config))


def _nothing() -> StackConfig:
    return StackConfig("slipway", STACK, {"slipway:secrets": "none"}, frozenset())


def first_settings(config: SandboxConfig, repository: PlatformRepository) -> Values:
    """The stack file of the sandbox as v0.1.0 had it, with this machine's addresses: one service, each delivery."""
    text = (repository.folder / "stacks/Pulumi.sandbox.yaml").read_text()
    found = {key.removeprefix("slipway:"): value for key, value in yaml.safe_load(text)["config"].items()}
    apps = read_credentials(config)["apps"]
    redis, _, tag = REDIS.rpartition(":")
    here = {
        "github": {
            "baseUrl": config.github_url,
            **{name: {key: str(apps[name][key]) for key in ("id", "installationId")} for name in APPS},
        },
        "cluster": {"kubeconfig": config.kubeconfig.name, "context": CONTEXT},
        "argocd": {
            "chart": chart_directory(config),
            "url": config.argocd_url,
            "values": {"redis": {"image": {"repository": redis, "tag": tag}}},
        },
        "registry": {"host": config.registry_host},
    }
    environments = [
        {"name": "dev", "delivery": "commit"},
        {"name": "staging", "delivery": "branch"},
        {"name": "production", "delivery": "pull-request", "requires": ["staging"]},
    ]
    return merged(found, here) | {"environments": environments, "services": found["services"][:1]}


def settings(config: SandboxConfig) -> StackConfig:
    """What `pulumi` has of the stack file, with the secrets of the sandbox's GitHub."""
    found = read_credentials(config)
    secrets = {key: found[key] for key in ("githubToken", "webhookSecret")}
    secrets |= {f"{app}PrivateKey": found["apps"][app]["privateKey"] for app in APPS}
    return read_stack(config.root, STACK, {}, {f"slipway:{key}": value for key, value in secrets.items()})


def prepared(repository: PlatformRepository, platform: Platform) -> Platform:
    """What docs/upgrade.md, "From 0.1.0", has a person do before the merge is applied."""
    found = repository.read()
    found["mark"] = f"slipway-{STACK}"
    found["github"]["argocd"]["slug"] = "argocd"
    found["environments"][-1]["approvers"] = ["web"]
    # The sandbox's plugin has another Helm than the one that it is thought to have.
    found["argocd"]["helmVersion"] = HELM_VERSION.removeprefix("v")
    repository.write(found, "Prepare for the upgrade")
    process.stop(platform.config)
    with mock.patch("sandbox.up.sandbox_stack", return_value=settings(platform.config)):
        place: Workspace = start_parts(platform.config, Progress(quiet=True))
    return replace(platform, place=place, settings=settings(platform.config))
