"""The daemons of the node: their command lines, what each waits for, and how it is known to be ready."""

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sandbox.images.catalog import ARGOCD, PYTHON, REDIS
from sandbox.node.configuration import CONTAINERD_SOCKET
from sandbox.node.layout import API_PORT, NODE_NAME, NodeLayout

_ETCD = "http://127.0.0.1:2379"


@dataclass(frozen=True)
class Daemon:
    """One program that the box keeps running."""

    name: str
    command: list[str]
    after: tuple[str, ...] = ()
    """Daemons that have to be ready before this one is started."""
    ready_url: str | None = None
    """Answers with 200 once the daemon is ready; None where nothing waits for it."""
    ready_ca: str | None = None
    """The authority of that address, where it is https."""
    once: bool = False
    """Whether it ends by itself and is then left alone."""

    def document(self) -> dict[str, Any]:
        return asdict(self)


def daemons(layout: NodeLayout, kubernetes: Path, packages: Path) -> list[Daemon]:
    """All of them; `kubernetes` is the folder of the multi-call binary, `packages` that of Debian's."""
    etc, binaries = layout.etc, packages / "usr" / "bin"
    registry = Daemon(
        "registry",
        [str(binaries / "docker-registry"), "serve", str(etc / "registry.yaml")],
        ready_url=f"http://{layout.config.registry_host}/",
    )
    return [
        _etcd(layout, kubernetes),
        Daemon("containerd", [str(binaries / "containerd"), "--config", str(etc / "containerd.toml")]),
        # A second cluster pulls from the registry of the first, and Argo CD is not on it.
        *([registry, _prefetch(layout, binaries)] if layout.config.number == 1 else []),
        _apiserver(layout, kubernetes),
        _controller_manager(layout, kubernetes),
        _scheduler(layout, kubernetes),
        _kubelet(layout, kubernetes),
        Daemon(
            "kube-proxy",
            [str(kubernetes / "kube-proxy"), *_flags(config=etc / "proxy.yaml")],
            after=("kube-apiserver",),
        ),
    ]


def _flags(**flags: object) -> list[str]:
    def text(value: object) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    return [f"--{name.replace('_', '-')}={text(value)}" for name, value in flags.items()]


def _prefetch(layout: NodeLayout, binaries: Path) -> Daemon:
    """Pulls the large images while the API server starts; pods that want them later find them there."""
    control = shlex.join([str(binaries / "ctr"), "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io"])
    pull = f"{control} images pull --hosts-dir {shlex.quote(str(layout.etc / 'certs.d'))}"
    lines = [f"until {control} version >/dev/null 2>&1; do sleep 0.1; done"]
    # A missing one is not a failure here: the kubelet reports it when a pod needs it.
    lines += [f"{pull} {image} >/dev/null || true" for image in (ARGOCD, REDIS, PYTHON)]
    return Daemon("prefetch", ["/bin/sh", "-c", "\n".join(lines)], after=("registry",), once=True)


def _etcd(layout: NodeLayout, kubernetes: Path) -> Daemon:
    flags = _flags(
        data_dir=layout.state / "etcd",
        listen_client_urls=_ETCD,
        advertise_client_urls=_ETCD,
        listen_peer_urls="http://127.0.0.1:2380",
        # The sandbox may lose its last second when the machine crashes; it need not wait for the disk all day.
        unsafe_no_fsync=True,
        log_level="warn",
    )
    return Daemon("etcd", [str(kubernetes / "etcd"), *flags], ready_url=f"{_ETCD}/health")


def _apiserver(layout: NodeLayout, kubernetes: Path) -> Daemon:
    pki, config = layout.pki, layout.config
    flags = _flags(
        etcd_servers=_ETCD,
        advertise_address=config.node_ip,
        secure_port=API_PORT,
        service_cluster_ip_range=config.service_cidr,
        client_ca_file=pki / "ca.crt",
        tls_cert_file=pki / "apiserver.crt",
        tls_private_key_file=pki / "apiserver.key",
        # Without these the controller manager and the scheduler report errors all day.
        requestheader_client_ca_file=pki / "front-ca.crt",
        requestheader_allowed_names="front-proxy",
        requestheader_username_headers="X-Remote-User",
        requestheader_group_headers="X-Remote-Group",
        requestheader_extra_headers_prefix="X-Remote-Extra-",
        proxy_client_cert_file=pki / "front.crt",
        proxy_client_key_file=pki / "front.key",
        service_account_key_file=pki / "service-accounts.pub",
        service_account_signing_key_file=pki / "service-accounts.key",
        service_account_issuer="https://kubernetes.default.svc.cluster.local",
        kubelet_client_certificate=pki / "apiserver-kubelet.crt",
        kubelet_client_key=pki / "apiserver-kubelet.key",
        kubelet_preferred_address_types="InternalIP",
        authorization_mode="Node,RBAC",
        enable_admission_plugins="NodeRestriction",
        allow_privileged=True,
    )
    return Daemon(
        "kube-apiserver",
        [str(kubernetes / "kube-apiserver"), *flags],
        after=("etcd",),
        ready_url=f"https://127.0.0.1:{API_PORT}/readyz",
        ready_ca=str(pki / "ca.crt"),
    )


def _controller_manager(layout: NodeLayout, kubernetes: Path) -> Daemon:
    pki, kubeconfig = layout.pki, layout.etc / "controller-manager.kubeconfig"
    flags = _flags(
        kubeconfig=kubeconfig,
        authentication_kubeconfig=kubeconfig,
        authorization_kubeconfig=kubeconfig,
        bind_address="127.0.0.1",
        service_account_private_key_file=pki / "service-accounts.key",
        root_ca_file=pki / "ca.crt",
        cluster_signing_cert_file=pki / "ca.crt",
        cluster_signing_key_file=pki / "ca.key",
        use_service_account_credentials=True,
        leader_elect=False,
        allocate_node_cidrs=False,
    )
    return Daemon(
        "kube-controller-manager", [str(kubernetes / "kube-controller-manager"), *flags], after=("kube-apiserver",)
    )


def _scheduler(layout: NodeLayout, kubernetes: Path) -> Daemon:
    kubeconfig = layout.etc / "scheduler.kubeconfig"
    flags = _flags(
        kubeconfig=kubeconfig,
        authentication_kubeconfig=kubeconfig,
        authorization_kubeconfig=kubeconfig,
        bind_address="127.0.0.1",
        leader_elect=False,
    )
    return Daemon("kube-scheduler", [str(kubernetes / "kube-scheduler"), *flags], after=("kube-apiserver",))


def _kubelet(layout: NodeLayout, kubernetes: Path) -> Daemon:
    flags = _flags(
        config=layout.etc / "kubelet.yaml",
        kubeconfig=layout.etc / "kubelet.kubeconfig",
        root_dir=layout.state / "kubelet",
        hostname_override=NODE_NAME,
        node_ip=layout.config.node_ip,
    )
    return Daemon("kubelet", [str(kubernetes / "kubelet"), *flags], after=("kube-apiserver",))
