"""What nobody should do in a simulated year, and somebody does: edit what is the automation's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from slipway_release import layout
from slipway_release.record import PREFIX

if TYPE_CHECKING:
    from tests.release.year.year import Year

_FIELDS = ("version", "tag", "image", "digest", "commit", "run", "rollback", "held", "release")
_WRONG: tuple[object, ...] = ("", None, "v1.0.0", "latest", 7, {}, [], "sha256:" + "0" * 64, "0" * 40, "99.0.0")


class Mishandling:
    """Each is one thing that happens."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self.world = year.world
        self.random = year.random
        self.edited: dict[tuple[str, str, str], tuple[str, str]] = {}
        """Release files that were edited by hand, by branch, place and service: the text before and after."""

    def act(self) -> None:
        """One of them."""
        self.random.choices((self.spoil_record, self.edit_file, self.mend_files), (1, 1, 2))[0]()

    def spoil_record(self) -> None:
        """An owner deletes, moves or forges a record."""
        base = f"/repos/{self.world.repository}/git"
        found = self.world.call("GET", f"{base}/matching-refs/tags/{PREFIX}/")
        what = self.random.choice(("deleted", "moved", "forged"))
        self.year.counts[f"{what} record"] += 1
        if what == "forged":
            place, service = self.year.somewhere()
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
        place, service = self.year.somewhere()
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
        contents = self.world.context().contents
        now = {place.name: place.target_branch for place in self.world.platform.environments}
        for (branch, place, service), (before, after) in self.edited.items():
            path = layout.release_path(place, service)
            # Its releases may have been carried to another branch, with what was edited.
            for where in sorted({branch, now.get(place, branch)}):
                found = contents.read(path, where)
                if found is not None and found.content == after:
                    self.world.commit("environments", path, before, where)
        self.edited.clear()
