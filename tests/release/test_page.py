"""The status page: what it knows of releases on a real GitHub, and what it is made of."""

import datetime as dt
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.github.core import clock
from slipway_release import hold, workflow
from slipway_release.errors import RefusedError
from slipway_release.overview import overview
from slipway_release.page import page
from tests.release.builders import environment
from tests.release.pages import EVIL, large
from tests.release.world import World

Make = Callable[..., World]


def clone(here: World, folder: Path) -> Path:
    host = here.url.partition("://")[2]
    url = f"http://x-access-token:{here.token}@{host}{here.repository}.git"
    subprocess.run(["git", "clone", "--quiet", url, folder], check=True, capture_output=True)
    return folder


def seen(here: World, folder: Path) -> dict[str, Any]:
    """What the page would show now."""
    place = clone(here, folder / f"clone-{len(list(folder.iterdir()))}")
    return json.loads(json.dumps(overview(here.context(), place)))


def cells(found: dict[str, Any], service: str) -> dict[str, Any]:
    return next(item for item in found["services"] if item["name"] == service)["in"]


def test_it_knows_what_is_verified_held_frozen_waiting_and_taken_back(world: Make, tmp_path: Path) -> None:
    here = world(
        environment("dev"), environment("qa", delivery="pull-request", approval=True), environment("production")
    )
    here.freeze("production", "the shop's big day")
    here.verified_release("1.0.0", "dev")
    here.fail("dev", here.release("1.1.0", "dev"))
    here.deliver(here.request("2.0.0"), "qa")
    dev = here.platform.environment("dev")
    hold.hold(here.context(), dev, here.platform.service("guestbook"), "1.2.0", reason="too slow", login="sam")
    commit = here.release("0.1.0", "dev", "clock")
    found = seen(here, tmp_path)

    guestbook = cells(found, "guestbook")
    assert guestbook["dev"]["version"] == "1.0.0"
    assert guestbook["dev"]["back"][0] == "1.1.0"
    assert {version for version, _ in guestbook["dev"]["held"]} == {"1.1.0", "1.2.0"}
    assert guestbook["qa"]["state"] == "none"
    assert (guestbook["qa"]["waiting"]["kind"], guestbook["qa"]["waiting"]["version"]) == ("release", "2.0.0")
    assert guestbook["qa"]["waiting"]["url"].startswith(here.url)
    assert isinstance(guestbook["qa"]["waiting"]["for"], list)
    production = found["environments"][2]
    assert (production["delivery"], production["approval"], production["services"]) == ("commit", False, 2)
    assert cells(found, "clock")["dev"]["state"] == "progressing"
    assert [place["frozen"] for place in found["environments"]] == [None, None, "the shop's big day (dana)"]
    newest = found["releases"][0]
    assert (newest["version"], newest["state"]) == ("0.1.0", "progressing")
    assert ("1.1.0", "failed") in [(item["version"], item["state"]) for item in found["releases"]]
    (figures,) = found["dora"]
    assert (figures["environment"], figures["failures"]) == ("dev", 1)
    assert [week["deployments_per_week"] for week in figures["weeks"]] == [0, 0, 0, 1]
    assert figures["weeks"][3]["change_failure_rate"] == 0.5
    bad = next(item for item in found["releases"] if item["version"] == "1.1.0")
    assert [state for _, state, _ in bad["steps"]] == ["in_progress", "failure"]
    assert bad["steps"][-1][2] == "Degraded: crash loop"
    assert [item["version"] for item in found["releases"] if item["back"] == "1.1.0"] == ["1.0.0"]

    here.succeed("dev", commit, "clock")
    clock = cells(seen(here, tmp_path), "clock")["dev"]
    assert clock["state"] == "verified"
    assert clock["at"]
    assert clock["by"]


@pytest.mark.parametrize("behind", [0, 60])
def test_what_was_just_delivered_counts_though_this_machine_s_clock_is_behind(
    world: Make, tmp_path: Path, one_second: dt.datetime, monkeypatch: pytest.MonkeyPatch, behind: int
) -> None:
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    now = one_second.replace(microsecond=0) - dt.timedelta(seconds=behind)
    monkeypatch.setattr(workflow, "now", lambda: now)
    (figures,) = seen(here, tmp_path)["dora"]
    assert [week["deployments_per_week"] for week in figures["weeks"]] == [0, 0, 0, 1]


def test_table_and_newest_releases_say_the_same_while_a_report_is_being_recorded(world: Make, tmp_path: Path) -> None:
    here = world()
    commit = here.release("1.0.0", "dev")
    here.report("dev", commit, "success", "Synced and Healthy at 123456789012")
    found = seen(here, tmp_path)
    cell, (newest,) = cells(found, "guestbook")["dev"], found["releases"]
    assert cell["state"] == newest["state"] == "progressing"
    assert (cell["sync"], cell["health"]) == ("Synced", "Healthy")

    here.succeed("dev", commit)
    found = seen(here, tmp_path)
    assert cells(found, "guestbook")["dev"]["state"] == found["releases"][0]["state"] == "verified"


