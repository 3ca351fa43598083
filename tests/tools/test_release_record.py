"""A Helm release that was cut off in the middle of an operation can be installed or upgraded again."""

from pathlib import Path
from typing import Any, cast

import pytest

from sandbox.argocd import release
from sandbox.cluster import Cluster
from sandbox.config import SandboxConfig


class Records:
    """The records of a release in a cluster, by version."""

    def __init__(self, *statuses: str) -> None:
        self.left = {f"v{number}": status for number, status in enumerate(statuses, 1)}

    def secrets(self, _namespace: str, labels: str) -> list[dict[str, Any]]:
        assert labels == "owner=helm,name=argocd"
        # As the API does, by name: v10 before v2.
        return [
            {"metadata": {"name": name, "labels": {"version": name[1:], "status": status}}}
            for name, status in sorted(self.left.items())
        ]

    def delete_secret(self, _namespace: str, name: str) -> None:
        del self.left[name]


@pytest.fixture
def config(tmp_path: Path) -> SandboxConfig:
    """A sandbox whose helm writes down what it is told."""
    config = SandboxConfig(tmp_path, tmp_path / "box", "10.249", tmp_path / "cache")
    config.commands.mkdir(parents=True)
    helm = config.commands / "helm"
    helm.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/told\n')
    helm.chmod(0o755)
    return config


@pytest.mark.parametrize(
    ("statuses", "revision"),
    [
        (("superseded",) * 8 + ("deployed", "pending-upgrade"), "9"),
        (("deployed", "failed", "pending-rollback"), "1"),
        (("deployed", "failed"), "1"),
    ],
)
def test_what_was_cut_off_is_rolled_back_to_what_was_deployed(
    config: SandboxConfig, statuses: tuple[str, ...], revision: str
) -> None:
    records = Records(*statuses)
    (said,) = release.mend(config, cast(Cluster, records))
    assert statuses[-1] in said
    assert (config.root / "told").read_text().endswith(f"--namespace argocd rollback argocd {revision}\n")
    assert len(records.left) == len(statuses)


@pytest.mark.parametrize(
    "statuses", [("pending-install",), ("failed",), ("failed", "pending-upgrade"), ("superseded", "uninstalling")]
)
def test_what_never_was_there_as_a_whole_is_installed_again(config: SandboxConfig, statuses: tuple[str, ...]) -> None:
    records = Records(*statuses)
    (said,) = release.mend(config, cast(Cluster, records))
    assert statuses[-1] in said
    assert records.left == {}


@pytest.mark.parametrize("statuses", [(), ("deployed",), ("superseded", "deployed")])
def test_a_release_at_rest_is_left_alone(config: SandboxConfig, statuses: tuple[str, ...]) -> None:
    records = Records(*statuses)
    assert release.mend(config, cast(Cluster, records)) == []
    assert len(records.left) == len(statuses)
    assert not (config.root / "told").exists()
