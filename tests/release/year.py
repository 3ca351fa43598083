"""A year of releases in minutes: random people, faults and lost events, on the model of GitHub with the real program.

Time is the model's clock. Argo CD is played by what it would see: a release is healthy where it was made to be, and so
is a configuration. The promises are looked at once everything that was broken is mended and reconciled.
"""

import dataclasses
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sandbox.github.core import clock
from slipway_release import hold, layout, promotion, promotions, reconcile, rollback, verified
from slipway_release.claims import PromotionRequest
from slipway_release.context import Context
from slipway_release.errors import RefusedError, ReleaseError
from slipway_release.github import GitHub
from slipway_release.platform_file import Environment, Service
from slipway_release.selection import Kind
from slipway_release.tags import Version, is_version
from slipway_release.transport import Response, Transport
from tests.release.builders import Stocked, answer, environment
from tests.release.world import World

PLACES = (
    environment("dev"),
    environment("staging", delivery="branch", targetBranch="environment/staging", requires=["dev"]),
    environment("production", delivery="pull-request", requires=["staging"]),
)
SERVICES = ("guestbook", "clock")
HOUR = 3600
_MOST_ROUNDS = 12


class KilledError(Exception):
    """The runner is gone in the middle of a run."""


@dataclass
class Actions(Transport):
    """A run's connection to GitHub: it may be killed at any request, and promotions that it starts are only noted."""

    year: "Year | None" = None
    left: int | None = None

    def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        assert self.year is not None
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KilledError
        address = urlsplit(url)
        if address.path.endswith("/promote.yml/dispatches"):
            self.year.start(body or b"")
            return answer(status=204)
        if address.path.endswith(("/promote.yml/runs", "/environments/actions/runs")):
            return answer({"workflow_runs": self.year.runs(parse_qs(address.query))})
        return super().send(method, url, headers, body)


