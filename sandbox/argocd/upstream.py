"""What Argo CD's own release manifests hold, sorted by the component that each object belongs to.

It decides which objects the sandbox's chart is made of; what an installation changes in them is the chart's templates'.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from sandbox.errors import SandboxError
from sandbox.fast_yaml import SafeLoader

KubernetesObject = dict[str, Any]

CRDS = "crds"
CONFIGURATION = "configuration"
COMPONENTS = {
    "application-controller": "controller",
    "applicationset-controller": "applicationSet",
    "notifications-controller": "notifications",
    "redis": "redis",
    "repo-server": "repoServer",
    "server": "server",
}
"""Component, as Argo CD's labels name it, to the key of its values in the official chart."""
LEFT_OUT = {"dex-server", "commit-server"}
"""Components that the sandbox never runs: no single sign-on, no manifest hydration."""
TEMPLATED = {
    ("Secret", "argocd-secret"),
    ("ConfigMap", "argocd-notifications-cm"),
    ("Secret", "argocd-notifications-secret"),
}
"""Objects whose whole content comes from values, so that the chart writes them itself."""


@dataclass(frozen=True)
class UpstreamObject:
    """One object of the release manifests."""

    group: str
    """Key of its component's values, or `crds`, or `configuration`."""
    content: KubernetesObject

    @property
    def file_name(self) -> str:
        return f"{self.content['kind'].lower()}-{self.content['metadata']['name']}.json"


def upstream_objects(manifests: Path) -> Iterator[UpstreamObject]:
    """The objects of `install.yaml` in a folder of release manifests, without metrics Services and optional components.

    Raises:
        SandboxError: the folder is not Argo CD's `manifests`, or has an object that this does not know to place.
    """
    path = manifests / "install.yaml"
    try:
        text = path.read_text()
    except OSError as error:
        raise SandboxError(
            f"{path}: {error.strerror}; the folder `manifests` of the Argo CD module is needed here"
        ) from error
    # The C loader: the CRDs alone are 30,000 lines, which takes the pure one a quarter of a minute.
    for content in cast(Iterator[KubernetesObject], yaml.load_all(text, Loader=SafeLoader)):
        group = _group(content)
        if group:
            yield UpstreamObject(group, content)


def _group(content: KubernetesObject) -> str | None:
    """The group of an object, None for one that does not go into the chart."""
    kind, name = content["kind"], content["metadata"]["name"]
    if kind == "CustomResourceDefinition":
        return CRDS
    if (kind, name) in TEMPLATED or (kind == "Service" and name.endswith("metrics")):
        return None
    component = _component(content)
    if component in LEFT_OUT:
        return None
    if component in COMPONENTS:
        return COMPONENTS[component]
    if kind == "ConfigMap":
        return CONFIGURATION
    raise SandboxError(
        f"{kind} {name}: Argo CD's manifests hold an object that sandbox/argocd/upstream.py cannot place"
    )


def _component(content: KubernetesObject) -> str | None:
    """The component an object is of: by its label, else by its name (NetworkPolicies have no label)."""
    labels: dict[str, str] = content["metadata"].get("labels") or {}
    if "app.kubernetes.io/component" in labels:
        return labels["app.kubernetes.io/component"]
    name = content["metadata"]["name"].removeprefix("argocd-").removesuffix("-network-policy")
    return name if name in COMPONENTS or name in LEFT_OUT else None
