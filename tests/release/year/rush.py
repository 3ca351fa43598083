"""Many releases within minutes: runs die, reports are lost, GitHub answers with errors; what must hold afterwards."""

import re

from slipway_release.intent import delivery_title
from slipway_release.tags import Version
from tests.release.year import promises
from tests.release.year.year import Year

_ERRORS = 0.05
"""How often GitHub answers with 502, or with 409 where a file is written."""


def rush(year: Year, releases: int, seconds: float, *, faults: bool = True) -> None:
    """So many releases in so many seconds, with the runs that follow from them; then everything until it is quiet."""
    year.faults, year.errors = faults, _ERRORS
    doing = (year.argocd.act, year.promote, year.reconcile)
    for number in range(releases):
        year.release(f"1.{number}.0")
        for _ in range(year.random.randrange(1, 4)):
            year.random.choices(doing, (6, 8, 1))[0]()
        year.wait(seconds / releases)
    year.settle()


def broken_promises(year: Year) -> list[str]:
    """What was lost, blamed wrongly, reordered or not written down, in words."""
    return promises.broken(year) + _reordered(year) + _unrecorded(year)


def _reordered(year: Year) -> list[str]:
    found: list[str] = []
    for place in year.world.platform.environments:
        for service in year.world.services:
            title = re.escape(delivery_title(service, "VERSION", place.name)).replace("VERSION", r"(\S+)")
            matches = [re.match(title, message) for message in reversed(year.world.messages(place.name, service))]
            came = [match[1] for match in matches if match]
            if came != sorted(set(came), key=Version.parse):
                found.append(f"{place.name}/{service}: came in the order {', '.join(came)}")
    return found


def _unrecorded(year: Year) -> list[str]:
    return [
        f"{request.service.name} {request.release.version}: not in the ledger"
        for request in year.requests.values()
        if not year.world.call("GET", f"/repos/{request.service.repository}/deployments?ref={request.release.tag}")
    ]