@dataclass
class Promotion:
    """A run of the promotion."""

    service: str
    run: str
    digest: str
    environments: tuple[str, ...]
    created: str
    conclusion: str | None = None


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
    """Places whose values are broken at the moment."""
    unwanted: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Place and version that a person took back or put on hold."""
    told: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Place and version that were said to be superseded, or were overtaken."""
    reported: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    counts: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    faults: bool = True

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.seconds = 0.0
        self.world.call("PATCH", f"/repos/{self.world.repository}", {"allow_auto_merge": True})
        for place in self.world.platform.environments:
            if place.target_branch != "main":
                head = self.world.head("environments")
                body = {"ref": f"refs/heads/{place.target_branch}", "sha": head}
                self.world.call("POST", f"/repos/{self.world.repository}/git/refs", body)

    # What the program runs in

    def context(self, kill: int | None = None) -> Context:
        transport = Actions(60, sleep=lambda _: None, log=lambda _: None, year=self, left=kill)
        github = GitHub(f"{self.world.url}api/v3", self.world.token, transport)
        return Context(self.world.platform, github, github, github, Stocked(), self.world.frozen, "https://run.test/1")

    def start(self, body: bytes) -> None:
        inputs = json.loads(body)["inputs"]
        environments = tuple(inputs.get("environments", "").split())
        self.promotions.append(Promotion(inputs["service"], inputs["run"], inputs["digest"], environments, clock.now()))

    def runs(self, query: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        wanted = query.get("status", [None])[0]
        found = [
            {
                "id": number,
                "display_title": promotions.title(item.service, item.run, item.digest, item.environments),
                "status": "completed" if item.conclusion else "queued",
                "conclusion": item.conclusion,
                "created_at": item.created,
            }
            for number, item in enumerate(self.promotions)
        ]
        return [run for run in reversed(found) if wanted in {None, run["conclusion"], run["status"]}][:100]

    def attempt(self, what: Callable[[Context], object]) -> bool:
        """A run that may be killed at any of its requests; whether it came to its end."""
        kill = self.random.randrange(1, 40) if self.faults and self.random.random() < 0.15 else None
        try:
            what(self.context(kill))
        except KilledError:
            self.counts["killed"] += 1
            return False
        except ReleaseError:
            self.counts["failed"] += 1
            return False
        return True

    # What happens

    def live(self, releases: int) -> None:
        """Until so many versions are released."""
        for number in range(releases):
            self.release(f"1.{number}.0")
            for _ in range(self.random.randrange(1, 5)):
                self.random.choice(
                    [self.argocd, self.argocd, self.argocd, self.promote, self.promote, self.reconcile, self.person]
                )()
            self.wait(self.random.expovariate(1 / (2 * HOUR)))

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        clock.move(self.seconds)

    def release(self, version: str) -> None:
        service = self.random.choice(SERVICES)
        request = self.world.request(version, service)
        number = str(len(self.requests) + 1)
        run = request.release.run.rpartition("/")[0] + f"/{number}"
        request = dataclasses.replace(request, release=dataclasses.replace(request.release, run=run))
        self.requests[number] = request
        worst = self.random.random()
        for index, place in enumerate(PLACES):
            if worst < (0.15, 0.22, 0.27)[index]:
                self.bad.add((place["name"], service, version))
        self.counts["released"] += 1
        self.promotions.append(Promotion(service, number, request.release.digest, (), clock.now()))

    def promote(self) -> None:
        """A run of `promote.yml`: its plan, then a job for each environment; each may die."""
        waiting = [item for item in self.promotions if item.conclusion is None]
        if not waiting:
            return
        item = self.random.choice(waiting)
        request = self.requests[item.run]
        planned: list[str] = []

        def plan(context: Context) -> None:
            outcomes = promotion.consider(context, request, item.environments)
            planned.extend(promotion.with_work(context, request, outcomes))
            frozen = promotion.stopped(outcomes)
            if frozen is not None:
                raise RefusedError(frozen)

        ended = self.attempt(plan)
        for name in planned:
            place = self.world.platform.environment(name)
            asked = name in item.environments
            before = self.world.wanted(name, item.service)
            outcomes: list[promotion.Outcome] = []
            ended &= self.attempt(
                lambda context, place=place, asked=asked, outcomes=outcomes: outcomes.append(
                    promotion.deliver(context, request, place, asked=asked)
                )
            )
            for outcome in outcomes:
                ended &= outcome.decision.kind is not Kind.FROZEN
                if outcome.decision.kind is Kind.SUPERSEDED:
                    self.told.add((name, item.service, request.release.version))
            if before and before != self.world.wanted(name, item.service):
                self.told.add((name, item.service, before))
        for place in self.world.platform.environments:
            there = self.world.wanted(place.name, item.service)
            if there and is_version(there) and Version.parse(there) > Version.parse(request.release.version):
                self.told.add((place.name, item.service, request.release.version))
        item.conclusion = "success" if ended else "failure"

    def argocd(self) -> None:
        """Argo CD syncs a place and reports; the event of the report may be lost."""
        place = self.random.choice(self.world.platform.environments)
        service = self.random.choice(SERVICES)
        self.sync(place, service, lost=self.faults and self.random.random() < 0.2)

    def sync(self, place: Environment, service: str, *, lost: bool = False) -> bool:
        head = self.world.head("environments", place.target_branch)
        there = self.world.file(place.name, service, head).release
        if there is None:
            return False
        good = (place.name, service, there.version) not in self.bad and (place.name, service) not in self.broken
        if self.reported.get((place.name, service)) == f"{head} {good}":
            return False
        self.reported[place.name, service] = f"{head} {good}"
        number = self.world.report(place.name, head, "success" if good else "failure", "Healthy", service)
        before = {held.version for held in self.world.file(place.name, service).held}
        if lost:
            self.counts["lost"] += 1
            return True
        handle = verified.verified if good else rollback.rollback
        self.attempt(lambda context: handle(context, number))
        self._blamed(place.name, service, before)
        return True

    def _blamed(self, place: str, service: str, before: set[str]) -> None:
        for version in {held.version for held in self.world.file(place, service).held} - before:
            self.counts["rolled back"] += 1
            if (place, service, version) not in self.bad:
                self.wrong.append(f"{place}/{service}: {version} is held and was good")

    def reconcile(self) -> None:
        before = {
            (place, service): {held.version for held in self.world.file(place.name, service).held}
            for place in self.world.platform.environments
            for service in SERVICES
        }
        self.attempt(reconcile.reconcile)
        for (place, service), held in before.items():
            self._blamed(place.name, service, held)

    # What people do

    def person(self) -> None:
        self.random.choice([self.freeze, self.thaw, self.hold, self.revert, self.break_values, self.mend_values])()

    def freeze(self) -> None:
        self.world.frozen[f"FREEZE_{self.random.choice(PLACES)['name'].upper()}"] = "Black Friday"

    def thaw(self) -> None:
        self.world.frozen.clear()

    def hold(self) -> None:
        place, service = self._somewhere()
        there = self.world.file(place.name, service.name).release
        newest = [item for item in self.requests.values() if item.service.name == service.name]
        if not newest:
            return
        version = newest[-1].release.version
        if there is not None and there.version == version:
            return
        if self.attempt(lambda context: hold.hold(context, place, service, version, reason="no", login="dana")):
            self.unwanted.add((place.name, service.name, version))

    def revert(self) -> None:
        """A person puts the release file back as it was one release before."""
        place, service = self._somewhere()
        if place.target_branch != "main" or place.delivery != "commit":
            return
        path = layout.release_path(place.name, service.name)
        query = f"path={path}&sha={place.target_branch}&per_page=2"
        commits = self.world.call("GET", f"/repos/{self.world.repository}/commits?{query}")
        file = self.world.file(place.name, service.name)
        if len(commits) < 2 or file.release is None or file.release.rollback:
            return
        older = self.world.file(place.name, service.name, commits[1]["sha"])
        newer = {file.release.version}
        if older.release is None or older.release.version in newer or older.release.rollback:
            return
        if file.held != older.held or (place.name, service.name, older.release.version) in self.bad:
            return
        self.unwanted.add((place.name, service.name, file.release.version))
        self.told.discard((place.name, service.name, older.release.version))
        self.world.commit("environments", path, older.dump())
        self.counts["reverted"] += 1

    def break_values(self) -> None:
        place, service = self._somewhere()
        if place.target_branch != "main":
            return
        path = f"{layout.service_folder(place.name, service.name)}/values.yaml"
        self.world.commit("environments", path, f"command: [broken {self.random.random()}]\n")
        self.broken.add((place.name, service.name))
        self.sync(place, service.name, lost=self.faults and self.random.random() < 0.2)

    def mend_values(self) -> None:
        for place, service in sorted(self.broken):
            path = f"{layout.service_folder(place, service)}/values.yaml"
            self.world.commit("environments", path, f"replicas: {self.random.random()}\n")
        self.broken.clear()

    def _somewhere(self) -> tuple[Environment, Service]:
        return (
            self.random.choice(self.world.platform.environments),
            self.world.platform.service(self.random.choice(SERVICES)),
        )

    # The end of the year

    def settle(self) -> None:
        """Everything is mended; everything that can happen happens, until nothing more does."""
        self.faults = False
        self.thaw()
        self.mend_values()
        for _ in range(_MOST_ROUNDS):
            moved = False
            # Promotions that fail are started again after pauses that double.
            self.wait(24 * HOUR)
            while any(item.conclusion is None for item in self.promotions):
                self.promote()
                moved = True
            for place in self.world.platform.environments:
                for service in SERVICES:
                    moved |= self.sync(place, service)
            moved |= bool(reconcile.reconcile(self.context()))
            if not moved:
                return
        self.wrong.append(f"it is not quiet after {_MOST_ROUNDS} rounds")

    def broken_promises(self) -> list[str]:
        """What is not as it has to be, in words."""
        found = list(self.wrong)
        for service in SERVICES:
            for place in self.world.platform.environments:
                found += self._place(place, service)
        for pull in self.world.pulls():
            found.append(f"{pull['title']}: still open")
        return found

    def _place(self, place: Environment, service: str) -> list[str]:
        name = f"{place.name}/{service}"
        there = self.world.file(place.name, service).release
        now = Version.parse(there.version) if there else None
        found: list[str] = []
        if there is not None and (place.name, service, there.version) in self.bad:
            tags = self._verified(place.name, service)
            if tags:
                found.append(f"{name}: {there.version} is bad and stays, though {tags} were good")
        elif there is not None and there.version not in self._verified(place.name, service):
            found.append(f"{name}: {there.version} is good and not recorded")
        return found + [
            f"{name}: {version} never came; {there.version if there else 'nothing'} is there"
            for version in self._owed(place, service)
            if now is None or Version.parse(version) > now
        ]

    def _owed(self, place: Environment, service: str) -> list[str]:
        """The versions that should be there: good, wanted, never said to be superseded, and good where required."""
        mine = [item.release.version for item in self.requests.values() if item.service.name == service]
        owed = [
            version for version in mine if (place.name, service, version) not in self.bad | self.unwanted | self.told
        ]
        if not place.requires:
            return owed
        current = {self.world.wanted(required, service) for required in place.requires}
        return [version for version in owed if version in current]

    def _verified(self, place: str, service: str) -> set[str]:
        start = f"tags/verified/{place}/{service}/"
        found = self.world.call("GET", f"/repos/{self.world.repository}/git/matching-refs/{start}")
        return {item["ref"].removeprefix(f"refs/{start}") for item in found}
