"""The cluster's DNS: CoreDNS as an ordinary Deployment."""

from collections.abc import Iterator
from typing import Any

from sandbox.config import SandboxConfig
from sandbox.images.catalog import COREDNS

NAMESPACE = "kube-system"
NAME = "coredns"

_PORT = 5353
_LABELS = {"k8s-app": "kube-dns"}


def corefile(config: SandboxConfig) -> str:
    """Names of Services and of the sandbox's own hosts; nothing is asked of the world outside."""
    return f"""\
.:{_PORT} {{
    errors
    health :8080
    ready :8181
    hosts {{
        {config.github_ip} github.sandbox
        {config.registry_ip} registry.sandbox
        fallthrough
    }}
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        pods insecure
        ttl 5
        fallthrough in-addr.arpa ip6.arpa
    }}
    cache 5
    reload 5s
}}
"""


def objects(config: SandboxConfig) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object with the path of its collection, in the order to apply them."""
    core, rbac = f"/api/v1/namespaces/{NAMESPACE}", "/apis/rbac.authorization.k8s.io/v1"
    yield f"{core}/serviceaccounts", _object("v1", "ServiceAccount", NAME)
    rules = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"system:{NAME}"}
    subject = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
    version = "rbac.authorization.k8s.io/v1"
    yield f"{rbac}/clusterroles", _object(version, "ClusterRole", f"system:{NAME}", namespace=None, rules=rules)
    yield (
        f"{rbac}/clusterrolebindings",
        _object(version, "ClusterRoleBinding", f"system:{NAME}", namespace=None, roleRef=role, subjects=[subject]),
    )
    yield f"{core}/configmaps", _object("v1", "ConfigMap", NAME, data={"Corefile": corefile(config)})
    yield f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments", _deployment()
    ports = [
        {"name": name, "port": 53, "targetPort": _PORT, "protocol": protocol}
        for name, protocol in (("dns", "UDP"), ("dns-tcp", "TCP"))
    ]
    service = {"clusterIP": config.dns_ip, "selector": _LABELS, "ports": ports}
    yield f"{core}/services", _object("v1", "Service", "kube-dns", spec=service)


def _object(version: str, kind: str, name: str, namespace: str | None = NAMESPACE, **fields: object) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": _LABELS}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def _deployment() -> dict[str, Any]:
    container = {
        "name": NAME,
        "image": COREDNS,
        "args": ["-conf", "/etc/coredns/Corefile"],
        "ports": [
            {"name": "dns", "containerPort": _PORT, "protocol": "UDP"},
            {"name": "dns-tcp", "containerPort": _PORT, "protocol": "TCP"},
        ],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "livenessProbe": {"httpGet": {"path": "/health", "port": 8080}, "initialDelaySeconds": 5},
        "resources": {"requests": {"cpu": "10m", "memory": "30Mi"}, "limits": {"memory": "170Mi"}},
        "securityContext": {
            "runAsUser": 65534,
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "configuration", "mountPath": "/etc/coredns", "readOnly": True}],
    }
    pod = {
        "priorityClassName": "system-cluster-critical",
        "serviceAccountName": NAME,
        "dnsPolicy": "Default",
        "containers": [container],
        "volumes": [{"name": "configuration", "configMap": {"name": NAME}}],
    }
    spec = {
        "selector": {"matchLabels": _LABELS},
        "template": {"metadata": {"labels": _LABELS}, "spec": pod},
    }
    return _object("apps/v1", "Deployment", NAME, spec=spec)
