"""What a year of production does to releases, in short; `benchmarks/simulated_year.py` is the whole of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from slipway_release import workflow
from tests.release.serving import Running
from tests.release.year import promises, rush, times
from tests.release.year.places import PLACES, SHAPES
from tests.release.year.year import Year


@pytest.fixture(autouse=True)
def model_clock() -> Iterator[None]:
    """The model's clock is put back."""
    yield
    times.end()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("seed", "places"), list(enumerate(SHAPES, 1)))
def test_no_release_is_lost_blamed_wrongly_or_stuck(
    github: Running, seed: int, places: tuple[dict[str, Any], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    year = Year(github.world(places, direct=True), seed)
    monkeypatch.setattr(workflow, "now", year.now)
    year.live(12)
    year.settle()
    assert promises.broken(year) == []


@pytest.mark.timeout(600)
def test_a_rush_of_releases_keeps_its_order_though_much_fails(github: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    year = Year(github.world(PLACES[:1], ("guestbook", "clock", "shop"), direct=True), 5)
    monkeypatch.setattr(workflow, "now", year.now)
    rush.rush(year, 9, 30)
    assert rush.broken_promises(year) == []
    assert year.counts["released"] == 9
