"""A year of releases in minutes: random people, faults and lost events, on the model of GitHub with the real program.

Time is the model's clock. Argo CD is played by what it would see: a release is healthy where it was made to be, and so
is a configuration. The promises are looked at once everything that was broken is mended and reconciled.
"""

import dataclasses
import datetime as dt
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from sandbox.github.core import clock
from slipway_release import deliveries, promotions, reconcile, record, rollback, verified
from slipway_release.claims import PromotionRequest
from slipway_release.context import Context
from slipway_release.errors import ReleaseError
from slipway_release.exchange import Response
from slipway_release.github import GitHub
from slipway_release.platform_types import Environment
from slipway_release.release_file import Release
from slipway_release.tags import Version, is_version
from tests.release.builders import answer, environment
from tests.release.world import World
from tests.release.year_faults import OWN, TOKENS, WRITER, Actions, Faults, Kept, KilledError, Outside, Shelves
from tests.release.year_people import People
from tests.release.year_seldom import Seldom

_BRANCH = {"delivery": "branch", "targetBranch": "environment/production"}
PLACES = (
    environment("dev"),
    environment("staging", delivery="branch", targetBranch="environment/staging", requires=["dev"]),
    environment("production", delivery="pull-request", requires=["staging"]),
)
"""Nothing waits for a person."""
APPROVED_PLACES = (
    environment("dev"),
    environment("staging", requires=["dev"]),
    environment("production", approval=True, requires=["staging"], rollback="pull-request", tagPrefix="prod")
    | {"delivery": "pull-request"},
)
"""People merge what comes to production, hotfixes too."""
SYNCED_PLACES = (
    environment("dev", delivery="pull-request"),
    environment("staging", sync="manual", requires=["dev"]),
    environment(
        "production",
        delivery="branch",
        targetBranch="environment/production",
        sync="manual",
        requires=["dev", "staging"],
    ),
)
"""People sync what comes to staging and production."""
SHAPES = (PLACES, APPROVED_PLACES, SYNCED_PLACES)
HOUR = 3600
_START = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
_REQUEST = 0.25
"""How many seconds a request takes."""
_MOST_ROUNDS = 18


@dataclass
class Promotion:
    """A run of the promotion."""

    service: str
    run: str
    digest: str
    environments: tuple[str, ...]
    created: str
    conclusion: str | None = None
    again: bool = False


