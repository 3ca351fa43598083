"""Names of images that a registry would not take, or that are surely a mistake."""

from collections.abc import Iterator

from manifests.model import ArgoCD, Attestations, GitHub, Registry, Sbom
from manifests.model.base import DOCKER_HUB
from stacks.problems import Problem
from stacks.reading import Found

_ONE_LEVEL = {DOCKER_HUB: "Docker Hub", "quay.io": "Quay"}
"""Registries whose images are `<account>/<name>`."""
_ARTIFACT_REGISTRY = "-docker.pkg.dev"


def check_images(registry: Found[Registry] | None, github: Found[GitHub] | None) -> Iterator[Problem]:
    """What is wrong with where images of services would be."""
    if registry is None or github is None or registry.broken & {"host", "namespace"} or "owner" in github.broken:
        return
    server, *path = registry.value.host.split("/")
    owner = github.value.owner.lower()
    own = registry.value.namespace
    image = f"{registry.value.host}/{own or owner}/<service>"
    above = [*path, *(own or owner).split("/")]
    if own is None and path and path[-1] == owner:
        text = f"images would be {image}; use `host: {'/'.join([server, *path[:-1]])}`, or set `namespace` to mean that"
        yield Problem(registry.at("host"), text)
    elif server in _ONE_LEVEL and len(above) > 1:
        text = f"images would be {image}, and {_ONE_LEVEL[server]} has one name before that of the service"
        yield Problem(registry.at("host"), f"{text}; use `host: {server}`, and the account as `namespace`")
    elif server.endswith(_ARTIFACT_REGISTRY) and len(above) < 2:
        text = f"images would be {image}, and Artifact Registry has them in a repository of a project"
        yield Problem(registry.at("host"), f"{text}; use `host: {server}/<project>/<repository>`")


def check_bill_of_materials(registry: Found[Registry] | None) -> Iterator[Problem]:
    """A bill of materials that nothing would sign."""
    if registry is None or registry.value.sbom is Sbom.NONE or registry.broken & {"attestations", "sbom"}:
        return
    if registry.value.attestations is Attestations.NONE:
        text = "nothing signs it without `registry.attestations: required`; set that too, or `sbom: none`"
        yield Problem(registry.at("sbom"), text)


def check_argocd_image(argocd: Found[ArgoCD] | None) -> Iterator[Problem]:
    """Tags that the official image of Argo CD does not have."""
    if argocd is None or argocd.value.image is not None or (version := argocd.value.version) is None:
        return
    if not version.startswith("v"):
        text = f"{version!r} is not a tag of Argo CD's own image; use `v{version}`, or name a mirror's `image`"
        yield Problem(argocd.at("version"), text)
