"""Asks GitHub, Argo CD and Kubernetes who may do what there, and names each difference to what is declared."""

from collections.abc import Iterator

from manifests.model import Settings
from stacks.access_check import argocd, cluster, github


def differences(settings: Settings) -> Iterator[str]:
    """What is otherwise than declared, a line each: where, what, and what mends it."""
    yield from github.differences(settings)
    yield from cluster.differences(settings)


def cases(settings: Settings) -> dict[str, int]:
    """How many cases `differences` asks each system about."""
    return {
        "GitHub": github.cases(settings),
        "Argo CD": len(set(argocd.questions(settings))),
        "Kubernetes": cluster.cases(settings),
    }
