"""What happens seldom in a simulated year: to the cluster, by other tools, and nothing for a season."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway_release import deployments, rollback
from slipway_release.blame import MANY
from slipway_release.platform_types import Environment
from slipway_release.tags import Version, is_version
from tests.release.year.known import Known

if TYPE_CHECKING:
    from tests.release.year.year import Year

_DAY = 24 * 3600
_UNANSWERED = "Sync failed: failed calling webhook: connection refused"
_FOREIGN = ("preview/pr-12", "dev/somebody-else", "github-pages", "Production")


class Seldom:
    """Each is one thing that happens."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self.world = year.world
        self.random = year.random

    def happen(self) -> None:
        """One of them."""
        doing = (self.aside, self.unanswered, self.node, self.clean_up, self.foreign, self.season)
        self.random.choices(doing, (4, 2, 3, 3, 1, 1))[0]()

    def aside(self) -> None:
        """What was verified breaks, or differs from Git: neither says anything of the release."""
        what = self.random.choice(deployments.ASIDE)
        found = [place for place, state in sorted(self.year.argocd.reported.items()) if state.endswith("True")]
        if found:
            place, service = self.random.choice(found)
            self._failing(place, [service], f"{what}: its pod started again")

    def unanswered(self) -> None:
        """A webhook of the cluster is away for a while."""
        self._failing(self.random.choice(self.world.platform.environments).name, self.world.services, _UNANSWERED)

    def node(self, place: str = "") -> None:
        """A node is gone, and comes back: all services of an environment fail at the same time."""
        place = place or self.random.choice(self.world.platform.environments).name
        running = [service for service in self.world.services if self.year.wanted(place, service)]
        if len(running) > MANY:
            self._failing(place, running, "Degraded: its node is gone")

    def _failing(self, place_name: str, services: tuple[str, ...] | list[str], why: str) -> None:
        """Argo CD reports all of them as failing; then what becomes of that; then how they are."""
        place = next((item for item in self.world.platform.environments if item.name == place_name), None)
        if place is None or self.year.argocd.is_away(place.name):
            return
        self.year.counts[why.partition(":")[0].lower()] += 1
        head = self.world.head("environments", place.target_branch)
        there = [
            service for service in services if service in self.world.services and self.year.wanted(place.name, service)
        ]
        for service in there:
            if not why.startswith((*deployments.ASIDE, _UNANSWERED)):
                self._note(place, service, head)
        numbers = {service: self.world.report(place.name, head, "failure", why, service) for service in there}
        for service, number in numbers.items():
            before = self.year.argocd.held(place.name, service)
            if not self.year.is_lost():
                self.year.runs.attempt(lambda context, number=number: rollback.rollback(context, number))
            self.year.argocd.blamed(place.name, service, before)
        for service in there:
            self.year.argocd.reported.pop((place.name, service), None)
        for service in there:
            self.year.argocd.sync(place, service, lost=self.year.is_lost())

    def _note(self, place: Environment, service: str, head: str) -> None:
        """A failure that proves nothing."""
        release = self.world.file(place.name, service, head).release
        if release is not None:
            known = self.year.argocd.known.setdefault((place.name, service), Known())
            known.tell(release.version, self.year.people.files(place.name, service, head), is_good=False)

    def clean_up(self) -> None:
        """The registry keeps no images of a service that are older than what any environment wants."""
        service = self.random.choice(self.world.services)
        wanted = [self.year.wanted(place.name, service) for place in self.world.platform.environments]
        known = [Version.parse(version) for version in wanted if version and is_version(version)]
        if len(known) < len(wanted):
            return
        for request in self.year.requests.values():
            release = request.release
            if request.service.name == service and Version.parse(release.version) < min(known):
                self.year.outside.gone.add(release.digest)
        self.year.counts["cleaned up"] += 1

    def foreign(self) -> None:
        """Another tool uses deployments of the same repository, and a person names a branch as releases are named."""
        path = f"/repos/{self.world.repository}/deployments"
        head = self.world.head("environments")
        name = self.random.choice(_FOREIGN)
        body = {"ref": head, "environment": name, "auto_merge": False, "required_contexts": []}
        made = self.world.call("POST", path, body)
        self.world.call("POST", f"{path}/{made['id']}/statuses", {"state": self.random.choice(("success", "failure"))})
        self.year.runs.attempt(lambda context: rollback.rollback(context, str(made["id"])))
        branch = f"refs/heads/release/dev/guestbook/9.{len(self.year.requests)}.0"
        self.world.client.post(f"/repos/{self.world.repository}/git/refs", json={"ref": branch, "sha": head})
        self.year.counts["foreign"] += 1

    def season(self) -> None:
        """Nothing is released for longer than GitHub keeps statuses of deployments."""
        self.year.counts["season"] += 1
        for _ in range(6):
            self.year.wait(16 * _DAY)
            for _ in range(2):
                self.year.reconcile()
            for _ in range(len(self.year.runs.promotions)):
                self.year.promote()
            self.year.argocd.act()
