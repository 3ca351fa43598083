"""Sync windows as Argo CD's own server judges them: taken, refused, or taken although the settings refuse them."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from manifests.argocd.triggers import PERMITTED_KEY
from sandbox.rehearsal import Rehearsal
from sandbox.sign_on import logged_in
from tests.sandbox.conftest import Sandbox
from tests.sync_windows import MISREAD, REFUSED, TAKEN, WINDOW

NAME = "sync-windows"
PROJECTS = "/api/v1/projects"


@pytest.fixture(scope="module")
def administrator(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with logged_in(sandbox.config, "pat") as client:
        try:
            yield client
        finally:
            client.delete(f"{PROJECTS}/{NAME}")


def judged(client: httpx.Client, *windows: dict[str, Any]) -> str:
    """What Argo CD has against a project with the windows; empty if it takes them."""
    spec = {"syncWindows": [{"applications": ["*"], **window} for window in windows]}
    answer = client.post(PROJECTS, json={"project": {"metadata": {"name": NAME}, "spec": spec}, "upsert": True})
    return "" if answer.status_code == 200 else answer.json()["message"]


def written(client: httpx.Client, rehearsal: Rehearsal, window: dict[str, Any]) -> bool:
    """Whether Argo CD's server reads the window back; its cache is a moment behind."""

    def read() -> bool:
        (found,) = client.get(f"{PROJECTS}/{NAME}").json()["spec"]["syncWindows"]
        return window.items() <= found.items()

    rehearsal.wait("the window read back", read)
    return True


def active(client: httpx.Client, rehearsal: Rehearsal, window: dict[str, Any]) -> bool:
    """Whether a window is active now."""
    assert judged(client, window) == ""
    assert written(client, rehearsal, window)
    return bool(client.get(f"{PROJECTS}/{NAME}/syncwindows").json()["windows"])


def test_argo_cd_takes_what_the_settings_take_and_refuses_what_they_refuse(administrator: httpx.Client) -> None:
    taken = [WINDOW, *(WINDOW | {field: value} for field, value in TAKEN)]
    assert [(window, said) for window in taken if (said := judged(administrator, window))] == []
    refused = [WINDOW | {field: value} for field, value, _ in REFUSED]
    assert [window for window in refused if judged(administrator, window) == ""] == []
    # Where this fails, Argo CD refuses by itself what we had to.
    misread = [WINDOW | {field: value} for field, value, _ in MISREAD]
    assert [(window, said) for window in misread if (said := judged(administrator, window))] == []


def test_argo_cd_refuses_two_windows_with_the_same_identity(administrator: httpx.Client) -> None:
    assert "already exists" in judged(administrator, WINDOW, WINDOW | {"manualSync": True})
    assert judged(administrator, WINDOW, WINDOW | {"kind": "allow"}, WINDOW | {"timeZone": "UTC"}) == ""


def test_argo_cd_takes_a_time_that_never_comes_for_one_that_always_is(
    administrator: httpx.Client, rehearsal: Rehearsal
) -> None:
    assert active(administrator, rehearsal, WINDOW | {"schedule": "0 0 30 2 *", "duration": "1h"})


def test_argo_cd_knows_time_zones_and_takes_utc_for_one_that_it_does_not_know(
    administrator: httpx.Client, rehearsal: Rehearsal
) -> None:
    """Fourteen hours lie between UTC and the zone, so that a window of three hours tells which one was meant."""
    zone = "Pacific/Kiritimati"
    begins = datetime.now(ZoneInfo(zone)) - timedelta(minutes=90)
    window = WINDOW | {"schedule": f"{begins.minute} {begins.hour} * * *", "duration": "3h"}
    assert active(administrator, rehearsal, window | {"timeZone": zone})
    assert judged(administrator, WINDOW | {"timeZone": "Nowhere"}) == ""
    assert written(administrator, rehearsal, WINDOW | {"timeZone": "UTC"})


def test_the_engine_remembers_permitted_syncs_under_the_key_that_is_looked_for(
    administrator: httpx.Client, rehearsal: Rehearsal
) -> None:
    """What is late is counted from there, and never where the key is missing."""
    path = "/api/v1/applications/guestbook-production/sync"
    # Argo CD refuses it while another sync is under way.
    rehearsal.wait("a sync", lambda: administrator.post(path, json={"dryRun": True}).raise_for_status())

    def remembered() -> bool:
        annotations = rehearsal.application("guestbook-production")["metadata"].get("annotations", {})
        return PERMITTED_KEY in json.loads(annotations.get("notified.notifications.argoproj.io", "{}"))

    rehearsal.wait("what the engine of notifications remembers", remembered)
