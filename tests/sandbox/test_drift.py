"""The platform after a day of releases, rollbacks and faults: nothing has drifted, and no secret has got out."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.rehearsal import Rehearsal
from tests.docs.documented import documented
from tests.sandbox.conftest import Sandbox
from tests.sandbox.places import ROOT

DAY = 24 * 60 * 60
KINDS = "configmaps,events,pods,deployments.apps,applications.argoproj.io,appprojects.argoproj.io"


@pytest.fixture
def canaries(sandbox: Sandbox) -> dict[str, str]:
    """A text out of each secret of the sandbox, by its name; a key's is a line in its middle."""
    found = json.loads(sandbox.config.credentials.read_text())
    keys = {f"{name}.privateKey": app["privateKey"].splitlines()[5] for name, app in found["apps"].items()}
    tokens = {f"token of {login}": token for login, token in found["users"].items()}
    secrets = {key: found[key] for key in ("githubToken", "webhookSecret", "ssoClientSecret")}
    return keys | tokens | secrets


def shown(canaries: dict[str, str], places: Iterator[tuple[str, str]]) -> list[str]:
    """The places that show a secret; looked at are at least some."""
    looked, found = 0, list[str]()
    for place, text in places:
        looked += 1
        found += [f"{name} in {place}" for name, canary in canaries.items() if canary in text]
    assert looked > 2
    return found


def test_no_secret_is_in_a_log_a_comment_or_a_state(
    sandbox: Sandbox, rehearsal: Rehearsal, canaries: dict[str, str]
) -> None:
    def places() -> Iterator[tuple[str, str]]:
        for repository in (rehearsal.environment_repository, "guestbook"):
            path = rehearsal.repository_path(repository)
            for run in rehearsal.runs(repository):
                yield f"the log of {run['html_url']}", rehearsal.run_log(repository, run["id"])
            for pull in rehearsal.github("GET", f"{path}/pulls?state=all"):
                comments = rehearsal.github("GET", f"{path}/issues/{pull['number']}/comments")
                yield f"the comments of {pull['html_url']}", json.dumps(comments)
            for kind in ("deployments", "commits", "pulls?state=all", "actions/variables"):
                yield f"{repository}/{kind}", json.dumps(rehearsal.github("GET", f"{path}/{kind}"))
        for name in ("argocd-server", "argocd-repo-server", "argocd-notifications-controller"):
            logs = ["logs", "--namespace", "argocd", f"deployment/{name}", "--all-containers"]
            yield f"the log of {name}", kubectl(sandbox, *logs)
        yield f"{KINDS} of the cluster", kubectl(sandbox, "get", KINDS, "--all-namespaces", "--output", "json")
        for file in files(sandbox.config.pulumi_directory):
            yield str(file), file.read_text(errors="replace")

    assert not shown(canaries, places())


def test_no_secret_is_in_a_file_outside_of_the_sandbox(canaries: dict[str, str]) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    outside = [name for name in listed if name and not name.startswith((".sandbox/", ".venv"))]

    def places() -> Iterator[tuple[str, str]]:
        for file in map(ROOT.joinpath, outside):
            with contextlib.suppress(FileNotFoundError, IsADirectoryError):  # other tests come and go meanwhile
                yield str(file), file.read_text(errors="replace")

    assert not shown(canaries, places())


def kubectl(sandbox: Sandbox, *words: str) -> str:
    command = [str(sandbox.config.commands / "kubectl"), "--kubeconfig", str(sandbox.config.kubeconfig), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def files(folder: Path) -> Iterator[Path]:
    """What Pulumi has written, but for plugins, and files that are closed to others as those with the secrets are."""
    for file in folder.rglob("*"):
        if file.is_file() and "plugins" not in file.parts and file.stat().st_mode & 0o077:
            yield file


def test_a_day_later_nothing_has_drifted(sandbox: Sandbox, rehearsal: Rehearsal) -> None:
    """As `drift.yml` does it. GitHub's clock stays moved, so this comes last."""
    moved = rehearsal.github("POST", f"{sandbox.config.github_url}_sandbox/clock", body={"seconds": DAY})
    assert moved["ahead"] >= DAY
    line = documented("pulumi preview --refresh --expect-no-changes")
    sandbox.types(f"{line} --diff --non-interactive")
