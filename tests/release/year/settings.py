"""What becomes of the platform's settings in a simulated year, while releases are under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.github.api import GitHubApi
from components.github.branch_contents import BranchContents
from components.github.credentials import Token
from tests.release.builders import environment
from tests.release.year.people import template

if TYPE_CHECKING:
    from tests.release.year.year import Year

_WAYS = (
    {"delivery": "commit", "approval": False},
    {"delivery": "pull-request", "approval": False},
    {"delivery": "pull-request", "approval": True},
    {"delivery": "branch", "approval": False},
)
_MOST_PLACES = 5


class Settings:
    """Changes of the settings, each with the `pulumi up` that applies it."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self.world = year.world
        self.random = year.random
        self.services = year.world.services
        """Those that the settings have, once nobody has mistaken them any more."""
        self.archived: set[str] = set()
        self.renamed: dict[str, str] = {}
        """Repositories of services, by the service's name."""
        self._made = 0

    def act(self) -> None:
        """One of them."""
        self.random.choice(
            (
                self.archive, self.rename, self.transfer, self.reorganize, self.retire, self.add_service,
                self.remove_service, self.add_environment, self.rename_environment, self.remove_environment,
                self.change_delivery, self.change_sync, self.change_rollback, self.change_tag_prefix,
                self.update_template, self.upgrade,
            )
        )()  # fmt: skip

    def mend(self) -> None:
        """Put right what was a mistake."""
        self.world.environments = list(self.year.places)
        self.world.services = self.services
        self.world.names |= self.renamed
        self.unarchive()
        self.year.outside.transferred.clear()

    def complete(self, place: dict[str, Any], old: dict[str, Any] | None = None) -> None:
        """What `pulumi up` does for an environment: its branch is there, and has the releases of the one before."""
        new = place["targetBranch"]
        contents = BranchContents(
            GitHubApi(f"{self.world.url}api/v3", Token(self.world.token)), self.world.owner, "environments"
        )
        contents.complete(new, ())
        if old is not None and old["targetBranch"] != new:
            contents.carry(place["name"], old["targetBranch"], new)

    # Repositories

    def archive(self) -> None:
        """A service's repository is archived, or is not any more."""
        if self.archived:
            self.unarchive()
            return
        name = self.random.choice(self.world.platform.services).name
        self.world.call("PATCH", f"/repos/{self.world.owner}/{name}", {"archived": True})
        self.archived.add(name)
        self.year.counts["archived"] += 1

    def unarchive(self) -> None:
        for name in self.archived:
            self.world.call("PATCH", f"/repos/{self.world.owner}/{name}", {"archived": False})
        self.archived.clear()

    def rename(self) -> None:
        """A service's repository gets another name; the settings learn of it at once or at the end of the year."""
        service = self.random.choice(self.world.platform.services)
        if service.name in self.archived:
            return
        name = f"{service.name}-{len(self.year.requests)}"
        self.world.call("PATCH", f"/repos/{service.repository}", {"name": name})
        self.renamed[service.name] = name
        if self.random.random() < 0.5:
            self.world.names |= self.renamed
        self.year.counts["renamed"] += 1

    def transfer(self) -> None:
        """A service's repository gets another owner, or comes back."""
        transferred = self.year.outside.transferred
        if transferred:
            transferred.clear()
            return
        transferred.add(self.random.choice(self.world.platform.services).repository)
        self.year.counts["transferred"] += 1

    # Services

    def retire(self) -> None:
        """A service leaves the settings for a while."""
        if self.world.services != self.services:
            self.world.services = self.services
            return
        if len(self.services) < 2:
            return
        gone = self.random.choice(self.services)
        self.world.services = tuple(name for name in self.services if name != gone)
        self.year.counts["retired"] += 1

    def add_service(self) -> None:
        """A service comes that has released nothing yet."""
        self._made += 1
        name = f"new-{self._made}"
        body = {"name": name, "auto_init": True, "private": True}
        self.world.call("POST", f"/orgs/{self.world.owner}/repos", body)
        self.services = self.world.services = (*self.services, name)
        self.year.counts["service added"] += 1

    def remove_service(self) -> None:
        """A service leaves for ever, whatever waits of it."""
        if len(self.services) > 1:
            gone = self.random.choice(self.services)
            self.services = self.world.services = tuple(name for name in self.services if name != gone)
            self.year.counts["service removed"] += 1

    # Environments

    def reorganize(self) -> None:
        """Environments are in another order, or one of them is gone, for a while."""
        places = [dict(place) for place in self.year.places]
        self.random.shuffle(places)
        if len(places) > 1 and self.random.random() < 0.5:
            places.pop()
        self._set(places)
        self.year.counts["reorganized"] += 1

    def add_environment(self) -> None:
        """A new one, somewhere in the order; it may be required from then on."""
        places = list(self.year.places)
        if len(places) >= _MOST_PLACES:
            return
        self._made += 1
        at = self.random.randrange(len(places) + 1)
        before = [places[at - 1]["name"]] if at and self.random.random() < 0.5 else []
        new = self._with(environment(f"new-{self._made}", requires=before), self.random.choice(_WAYS))
        new["cluster"] = self.random.choice(("first cluster", "second cluster"))
        after = [dict(place) for place in places[at:]]
        if after and self.random.random() < 0.5:
            after[0]["requires"] = [*after[0]["requires"], new["name"]]
        self._starts_anew(new["name"])
        self._keep([*places[:at], new, *after])
        self.complete(new)
        self.year.counts["environment added"] += 1

    def rename_environment(self) -> None:
        """To everything but people it is another one, in which nothing was released yet."""
        self._made += 1
        old = self.random.choice(self.year.places)
        name = f"{old['name'].partition('-')[0]}-{self._made}"
        branch = f"environment/{name}" if old["delivery"] == "branch" else "main"
        new = {**old, "name": name, "targetBranch": branch}
        self.year.bad |= {(name, service, v) for place, service, v in self.year.bad if place == old["name"]}
        self._starts_anew(name)
        places = [new if place is old else place for place in self.year.places]
        required = {old["name"]: name}
        self._keep([{**it, "requires": [required.get(one, one) for one in it["requires"]]} for it in places])
        self.complete(new)
        self.year.counts["environment renamed"] += 1

    def remove_environment(self) -> None:
        """One leaves for ever, whatever waits for it."""
        if len(self.year.places) > 2:
            gone = self.random.choice(self.year.places)
            self._keep([place for place in self.year.places if place is not gone])
            self.year.counts["environment removed"] += 1

    def change_delivery(self) -> None:
        """Another way of delivery, with approvers or without."""
        place = self.random.choice(self.year.places)
        if any(name == place["name"] for name, _ in self.year.broken | self.year.mended):
            # What is mended on main reaches a branch with the next release alone.
            return
        new = self._with(place, self.random.choice(_WAYS))
        if not new["approval"]:
            self._gives_up_hotfixes(place["name"])
        self.complete(new, place)
        self._keep([new if one is place else one for one in self.year.places])
        self.year.counts[f"delivery by {new['delivery']}"] += 1

    def change_sync(self) -> None:
        """Synced by a person, or automatically."""
        place = self.random.choice(self.year.places)
        new = {**place, "sync": "automated" if place["sync"] == "manual" else "manual"}
        self._keep([new if one is place else one for one in self.year.places])
        self.year.counts[f"sync is {new['sync']}"] += 1

    def change_rollback(self) -> None:
        """Automatic, by a request, or by people alone."""
        place = self.random.choice(self.year.places)
        new = {**place, "rollback": self.random.choice(("automatic", "pull-request", "off"))}
        self._keep([new if one is place else one for one in self.year.places])
        self.year.counts[f"rollback is {new['rollback']}"] += 1

    def change_tag_prefix(self) -> None:
        """An environment with approvers takes hotfixes, or does not any more."""
        place = self.random.choice(self.year.places)
        prefix = None if place["tagPrefix"] or not place["approval"] else place["name"]
        self._gives_up_hotfixes(place["name"])
        new = {**place, "tagPrefix": prefix}
        self._keep([new if one is place else one for one in self.year.places])
        self.year.counts["tag prefix"] += 1

    def update_template(self) -> None:
        """A newer template comes to the charts of all services, in a commit for each."""
        for service in self.world.services:
            text = f"replicas: {self.random.random()}\n"
            self.world.commit("environments", template(service), text)
        self.year.counts["template"] += 1

    def upgrade(self) -> None:
        """A newer program and newer workflows come to main while others still run."""
        version = f"0.{len(self.year.requests)}.0"
        self.world.changes["slipwayVersion"] = version
        self.world.commit("environments", ".slipway/slipway_release/version.py", f'VERSION = "{version}"\n')
        self.world.commit("environments", ".github/workflows/promote.yml", f"name: promote # {version}\n")
        self.year.counts["upgraded"] += 1

    def _with(self, place: dict[str, Any], way: dict[str, Any]) -> dict[str, Any]:
        branch = f"environment/{place['name']}" if way["delivery"] == "branch" else "main"
        return {**place, **way, "targetBranch": branch}

    def _gives_up_hotfixes(self, name: str) -> None:
        """What is tagged for an environment alone, and has not come yet, is refused from now on."""
        self.year.told |= {
            (name, item.service.name, item.release.version)
            for item in self.year.requests.values()
            if item.release.is_for_one
        }

    def _starts_anew(self, name: str) -> None:
        """What was released before it was there comes to it with a newer version, or is brought by a reconciliation."""
        self.year.told |= {(name, item.service.name, item.release.version) for item in self.year.requests.values()}

    def _keep(self, places: list[dict[str, Any]]) -> None:
        """From now on, and for good."""
        self._set(places)
        self.year.places = list(self.world.environments)

    def _set(self, places: list[dict[str, Any]]) -> None:
        """Settings are refused that require an environment which is not there."""
        names = {place["name"] for place in places}
        self.world.environments = [
            {**place, "requires": [name for name in place["requires"] if name in names]} for place in places
        ]
