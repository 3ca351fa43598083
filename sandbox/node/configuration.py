"""Configuration files of the node's daemons, written again at each start."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox import registry
from sandbox.images.catalog import PAUSE
from sandbox.node.layout import NODE_NAME, NodeLayout

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"

WANTED_SYSCTLS: Mapping[str, str] = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What the kubelet insists on. The box shows it these values; the machine keeps its own."""


def write(layout: NodeLayout, cni_plugins: Path, snapshotter: str) -> None:
    """Writes every file; `snapshotter` is how containerd stacks the layers of images (`overlayfs` or `native`)."""
    for folder in (layout.etc, layout.logs, layout.state / "sysctl", layout.etc / "cni", layout.registry):
        folder.mkdir(parents=True, exist_ok=True)
    hosts = layout.etc / "certs.d" / "_default"
    hosts.mkdir(parents=True, exist_ok=True)
    (hosts / "hosts.toml").write_text(_hosts(layout))
    (layout.etc / "containerd.toml").write_text(_containerd(layout, cni_plugins, snapshotter))
    (layout.etc / "registry.yaml").write_text(_json(registry.configuration(layout.registry, layout.config)))
    (layout.etc / "kubelet.yaml").write_text(_json(_kubelet(layout)))
    (layout.etc / "proxy.yaml").write_text(_json(_proxy(layout)))
    (layout.etc / "cni" / "10-sandbox.conflist").write_text(_json(_pod_network(layout)))
    # CoreDNS gets this one; it forwards nothing, so there is nothing to name.
    (layout.etc / "resolv.conf").write_text("nameserver 127.0.0.53\n")
    for name, value in WANTED_SYSCTLS.items():
        sysctl_file(layout, name).write_text(f"{value}\n")


def sysctl_file(layout: NodeLayout, name: str) -> Path:
    """The file that stands for an entry of `/proc/sys` in the box."""
    return layout.state / "sysctl" / name.replace("/", "_")


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"  # which is YAML


def _hosts(layout: NodeLayout) -> str:
    # As `_default` this answers for every registry, so manifests and charts keep the real names of their images.
    url = f"http://{layout.config.registry_host}"
    return f'server = "{url}"\n[host."{url}"]\n  capabilities = ["pull", "resolve"]\n'


def _containerd(layout: NodeLayout, cni_plugins: Path, snapshotter: str) -> str:
    # restrict_oom_score_adj: containers of a root without CAP_SYS_RESOURCE do not start otherwise.
    unused = ("snapshotter.v1.btrfs", "snapshotter.v1.zfs", "snapshotter.v1.aufs", "snapshotter.v1.devmapper")
    unused += ("internal.v1.opt", "internal.v1.tracing", "tracing.processor.v1.otlp")
    disabled = json.dumps([f"io.containerd.{plugin}" for plugin in unused])
    return f"""\
version = 2
root = "{layout.state / "containerd"}"
state = "/run/containerd"
imports = []
disabled_plugins = {disabled}

[grpc]
  address = "{CONTAINERD_SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  stream_server_address = "127.0.0.1"
  max_concurrent_downloads = 6

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni_plugins}"
    conf_dir = "{layout.etc / "cni"}"

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{layout.etc / "certs.d"}"
"""


def _pod_network(layout: NodeLayout) -> dict[str, Any]:
    # Point to point rather than a bridge: answers of a pod to its neighbour pass the node's routing, where a Service's
    # address is put back, without the br_netfilter module. Leases under /run are gone with the box.
    addresses = {
        "type": "host-local",
        "dataDir": "/run/cni/networks",
        "ranges": [[{"subnet": layout.config.pod_cidr}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugin = {"type": "ptp", "ipMasq": False, "ipam": addresses}
    return {"cniVersion": "0.4.0", "name": "sandbox", "plugins": [plugin]}


def _kubelet(layout: NodeLayout) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": layout.config.node_ip,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.name}",
        "clusterDNS": [layout.config.dns_ip],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "enforceNodeAllocatable": ["pods"],
        # Percentages of a developer's disk say nothing: full at 90 % may be 50 GB free.
        "evictionHard": {
            "memory.available": "200Mi",
            "nodefs.available": "1Gi",
            "imagefs.available": "1Gi",
            "nodefs.inodesFree": "1%",
        },
        "imageGCHighThresholdPercent": 99,
        "imageGCLowThresholdPercent": 98,
        "failCgroupV1": False,
        "failSwapOn": False,
        "healthzBindAddress": "127.0.0.1",
        "makeIPTablesUtilChains": False,
        "maxPods": 200,
        "oomScoreAdj": 0,  # a root without CAP_SYS_RESOURCE cannot lower it
        "podLogsDir": str(layout.state / "pod-logs"),
        "protectKernelDefaults": True,
        "readOnlyPort": 0,
        "registerNode": True,
        "resolvConf": str(layout.etc / "resolv.conf"),
        "serializeImagePulls": False,
        "syncFrequency": "5s",  # a crash loop shows within seconds
        "volumePluginDir": str(layout.state / "volume-plugins"),
    }


def _proxy(layout: NodeLayout) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "hostnameOverride": NODE_NAME,
        "clusterCIDR": layout.config.pod_cidr,
        "clientConnection": {"kubeconfig": str(layout.etc / "proxy.kubeconfig")},
        "bindAddress": layout.config.node_ip,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "nodePortAddresses": ["primary"],
        # With a second between syncs, a Service still leads to the old pods right after a rollout.
        "nftables": {"minSyncPeriod": "100ms"},
        # Connection tracking is limited for the whole machine; that is not the box's to change.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
