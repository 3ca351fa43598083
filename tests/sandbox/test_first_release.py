"""The first release on real parts: a tag becomes a running version, and production waits for a person."""

import pytest

from sandbox.people import change
from sandbox.rehearsal import Rehearsal
from tests.sandbox.conftest import Sandbox

SERVICE, VERSION, TAG = "guestbook", "0.1.0", "v0.1.0"


@pytest.fixture(scope="module")
def released(rehearsal: Rehearsal) -> Rehearsal:
    """The sandbox after a tag."""
    with rehearsal.clone(SERVICE, "dana") as clone:
        clone.tag(TAG)
    run = rehearsal.wait_for_run(SERVICE, "release.yml", head=TAG, seconds=600)
    assert run["conclusion"] == "success", rehearsal.run_log(SERVICE, run["id"])
    return rehearsal


@pytest.mark.parametrize("environment", ["dev", "staging"])
def test_the_tags_version_answers(released: Rehearsal, environment: str) -> None:
    released.wait_for_version(environment, SERVICE, VERSION, seconds=300)
    released.wait_for_state(f"{SERVICE}-{environment}", "Synced", "Healthy", seconds=120)


def test_production_waits_for_a_person(released: Rehearsal, sandbox: Sandbox) -> None:
    application = f"{SERVICE}-production"
    released.wait("production OutOfSync", lambda: released.state(application)[0] == "OutOfSync", 300)
    (shown,) = [
        item
        for item in sandbox.status()["services"]
        if (item["service"], item["environment"]) == (SERVICE, "production")
    ]
    assert (shown["version"], shown["sync"], shown["drift"]) == (VERSION, "OutOfSync", False)
    released.sync(application)
    released.wait_for_version("production", SERVICE, VERSION, seconds=300)


def test_up_after_a_release_changes_nothing(released: Rehearsal, sandbox: Sandbox) -> None:
    again = sandbox.run("up")
    assert again.returncode == 0, again.stderr
    assert "nothing changed" in again.stdout
    assert released.version("dev", SERVICE) == VERSION


def test_a_commit_alone_starts_no_release(released: Rehearsal) -> None:
    before = [run["id"] for run in released.runs(SERVICE, workflow="release.yml")]
    notes = {"NOTES.md": "Nothing to release.\n"}
    with released.clone(SERVICE, "dana") as clone:
        commit = change(released, clone, "Say something else", notes, author="dana", reviewer="sam")
    released.wait(
        "the commit's own workflow",
        lambda: any(run["head_sha"] == commit for run in released.runs(SERVICE)),
        120,
    )
    assert [run["id"] for run in released.runs(SERVICE, workflow="release.yml")] == before
