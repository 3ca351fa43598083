"""DORA's figures, from deployments alone."""

import datetime as dt
import json

from slipway_release.dora import Deployment, as_json, as_table, calculate

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def at(minutes: float) -> dt.datetime:
    return START + dt.timedelta(minutes=minutes)


def deployment(created: float, *, verified: float | None = None, failed: float | None = None) -> Deployment:
    return Deployment(
        created=at(created),
        committed=at(created - 10),
        verified=None if verified is None else at(verified),
        failed=None if failed is None else at(failed),
    )


HISTORY = [
    deployment(0, verified=2),
    deployment(60, failed=65),
    deployment(65, verified=67),
    deployment(120, verified=126),
    deployment(180),
]


def test_the_four_figures() -> None:
    found = calculate("guestbook", "dev", 7, HISTORY)
    assert (found.deployments, found.failures) == (3, 1)
    assert found.deployments_per_week == 3
    assert found.lead_time_seconds == 12 * 60
    assert found.change_failure_rate == 0.25
    assert found.time_to_restore_seconds == 2 * 60


def test_without_deployments_nothing_is_made_up() -> None:
    found = calculate("guestbook", "dev", 7, [])
    assert found.deployments_per_week == 0
    assert (found.lead_time_seconds, found.change_failure_rate, found.time_to_restore_seconds) == (None, None, None)


def test_a_failure_that_lasts_has_no_time_to_restore() -> None:
    assert calculate("guestbook", "dev", 7, [deployment(0, failed=5)]).time_to_restore_seconds is None


def test_what_failed_and_was_verified_in_one_second_is_restored() -> None:
    found = calculate("guestbook", "dev", 7, [deployment(0, failed=5, verified=5), deployment(60, verified=65)])
    assert (found.failures, found.time_to_restore_seconds) == (1, 0)


def test_a_table_for_people_and_json_for_programs() -> None:
    found = [calculate("guestbook", "dev", 7, HISTORY), calculate("clock", "dev", 7, [])]
    lines = as_table(found).splitlines()
    assert lines[1].split() == ["guestbook", "dev", "3", "12.0", "min", "25%", "2.0", "min"]
    assert lines[2].split() == ["clock", "dev", "0", "-", "-", "-"]
    assert json.loads(as_json(found))[0]["change_failure_rate"] == 0.25
