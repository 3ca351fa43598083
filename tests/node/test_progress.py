"""What a log shows of phases."""

import io

import pytest

from sandbox.progress import Progress, elapsed_text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (12.3, "12 s"), (59.6, "60 s"), (185, "3 min 05 s")]
)
def test_elapsed_time_is_said_as_people_say_it(seconds: float, text: str) -> None:
    assert elapsed_text(seconds) == text


def test_phases_nest_and_end_with_their_outcome() -> None:
    stream = io.StringIO()
    progress = Progress(stream)

    def fail() -> None:
        with progress.phase("inner"):
            progress.update("a thing")
            raise ValueError("inner")

    with progress.phase("outer"):
        with pytest.raises(ValueError, match="inner"):
            fail()
        progress.say("between")
    lines = stream.getvalue().splitlines()
    assert lines[:2] == ["outer …", "  inner …"]
    assert lines[2].startswith("  inner: failed (")
    assert "last: a thing" in lines[2]
    assert lines[3] == "between"
    assert lines[4].startswith("outer: done (")


def test_a_quiet_one_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(quiet=True)
    with progress.phase("phase"):
        progress.update("text")
        progress.say("line")
    assert capsys.readouterr() == ("", "")
