"""Names of images that a registry would not take, or that are surely a mistake."""

from collections.abc import Iterable, Iterator

from manifests.model import ArgoCD, Attestations, GitHub, Registry, Sbom, Service
from manifests.model.argocd import is_known
from manifests.model.image_names import DOCKER_HUB
from stacks.problems import Problem
from stacks.reading import Found

_ONE_LEVEL = {DOCKER_HUB: "Docker Hub", "quay.io": "Quay"}
"""Registries whose images are `<account>/<name>`."""
_ARTIFACT_REGISTRY = "-docker.pkg.dev"
_LONGEST = 255
"""Characters of an image's name, https://github.com/distribution/reference."""


def check_images(
    registry: Found[Registry] | None, github: Found[GitHub] | None, services: Iterable[Service]
) -> Iterator[Problem]:
    """What is wrong with where images of services would be."""
    if registry is None or github is None or registry.broken & {"host", "namespace"} or "owner" in github.broken:
        return
    server, *path = registry.value.host.split("/")
    owner = github.value.owner.lower()
    own = registry.value.namespace
    image = f"{registry.value.host}/{own or owner}/<service>"
    above = [*path, *(own or owner).split("/")]
    longest = max((len(service.repository_name) for service in services), default=0)
    if (length := len(image) - len("<service>") + longest) > _LONGEST:
        text = f"the names of images would have {length} characters; use a shorter path, they have at most {_LONGEST}"
        yield Problem(registry.at("host"), text)
    if own is None and path and path[-1] == owner:
        text = f"images would be {image}; use `host: {'/'.join([server, *path[:-1]])}`, or set `namespace` to mean that"
        yield Problem(registry.at("host"), text)
    elif server in _ONE_LEVEL and len(above) > 1:
        text = f"images would be {image}, and {_ONE_LEVEL[server]} has one name before that of the service"
        yield Problem(registry.at("host"), f"{text}; use `host: {server}`, and the account as `namespace`")
    elif server.endswith(_ARTIFACT_REGISTRY) and len(above) < 2:
        text = f"images would be {image}, and Artifact Registry has them in a repository of a project"
        yield Problem(registry.at("host"), f"{text}; use `host: {server}/<project>/<repository>`")


def check_known(registry: Found[Registry] | None) -> Iterator[Problem]:
    """Registries that everybody knows, reached as they cannot be."""
    if registry is None or registry.broken & {"host", "insecure"}:
        return
    server, port = registry.value.server.partition(":")[::2]
    if not is_known(server):
        return
    if port:
        text = f"images would be of {registry.value.server}, which is another registry than {server} to those who pull"
        yield Problem(registry.at("host"), f"{text}; use {server}")
    if registry.value.insecure:
        yield Problem(registry.at("insecure"), f"{server} does not speak plain http; remove it")


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
