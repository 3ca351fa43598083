"""Names that are made of two: of a service and an environment, for namespaces, Applications and AppProjects."""

from collections.abc import Iterator, Sequence

from manifests.application import infrastructure_name
from manifests.model import PULL_REQUESTS, Environment, Service
from manifests.model.names import RELEASE_NAME_LENGTH
from slipway_release.names import DNS_LABEL_LENGTH
from slipway_release.platform_types import placement_name
from stacks.problems import Problem
from stacks.reading import Found

RESERVED_NAMESPACES = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
RESERVED_PREFIX = "kube-"
"""What Kubernetes keeps for its own namespaces."""
_LONGEST_NUMBER = len("-99999")
"""What the number of a pull request adds to the name of a Helm release."""


def check_placements(
    argocd_namespace: str, environments: Sequence[Found[Environment]], services: Sequence[Found[Service]]
) -> Iterator[Problem]:
    """Names that are too long, kept by Kubernetes, or those of two things."""
    owners = dict.fromkeys(RESERVED_NAMESPACES, "Kubernetes") | {argocd_namespace: "Argo CD"}
    # Applications stand beside those of namespaces, quotas and rights.
    owners |= {infrastructure_name(found.value): f"the infrastructure of {found.value.name}" for found in environments}
    names = [found.value.name for found in environments]
    for found in services:
        service = found.value
        runs_requests = service.pull_requests is not None and "pullRequests" not in found.broken
        here = [name for name in names if service.runs_in(name)]
        places = [*here, *([PULL_REQUESTS] if runs_requests else [])]
        yield from list(dict.fromkeys(one for place in places for one in _name_problems(found, place, owners)))
        if runs_requests:
            yield from _request_problems(found, names)


def _name_problems(found: Found[Service], environment: str, owners: dict[str, str]) -> Iterator[Problem]:
    service = found.value.name
    name, place = placement_name(service, environment), f"{service} in {environment}"
    if len(name) > DNS_LABEL_LENGTH:
        text = f"the namespace {name} has {len(name)} characters; use one of {DNS_LABEL_LENGTH}"
        yield Problem(found.at("name"), text)
    if name.startswith(RESERVED_PREFIX) and name not in RESERVED_NAMESPACES:
        text = f"the namespace {name} begins with {RESERVED_PREFIX}, which Kubernetes keeps for itself"
        yield Problem(found.at("name"), f"{text}; use another name")
    owner = owners.setdefault(name, place)
    if owner != place:
        yield Problem(found.at("name"), f"{name}, its namespace and Application, is that of {owner}; use a free name")


def _request_problems(found: Found[Service], environments: Sequence[str]) -> Iterator[Problem]:
    service = found.value.name
    if len(service) + _LONGEST_NUMBER > RELEASE_NAME_LENGTH:
        text = f"{service!r} has {len(service)} characters; with `pullRequests` it has at most"
        yield Problem(
            found.at("name"),
            f"{text} {RELEASE_NAME_LENGTH - _LONGEST_NUMBER}, since Helm's releases are named after it and a number",
        )
    if (name := placement_name(service, PULL_REQUESTS)) in environments:
        text = f"the AppProject of its pull requests would be that of the environment {name}; rename one of the two"
        yield Problem(found.at("name"), text)
