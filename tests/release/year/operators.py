"""What the members of teams do by the workflow *hold* in a simulated year, as far as they may."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING
from unittest import mock

from slipway_release import hold
from slipway_release.commands import by_hand
from slipway_release.context import Context
from slipway_release.errors import RefusedError, ReleaseError
from slipway_release.platform_types import Environment, Service

if TYPE_CHECKING:
    from tests.release.year.year import Year

OPERATORS, OPERATOR = "operators", "dana"
"""The team that may hold and take back, and one of it."""
DEVELOPERS, DEVELOPER = "developers", "sam"
"""A team that may push alone."""


class Operators:
    """Holds, rollbacks by hand, and a developer who tries them too."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self.random = year.random
        year.world.team(OPERATORS, OPERATOR)
        year.world.team(DEVELOPERS, DEVELOPER)
        year.world.holders = (OPERATORS,)

    def hold(self) -> None:
        place, service = self.year.somewhere()
        file = self.year.file(place, service)
        there = file.release if file else None
        newest = [item for item in self.year.requests.values() if item.service.name == service.name]
        if not newest:
            return
        version = newest[-1].release.version
        if there is not None and there.version == version:
            return
        self.year.unwanted.add((place.name, service.name, version))
        self._start(by_hand.put_on_hold, place, service, version)

    def unhold(self) -> None:
        place, service = self.year.somewhere()
        file = self.year.file(place, service)
        if file is None or not file.held:
            return
        version = file.held[-1].version
        self._start(by_hand.release_from_hold, place, service, version)
        self.year.runs.attempt(lambda context: hold.promote_again(context, place, service, version))
        self.year.refused.discard((place.name, service.name, version))
        self.year.counts["released from hold"] += 1

    def take_back(self) -> None:
        """A person has what runs taken back."""
        place, service = self.year.somewhere()
        file = self.year.file(place, service)
        version = file.release.version if file and file.release else None
        if version is None:
            return
        self.year.unwanted.add((place.name, service.name, version))
        self._start(by_hand.roll_back_by_hand, place, service, version)
        self.year.counts["taken back by hand"] += 1

    def trespass(self) -> None:
        """A developer tries what only operators may."""
        place, service = self.year.somewhere()
        file = self.year.file(place, service)
        if file is None or file.release is None:
            return
        what = self.random.choice((by_hand.put_on_hold, by_hand.release_from_hold, by_hand.roll_back_by_hand))
        version = (file.held[-1] if file.held else file.release).version
        self.year.counts["not allowed"] += 1
        try:
            _run(self.year.runs.context(), what, DEVELOPER, place, service, version)
        except ReleaseError:
            return
        self.year.wrong.append(f"{DEVELOPER} may not {what.__name__} of {service.name} in {place.name}, and could")

    def _start(self, what: Callable[[Namespace], None], place: Environment, service: Service, version: str) -> None:
        """An operator starts a workflow, which operators must be allowed to."""

        def run(context: Context) -> None:
            try:
                _run(context, what, OPERATOR, place, service, version)
            except RefusedError as error:
                if f"{OPERATOR}: may not" in str(error):
                    self.year.wrong.append(str(error))
                raise

        self.year.runs.attempt(run)


def _run(
    context: Context,
    what: Callable[[Namespace], None],
    login: str,
    place: Environment,
    service: Service,
    version: str,
) -> None:
    """A command of the workflow *hold*, as a person starts it."""
    inputs = {"SERVICE": service.name, "ENVIRONMENT": place.name, "VERSION": version, "REASON": "no"}
    who = {"GITHUB_ACTOR": login, "GITHUB_TRIGGERING_ACTOR": login}
    with (
        mock.patch.dict(os.environ, inputs | who),
        mock.patch.object(by_hand.context, "from_environment", return_value=context),
    ):
        what(Namespace())
