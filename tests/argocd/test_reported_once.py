"""Each event of a release is reported once, and what breaks after it was verified is no failure of it."""

from typing import Any

import pytest

from slipway_release.deployments import INCIDENT, OVER
from tests.argocd.notifications import (
    GONE_WRONG,
    NEW,
    OLD,
    Run,
    application,
    fired,
    health,
    notification,
    operation,
    remembering,
)


def test_a_report_that_is_out_gets_a_receipt_and_is_not_repeated(run: Run) -> None:
    out = "release-verified:[0].hash:github:"
    assert fired(run, "release-verified", application()) == [True, False, False]
    assert fired(run, "release-verified", remembering(application(), out)) == [True, False, True]
    receipt = f"{NEW}:release-verified:[2].hash:github:"
    assert fired(run, "release-verified", remembering(application(), out, receipt))[0] is False
    assert fired(run, "release-verified", remembering(application(), receipt)) == [False, False, False]
    # Another revision's receipt says nothing of this one.
    assert fired(run, "release-verified", remembering(application(), receipt.replace(NEW, OLD))) == [True, False, False]


def test_a_report_of_an_earlier_release_without_receipt_is_not_taken_for_this_ones(run: Run) -> None:
    """The condition turns false once, so that the engine forgets the report, and is reported then."""
    out = "release-verified:[0].hash:github:"
    assert fired(run, "release-verified", remembering(application(), out, sent=200)) == [False, False, False]


def test_the_receipt_is_kept_apart_from_what_a_chat_was_told(run: Run) -> None:
    told = "release-verified:[0].hash:slack:releases"
    assert fired(run, "release-verified", remembering(application(), told)) == [True, False, False]


def test_a_verified_release_cannot_fail_any_more(run: Run) -> None:
    bad = application(health=health("Degraded"))
    assert any(fired(run, "release-failed", bad))
    assert not any(fired(run, "release-failed", remembering(bad, f"{NEW}:release-verified:[2].hash:github:")))


@pytest.mark.parametrize(
    ("status", "is_incident"),
    [
        ({"health": health("Degraded", 1)}, True),
        ({"health": health("Progressing", 601)}, True),
        # A pod that starts again is none.
        ({"health": health("Progressing", 20), "operationState": operation("Succeeded", started=5000)}, False),
        ({"operationState": operation("Succeeded", started=5000)}, False),
    ],
)
def test_what_breaks_after_a_release_was_verified_is_an_incident_and_takes_nothing_back(
    run: Run, status: dict[str, Any], is_incident: bool
) -> None:
    resources = [{**GONE_WRONG, "health": {"status": "Progressing", "message": "0 of 1 are available"}}]
    app = application(**status, resources=resources)
    assert not any(fired(run, "incident", app)), "a release that was not verified is a failure"
    app = remembering(app, f"{NEW}:release-verified:[2].hash:github:")
    assert fired(run, "incident", app) == [is_incident, False, False]
    assert fired(run, "chat", app).count(True) == is_incident
    assert not any(fired(run, "release-failed", app))
    said = notification(run, "incident", app)
    words = f"{INCIDENT} in a verified release, nothing is rolled back: {app['status']['health']['status']}: "
    assert said["message"] == f"{words}Deployment/guestbook: 0 of 1 are available"
    assert said["github"]["deployment"]["state"] == "success"
    assert said["webhook"]["events"]["body"].startswith('{"event": "incident", "state": "failure"')


def test_the_end_of_an_incident_is_reported_until_github_took_it_and_then_never_again(run: Run) -> None:
    """The engine forgets what does not hold any more, so each step has what it had after the one before."""
    incident, told, over = (f"incident:[{number}].hash:github:" for number in range(3))
    verified = f"{NEW}:release-verified:[2].hash:github:"
    bad = application(health=health("Degraded"))
    assert fired(run, "incident", remembering(bad, verified, incident)) == [True, True, False]
    assert fired(run, "incident", remembering(bad, verified, incident, told)) == [True, True, False]
    assert fired(run, "incident", remembering(application(health=health("Healthy", 20)), verified, told)) == [
        False,
        True,
        False,
    ], "what crashes again and again is Healthy in between"
    good = application()
    assert fired(run, "incident", remembering(good, verified, incident)) == [False, True, False]
    assert fired(run, "incident", remembering(good, verified, told)) == [False, True, True]
    assert fired(run, "chat", remembering(good, verified, told)).count(True) == 1
    assert fired(run, "incident", remembering(good, verified, told, over)) == [False, False, True]
    assert fired(run, "incident", remembering(good, verified, over)) == [False, False, False]
    assert fired(run, "incident", remembering(good, verified)) == [False, False, False]
    # The next one begins before the end of the last is forgotten.
    assert fired(run, "incident", remembering(bad, verified, incident, told, over)) == [True, True, False]
    said = notification(run, "incident-over", good)
    assert said["message"].startswith(f"{OVER}, Healthy since 20")
    assert said["github"]["deployment"]["state"] == "success"
    assert said["webhook"]["events"]["body"].startswith('{"event": "incident-over", "state": "success"')


def test_one_failure_of_a_revision_is_reported(run: Run) -> None:
    bad = application(operationState=operation("Failed"))
    assert not any(fired(run, "release-failed", remembering(bad, f"{NEW}:release-failed:[5].hash:github:")))


def test_a_receipt_asks_github_for_nothing(run: Run) -> None:
    said = notification(run, "receipt", application())
    assert set(said["github"]) == {"repoURLPath", "revisionPath"}
