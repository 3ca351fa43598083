"""What people do to releases in a simulated year: sensible things, careless ones and forbidden ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slipway_release import hold, layout, merged, pulls, rollback
from slipway_release.errors import ReleaseError
from slipway_release.platform_types import Environment, Service
from slipway_release.record import PREFIX
from slipway_release.release_file import ReleaseFile
from slipway_release.tags import is_version

if TYPE_CHECKING:
    from tests.release.year import Year

_FIELDS = ("version", "tag", "image", "digest", "commit", "run", "rollback", "held", "release")
_WRONG: tuple[object, ...] = ("", None, "v1.0.0", "latest", 7, {}, [], "sha256:" + "0" * 64, "0" * 40, "99.0.0")

_BROKEN = "command: [broken"
"""How values begin with which nothing gets healthy."""


class People:
    """Everybody who may write something."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self.world = year.world
        self.random = year.random
        self.edited: dict[tuple[str, str, str], tuple[str, str]] = {}
        """Release files that were edited by hand, by branch, place and service: the text before and after."""
        self.archived: set[str] = set()
        self.renamed: dict[str, str] = {}
        """Repositories of services, by the service's name."""

    def act(self) -> None:
        """One of them does something."""
        self.random.choices(
            [
                self.freeze, self.thaw, self.hold, self.unhold, self.revert, self.take_back, self.break_values,
                self.mend_values, self.merge_requests, self.close_request, self.spoil_record, self.edit_file,
                self.mend_files, self.archive, self.reorganize, self.rename, self.transfer, self.hotfix,
            ],
            [2, 3, 2, 2, 2, 1, 2, 3, 4, 1, 1, 1, 2, 1, 1, 1, 1, 2],
        )[0]()  # fmt: skip

    def mend(self) -> None:
        """Put right what is broken."""
        self.world.environments = list(self.year.places)
        self.world.names |= self.renamed
        self.thaw()
        self.mend_values()
        self.mend_files()
        self.unarchive()
        self.year.outside.transferred.clear()

    def freeze(self) -> None:
        self.world.freeze(self.random.choice(self.world.platform.environments).name, "Black Friday")

    def thaw(self) -> None:
        for place in self.world.platform.environments:
            self.world.thaw(place.name)

    def _file(self, place: Environment, service: Service) -> ReleaseFile | None:
        """What is wanted; None where somebody has broken the file by hand."""
        try:
            return self.world.file(place.name, service.name)
        except ReleaseError:
            return None

    def hold(self) -> None:
        place, service = self._somewhere()
        file = self._file(place, service)
        there = file.release if file else None
        newest = [item for item in self.year.requests.values() if item.service.name == service.name]
        if not newest:
            return
        version = newest[-1].release.version
        if there is not None and there.version == version:
            return
        self.year.unwanted.add((place.name, service.name, version))
        self.year.attempt(lambda context: hold.hold(context, place, service, version, reason="no", login="dana"))

    def unhold(self) -> None:
        place, service = self._somewhere()
        file = self._file(place, service)
        if file is None or not file.held:
            return
        version = file.held[-1].version
        self.year.attempt(lambda context: hold.unhold(context, place, service, version, login="dana"))
        self.year.attempt(lambda context: hold.promote_again(context, place, service, version))
        self.year.refused.discard((place.name, service.name, version))
        self.year.counts["released from hold"] += 1

    def revert(self) -> None:
        """A person puts the release file back as it was one release before."""
        place, service = self._somewhere()
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

    def take_back(self) -> None:
        """A person has what runs taken back."""
        place, service = self._somewhere()
        file = self._file(place, service)
        version = file.release.version if file and file.release else None
        if version is None:
            return
        self.year.unwanted.add((place.name, service.name, version))
        self.year.attempt(lambda context: rollback.by_hand(context, place, service, version, reason="no", login="dana"))
        self.year.counts["taken back by hand"] += 1

    def break_values(self) -> None:
        place, service = self._somewhere()
        # Values that fail twice, with no report of a mend in between, are not tried: they look like a mend in vain of
        # a bad release, and a report cannot tell which of the two is at fault.
        if place.target_branch != "main" or (place.name, service.name) in self.year.broken | self.year.mended:
            return
        text = f"{_BROKEN} {self.random.random()}]\n"
        self.world.commit("environments", _values(place.name, service.name), text)
        self.year.broken.add((place.name, service.name))
        self.year.argocd(place.name, service.name)

    def mend_values(self) -> None:
        for place, service in sorted(self.year.broken):
            # A rollback may have put older ones back.
            if self.is_broken(place, service, "main"):
                self.world.commit("environments", _values(place, service), f"replicas: {self.random.random()}\n")
        self.year.mended |= self.year.broken
        self.year.broken.clear()

    def is_broken(self, place: str, service: str, ref: str) -> bool:
        """Whether nothing gets healthy with the values that are there."""
        return (self.world.text(_values(place, service), ref) or "").startswith(_BROKEN)

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
                self.year.attempt(lambda context, branch=branch, commit=commit: merged.record(context, branch, commit))
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
        place, service = self._somewhere()
        there = self.year.wanted(place.name, service.name)
        if place.tag_prefix is None or there is None or not is_version(there) or "-" in there:
            return
        major, minor, patch = there.split(".")
        version = f"{major}.{minor}.{int(patch) + 1}"
        if all(
            (item.service.name, item.release.version) != (service.name, version) for item in self.year.requests.values()
        ):
            self.year.release(f"{place.tag_prefix}-v{version}", service.name)
            self.year.counts["hotfix"] += 1

    # What nobody should do

    def spoil_record(self) -> None:
        """An owner deletes, moves or forges a record."""
        base = f"/repos/{self.world.repository}/git"
        found = self.world.call("GET", f"{base}/matching-refs/tags/{PREFIX}/")
        what = self.random.choice(("deleted", "moved", "forged"))
        self.year.counts[f"{what} record"] += 1
        if what == "forged":
            place, service = self._somewhere()
            name = f"refs/tags/{PREFIX}/{place.name}/{service.name}/{self.random.choice(['9.9.9', 'v1', '1.0.0'])}"
            self.world.client.post(
                f"{base}/refs", content=json.dumps({"ref": name, "sha": self.world.head("environments")})
            )
        elif found:
            name = self.random.choice(found)["ref"]
            if what == "deleted":
                self.world.call("DELETE", f"{base}/{name}")
            else:
                history = self.world.history()
                sha = self.random.choice(history)["sha"]
                self.world.call("PATCH", f"{base}/{name}", {"sha": sha, "force": True})
        else:
            return
        _, _, _, place_name, service_name, version = name.split("/")
        self.year.spoiled.add((place_name, service_name, version))

    def edit_file(self) -> None:
        """An owner edits a field of a release file."""
        place, service = self._somewhere()
        path = layout.release_path(place.name, service.name)
        found = self.world.context().contents.read(path, place.target_branch)
        if found is None:
            return
        content = json.loads(found.content) if found.content.startswith("{") else {}
        target = content.get("release") if isinstance(content.get("release"), dict) else content
        name, value = self.random.choice(_FIELDS), self.random.choice(_WRONG)
        (content if name in {"held", "release"} else target or content)[name] = value
        text = self.random.choice([json.dumps(content, indent=2) + "\n"] * 4 + ["release: {", ""])
        self.world.commit("environments", path, text, place.target_branch)
        key = (place.target_branch, place.name, service.name)
        before, after = self.edited.get(key, ("", ""))
        # What is edited twice is restored from before the first time, unless a release came between.
        self.edited[key] = (before if found.content == after else found.content, text)
        self.year.counts["edited by hand"] += 1

    def mend_files(self) -> None:
        """They are restored from before, unless a release has replaced what was edited."""
        for (branch, place, service), (before, after) in self.edited.items():
            path = layout.release_path(place, service)
            found = self.world.context().contents.read(path, branch)
            if found is not None and found.content == after:
                self.world.commit("environments", path, before, branch)
        self.edited.clear()

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

    def reorganize(self) -> None:
        """Environments are in another order, or one of them is gone for a while."""
        first, middle, last = self.year.places
        self.world.environments = self.random.choice(
            [
                [first, middle, last],
                [middle, first, last],
                [first, {**last, "requires": [first["name"]]}],
                [{**middle, "requires": []}, last],
            ]
        )
        self.year.counts["reorganized"] += 1

    def _somewhere(self) -> tuple[Environment, Service]:
        return (
            self.random.choice(self.world.platform.environments),
            self.random.choice(self.world.platform.services),
        )


def _values(place: str, service: str) -> str:
    return f"{layout.service_folder(place, service)}/values.yaml"
