"""What a year of production does to releases, in short; `benchmarks/simulated_year.py` is the whole of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.github.core import clock
from slipway_release import workflow
from tests.release import year_rush
from tests.release.serving import Running
from tests.release.year import PLACES, SHAPES, Year


@pytest.fixture(autouse=True)
def model_clock() -> Iterator[None]:
    """The model's clock is put back."""
    yield
    clock.stop(None)
    clock.move(0)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("seed", "places"), list(enumerate(SHAPES, 1)))
def test_no_release_is_lost_blamed_wrongly_or_stuck(
    github: Running, seed: int, places: tuple[dict[str, Any], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    year = Year(github.world(places, direct=True), seed)
    monkeypatch.setattr(workflow, "now", year.now)
    year.live(12)
    year.settle()
    assert year.broken_promises() == []


@pytest.mark.timeout(600)
def test_a_rush_of_releases_keeps_its_order_though_much_fails(github: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    year = Year(github.world(PLACES[:1], ("guestbook", "clock", "shop"), direct=True), 5)
    monkeypatch.setattr(workflow, "now", year.now)
    year_rush.rush(year, 9, 30)
    assert year_rush.broken_promises(year) == []
    assert year.counts["released"] == 9
