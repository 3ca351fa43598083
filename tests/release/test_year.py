"""What a year of production does to releases, in short; `benchmarks/simulated_year.py` is the whole of it."""

from collections.abc import Callable, Iterator

import pytest

from sandbox.github.core import clock
from slipway_release import workflow
from tests.release.world import World
from tests.release.year import PLACES, Year


@pytest.fixture(autouse=True)
def model_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The program reads the model's clock."""
    monkeypatch.setattr(workflow, "now", lambda: clock.present().replace(microsecond=0))
    yield
    clock.move(0)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1])
def test_no_release_is_lost_blamed_wrongly_or_stuck(world: Callable[..., World], seed: int) -> None:
    year = Year(world(*PLACES), seed)
    year.live(12)
    year.settle()
    assert year.broken_promises() == []
