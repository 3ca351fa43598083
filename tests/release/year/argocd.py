"""Argo CD in a simulated year, played by what it would see: a release is healthy where it was made to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.github.core import clock
from slipway_release import reports, rollback, verified
from slipway_release.errors import ReleaseError
from slipway_release.platform_types import Environment
from slipway_release.release_file import Release
from tests.release.year.known import Files, Known
from tests.release.year.places import HOUR

if TYPE_CHECKING:
    from tests.release.year.year import Year


@dataclass(frozen=True)
class _Soak:
    """A state that has to stay well for a while."""

    release: Release
    configuration: Files
    head: str
    """The commit that was synced. Commits of other places move the branch on, and sync nothing here."""
    since: float


class ArgoCD:
    """Syncs places and reports."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self.reported: dict[tuple[str, str], str] = {}
        """The commit and the health that was reported last, by place and service."""
        self.known: dict[tuple[str, str], Known] = {}
        """What was reported, by place and service."""
        self._soaks: dict[tuple[str, str], _Soak] = {}

    def act(self, name: str = "", service: str = "") -> None:
        """Sync a place and report; the event of the report may be lost."""
        year = self.year
        places = [
            place
            for place in year.world.platform.environments
            if name in {"", place.name} and not self.is_away(place.name)
        ]
        if places:
            service = service or year.random.choice(year.world.services)
            self.sync(year.random.choice(places), service, lost=year.is_lost())

    def is_away(self, place: str) -> bool:
        """Whether it does not run, where the clusters have one each."""
        return not self.year.outside.away.isdisjoint({"argocd", self.year.cluster(place)})

    def is_permitted(self, place: str) -> bool:
        """Whether a sync window lets it sync."""
        begin, end = self.year.place(place).get("permitted", (0, 24))
        return begin <= clock.present().hour < end

    def wait_for_window(self, place: str) -> None:
        """Let the time pass until it may sync."""
        while not self.is_permitted(place):
            self.year.wait(HOUR)

    def sync(self, place: Environment, service: str, *, lost: bool = False) -> bool:
        """Sync what Git wants now; whether anything came of it."""
        year, key = self.year, (place.name, service)
        head = year.world.head("environments", place.target_branch)
        try:
            there = year.world.file(place.name, service, head).release
        except ReleaseError:
            # Its chart does not render.
            return False
        if there is None or not self.is_permitted(place.name):
            return False
        good = self._is_good(place, service, there, head)
        state = f"{head} {good}"
        if self.reported.get(key) == state:
            return False
        soak = year.place(place.name).get("soakSeconds", 0)
        if soak:
            configuration = year.people.files(place.name, service, head)
            began = self._soaks.get(key)
            if began is None or (began.release, began.configuration) != (there, configuration):
                # What is bad shows it at the end of its soak, or at once.
                self._soaks[key] = _Soak(there, configuration, head, year.seconds)
                if good or year.random.random() < 0.5:
                    year.counts["soaks"] += 1
                    return True
            elif year.seconds - began.since < soak:
                return True
            else:
                head = began.head
        self.reported[key] = state
        self._tell(place, service, there, head, is_good=good)
        year.mended.discard(key)
        if not year.people.is_broken(place.name, service, head):
            year.broken.discard(key)
        number = year.world.report(place.name, head, "success" if good else "failure", "Healthy", service)
        if lost:
            year.counts["lost"] += 1
            return True
        handle = verified.verified if good else rollback.rollback
        before = self.held(place.name, service)
        year.runs.attempt(lambda context: handle(context, number))
        self.blamed(place.name, service, before)
        return True

    def _is_good(self, place: Environment, service: str, release: Release, head: str) -> bool:
        year = self.year
        known = any(
            (item.release.image, item.release.digest) == (release.image, release.digest)
            for item in year.requests.values()
        )
        return (
            known
            and (place.name, service, release.version) not in year.bad
            and not year.people.is_broken(place.name, service, head)
        )

    def _tell(self, place: Environment, service: str, release: Release, head: str, *, is_good: bool) -> None:
        """Note what a report proves, and what failed where nothing proves whether it is at fault itself."""
        year, version = self.year, release.version
        known = self.known.setdefault((place.name, service), Known())
        files = year.people.files(place.name, service, head)
        if is_good:
            known.tell(version, files, is_good=True)
            return
        context = year.runs.context()
        came = reports.delivered(context, place, context.platform.service(service), release, head)
        onto = files if came is None else year.people.files(place.name, service, came.sha)
        is_open = known.is_open(version, files, onto) and year.people.is_broken(place.name, service, head)
        (year.together.add if is_open else year.together.discard)((place.name, service, version))

    def held(self, place: str, service: str) -> set[str]:
        """The versions on hold; none where the file is broken."""
        try:
            return {held.version for held in self.year.world.file(place, service).held}
        except ReleaseError:
            return set()

    def blamed(self, place: str, service: str, before: set[str]) -> None:
        """Note what was put on hold since then and is not at fault."""
        year = self.year
        for version in self.held(place, service) - before:
            year.counts["rolled back"] += 1
            reason = next(held.reason for held in year.world.file(place, service).held if held.version == version)
            if (place, service, version) in year.together - year.bad:
                # It says so, and what a person has to do.
                if "either may be what broke" not in reason:
                    year.wrong.append(f"{place}/{service}: {version} is blamed alone: {reason}")
                year.counts["together"] += 1
                year.unwanted.add((place, service, version))
            if (place, service, version) not in year.bad | year.unwanted and (place, service) not in year.touched:
                year.wrong.append(f"{place}/{service}: {version} is held and was good: {reason}")