@dataclass
class Year:
    """What happens, and what is known of it."""

    world: World
    seed: int
    requests: dict[str, PromotionRequest] = field(default_factory=dict[str, PromotionRequest])
    """By the number of the run that built them."""
    promotions: list[Promotion] = field(default_factory=list[Promotion])
    bad: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Place and version that do not get healthy."""
    broken: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Places whose values somebody has broken and not mended."""
    mended: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Places whose values are mended, where Argo CD has not synced that yet."""
    unwanted: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Place and version that a person took back, declined or put on hold."""
    refused: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Place and version that a person took out of Git or declined, and that nobody has asked for again."""
    kept: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Place and version that a person did not want to have rolled back."""
    told: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Place and version that were said to be superseded, or were overtaken."""
    spoiled: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Place and version whose record somebody has touched."""
    reported: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    counts: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    faults: bool = True
    errors: float = 0.0
    """How often GitHub answers a request of the program with an error of the moment."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        # What happens must not depend on how fast this machine is.
        self.seconds = 0.0
        clock.stop(_START)
        clock.move(0)
        self.skew = dt.timedelta()
        self.outside = Outside()
        self.places = list(self.world.environments)
        self.people = People(self)
        self.seldom = Seldom(self)
        self._copies = tempfile.TemporaryDirectory(prefix="slipway-year-")
        self._said: dict[tuple[str, ...], CompletedProcess[bytes]] = {}
        self._is_nested = False
        # A person's browser goes where a repository has gone.
        self.world.client.follow_redirects = True
        self.world.call("PATCH", f"/repos/{self.world.repository}", {"allow_auto_merge": True})
        for place in self.world.platform.environments:
            if place.target_branch != "main":
                head = self.world.head("environments")
                body = {"ref": f"refs/heads/{place.target_branch}", "sha": head}
                self.world.call("POST", f"/repos/{self.world.repository}/git/refs", body)

    def now(self) -> dt.datetime:
        """What the clock of a runner says; it may be off."""
        return clock.present().replace(microsecond=0) + self.skew

    # What the program runs in

    def context(self, faults: Faults | None = None) -> Context:
        met = faults or Faults()

        def client(whose: str) -> GitHub:
            transport = Actions(
                60,
                sleep=lambda _: None,
                log=lambda _: None,
                whose=whose,
                outside=self.outside,
                faults=met,
                start=self.start,
                runs=self.runs,
                exchange=self._exchange,
            )
            token = self.world.token
            home = Path(self._copies.name, whose)
            git = Kept(self.world.url, token, transport, whose == WRITER, home=home, said=self._said)
            return GitHub(f"{self.world.url}api/v3", token, transport, git if whose != OWN else None)

        own, writer, service = (client(whose) for whose in TOKENS)
        shelves = Shelves(self.outside)
        return Context(self.world.platform, own, writer, service, shelves, "https://run.test/1", "root")

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        self.wait(_REQUEST)
        if self.faults and self.random.random() < self.errors:
            self.counts["errors"] += 1
            is_late = method == "PUT" and "/contents/" in url
            return answer({"message": "is at 1 but expected 2"}, 409) if is_late else answer(status=502)
        return self.world.exchange(method, url, headers, body)

    def start(self, inputs: Mapping[str, str]) -> None:
        environments = tuple(inputs.get("environments", "").split())
        again = inputs.get("again") == "true"
        self.promotions.append(
            Promotion(inputs["service"], inputs["run"], inputs["digest"], environments, clock.now(), again=again)
        )

    def runs(self, wanted: str | None) -> list[dict[str, Any]]:
        found = [
            {
                "id": number,
                "display_title": promotions.title(
                    item.service, item.run, item.digest, item.environments, again=item.again
                ),
                "status": "completed" if item.conclusion else "queued",
                "conclusion": item.conclusion,
                "created_at": item.created,
            }
            for number, item in enumerate(self.promotions)
        ]
        return [run for run in reversed(found) if wanted in {None, run["conclusion"], run["status"]}][:100]

    def attempt(self, what: Callable[[Context], object]) -> bool:
        """A run to which things may happen; whether it came to its end."""
        try:
            what(self.context(self._faults()))
        except KilledError:
            self.counts["killed"] += 1
            return False
        except ReleaseError:
            self.counts["failed"] += 1
            return False
        return True

    def _faults(self) -> Faults:
        if not self.faults:
            return Faults()
        at = self.random.randrange(1, 16)
        match self.random.choices(("none", "killed", "limited", "meanwhile"), (70, 12, 6, 12))[0]:
            case "killed":
                return Faults(killed_at=at)
            case "limited":
                return Faults(limited_at=at, limited=self.random.choice(TOKENS))
            case "meanwhile" if not self._is_nested:
                return Faults(meanwhile_at=at, meanwhile=self._meanwhile)
            case _:
                return Faults()

    def _meanwhile(self) -> None:
        """Something else happens in the middle of a run: another reconciliation, a report, a person."""
        self._is_nested = True
        self.counts["meanwhile"] += 1
        try:
            self.random.choice((self.reconcile, self.argocd, self.people.act))()
        finally:
            self._is_nested = False

    def is_lost(self) -> bool:
        """Whether an event is lost."""
        return self.faults and self.random.random() < 0.2

    # What happens

    def live(self, releases: int) -> None:
        """Until so many versions are released."""
        doing = (self.argocd, self.promote, self.reconcile, self.people.act, self.outage, self.seldom.happen)
        for number in range(releases):
            self.release(f"1.{number}.0")
            for _ in range(self.random.randrange(1, 6)):
                self.random.choices(doing, (10, 8, 4, 4, 1, 1))[0]()
            self.wait(self.random.expovariate(1 / (2 * HOUR)))

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        clock.move(self.seconds)

    def outage(self) -> None:
        """GitHub, the registry or Argo CD are away for a day, a key is rotated, or the clock of the runners is off."""
        what = self.random.choice(("github", "registry", "argocd", "key", "clock"))
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
            self.random.choice((self.argocd, self.promote, self.reconcile, self.people.act))()
        self.outside.away.discard(what)
        self.outside.revoked = False

    def release(self, version: str, service: str = "") -> None:
        """A version, or a tag, of a service is built, and asks for its promotion."""
        service = service or self.random.choice(self.world.services)
        archived = set(self.people.archived)
        self.people.unarchive()
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
            if worst < (0.15, 0.22, 0.27)[index]:
                self.bad.add((place["name"], service, version))
        self.counts["released"] += 1
        self.counts["archived"] += bool(archived)
        self.promotions.append(Promotion(service, number, request.release.digest, (), clock.now()))

    def promote(self) -> None:
        """A run of `promote.yml`: the job that plans and delivers."""
        waiting = [item for item in self.promotions if item.conclusion is None]
        if not waiting:
            return
        item = self.random.choice(waiting)
        request = self.requests[item.run]
        if item.service not in self.world.services:
            item.conclusion = "failure"
            return
        # Each run reads the platform again.
        request = dataclasses.replace(request, service=self.world.platform.service(item.service))
        version = request.release.version
        before = {place.name: self.wanted(place.name, item.service) for place in self.world.platform.environments}
        ended = self.attempt(lambda context: deliveries.promote(context, request, item.environments, again=item.again))
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

    def wanted(self, place: str, service: str) -> str | None:
        """The version that Git wants; None too where the file is broken or the place is gone."""
        try:
            return self.world.wanted(place, service)
        except ReleaseError:
            return None

    def argocd(self, name: str = "", service: str = "") -> None:
        """Argo CD syncs a place and reports; the event of the report may be lost."""
        if "argocd" in self.outside.away:
            return
        places = [place for place in self.world.platform.environments if name in {"", place.name}]
        if places:
            service = service or self.random.choice(self.world.services)
            self.sync(self.random.choice(places), service, lost=self.is_lost())

    def sync(self, place: Environment, service: str, *, lost: bool = False) -> bool:
        head = self.world.head("environments", place.target_branch)
        try:
            there = self.world.file(place.name, service, head).release
        except ReleaseError:
            # Its chart does not render.
            return False
        if there is None:
            return False
        good = self._is_good(place, service, there, head)
        if self.reported.get((place.name, service)) == f"{head} {good}":
            return False
        self.reported[place.name, service] = f"{head} {good}"
        self.mended.discard((place.name, service))
        if not self.people.is_broken(place.name, service, head):
            self.broken.discard((place.name, service))
        number = self.world.report(place.name, head, "success" if good else "failure", "Healthy", service)
        before = self.held(place.name, service)
        if lost:
            self.counts["lost"] += 1
            return True
        handle = verified.verified if good else rollback.rollback
        self.attempt(lambda context: handle(context, number))
        self.blamed(place.name, service, before)
        return True

    def _is_good(self, place: Environment, service: str, release: Release, head: str) -> bool:
        known = any(
            (item.release.image, item.release.digest) == (release.image, release.digest)
            for item in self.requests.values()
        )
        return (
            known
            and (place.name, service, release.version) not in self.bad
            and not self.people.is_broken(place.name, service, head)
        )

    def held(self, place: str, service: str) -> set[str]:
        try:
            return {held.version for held in self.world.file(place, service).held}
        except ReleaseError:
            return set()

    def blamed(self, place: str, service: str, before: set[str]) -> None:
        for version in self.held(place, service) - before:
            self.counts["rolled back"] += 1
            if (place, service, version) not in self.bad | self.unwanted and (place, service) not in self.touched:
                self.wrong.append(f"{place}/{service}: {version} is held and was good")

    @property
    def touched(self) -> set[tuple[str, str]]:
        """The places whose release file is as somebody has edited it."""
        return {(place, service) for _, place, service in self.people.edited}

    def reconcile(self) -> None:
        before = {
            (place.name, service): self.held(place.name, service)
            for place in self.world.platform.environments
            for service in self.world.services
        }
        self.attempt(reconcile.reconcile)
        for (place, service), held in before.items():
            self.blamed(place, service, held)

    # The end of the year

    def settle(self) -> None:
        """Everything is mended; everything that can happen happens, until nothing more does."""
        self.faults = False
        self.skew = dt.timedelta()
        self.people.mend()
        self.seldom.mend()
        for _ in range(_MOST_ROUNDS):
            self.counts["rounds"] += 1
            moved = False
            # Promotions that fail are started again after pauses that double.
            self.wait(24 * HOUR)
            while any(item.conclusion is None for item in self.promotions):
                self.promote()
                moved = True
            for place in self.world.platform.environments:
                for service in self.world.services:
                    moved |= self.sync(place, service)
            try:
                moved |= bool(reconcile.reconcile(self.context()))
            except ReleaseError as error:
                self.wrong.append(str(error))
                return
            moved |= self.people.merge_requests()
            if not moved and not self.people.merge_requests(restore=True):
                return
        self.wrong.append(f"it is not quiet after {_MOST_ROUNDS} rounds")

    def broken_promises(self) -> list[str]:
        """What is not as it has to be, in words."""
        found = list(self.wrong)
        for service in self.world.services:
            for place in self.world.platform.environments:
                found += self._place(place, service)
        for pull in self.world.pulls():
            found.append(f"{pull['title']}: still open")
        return found

    def _place(self, place: Environment, service: str) -> list[str]:
        name = f"{place.name}/{service}"
        try:
            there = self.world.file(place.name, service).release
        except ReleaseError as error:
            return [f"{name}: its release file is still broken: {error}"]
        if there is not None and (place.name, service, there.version) in self.refused - self.kept:
            return [f"{name}: {there.version} is back, and nobody has asked for it"]
        if there is not None and (place.name, service, there.version) in self.kept:
            return []
        now = Version.parse(there.version) if there else None
        found: list[str] = []
        if there is not None and (place.name, service, there.version) in self.bad:
            tags = self._verified(place.name, service)
            if tags:
                found.append(f"{name}: {there.version} is bad and stays, though {tags} were good")
        elif there is not None and not record.is_verified(
            self.context(), place, self.world.platform.service(service), there
        ):
            found.append(f"{name}: {there.version} is good and not recorded")
        return found + [
            f"{name}: {version} never came; {there.version if there else 'nothing'} is there"
            for version in self._owed(place, service)
            if now is None or Version.parse(version) > now
        ]

    def _owed(self, place: Environment, service: str) -> list[str]:
        """The versions that should be there: good, wanted, never said to be superseded, and good where required."""
        mine = [item.release.version for item in self.requests.values() if item.service.name == service]
        hotfixes = {item.release.version for item in self.requests.values() if item.release.is_for_one}
        owed = [
            version for version in mine if (place.name, service, version) not in self.bad | self.unwanted | self.told
        ]
        if not place.requires:
            return owed
        known = [self.wanted(required, service) for required in place.requires]
        return [
            version
            for version in owed
            if version in hotfixes
            or (
                known == [version] * len(known)
                and not any((name, service, version) in self.bad for name in place.requires)
            )
        ]

    def _verified(self, place: str, service: str) -> set[str]:
        start = f"tags/verified/{place}/{service}/"
        found = self.world.call("GET", f"/repos/{self.world.repository}/git/matching-refs/{start}")
        names = {item["ref"].removeprefix(f"refs/{start}") for item in found}
        gone = {item.release.version for item in self.requests.values() if item.release.digest in self.outside.gone}
        return {name for name in names if (place, service, name) not in self.spoiled} - gone
