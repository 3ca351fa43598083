"""One whole sandbox for all tests of this folder: brought up once, on a network and in a folder of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from sandbox.config import SandboxConfig
from sandbox.overlay import sandbox_stack
from sandbox.pulumi import operations
from sandbox.pulumi.operations import Run
from sandbox.rehearsal import Rehearsal
from tests.docs.documented import documented
from tests.sandbox.places import ROOT, config_of, environment_of, here, started
from tests.sandbox.platforms import Platform

UP_SECONDS = 3000
"""The first time on a machine, tools and images are built."""
SHARING = (
    "test_bad_input.py", "test_up.py", "test_platform_repository.py", "test_sign_on.py", "test_tenancy.py",
    "test_sync_windows.py", "test_access.py", "test_rollback.py", "test_pull_secrets.py",
    "test_pull_request_environments.py", "test_faults.py", "test_checks.py", "test_commands.py", "test_drift.py",
    "test_down.py",
)  # fmt: skip
"""The files that share the sandbox, in the order in which they find it: new, released, released often, gone."""
DAILY = ("test_pulumi_cli.py", "test_stories.py")
"""Those that share a platform which they bring up, change and take down by `pulumi` alone."""
OTHERS = ("test_clusters.py", "test_first_platform.py", "test_node.py")
"""Those with a sandbox of their own, the longest first."""


@dataclass(frozen=True)
class Sandbox:
    """The sandbox under test, used as a person uses it: by its command line."""

    config: SandboxConfig
    environment: dict[str, str]

    def run(self, *arguments: str, timeout: float = UP_SECONDS) -> subprocess.CompletedProcess[str]:
        """Runs `python -m sandbox`."""
        return subprocess.run(
            [sys.executable, "-m", "sandbox", *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def types(self, line: str, folder: Path = ROOT) -> str:
        """Runs a command line of the documentation as a person does in a clone, and returns what it printed."""
        # `make` and the sandbox look for a `pulumi` on PATH, and the one of this sandbox is not meant for them.
        commands = {} if line.startswith(("make", ".venv")) else self.commands
        ran = subprocess.run(
            ["sh", "-ec", here(line, self.config)], cwd=folder, env=self.environment | commands,
            capture_output=True, text=True, timeout=UP_SECONDS, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, f"{line}\n{ran.stderr}\n{ran.stdout}"
        return ran.stdout

    @property
    def commands(self) -> dict[str, str]:
        """The variables with which kubectl, pulumi, helm and argocd are those of this sandbox."""
        path = os.pathsep.join([str(self.config.commands), str(ROOT / ".venv/bin"), os.environ["PATH"]])
        return {"PATH": path, "KUBECONFIG": str(self.config.kubeconfig)}

    def status(self) -> dict[str, Any]:
        """What `status --json` says."""
        return json.loads(self.types(documented(".venv/bin/python -m sandbox status --json")))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each file finds the sandbox as the ones before it leave it, so their order is fixed; all of them are marked."""
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        item.add_marker(pytest.mark.sandbox)
        item.add_marker(pytest.mark.timeout(UP_SECONDS), append=False)
        if "sandbox" in getattr(item, "fixturenames", ()) and item.path.name not in SHARING:
            raise pytest.UsageError(f"{item.path.name} takes the shared sandbox: name it in SHARING of {__file__}")
    places = {here / name: place for place, name in enumerate(SHARING + DAILY + OTHERS)}
    items.sort(key=lambda item: places.get(item.path, -1))


class _TwoSandboxes(LoadFileScheduling):
    """Gives all files that share a sandbox to one process, and the others, file by file, to another."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        name = Path(file).name
        return "sharing" if name in SHARING else "daily" if name in DAILY else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _TwoSandboxes:
    return _TwoSandboxes(config, log)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The sandbox, up."""
    folder = Path(os.environ.get("SLIPWAY_TEST_DIR") or tmp_path_factory.mktemp("box") / "state")
    environment = environment_of(folder)
    config = config_of(environment)
    box = Sandbox(config, environment)
    try:
        box.types(documented("make up"))
        yield box
    finally:
        box.run("down")


@pytest.fixture(scope="session")
def rehearsal(sandbox: Sandbox) -> Rehearsal:
    """The sandbox as its people use it: git, REST, Argo CD."""
    return Rehearsal(sandbox.config)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A GitHub and an empty cluster, and the settings of a platform on them."""
    folder = Path(os.environ.get("SLIPWAY_STORIES_DIR") or tmp_path_factory.mktemp("stories") / "state")
    config = config_of(environment_of(folder))
    with started(config) as place:
        yield Platform(config, place, sandbox_stack(config))


@pytest.fixture(scope="session")
def deployed(platform: Platform) -> Run:
    """The platform, made by the first `pulumi up`."""
    return operations.up(platform.place, platform.settings)
