"""What the node's daemons are told, and what the node is called."""

import json
import stat
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.config import SandboxConfig
from sandbox.node import certificates, cgroups, configuration, coredns, dns
from sandbox.node.daemons import daemons
from sandbox.node.layout import NodeLayout


@pytest.fixture
def layout(config: SandboxConfig) -> NodeLayout:
    return NodeLayout(config)


@pytest.mark.parametrize("network", ["10.201", "255.255"])
def test_a_link_has_no_more_than_fifteen_characters(config: SandboxConfig, network: str) -> None:
    name = NodeLayout(SandboxConfig(config.root, config.directory, network, config.cache)).name
    assert len(name) <= 15
    assert "." not in name


def test_every_configuration_file_can_be_read(layout: NodeLayout) -> None:
    configuration.write(layout, Path("/cni"), "overlayfs")
    assert tomllib.loads((layout.etc / "containerd.toml").read_text())["version"] == 2
    assert tomllib.loads((layout.etc / "certs.d" / "_default" / "hosts.toml").read_text())["server"]
    for name in ("kubelet.yaml", "proxy.yaml", "registry.yaml", "cni/10-sandbox.conflist"):
        assert yaml.safe_load((layout.etc / name).read_text())


def test_daemons_wait_for_daemons_that_there_are(layout: NodeLayout) -> None:
    found = daemons(layout, Path("/kubernetes"), Path("/packages"))
    names = {daemon.name for daemon in found}
    awaited = set(chain.from_iterable(daemon.after for daemon in found))
    assert awaited
    assert awaited <= {daemon.name for daemon in found if daemon.ready_url}
    assert {"etcd", "containerd", "registry", "kubelet", "kube-proxy"} <= names


def test_all_addresses_are_of_the_sandbox_s_network(layout: NodeLayout) -> None:
    configuration.write(layout, Path("/cni"), "overlayfs")
    spec = json.dumps([daemon.document() for daemon in daemons(layout, Path("/k"), Path("/p"))])
    written = "".join(path.read_text() for path in layout.etc.rglob("*") if path.is_file())
    assert "10.250." in spec
    assert "10.201." not in spec + written


def test_certificates_are_made_once(layout: NodeLayout) -> None:
    certificates.write(layout)
    was = (layout.pki / "ca.crt").read_bytes(), layout.config.kubeconfig.stat().st_mtime_ns
    certificates.write(layout)
    assert was == ((layout.pki / "ca.crt").read_bytes(), layout.config.kubeconfig.stat().st_mtime_ns)


def test_half_written_certificates_are_made_anew(layout: NodeLayout) -> None:
    certificates.write(layout)
    was = (layout.pki / "ca.crt").read_bytes()
    (layout.pki / "complete").unlink()
    certificates.write(layout)
    assert (layout.pki / "ca.crt").read_bytes() != was


def test_keys_are_for_their_owner_only(layout: NodeLayout) -> None:
    certificates.write(layout)
    secret = [*layout.pki.glob("*.key"), layout.config.kubeconfig, *layout.etc.glob("*.kubeconfig")]
    assert len(secret) > 10
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}


def test_the_api_server_is_known_by_its_names_and_addresses(layout: NodeLayout) -> None:
    certificates.write(layout)
    authority, server = (
        x509.load_pem_x509_certificate((layout.pki / f"{name}.crt").read_bytes()) for name in ("ca", "apiserver")
    )
    server.verify_directly_issued_by(authority)
    assert isinstance(server.public_key(), ec.EllipticCurvePublicKey)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "kubernetes.default.svc" in names.get_values_for_type(x509.DNSName)
    assert {str(address) for address in names.get_values_for_type(x509.IPAddress)} == {
        "127.0.0.1",
        layout.config.node_ip,
        layout.config.api_ip,
    }


def test_the_administrator_s_kubeconfig_leads_to_the_node(layout: NodeLayout) -> None:
    certificates.write(layout)
    document = yaml.safe_load(layout.config.kubeconfig.read_text())
    assert document["current-context"] == "sandbox"
    assert document["clusters"][0]["cluster"]["server"] == "https://10.250.0.2:6443"


def test_dns_objects_are_applied_to_their_own_collections(config: SandboxConfig) -> None:
    for path, document in coredns.objects(config):
        assert path.endswith(f"{document['kind'].lower()}s")
        assert ("/namespaces/" in path) == ("namespace" in document["metadata"])


def test_no_answer_of_a_dns_server_is_a_no() -> None:
    assert not dns.answers("127.0.0.1", "kubernetes.default", timeout=0.1)


def test_hierarchies_are_told_apart_by_their_kind(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
        "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n"
        "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
    )
    assert cgroups.hierarchies(mounts) == [Path("/sys/fs/cgroup/cpu,cpuacct")]
    assert cgroups.hierarchies(mounts, "cgroup2") == [Path("/sys/fs/cgroup/unified")]


def test_a_group_of_version_one_starts_with_its_parent_s_processors(tmp_path: Path) -> None:
    root = tmp_path / "cpuset"
    (root / "box").mkdir(parents=True)
    for name, value in (("cpuset.cpus", "0-1\n"), ("cpuset.mems", "0\n")):
        (root / name).write_text(value)
        (root / "box" / name).write_text("\n")
    cgroups._create_v1([root], "box")  # pyright: ignore[reportPrivateUsage]
    assert (root / "box" / "cpuset.cpus").read_text() == "0-1\n"


def test_a_unified_group_is_offered_what_the_machine_offers(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids rdma misc\n")
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory\n")
    cgroups._create_unified(tmp_path, "box")  # pyright: ignore[reportPrivateUsage]
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpuset +pids +io"
    assert (tmp_path / "box" / "cgroup.subtree_control").read_text() == "+cpuset +cpu +memory +pids +io"
