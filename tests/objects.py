"""Examples of objects: each is given to the check of pull requests, and to Kubernetes."""

import copy
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from sandbox.fast_yaml import SafeLoader

Manifest = dict[str, Any]


def workload(kind: str = "Deployment", container: Manifest | None = None, **pod: Any) -> Manifest:
    """A workload with nothing wrong in it but what it is given."""
    containers = [{"name": "web", "image": "x", **(container or {})}]
    own = {"containers": containers, **({"restartPolicy": "Never"} if kind in {"Job", "CronJob"} else {}), **pod}
    spec: Manifest = {"template": {"spec": own}}
    if kind == "Deployment":
        labels = {"app": "a"}
        spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": own}}
    if kind == "CronJob":
        spec = {"schedule": "0 0 * * *", "jobTemplate": {"spec": spec}}
    group = "batch" if kind in {"Job", "CronJob"} else "apps"
    return {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "a"}, "spec": spec}


def _of(text: str) -> Manifest:
    # One text is a megabyte long, and all tests are read by each process of a run.
    return {"metadata": {}, **yaml.load(text, SafeLoader)}


def _resources(**resources: Manifest) -> Manifest:
    return workload(container={"resources": resources})


def _ingress(host: str = "a.example.com", path: str = "/", kind: str = "Prefix") -> Manifest:
    backend = {"service": {"name": "a", "port": {"number": 80}}}
    rule = {"host": host, "http": {"paths": [{"path": path, "pathType": kind, "backend": backend}]}}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {}, "spec": {"rules": [rule]}}


def _scaled(**spec: Any) -> Manifest:
    whole = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}, **spec}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {}, "spec": whole}


REFUSED: tuple[tuple[Manifest, str], ...] = (
    ({**workload("CronJob"), "apiVersion": "batch/v1beta1"}, "use batch/v1"),
    (_of("{apiVersion: autoscaling/v2beta2, kind: HorizontalPodAutoscaler}"), "use autoscaling/v2"),
    (_of("{apiVersion: v1, kind: ConfigMap, metadata: {labels: {version: 1.0+b}}}"), "labels.version '1.0+b' is not"),
    (_of("{apiVersion: v1, kind: ConfigMap, metadata: {labels: {a b: c}}}"), "labels key 'a b' is not"),
    (_of("{apiVersion: v1, kind: ConfigMap, metadata: {annotations: {a/b/c: d}}}"), "annotations key 'a/b/c' is not"),
    (
        _of(f"{{apiVersion: v1, kind: ConfigMap, metadata: {{annotations: {{a: {'x' * 262_144}}}}}}}"),
        "than 262,144 bytes",
    ),
    (_of("{apiVersion: v1, kind: ConfigMap, data: {a/b: c}}"), "'a/b' is not a key"),
    (_of(f"{{apiVersion: v1, kind: ConfigMap, data: {{a: {'x' * 1_048_577}}}}}"), "at most 1,048,576"),
    (_of("{apiVersion: v1, kind: Service, metadata: {name: a.b}, spec: {ports: [{port: 80}]}}"), "a DNS label"),
    (_of("{apiVersion: v1, kind: Service, metadata: {name: 1a}, spec: {ports: [{port: 80}]}}"), "a letter first"),
    (_of("{apiVersion: v1, kind: Service, spec: {selector: {}}}"), "spec.ports is empty"),
    (_of("{apiVersion: v1, kind: Service, spec: {ports: [{port: 80}, {port: 81}]}}"), "one without a name"),
    (
        _of("{apiVersion: v1, kind: Service, spec: {ports: [{port: '80'}]}}"),
        "port is '80', and Kubernetes wants a whole number",
    ),
    (_ingress("10.0.0.1"), "without a port"),
    (_ingress("A.example.com"), "small letters"),
    (_ingress("a.example.com:80"), "without a port"),
    (_ingress(path="x"), "does not begin with a slash"),
    (_ingress(path="/a//b"), "an empty one, dots"),
    (_ingress(path="/a/../b", kind="Exact"), "an empty one, dots"),
    (_scaled(minReplicas=3, maxReplicas=2), "spec.maxReplicas 2 is below minReplicas 3"),
    (workload(container={"name": "My_C"}), "no name that Kubernetes takes"),
    (workload(initContainers=[{"name": "web", "image": "x"}]), "is there 2 times"),
    (workload(container={"ports": [{"containerPort": "8080"}]}), "without quotes"),
    (workload(container={"ports": [{"containerPort": 80800}]}), "containerPort 80800 is not accepted"),
    (workload(restartPolicy="OnFailure"), "restart always"),
    (workload("Job", restartPolicy="Always"), "use Never or OnFailure"),
    (workload("CronJob", restartPolicy=None), "use Never or OnFailure"),
    (_resources(limits={"memory": "128MB"}), "is not a quantity"),
    (_resources(limits={"cpu": "-1"}), "is not a quantity"),
    (_resources(requests={"cpu": 2}, limits={"cpu": "1500m"}), "at most its limit"),
    (_resources(limits={"nvidia.com/gpu": "500m"}), "use a whole number"),
    (_resources(requests={"nvidia.com/gpu": 1}), "limits.nvidia.com/gpu is missing"),
    ({**workload(), "spec": {"replicas": "2", **workload()["spec"]}}, "'2', and Kubernetes wants a whole number"),
)
"""Refused by both, with what the check says of it."""

UNHEEDED: tuple[tuple[dict[str, str], str], ...] = (
    ({"helm.sh/hook": "pre-instal"}, "'pre-instal'"),
    ({"argocd.argoproj.io/hook": "presync"}, "'presync'"),
    ({"argocd.argoproj.io/sync-wave": "first"}, "takes 0"),
    ({"argocd.argoproj.io/hook-delete-policy": "hook-failed"}, "does not know 'hook-failed'"),
)
"""Annotations that Kubernetes takes, and that do nothing in Argo CD."""

