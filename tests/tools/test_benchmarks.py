"""What benchmarks write becomes the rows of `docs/measurements.md`, and what one of them does ends where it should."""

import subprocess
from pathlib import Path

import pytest

from benchmarks import all as everything
from benchmarks.measure import Report
from sandbox.pulumi.programs import Home
from tests.sandbox.interrupting import Ending, end


def test_a_report_becomes_rows_with_its_spread_and_its_goals() -> None:
    report = Report("Something")
    report.measure("second up").values += [7.0, 8.0, 12.0]
    report.at_most("second up, in seconds", 8.0, 7)
    rows = everything.markdown([report.document(), {}])
    assert any(row.startswith("| second up | 8.0 s (7.0 to 12.0) | 3 |") for row in rows)
    assert "| second up, in seconds | 8.00 | 7 | missed |" in rows


def test_what_runs_by_itself_is_there() -> None:
    folder = Path(everything.__file__).parent
    assert everything.CHOSEN
    assert [name for name in everything.CHOSEN if not (folder / f"{name}.py").exists()] == []


@pytest.mark.parametrize("ending", list(Ending))
def test_an_up_that_has_ended_in_the_meantime_is_not_cut_off(ending: Ending, tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"], text=True, start_new_session=True)
    assert ended.wait() == 0
    end(ended, ending, Home(tmp_path))
