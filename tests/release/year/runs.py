"""The runs of workflows in a simulated year: what the program is started with, and what happens to it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, Any

from sandbox.github.core import clock
from slipway_release import promotions
from slipway_release.context import Context
from slipway_release.errors import ReleaseError
from slipway_release.exchange import Response
from slipway_release.github import GitHub
from tests.release.builders import answer
from tests.release.year.faults import OWN, TOKENS, WRITER, Actions, Faults, Kept, KilledError, Shelves

if TYPE_CHECKING:
    from tests.release.year.year import Year

_REQUEST = 0.25
"""How many seconds a request takes."""


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


class Runs:
    """What runs, and what GitHub tells of it."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self.promotions: list[Promotion] = []
        self._copies = tempfile.TemporaryDirectory(prefix="slipway-year-")
        self._said: dict[tuple[str, ...], CompletedProcess[bytes]] = {}
        self._is_nested = False

    def attempt(self, what: Callable[[Context], object]) -> bool:
        """A run to which things may happen; whether it came to its end."""
        try:
            what(self.context(self._faults()))
        except KilledError:
            self.year.counts["killed"] += 1
            return False
        except ReleaseError:
            self.year.counts["failed"] += 1
            return False
        return True

    def context(self, faults: Faults | None = None) -> Context:
        """What a run works with. The settings are those of its beginning, whatever becomes of them."""
        met, year = faults or Faults(), self.year

        def client(whose: str) -> GitHub:
            transport = Actions(
                60,
                sleep=lambda _: None,
                log=lambda _: None,
                whose=whose,
                outside=year.outside,
                faults=met,
                start=self.start,
                runs=self.listed,
                exchange=self._exchange,
            )
            token = year.world.token
            home = Path(self._copies.name, whose)
            git = Kept(year.world.url, token, transport, whose == WRITER, home=home, said=self._said)
            return GitHub(f"{year.world.url}api/v3", token, transport, git if whose != OWN else None)

        own, writer, service = (client(whose) for whose in TOKENS)
        shelves = Shelves(year.outside)
        return Context(year.world.platform, own, writer, service, shelves, "https://run.test/1", "root")

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        year = self.year
        year.wait(_REQUEST)
        if year.faults and year.random.random() < year.errors:
            year.counts["errors"] += 1
            is_late = method == "PUT" and "/contents/" in url
            return answer({"message": "is at 1 but expected 2"}, 409) if is_late else answer(status=502)
        return year.world.exchange(method, url, headers, body)

    def start(self, inputs: Mapping[str, str]) -> None:
        """A promotion is asked for."""
        environments = tuple(inputs.get("environments", "").split())
        again = inputs.get("again") == "true"
        self.promotions.append(
            Promotion(inputs["service"], inputs["run"], inputs["digest"], environments, clock.now(), again=again)
        )

    @property
    def waiting(self) -> list[Promotion]:
        """The promotions that have not begun."""
        return [item for item in self.promotions if item.conclusion is None]

    def listed(self, wanted: str | None) -> list[dict[str, Any]]:
        """The promotions as GitHub lists them, newest first; of a status or conclusion, if one is named."""
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

    def _faults(self) -> Faults:
        year = self.year
        if not year.faults:
            return Faults()
        at = year.random.randrange(1, 16)
        match year.random.choices(("none", "killed", "limited", "meanwhile"), (70, 12, 6, 12))[0]:
            case "killed":
                return Faults(killed_at=at)
            case "limited":
                return Faults(limited_at=at, limited=year.random.choice(TOKENS))
            case "meanwhile" if not self._is_nested:
                return Faults(meanwhile_at=at, meanwhile=self._meanwhile)
            case _:
                return Faults()

    def _meanwhile(self) -> None:
        """Something else happens in the middle of a run: another run, a report, a person, new settings."""
        year = self.year
        self._is_nested = True
        year.counts["meanwhile"] += 1
        try:
            year.random.choice(
                (
                    year.reconcile, year.promote, year.argocd.act, year.people.act, year.operators.unhold,
                    year.people.blunder, year.settings.act,
                )
            )()  # fmt: skip
        finally:
            self._is_nested = False
