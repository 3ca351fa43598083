"""What the rules between parts of a stack file speak of, and rules on names that several of them have."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from manifests.model import ArgoCD, Environment, GitHub, Registry, Service, Team
from stacks.problems import Problem, listed
from stacks.reading import Found
from templates.service_template import ServiceTemplate


@dataclass(frozen=True)
class Parts:
    """What could be read of a stack file, and the names that are in it even where the rest could not be read."""

    github: Found[GitHub] | None
    argocd_namespace: str
    argocd: Found[ArgoCD] | None
    registry: Found[Registry] | None
    keeps_keys_from_pull_requests: str
    """Why the image of a pull request could not be built; empty where the workflow's own token is enough."""
    teams: list[Found[Team]]
    environments: list[Found[Environment]]
    services: list[Found[Service]]
    adopt: list[Found[str]]
    team_names: set[str]
    environment_names: set[str]
    templates: Mapping[str, ServiceTemplate]

    @property
    def makes_pull_secrets(self) -> bool:
        """Whether namespaces get a Secret that pods pull with."""
        return self.registry is not None and self.registry.value.pull_username is not None


def duplicates(parts: Iterable[Found[Any]], name: Callable[[Any], str]) -> Iterator[Problem]:
    """Parts with the name of an earlier one."""
    for path, first in repeated((part.at("name"), name(part.value)) for part in parts):
        yield Problem(path, f"the name is that of {first} too; use each name once")


def unknown(found: Found[Any], key: str, names: Iterable[str], what: str, known: set[str]) -> Iterator[Problem]:
    """Names below a key that nothing has."""
    for index, name in enumerate(names):
        if name not in known:
            yield Problem(found.at(key, index), f"{name!r} is not {what}; use one of {listed(sorted(known))}")


def repeated(pairs: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """Those whose second half came before, each with the one it came with first."""
    first: dict[Any, Any] = {}
    for thing, value in pairs:
        if value in first:
            yield thing, first[value]
        first.setdefault(value, thing)
