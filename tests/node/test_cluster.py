"""Which cluster a sandbox runs on, and what is taken from one that is there already."""

import contextlib
import os
import socket
from pathlib import Path

import pytest
import yaml

from sandbox import node
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.node import cluster, existing, kind, preflight
from sandbox.node.cluster import Cluster
from sandbox.progress import Progress


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (existing.VARIABLE, cluster.VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(kind, "is_possible", lambda: False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def kubeconfig(path: Path, **changes: object) -> Path:
    def entry(name: str, key: str, **content: str) -> dict[str, object]:
        return {"name": name, key: content}

    document = {
        "current-context": "mine",
        "contexts": [entry("mine", "context", cluster="c", user="u"), entry("other", "context", cluster="d", user="v")],
        "clusters": [entry("c", "cluster", server="https://c"), entry("d", "cluster", server="https://d")],
        "users": [entry("u", "user", token="t"), entry("v", "user", token="secret")],
        **changes,
    }
    path.write_text(yaml.safe_dump(document))
    return path


def test_a_machine_with_root_runs_its_own_node(config: SandboxConfig) -> None:
    assert cluster.choice(config) is Cluster.NODE


def test_without_root_a_docker_engine_runs_kind(config: SandboxConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(kind, "is_possible", lambda: True)
    assert cluster.choice(config) is Cluster.KIND


def test_without_root_and_docker_the_remedies_are_named(config: SandboxConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert len(node.check(config)) == 1
    assert "SLIPWAY_SANDBOX_KUBECONFIG" in node.check(config)[0]


def test_kind_that_was_asked_for_and_cannot_be_is_a_problem(
    config: SandboxConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cluster.VARIABLE, "kind")
    assert node.check(config)[0].startswith("kind:")


def test_an_unknown_cluster_is_refused(config: SandboxConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cluster.VARIABLE, "k3s")
    with pytest.raises(SandboxError, match="SLIPWAY_SANDBOX_CLUSTER"):
        cluster.choice(config)


def test_only_the_current_context_of_a_named_kubeconfig_is_taken(
    config: SandboxConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(existing.VARIABLE, str(kubeconfig(tmp_path / "kubeconfig")))
    node.start(config, Progress(quiet=True))
    document = yaml.safe_load(config.kubeconfig.read_text())
    assert document["current-context"] == "sandbox"
    assert "secret" not in config.kubeconfig.read_text()
    assert [entry["cluster"]["server"] for entry in document["clusters"]] == ["https://c"]
    node.stop(config)
    assert not config.kubeconfig.exists()
    assert (tmp_path / "kubeconfig").exists()


@pytest.mark.parametrize("broken", [{"current-context": "none"}, {"users": []}, {"contexts": None}])
def test_a_broken_kubeconfig_is_named(
    config: SandboxConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: dict[str, object]
) -> None:
    monkeypatch.setenv(existing.VARIABLE, str(kubeconfig(tmp_path / "kubeconfig", **broken)))
    with pytest.raises(SandboxError, match=str(tmp_path / "kubeconfig")):
        node.start(config, Progress(quiet=True))


@pytest.mark.parametrize(("said", "fits"), [("kind v0.26.0 go1.23.4 linux/amd64", False), ("kind v0.27.0", True)])
def test_kind_has_containerd_2_and_its_configuration(config: SandboxConfig, said: str, fits: bool) -> None:
    with contextlib.nullcontext() if fits else pytest.raises(SandboxError, match="or newer"):
        kind.check_version(said)
    assert "containerdConfigPatches" not in kind.cluster(config), "a patch of the old section changes nothing there"


def test_kind_gets_the_sandbox_s_networks(config: SandboxConfig) -> None:
    networking = kind.cluster(config)["networking"]
    assert networking == {"podSubnet": config.pod_cidr, "serviceSubnet": config.service_cidr}


def test_an_occupied_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert str(port) in (preflight.port_problem("127.0.0.1", port, "a test") or "")
    assert preflight.port_problem("127.0.0.1", port, "a test") is None
