"""Releases and figures of the page in a terminal."""

from pathlib import Path
from typing import Any

from slipway_release import releases_text
from tests.release.pages import EVIL, large
from tests.release.test_page import Make, seen


def test_each_release_has_its_story_and_each_figure_its_weeks(world: Make, tmp_path: Path) -> None:
    here = world()
    here.verified_release("1.0.0", "dev")
    here.fail("dev", here.release("1.1.0", "dev"), "Degraded: Deployment/guestbook: crash loop")
    said = releases_text.text(seen(here, tmp_path))
    lines = [" ".join(line.split()[3:]) for line in said.partition("Newest releases")[2].splitlines()]
    assert "guestbook 1.0.0 to dev: ✓ verified" in " ".join(lines)
    failed = lines.index("guestbook 1.1.0 to dev: ✗ failed")
    assert "Degraded: Deployment/guestbook: crash loop" in lines[failed : failed + 3]
    assert "taking back 1.1.0" in said
    assert "  dev " in said


def test_nothing_is_wider_than_a_terminal_and_nothing_steers_it() -> None:
    found: dict[str, Any] = large(3)
    found["releases"][0]["steps"] = [["2026-01-02T03:04:05Z", "failure", f"{EVIL} \x1b[2J" + "long words " * 20]]
    said = releases_text.text(found)
    assert max(map(len, said.splitlines())) <= releases_text.COLUMNS
    assert "\x1b" not in said
    assert "2 h ago" in said
    figures = next(line for line in said.splitlines() if line.startswith("  dev"))
    assert figures.split() == ["dev", "3.5", "·▅▃█", "2", "h", "·▃█▄", "12", "%", "·█▁▂", "–", "·▅·█"]


def test_a_platform_without_releases_says_so() -> None:
    said = releases_text.text(large(0) | {"releases": [], "dora": []})
    assert "There are no figures yet." in said
    assert "Nothing was released yet." in said
