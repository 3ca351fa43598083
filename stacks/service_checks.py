"""The rules of services: what they name exists, their repositories are their own, and quotas have room for them."""

from collections.abc import Iterator

from manifests.model.image_names import IMAGE_PART, IMAGE_PART_MEANING
from stacks.parts import Parts, duplicates, repeated, unknown
from stacks.problems import Problem, listed
from stacks.quotas import check_quantities, check_quota


def check_services(parts: Parts) -> Iterator[Problem]:
    yield from duplicates(parts.services, lambda service: service.name)
    for found in parts.services:
        service = found.value
        if service.team not in parts.team_names:
            yield Problem(
                found.at("team"), f"{service.team!r} is not a team: use one of {listed(sorted(parts.team_names))}"
            )
        if service.template not in parts.templates:
            yield Problem(
                found.at("template"), f"{service.template!r} is not a template: use one of {listed(parts.templates)}"
            )
        chosen = service.environments or ()
        yield from unknown(found, "environments", chosen, "an environment", parts.environment_names)
        for index, first in repeated(enumerate(chosen)):
            yield Problem(found.at("environments", index), f"{chosen[index]!r} is also environments[{first}]; use once")
        here = set(chosen) if service.environments is not None else parts.environment_names
        for name in service.overrides:
            if name not in here:
                text = f"the service does not run in {name!r}; use one of {listed(sorted(here))}"
                yield Problem(found.at("overrides", name), text)


def check_pull_requests(parts: Parts) -> Iterator[Problem]:
    environments = {found.value.name: found.value for found in parts.environments}
    for found in parts.services:
        service = found.value
        if service.pull_requests is None or "pullRequests" in found.broken:
            continue
        here = [name for name in environments if service.runs_in(name)]
        wanted = service.pull_requests.environment or (here[0] if here else None)
        if wanted is not None and wanted not in here:
            text = f"the service does not run in {wanted!r}; use one of {listed(sorted(here))}"
            yield Problem(found.at("pullRequests", "environment"), text)
        if reason := parts.keeps_keys_from_pull_requests:
            yield Problem(found.at("pullRequests"), f"{reason}, which runs of pull requests do not get; remove it")
        if wanted in here and environments[wanted].is_production_like:
            text = f"{wanted} takes versioned releases only; use another environment"
            yield Problem(found.at("pullRequests", "environment"), text)


def check_repositories(parts: Parts) -> Iterator[Problem]:
    names: list[tuple[str, str]] = []
    if parts.github is not None:
        names.append((parts.github.at("environmentRepository"), parts.github.value.environment_repository.lower()))
    for found in parts.services:
        key = "name" if found.value.repository is None else "repository"
        names.append((found.at(key), found.value.repository_name.lower()))
        if not IMAGE_PART.fullmatch(found.value.repository_name.lower()):
            text = f"{found.value.repository_name!r} cannot be part of an image's name"
            yield Problem(found.at(key), f"{text}; use {IMAGE_PART_MEANING}")
    for path, first in repeated(names):
        yield Problem(path, f"the repository is also that of {first}; use a repository of its own (why: docs/adr/0019)")


def check_quotas(parts: Parts) -> Iterator[Problem]:
    for found in parts.services:
        if "overrides" not in found.broken:
            yield from check_quantities(found)
        for environment in parts.environments:
            here = found.value.runs_in(environment.value.name)
            template = parts.templates.get(found.value.template)
            if here and template is not None and "overrides" not in found.broken:
                yield from check_quota(environment, found.value, template)