def test_a_release_that_another_one_overtook_is_not_verified_any_more(world: Make, tmp_path: Path) -> None:
    here = world()
    here.verified_release("1.0.0", "dev")
    here.release("1.1.0", "dev")
    here.release("1.2.0", "dev")
    found = seen(here, tmp_path)
    assert [(item["version"], item["state"]) for item in found["releases"]] == [
        ("1.2.0", "progressing"),
        ("1.1.0", "replaced"),
        ("1.0.0", "verified"),
    ]


@pytest.mark.parametrize("seconds_apart", [0, 1])
def test_an_incident_of_what_is_verified_is_shown(
    world: Make, tmp_path: Path, one_second: dt.datetime, seconds_apart: int
) -> None:
    del one_second
    here = world()
    commit = here.verified_release("1.0.0", "dev")
    (verified,) = seen(here, tmp_path)["releases"]
    assert cells(seen(here, tmp_path), "guestbook")["dev"]["at"] == verified["steps"][-1][0], "when it was reported"
    incident = "Incident in a verified release, nothing is rolled back: Degraded: Deployment/guestbook: crash loop"
    clock.move(seconds_apart)
    here.report("dev", commit, "success", incident)
    cell = cells(seen(here, tmp_path), "guestbook")["dev"]
    assert (cell["state"], cell["sync"], cell["health"]) == ("verified", "Synced", "Degraded")
    assert cell["said"] == incident
    here.report("dev", commit, "success", "Drift healed at 2026-11-27T10:00:00Z: Deployment/guestbook")
    assert cells(seen(here, tmp_path), "guestbook")["dev"] == cell, "healed drift ends no incident"
    here.report("dev", commit, "success", "Incident over, Healthy since 2026-11-27T10:00:00Z")
    cell = cells(seen(here, tmp_path), "guestbook")["dev"]
    assert (cell["state"], "health" in cell, "said" in cell) == ("verified", False, False)
    here.report("dev", commit, "success", incident)
    assert cells(seen(here, tmp_path), "guestbook")["dev"]["said"] == incident, "the next one is shown again"


def test_a_failed_release_is_shown_with_sync_and_health(world: Make, tmp_path: Path) -> None:
    here = world(environment("dev", rollback="off"))
    commit = here.release("1.0.0", "dev")
    here.fail("dev", commit, "Degraded: Deployment/guestbook: crash loop")
    cell = cells(seen(here, tmp_path), "guestbook")["dev"]
    assert (cell["state"], cell["sync"], cell["health"]) == ("failed", "Synced", "Degraded")


def test_a_platform_without_releases_has_a_page(world: Make, tmp_path: Path) -> None:
    here = world()
    found = overview(here.context(), clone(here, tmp_path / "clone"))
    assert found["releases"] == []
    assert cells(json.loads(json.dumps(found)), "clock")["production"] == {"state": "none"}
    assert "<title>" in page(found)


def test_a_folder_that_is_not_a_clone_is_refused_in_a_sentence(world: Make, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="not a clone of the environment repository"):
        overview(world().context(), tmp_path)


def test_the_page_of_300_services_in_4_environments_is_below_200_kilobytes() -> None:
    assert len(page(large(300)).encode()) < 200_000


def test_what_others_wrote_cannot_end_the_script_it_is_in() -> None:
    text = page(large(10))
    assert EVIL not in text
    assert text.count("</script>") == 2


def test_the_page_lets_its_own_script_and_style_run_and_nothing_else() -> None:
    text = page(large(1))
    policy = text.partition('http-equiv="Content-Security-Policy" content="')[2].partition('"')[0]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


@pytest.mark.parametrize(
    "payload",
    [
        {"digest": "x", "committedAt": "never"},
        {"digest": "x", "committedAt": "2026-01-01T00:00:00"},
        {"digest": "x", "committedAt": "10000-01-01T00:00:00Z"},
        {"digest": ["x"], "version": {"a": 1}, "committedAt": 7},
        "no object",
    ],
)
def test_a_deployment_that_somebody_has_made_up_stops_no_page(world: Make, tmp_path: Path, payload: object) -> None:
    """Everybody who may push can make one, of any place and with any payload."""
    here = world(environment("dev"))
    commit = here.release("1.0.0", "dev")
    here.succeed("dev", commit)
    body = {"ref": commit, "environment": "dev/guestbook", "auto_merge": False, "required_contexts": []}
    made = here.call("POST", f"/repos/{here.repository}/deployments", body | {"payload": payload})["id"]
    here.call("POST", f"/repos/{here.repository}/deployments/{made}/statuses", {"state": "success"})
    found = seen(here, tmp_path)
    assert cells(found, "guestbook")["dev"]["version"] == "1.0.0"
    assert found["dora"][0]["environment"] == "dev"
