"""The stack of the sandbox, from an empty cluster to an empty cluster.

It runs against a GitHub and a node of its own, started without the platform, so that nothing meets what the sandbox of
the other tests has made. The tests are one story in the order of this file.
"""

import os
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.config import SandboxConfig
from sandbox.down import down
from sandbox.overlay import sandbox_stack
from sandbox.progress import Progress
from sandbox.pulumi import operations
from sandbox.pulumi.operations import Run
from sandbox.pulumi.settings import StackConfig
from sandbox.pulumi.workspace import Workspace
from sandbox.rehearsal import Rehearsal
from sandbox.up import start_parts
from tests.sandbox.networks import free_network

ROOT = Path(__file__).parent.parent.parent
NETWORK = free_network()


@dataclass(frozen=True)
class Ground:
    """A GitHub and an empty cluster, and the settings of a platform on them."""

    config: SandboxConfig
    settings: StackConfig
    place: Workspace

    def state(self) -> list[dict[str, Any]]:
        """The resources that the stack holds."""
        exported = self.place.open(self.settings).export_stack()
        return (exported.deployment or {}).get("resources", [])

    def kubectl(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.config.commands / "kubectl"), "--kubeconfig", str(self.config.kubeconfig), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def has(self, manifest: dict[str, Any]) -> bool:
        """Whether the cluster has an object; it has none of a kind that it does not know."""
        group, _, version = manifest["apiVersion"].rpartition("/")
        kind = f"{manifest['kind']}.{version}.{group}"
        namespace = manifest["metadata"].get("namespace", "default")
        return not self.kubectl("get", kind, manifest["metadata"]["name"], "--namespace", namespace).returncode

    def repositories(self) -> set[str]:
        """The repositories that are on GitHub, archived or not."""
        return {found["name"] for found in Rehearsal(self.config).github("GET", "/orgs/acme/repos")}


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    if os.geteuid() != 0:
        pytest.skip("the sandbox's node needs root")
    folder = tmp_path_factory.mktemp("pulumi") / "state"
    environment = os.environ | {"SLIPWAY_SANDBOX_DIR": str(folder), "SLIPWAY_SANDBOX_NETWORK": NETWORK}
    config = SandboxConfig.from_environment(environment, ROOT)
    progress = Progress(quiet=True)
    try:
        place = start_parts(config, progress)
        yield Ground(config, sandbox_stack(config), place)
    finally:
        down(config, progress)


@pytest.fixture(scope="module")
def deployed(ground: Ground) -> Run:
    """The platform, made by the first `pulumi up`."""
    return operations.up(ground.place, ground.settings)


def with_another_role(settings: StackConfig) -> StackConfig:
    """The same settings, but one member of one team may do more."""
    teams = deepcopy(settings.values["slipway:teams"])
    member = next(member for team in teams for member in team["members"] if member["login"] == "sam")
    member["role"] = "maintainer"
    return replace(settings, values=settings.values | {"slipway:teams": teams})


def test_a_preview_on_an_empty_cluster_creates_everything_and_nothing_yet(ground: Ground) -> None:
    """Also what is of kinds that the cluster does not know before Argo CD is there."""
    before = ground.repositories()
    assert set(operations.preview(ground.place, ground.settings).counts) == {"create"}
    assert ground.repositories() == before


def test_the_first_up_creates_and_changes_nothing(ground: Ground, deployed: Run) -> None:
    assert set(deployed.counts) <= {"create", "same", "read"}
    assert deployed.counts["create"] > 60
    assert {"environments", "guestbook", "clock"} <= ground.repositories()


def test_secrets_do_not_lie_in_the_state(ground: Ground, deployed: Run) -> None:
    assert deployed.total
    files = [path for path in (ground.config.directory / "pulumi" / "state").rglob("*") if path.is_file()]
    assert files
    for key in ground.settings.secrets:
        # A whole line of it: JSON escapes the line breaks of a key.
        line = max(str(ground.settings.values[key]).splitlines(), key=len)
        assert not [path.name for path in files if line in path.read_text(errors="replace")], key


def test_a_second_preview_shows_no_change(ground: Ground, deployed: Run) -> None:
    assert operations.preview(ground.place, ground.settings).counts == {"same": deployed.total}


def test_a_second_up_changes_nothing(ground: Ground, deployed: Run) -> None:
    again = operations.up(ground.place, ground.settings)
    assert not again.changed
    assert again.exports == deployed.exports


def test_a_refresh_finds_no_drift(ground: Ground, deployed: Run) -> None:
    """Jobs have run and Argo CD has synced by then; that is not drift.

    What a refresh itself counts as an update may be a count of commits or an ETag: what matters is that nothing is
    lost, and that there is nothing to mend.
    """
    assert set(operations.refresh(ground.place, ground.settings).counts) <= {"same", "update"}
    assert operations.preview(ground.place, ground.settings, refresh=True).counts == {"same": deployed.total}


def test_one_changed_setting_is_one_update(ground: Ground, deployed: Run) -> None:
    changed = with_another_role(ground.settings)
    total = deployed.total
    assert operations.preview(ground.place, changed).counts == {"update": 1, "same": total - 1}
    done = operations.up(ground.place, changed)
    assert done.counts == {"update": 1, "same": total - 1}
    team = Rehearsal(ground.config).github("GET", "/orgs/acme/teams/web/memberships/sam")
    assert team["role"] == "maintainer"


def test_a_destroy_keeps_repositories_and_empties_the_cluster(ground: Ground, deployed: Run) -> None:
    assert deployed.total
    repositories = ground.repositories()
    objects = [
        resource["outputs"]
        for resource in ground.state()
        if resource["type"].startswith("kubernetes:") and {"apiVersion", "kind"} <= set(resource.get("outputs", {}))
    ]
    assert objects
    operations.destroy(ground.place, ground.settings)
    assert not ground.state()
    assert ground.repositories() == repositories
    # The workloads of production outlive their Applications (`removal: orphan`), and so do their namespaces.
    left = {(found["kind"], found["metadata"]["name"]) for found in objects if ground.has(found)}
    assert left == {("Namespace", "clock-production"), ("Namespace", "guestbook-production")}
    assert "namespace/argocd" not in ground.kubectl("get", "namespaces", "--output", "name").stdout
