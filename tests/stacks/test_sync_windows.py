"""Sync windows in the settings: what Argo CD refuses, or reads otherwise than it looks, is refused before a write."""

from typing import Any

import pytest

from manifests.model import Settings
from stacks.problems import SettingsError
from stacks.settings import settings_of
from tests.stacks.builders import changed, texts
from tests.sync_windows import MISREAD, REFUSED, TAKEN, WINDOW


def with_windows(*windows: dict[str, Any]) -> Settings:
    return settings_of("test", texts(changed("environments.0.syncWindows", list(windows))))


@pytest.mark.parametrize(("field", "value"), TAKEN)
def test_what_argo_cd_takes_is_taken(field: str, value: str) -> None:
    (window,) = with_windows(WINDOW | {field: value}).environments[0].sync_windows
    assert window


@pytest.mark.parametrize(("field", "value", "said"), REFUSED + MISREAD)
def test_what_argo_cd_refuses_or_misreads_is_refused(field: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        with_windows(WINDOW | {field: value})
    (problem,) = raised.value.problems
    assert problem.path == f"environments[dev].syncWindows[0].{field}"
    assert said in problem.text


def test_a_schedule_is_written_with_single_spaces() -> None:
    """Python knows more kinds of white space than Go."""
    (window,) = with_windows(WINDOW | {"schedule": "0\x1f22\u3000*  * 5\n"}).environments[0].sync_windows
    assert window.schedule == "0 22 * * 5"


def test_two_windows_with_the_same_identity_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"environments\[dev\]\.syncWindows\[2\]: .*syncWindows\[0\]"):
        with_windows(WINDOW, WINDOW | {"kind": "allow"}, WINDOW | {"manualSync": True})
    assert with_windows(WINDOW, *(WINDOW | {"timeZone": zone} for zone in ("UTC", "Asia/Tokyo")))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "denied for 58h from 0 22 * * 5 (Europe/Berlin), by hand too"),
        ({"manualSync": True}, "denied for 58h from 0 22 * * 5 (Europe/Berlin), except by hand"),
        ({"kind": "allow"}, "allowed for 58h from 0 22 * * 5 (Europe/Berlin), else not at all"),
        ({"kind": "allow", "manualSync": True}, "allowed for 58h from 0 22 * * 5 (Europe/Berlin), else by hand only"),
    ],
)
def test_a_window_is_said_in_words(changes: dict[str, Any], words: str) -> None:
    (window,) = with_windows(WINDOW | changes).environments[0].sync_windows
    assert window.in_words == words
