"""What must hold at the end of a simulated year, once everything that was broken is mended and reconciled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway_release import record
from slipway_release.choices import Rollback
from slipway_release.errors import ReleaseError
from slipway_release.platform_types import Environment
from slipway_release.tags import Version

if TYPE_CHECKING:
    from tests.release.year.year import Year


def broken(year: Year) -> list[str]:
    """What is not as it has to be, in words."""
    found = list(year.wrong)
    for service in year.world.services:
        for place in year.world.platform.environments:
            found += _place(year, place, service)
    for pull in year.world.pulls():
        found.append(f"{pull['title']}: still open")
    return found


def _place(year: Year, place: Environment, service: str) -> list[str]:
    name = f"{place.name}/{service}"
    try:
        there = year.world.file(place.name, service).release
    except ReleaseError as error:
        return [f"{name}: its release file is still broken: {error}"]
    if there is not None and (place.name, service, there.version) in year.refused - year.kept:
        return [f"{name}: {there.version} is back, and nobody has asked for it"]
    if there is not None and (place.name, service, there.version) in year.kept:
        return []
    now = Version.parse(there.version) if there else None
    found: list[str] = []
    if there is not None and (place.name, service, there.version) in year.bad:
        tags = _verified(year, place.name, service) if place.rollback is not Rollback.OFF else set[str]()
        if tags:
            found.append(f"{name}: {there.version} is bad and stays, though {tags} were good")
    elif there is not None and not record.is_verified(
        year.runs.context(), place, year.world.platform.service(service), there
    ):
        found.append(f"{name}: {there.version} is good and not recorded")
    return found + [
        f"{name}: {version} never came; {there.version if there else 'nothing'} is there"
        for version in _owed(year, place, service)
        if now is None or Version.parse(version) > now
    ]


def _owed(year: Year, place: Environment, service: str) -> list[str]:
    """The versions that should be there: good, wanted, never said to be superseded, and good where required."""
    told = year.told | _superseded(year)
    mine = [item.release.version for item in year.requests.values() if item.service.name == service]
    hotfixes = {item.release.version for item in year.requests.values() if item.release.is_for_one}
    owed = [version for version in mine if (place.name, service, version) not in year.bad | year.unwanted | told]
    if not place.requires:
        return owed
    known = [year.wanted(required, service) for required in place.requires]
    return [
        version
        for version in owed
        if version in hotfixes
        or (
            known == [version] * len(known) and not any((name, service, version) in year.bad for name in place.requires)
        )
    ]


def _verified(year: Year, place: str, service: str) -> set[str]:
    start = f"tags/verified/{place}/{service}/"
    found = year.world.call("GET", f"/repos/{year.world.repository}/git/matching-refs/{start}")
    names = {item["ref"].removeprefix(f"refs/{start}") for item in found}
    gone = {item.release.version for item in year.requests.values() if item.release.digest in year.outside.gone}
    return {name for name in names if (place, service, name) not in year.spoiled} - gone


def _superseded(year: Year) -> set[tuple[str, str, str]]:
    """Place and version whose request says that it was closed for a newer one."""
    closed = [pull for pull in year.world.pulls("closed") if str(pull["body"]).startswith("Superseded")]
    branches = [pull["head"]["ref"].split("/") for pull in closed]
    return {(parts[1], parts[2], parts[3]) for parts in branches if parts[0] == "release"}