TAKEN: tuple[Manifest, ...] = (
    _ingress(),
    _ingress("*.example.com", "/a..b", "Exact"),
    _ingress("", "/a//b", "ImplementationSpecific"),
    _scaled(maxReplicas=2),
    workload(),
    workload("Job"),
    workload("CronJob"),
    workload(initContainers=[{"name": "side", "image": "x", "restartPolicy": "Always"}]),
    _resources(requests={"cpu": 0.5, "memory": "1e6"}, limits={"memory": "1Gi"}),
    _resources(limits={"nvidia.com/gpu": 1, "ephemeral-storage": "2Gi"}),
    _resources(limits={"cpu": "0.5", "memory": "1.5Gi"}),
    {**workload(), "spec": {"replicas": 2.0, **workload()["spec"]}},
    _of("{apiVersion: v1, kind: Service, spec: {type: ExternalName, externalName: db.example.com}}"),
    _of("{apiVersion: v1, kind: Service, spec: {clusterIP: None}}"),
    _of("{apiVersion: v1, kind: ConfigMap, metadata: {annotations: {Example.com/Key: a b}, labels: {a: ''}}}"),
    _of(f"{{apiVersion: v1, kind: ConfigMap, binaryData: {{a: {'A' * 1_300_000}}}}}"),
    *(
        _of(f"{{apiVersion: v1, kind: ConfigMap, metadata: {{annotations: {{{key}: '{value}'}}}}}}")
        for key, value in (("argocd.argoproj.io/hook", "PreSync, Sync"), ("argocd.argoproj.io/sync-wave", "-5"))
    ),
)
"""Taken by both."""


def _secured(container: Manifest | None = None, **pod: Any) -> Manifest:
    """A pod that every level of Pod Security takes, but for what it is given."""
    own: Manifest = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    shared: Manifest = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    web: Manifest = {"name": "web", "image": "x", **(container or {})}
    web["securityContext"] = own | web.get("securityContext", {})
    return {"containers": [web], **pod, "securityContext": shared | pod.get("securityContext", {})}


def _allowed(**security: Any) -> Manifest:
    return _secured({"securityContext": security})


PODS: tuple[tuple[Manifest, str], ...] = (
    (_secured(), "restricted"),
    (_allowed(runAsNonRoot=True, runAsUser=1000), "restricted"),
    (_allowed(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}), "restricted"),
    (_secured(volumes=[{"name": "a", "emptyDir": {}}, {"name": "b", "configMap": {"name": "c"}}]), "restricted"),
    (_secured(securityContext={"seccompProfile": {"type": "Localhost", "localhostProfile": "a"}}), "restricted"),
    ({"containers": [{"name": "web", "image": "x"}]}, "baseline"),
    (_secured(initContainers=[{"name": "first", "image": "x"}]), "baseline"),
    (_allowed(allowPrivilegeEscalation=True), "baseline"),
    (_allowed(capabilities={"drop": ["NET_RAW"]}), "baseline"),
    (_allowed(capabilities={"drop": ["ALL"], "add": ["CHOWN"]}), "baseline"),
    (_allowed(runAsNonRoot=False), "baseline"),
    (_allowed(runAsUser=0), "baseline"),
    (_secured(securityContext={"seccompProfile": None}), "baseline"),
    (_secured(volumes=[{"name": "a", "nfs": {"server": "b", "path": "/c"}}]), "baseline"),
    (_allowed(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}), "privileged"),
    (_allowed(seccompProfile={"type": "Unconfined"}), "privileged"),
    (_secured(securityContext={"seccompProfile": {"type": "Unconfined"}}), "privileged"),
    (_secured({"securityContext": {"allowPrivilegeEscalation": None, "privileged": True}}), "privileged"),
    (_secured({"ports": [{"containerPort": 80, "hostPort": 80}]}), "privileged"),
    (_secured(hostNetwork=True), "privileged"),
    (_secured(hostPID=True), "privileged"),
    (_secured(volumes=[{"name": "a", "hostPath": {"path": "/"}}]), "privileged"),
)
"""Pods, each with the strictest level of Pod Security that takes it."""
LEVELS = ("privileged", "baseline", "restricted")


_KNOWN = Path(__file__).with_name("kubernetes_objects.yaml")


@functools.cache
def _known() -> Manifest:
    return yaml.load(_KNOWN.read_text(), SafeLoader)


def base(kind: str) -> Manifest:
    """An object with nothing wrong in it."""
    return copy.deepcopy(_known()["bases"][kind])


def examples(verdict: str) -> Iterator[tuple[str, Manifest]]:
    """The objects of `kubernetes_objects.yaml` that are `refused` or `taken`, by what is changed in them."""
    known = _known()
    for kind, changes in known[verdict].items():
        for change in changes:
            manifest = copy.deepcopy(known["bases"]["Deployment" if kind == "pod" else kind])
            for path, value in change.items():
                inner = path.replace("c.", "containers.0.", 1) if path.startswith("c.") else path
                put(manifest, f"spec.template.spec.{inner}" if kind == "pod" else inner, value)
            yield f"{kind} {change}", manifest


def put(manifest: Manifest, path: str, value: object) -> None:
    """Write a value at a place of an object; a place that ends in ! is taken out."""
    *keys, last = (int(key) if key.isdigit() else key for key in path.removesuffix("!").split("."))
    here: Any = manifest
    for key in keys:
        here = here.setdefault(key, {}) if isinstance(here, dict) else here[key]
    if path.endswith("!"):
        del here[last]
    else:
        here[last] = value
