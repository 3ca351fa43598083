"""The workflows themselves, run by Actions on real repositories and a real registry: a tag becomes a release."""

from collections.abc import Iterator

import pytest

from tests.release.stage import Stage, act, docker_registry

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A platform with 0.1.0 of guestbook released to dev and staging."""
    if act() is None or docker_registry() is None:
        pytest.skip("act or docker-registry is not here yet; `make up` brings both")
    made = Stage(
        tmp_path_factory.mktemp("stage"),
        [{"name": "dev"}, {"name": "staging"}, {"name": "production", "sync": "manual", "requires": ["staging"]}],
    )
    try:
        made.start()
        made.push_tag("v0.1.0")
        run = made.finished("guestbook", "release")
        assert run["conclusion"] == "success", made.log(run)
        run = made.finished("environments", "promote")
        assert run["conclusion"] == "success", made.log(run)
        yield made
    finally:
        made.stop()


def test_a_tag_reaches_the_environments_that_take_it(stage: Stage) -> None:
    assert (stage.wanted("dev"), stage.wanted("staging"), stage.wanted("production")) == ("0.1.0", "0.1.0", None)


def test_a_hostile_tag_gets_a_refusal_in_its_run_and_reaches_nothing(stage: Stage) -> None:
    before = len(stage.runs("guestbook", "release"))
    stage.push_tag("v0.1.1;touch${IFS}$HOME/pwned")
    run = stage.finished("guestbook", "release", before + 1)
    assert run["conclusion"] == "failure"
    assert "not SemVer" in stage.log(run)
    assert stage.wanted("dev") == "0.1.0"


def test_a_plain_commit_starts_no_release(stage: Stage) -> None:
    before = len(stage.runs("guestbook", "release"))
    stage.commit("guestbook", "Change nothing")
    assert len(stage.runs("guestbook", "release")) == before


def test_verified_in_staging_it_goes_on_and_a_bad_one_is_rolled_back(stage: Stage) -> None:
    promotions = len(stage.runs("environments", "promote"))
    stage.report("staging", "success")
    run = stage.finished("environments", "promote", promotions + 1)
    assert run["conclusion"] == "success", stage.log(run)
    assert stage.wanted("production") == "0.1.0"
    stage.report("dev", "success")

    stage.push_tag("v0.2.0")
    run = stage.finished("environments", "promote", promotions + 2)
    assert run["conclusion"] == "success", stage.log(run)
    assert stage.wanted("dev") == "0.2.0"
    stage.report("dev", "failure", "Degraded: crash loop")
    stage.wait(lambda: stage.wanted("dev") == "0.1.0", "dev is rolled back")
    assert stage.wanted("staging") == "0.2.0"


def test_a_request_that_is_not_true_is_refused(stage: Stage) -> None:
    promotions = len(stage.runs("environments", "promote"))
    inputs = {"service": "guestbook", "run": "999999", "digest": "sha256:" + "0" * 64}
    body = {"ref": "main", "inputs": inputs}
    stage.call("POST", "/repos/acme/environments/actions/workflows/promote.yml/dispatches", body)
    run = stage.finished("environments", "promote", promotions + 1)
    assert run["conclusion"] == "failure"
    assert "not a run of acme/guestbook" in stage.log(run)
