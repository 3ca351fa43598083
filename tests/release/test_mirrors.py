"""One repository of a service that is out of reach keeps the others from nothing."""

import pytest

from slipway_release import cli, mirrors
from slipway_release.github import GitHub
from tests.release.builders import Script, platform


def installed(*names: str) -> GitHub:
    """The App on those repositories."""
    found = {"total_count": len(names), "repositories": [{"full_name": name} for name in names]}
    return GitHub("https://github.test/api/v3", "token", Script({"GET /installation/repositories": found}))


def test_what_the_app_reaches_is_named_and_what_it_does_not_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    found = mirrors.reachable(platform(), installed("acme/environments", "Acme/Clock", "acme/somebody-elses"))
    assert found == ["clock"]
    said = capsys.readouterr().err
    assert "acme/guestbook: the promoter App does not reach it" in said
    assert "clock:" not in said


def test_the_command_needs_the_token_of_the_installation(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway_release.platform_file.load", platform)
    assert cli.main(["reachable"]) == 1
    assert "INSTALLATION_TOKEN" in capsys.readouterr().err
