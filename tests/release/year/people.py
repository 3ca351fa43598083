"""What people do to releases in a simulated year: sensible things and careless ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.github.core import clock
from slipway_release import layout, merged, pulls
from slipway_release.choices import Sync
from slipway_release.errors import ReleaseError
from slipway_release.tags import is_version
from tests.release.year.known import Files

if TYPE_CHECKING:
    from tests.release.year.year import Year

_BROKEN = "command: [broken"
"""How values and charts begin with which nothing gets healthy."""
_CALENDAR = "No releases from Friday to Monday"


class People:
    """Everybody who may write something."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self.world = year.world
        self.random = year.random
        self._is_weekend = False

    def act(self) -> None:
        """One of them does something."""
        operators = self.year.operators
        self.random.choices(
            [
                self.freeze, self.thaw, operators.hold, operators.unhold, self.revert, operators.take_back,
                self.break_values,
                self.break_chart, self.mend_values, self.change_chart, self.merge_requests, self.close_request,
                self.hotfix, self.blunder, operators.trespass,
            ],
            [2, 3, 2, 2, 2, 1, 2, 1, 3, 1, 4, 1, 2, 1, 1],
        )[0]()  # fmt: skip

    def mend(self) -> None:
        """Put right what is broken."""
        self.thaw()
        self.mend_values()

    def keep_calendar(self) -> None:
        """The last environment is frozen from Friday evening until Monday."""
        now = clock.present()
        is_weekend = (now.weekday(), now.hour) >= (4, 18)
        if is_weekend == self._is_weekend:
            return
        self._is_weekend = is_weekend
        last = self.year.places[-1]["name"]
        if is_weekend and last in {place["name"] for place in self.world.environments}:
            self.year.counts["frozen by the calendar"] += 1
            self.world.freeze(last, _CALENDAR)
        elif not is_weekend:
            self.thaw()

    def freeze(self) -> None:
        self.world.freeze(self.random.choice(self.world.platform.environments).name, "Black Friday")

    def thaw(self) -> None:
        for place in self.world.platform.environments:
            self.world.thaw(place.name)

    def revert(self) -> None:
        """A person puts the release file back as it was one release before."""
        place, service = self.year.somewhere()
        if place.target_branch != "main" or place.delivery != "commit":
            return
        path = layout.release_path(place.name, service.name)
        query = f"path={path}&sha={place.target_branch}&per_page=2"
        commits = self.world.call("GET", f"/repos/{self.world.repository}/commits?{query}")
        try:
            file = self.world.file(place.name, service.name)
            older = self.world.file(place.name, service.name, commits[-1]["sha"]) if len(commits) > 1 else None
        except ReleaseError:
            return
        if older is None or older.release is None or file.release is None or file.release.rollback:
            return
        if older.release.version == file.release.version or older.release.rollback or file.held != older.held:
            return
        if (place.name, service.name, older.release.version) in self.year.bad:
            return
        self.year.unwanted.add((place.name, service.name, file.release.version))
        self.year.told.discard((place.name, service.name, older.release.version))
        self.world.commit("environments", path, older.dump())
        self.year.refused.add((place.name, service.name, file.release.version))
        self.year.refused.discard((place.name, service.name, older.release.version))
        self.year.counts["reverted"] += 1

    def break_values(self) -> None:
        place, service = self.year.somewhere()
        if place.target_branch != "main":
            return
        # They may fail twice with no report of a mend in between, or be mended in vain.
        if (place.name, service.name) in self.year.broken | self.year.mended:
            self.year.counts["broken again"] += 1
        self._commit(_values(place.name, service.name), f"{_BROKEN} {self.random.random()}]\n")
        self.year.broken.add((place.name, service.name))
        self.year.argocd.act(place.name, service.name)

    def break_chart(self) -> None:
        """A chart breaks everywhere at once; where a branch is delivered to it would be a part of the next release."""
        service = self.random.choice(self.world.services)
        places = {(place["name"], service) for place in self.year.places}
        if any(place["targetBranch"] != "main" for place in self.year.places):
            return
        if places & (self.year.broken | self.year.mended):
            return
        self._commit(_chart(service), f"{_BROKEN} {self.random.random()}]\n")
        self.year.broken |= places
        self.year.counts["broken chart"] += 1
        for place in self.world.platform.environments:
            # It takes minutes where nobody has to sync; what is synced by people often comes with a release.
            if place.sync is Sync.AUTOMATED:
                self.year.argocd.act(place.name, service)

    def blunder(self) -> None:
        """A chart is broken and mended again within a minute; Argo CD may have seen it."""
        place, service = self.year.somewhere()
        key, path = (place.name, service.name), _chart(service.name)
        before = self.world.text(path, "main") or ""
        if key in self.year.broken | self.year.mended or before.startswith(_BROKEN):
            return
        self._commit(path, f"{_BROKEN} {self.random.random()}]\n")
        if self.random.random() < 0.5:
            self.year.argocd.act(place.name, service.name)
            self.year.mended.add(key)
        if (self.world.text(path, "main") or "").startswith(_BROKEN):
            self._commit(path, f"replicas: {self.random.random()}\n")
        self.year.counts["broken and mended"] += 1

    def change_chart(self) -> None:
        """A chart or the values that all services share change, and all is well."""
        place, service = self.year.somewhere()
        path = self.random.choice((_chart(service.name), layout.shared_values(place.name)))
        if not (self.world.text(path, "main") or "").startswith(_BROKEN):
            self._commit(path, f"replicas: {self.random.random()}\n")
            self.year.counts["changed chart"] += 1

    def mend_values(self) -> None:
        """What is broken is mended on main."""
        for place, service in sorted(self.year.broken):
            # A rollback may have put older ones back.
            for path in (_values(place, service), _chart(service)):
                if (self.world.text(path, "main") or "").startswith(_BROKEN):
                    self._commit(path, f"replicas: {self.random.random()}\n")
        self.year.mended |= self.year.broken
        self.year.broken.clear()

    def files(self, place: str, service: str, ref: str) -> Files:
        """Chart and values that are there."""
        paths = (_values(place, service), _chart(service), template(service), layout.shared_values(place))
        return Files((path, self.world.text(path, ref) or "") for path in paths)

    def is_broken(self, place: str, service: str, ref: str) -> bool:
        """Whether nothing gets healthy with the chart and the values that are there."""
        return any(text.startswith(_BROKEN) for _, text in self.files(place, service, ref))

    def _commit(self, path: str, text: str) -> None:
        self.world.commit("environments", path, text)

    # Requests

    def requests(self) -> list[dict[str, Any]]:
        return [item for item in self.world.pulls() if pulls.placement_of(item["head"]["ref"]) is not None]

    def merge_requests(self, *, restore: bool = False) -> bool:
        """People merge what waits for them; whether anything did. Nobody merges what is bad on purpose.

        Args:
            restore: whether they put all values back, as they are asked to; otherwise every second one.
        """
        done = False
        for item in self.requests():
            branch = item["head"]["ref"]
            if branch.startswith("restore/") and not restore and self.random.random() < 0.5:
                continue
            path = f"/repos/{self.world.repository}/pulls/{item['number']}/merge"
            answer = self.world.client.put(path, content=json.dumps({"merge_method": "squash"}))
            if not answer.is_success:
                self.year.counts["does not merge"] += 1
                continue
            done = True
            self.year.counts["merged by people"] += 1
            commit = answer.json()["sha"]
            if not self.year.is_lost():
                self.year.runs.attempt(
                    lambda context, branch=branch, commit=commit: merged.record(context, branch, commit)
                )
        return done

    def close_request(self) -> None:
        """A person says no to a request."""
        found = self.requests()
        if not found:
            return
        item = self.random.choice(found)
        kind, place, service, version = item["head"]["ref"].split("/")
        self.world.call("PATCH", f"/repos/{self.world.repository}/pulls/{item['number']}", {"state": "closed"})
        self.year.counts[f"closed a {kind}"] += 1
        if kind == "release":
            self.year.unwanted.add((place, service, version))
            self.year.refused.add((place, service, version))
        elif kind == "rollback":
            self.year.kept.add((place, service, version))

    def hotfix(self) -> None:
        """A mend of what runs, past the environments before it."""
        place, service = self.year.somewhere()
        there = self.year.wanted(place.name, service.name)
        if place.tag_prefix is None or not place.approval or there is None or not is_version(there) or "-" in there:
            return
        major, minor, patch = there.split(".")
        version = f"{major}.{minor}.{int(patch) + 1}"
        if all(
            (item.service.name, item.release.version) != (service.name, version) for item in self.year.requests.values()
        ):
            self.year.release(f"{place.tag_prefix}-v{version}", service.name)
            self.year.counts["hotfix"] += 1


def _values(place: str, service: str) -> str:
    return f"{layout.service_folder(place, service)}/values.yaml"


def template(service: str) -> str:
    """A file of its chart that newer templates change."""
    return f"{layout.chart_folder(service)}/templates/config.yaml"


def _chart(service: str) -> str:
    return f"{layout.chart_folder(service)}/values.yaml"
