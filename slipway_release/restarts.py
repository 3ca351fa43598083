"""Promotions that are started again: what an environment is behind with, and runs that did not come to their end."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from slipway_release import ask, freeze, promotions
from slipway_release.context import Context
from slipway_release.places import Place
from slipway_release.platform_types import Service
from slipway_release.release_file import Release


@dataclass
class _Wanted:
    """A promotion that is to be started."""

    service: Service
    run: str
    digest: str
    environments: list[str] = field(default_factory=list[str])
    again: bool = False


class Runs:
    """The newest runs of the promotion, asked for once and only where somebody wants to know; with what is to start."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found: dict[int, promotions.Run] | None = None
        self._wanted: dict[tuple[str, str], _Wanted] = {}

    def of(self, service: Service, run: str) -> list[promotions.Run]:
        """The attempts at a version of a service."""
        if self._found is None:
            # Runs of other tools' statuses may have pushed a failed one out of the newest.
            self._found = {item.id: item for item in [*self.failed, *promotions.newest(self._context)]}
        return [item for item in self._found.values() if item.key == (service.name, run)]

    @cached_property
    def failed(self) -> list[promotions.Run]:
        """Those of the last days that failed or were cancelled, newest first."""
        return promotions.failed(self._context)

    def has(self, service: Service, run: str) -> bool:
        """Whether a promotion is to be started already."""
        return (service.name, run) in self._wanted

    def want(self, service: Service, run: str, digest: str) -> _Wanted:
        """A promotion to be started; one for all the environments that want it."""
        return self._wanted.setdefault((service.name, run), _Wanted(service, run, digest))

    def start(self) -> None:
        """Start what is wanted."""
        for wanted in self._wanted.values():
            ask.ask(
                self._context.platform,
                self._context.own,
                wanted.service,
                wanted.run,
                wanted.digest,
                wanted.environments,
                again=wanted.again,
            )
        self._wanted.clear()


def ask_for(context: Context, place: Place, release: Release, runs: Runs) -> list[str]:
    """Ask for a promotion again, unless it runs, waits for a person, was rejected, or has failed too often."""
    number, name = release.run_number, place.environment.name
    if number is None:
        return []
    # What waits for the approval of another environment alone keeps this one from nothing.
    known = [
        run
        for run in runs.of(place.service, number)
        if not (run.waits and name not in promotions.waiting_for(context, run))
    ]
    if not promotions.is_due(known, name):
        return []
    if place.environment.approves_jobs and promotions.is_rejected(
        context, runs.failed, name, place.service.name, number
    ):
        return []
    runs.want(place.service, number, release.digest).environments.append(name)
    return [f"{place}: {release.version} is asked for again"]


def start_failed(context: Context, runs: Runs) -> list[str]:
    """Start promotions again that failed or were cancelled, a promotion request that was not handed on included."""
    done: list[str] = []
    seen: set[tuple[str, str]] = set()
    services = {service.name: service for service in context.platform.services}
    for run in runs.failed:
        service = services.get(run.service)
        if run.key in seen or service is None or run.digest is None or runs.has(service, run.run):
            continue
        seen.add(run.key)
        known = runs.of(service, run.run)
        if any(item.id > run.id and item.conclusion == "success" for item in known):
            continue
        if _is_frozen(context, service, run) or not promotions.is_due(known) or _is_rejected(context, service, known):
            continue
        names = [place.name for place in context.platform.environments_of(service) if place.name in run.environments]
        if run.environments and not names:
            # All that it was asked for are gone, or are called otherwise and asked for anew.
            continue
        wanted = runs.want(service, run.run, run.digest)
        wanted.environments, wanted.again = names, run.again
        done.append(f"{service.name}: the promotion that run {run.run} asked for is started again")
    return done


def _is_frozen(context: Context, service: Service, run: promotions.Run) -> bool:
    """Whether all environments that a promotion could reach first are frozen: it would fail again."""
    places = context.platform.environments_of(service)
    asked = [place for place in places if place.name in run.environments or not run.environments]
    first = [place for place in asked if not place.requires] or asked
    return all(freeze.reason(context.contents, place) is not None for place in first)


def _is_rejected(context: Context, service: Service, runs: list[promotions.Run]) -> bool:
    """Whether a person has said no to a version of a service."""
    if not any(environment.approval for environment in context.platform.environments_of(service)):
        return False
    return any(promotions.was_rejected(context, run) for run in runs if run.has_failed)
