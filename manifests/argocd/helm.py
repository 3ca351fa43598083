"""Which Helm renders the charts: the one in Argo CD's image, with the versions and checksums of Argo CD's own build."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from manifests.model import ArgoCD

_OF_CHART = {"10.1.1": "3.4"}
"""The Argo CD that a version of the official chart brings."""


@dataclass(frozen=True)
class Helm:
    """A release of Helm."""

    version: str
    checksums: Mapping[str, str] = field(default_factory=dict[str, str])
    """SHA-256 of the archives for Linux, by architecture; without it, the one that Helm publishes counts."""


_KNOWN = {
    "3.4": Helm(
        "3.19.4",
        {
            "amd64": "759c656fbd9c11e6a47784ecbeac6ad1eb16a9e76d202e51163ab78504848862",
            "arm64": "9e1064f5de43745bdedbff2722a1674d0397bc4b4d8d8196d52a2b730909fe62",
        },
    ),
    "3.5": Helm(
        "4.2.1",
        {
            "amd64": "479dca836e5b45e8bd222400c5591b0e3a647378f03ff96597180db97c17fdae",
            "arm64": "596b9a73d366c1e72ce67d595c22805480e30914593aafbc9f547694e72814db",
        },
    ),
}


def helm_of(argocd: ArgoCD) -> Helm | None:
    """The Helm of an installation; None where the settings do not tell, and the platform does not know."""
    version = argocd.version or (None if argocd.chart_is_folder else _OF_CHART.get(argocd.chart_version))
    known = _KNOWN.get(".".join(version.removeprefix("v").split(".")[:2])) if version else None
    if argocd.helm_version is None or (known and known.version == argocd.helm_version):
        return known
    return Helm(argocd.helm_version)
