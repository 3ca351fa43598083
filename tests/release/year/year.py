"""A year of releases in minutes: random people, faults and lost events, on the model of GitHub with the real program.

Time is the model's clock. `Runs` starts the program, `ArgoCD` plays what reports, `People`, `Settings` and `Seldom` do
what else happens, and `promises` says what must hold once everything that was broken is mended and reconciled.
"""

import dataclasses
import datetime as dt
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sandbox.github.core import clock
from slipway_release import deliveries, reconcile
from slipway_release.claims import PromotionRequest
from slipway_release.errors import ReleaseError
from slipway_release.platform_types import Environment, Service
from slipway_release.release_file import ReleaseFile
from slipway_release.tags import Version, is_version
from tests.release.world import World
from tests.release.year import times
from tests.release.year.argocd import ArgoCD
from tests.release.year.faults import Outside
from tests.release.year.mishandling import Mishandling
from tests.release.year.operators import Operators
from tests.release.year.people import People
from tests.release.year.places import HOUR
from tests.release.year.runs import Promotion, Runs
from tests.release.year.seldom import Seldom
from tests.release.year.settings import Settings

_MOST_ROUNDS = 30


@dataclass
class Year:
    """What happens, and what is known of it."""

    world: World
    seed: int
    requests: dict[str, PromotionRequest] = field(default_factory=dict[str, PromotionRequest])
    """By the number of the run that built them."""
    bad: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Place and version that do not get healthy."""
    broken: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Places whose configuration somebody has broken and not mended."""
    mended: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Places whose configuration is mended, where Argo CD has not synced that yet."""
    unwanted: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Place and version that a person took back, declined or put on hold."""
    together: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Place and version that came onto a broken configuration with which nothing else was seen to fail before."""
    refused: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Place and version that a person took out of Git or declined, and that nobody has asked for again."""
    kept: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Place and version that a person did not want to have rolled back."""
    told: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Place and version that were said to be superseded, or were overtaken."""
    spoiled: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Place and version whose record somebody has touched."""
    counts: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    faults: bool = True
    errors: float = 0.0
    """How often GitHub answers a request of the program with an error of the moment."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.seconds = 0.0
        times.begin(self.seed)
        self.skew = dt.timedelta()
        self.outside = Outside()
        self.places = list(self.world.environments)
        """What the settings say of the environments, once nobody has mistaken them any more."""
        self.runs = Runs(self)
        self.argocd = ArgoCD(self)
        self.people = People(self)
        self.operators = Operators(self)
        self.mishandling = Mishandling(self)
        self.settings = Settings(self)
        self.seldom = Seldom(self)
        # A person's browser goes where a repository has gone.
        self.world.client.follow_redirects = True
        self.world.call("PATCH", f"/repos/{self.world.repository}", {"allow_auto_merge": True})
        for place in self.places:
            self.settings.complete(place)

    def place(self, name: str) -> dict[str, Any]:
        """What the year knows of an environment."""
        return next((place for place in self.places if place["name"] == name), {})

    def cluster(self, name: str) -> str:
        """The cluster of an environment; each has an Argo CD of its own."""
        return self.place(name).get("cluster", "first cluster")

    def now(self) -> dt.datetime:
        """What the clock of a runner says; it may be off."""
        return clock.present().replace(microsecond=0) + self.skew

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        clock.move(self.seconds)

    def is_lost(self) -> bool:
        """Whether an event is lost."""
        return self.faults and self.random.random() < 0.2

    @property
    def touched(self) -> set[tuple[str, str]]:
        """The places whose release file is as somebody has edited it."""
        return {(place, service) for _, place, service in self.mishandling.edited}

    def somewhere(self) -> tuple[Environment, Service]:
        return (
            self.random.choice(self.world.platform.environments),
            self.random.choice(self.world.platform.services),
        )

    def file(self, place: Environment, service: Service) -> ReleaseFile | None:
        """What is wanted; None where somebody has broken the file by hand."""
        try:
            return self.world.file(place.name, service.name)
        except ReleaseError:
            return None

    def wanted(self, place: str, service: str) -> str | None:
        """The version that Git wants; None too where the file is broken or the place is gone."""
        try:
            return self.world.wanted(place, service)
        except ReleaseError:
            return None

    # What happens

    def live(self, releases: int) -> None:
        """Until so many versions are released."""
        doing = (
            (10, self.argocd.act),
            (8, self.promote),
            (4, self.reconcile),
            (3, self.people.act),
            (1, self.mishandling.act),
            (1, self.settings.act),
            (1, self.outage),
            (1, self.seldom.happen),
        )
        weights, what = zip(*doing, strict=True)
        for number in range(releases):
            self.people.keep_calendar()
            self.release(f"1.{number}.0")
            if self.random.random() < 0.1:
                # Somebody else tags the same service at the same second.
                self.release(f"1.{number}.1", list(self.requests.values())[-1].service.name)
            for _ in range(self.random.randrange(1, 6)):
                self.random.choices(what, weights)[0]()
            self.wait(self.random.expovariate(1 / (2 * HOUR)))

    def outage(self) -> None:
        """Something is away for a day, a key is rotated, or the clock of the runners is off."""
        what = self.random.choice(("github", "registry", "argocd", "first cluster", "second cluster", "key", "clock"))
        self.counts[f"outage: {what}"] += 1
        if what == "clock":
            self.skew = dt.timedelta(hours=self.random.choice((-1, 0, 1)))
            return
        if what == "key":
            self.outside.revoked = True
        else:
            self.outside.away.add(what)
        for _ in range(self.random.randrange(2, 6)):
            self.wait(6 * HOUR)
            self.random.choice((self.argocd.act, self.promote, self.reconcile, self.people.act))()
        self.outside.away.discard(what)
        self.outside.revoked = False
        if "cluster" in what:
            for place in self.world.platform.environments:
                if self.cluster(place.name) == what:
                    self.seldom.node(place.name)

    def release(self, version: str, service: str = "") -> None:
        """A version, or a tag, of a service is built, and asks for its promotion."""
        service = service or self.random.choice(self.world.services)
        archived = set(self.settings.archived)
        self.settings.unarchive()
        self.outside.transferred.discard(self.world.platform.service(service).repository)
        request = self.world.request(version, service)
        number = str(len(self.requests) + 1)
        run = request.release.run.rpartition("/")[0] + f"/{number}"
        request = dataclasses.replace(request, release=dataclasses.replace(request.release, run=run))
        self.requests[number] = request
        version = request.release.version
        if request.tag and request.tag.prefix:
            others = [place["name"] for place in self.places if place["tagPrefix"] != request.tag.prefix]
            self.unwanted |= {(name, service, version) for name in others}
        worst = self.random.random()
        for index, place in enumerate(self.places):
            if worst < (0.15, 0.22, 0.27)[min(index, 2)]:
                self.bad.add((place["name"], service, version))
        self.counts["released"] += 1
        self.counts["archived"] += bool(archived)
        self.runs.promotions.append(Promotion(service, number, request.release.digest, (), clock.now()))

    def promote(self) -> None:
        """A run of `promote.yml`: the job that plans and delivers."""
        if not self.runs.waiting:
            return
        item = self.random.choice(self.runs.waiting)
        request = self.requests[item.run]
        if item.service not in self.world.services:
            item.conclusion = "failure"
            return
        # Each run reads the platform again.
        request = dataclasses.replace(request, service=self.world.platform.service(item.service))
        version = request.release.version
        before = {place.name: self.wanted(place.name, item.service) for place in self.world.platform.environments}
        ended = self.runs.attempt(
            lambda context: deliveries.promote(context, request, item.environments, again=item.again)
        )
        for place in self.world.platform.environments:
            was, there = before.get(place.name), self.wanted(place.name, item.service)
            if was and was != there:
                self.told.add((place.name, item.service, was))
            if there and is_version(there) and Version.parse(there) > Version.parse(version):
                self.told.add((place.name, item.service, version))
        if ended and not item.environments:
            # What an environment missed because the platform had none of that name comes with a newer version.
            known = {place.name for place in self.world.platform.environments}
            gone = {place["name"] for place in self.places} - known
            self.told |= {(name, item.service, version) for name in gone}
        item.conclusion = "success" if ended else "failure"

    def reconcile(self) -> None:
        before = {
            (place.name, service): self.argocd.held(place.name, service)
            for place in self.world.platform.environments
            for service in self.world.services
        }
        self.runs.attempt(reconcile.reconcile)
        for (place, service), held in before.items():
            self.argocd.blamed(place, service, held)

    # The end of the year

    def settle(self) -> None:
        """Everything is mended; everything that can happen happens, until nothing more does."""
        self.faults = False
        self.skew = dt.timedelta()
        self.settings.mend()
        self.people.mend()
        self.mishandling.mend_files()
        for _ in range(_MOST_ROUNDS):
            self.counts["rounds"] += 1
            moved = False
            # Promotions that fail are started again after pauses that double.
            self.wait(24 * HOUR)
            while self.runs.waiting:
                self.promote()
                moved = True
            for place in self.world.platform.environments:
                self.argocd.wait_for_window(place.name)
                for service in self.world.services:
                    moved |= self.argocd.sync(place, service)
            try:
                moved |= bool(reconcile.reconcile(self.runs.context()))
            except ReleaseError as error:
                self.wrong.append(str(error))
                return
            moved |= self.people.merge_requests()
            if not moved and not self.people.merge_requests(restore=True):
                return
        self.wrong.append(f"it is not quiet after {_MOST_ROUNDS} rounds")
