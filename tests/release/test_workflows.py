"""The workflows themselves, run by Actions on real repositories and a real registry: a tag becomes a release."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway_release.claims import TEST_JOB
from slipway_release.verdict import CHECK
from tests.docs.documented import documented
from tests.docs.github_cli import workflow_run
from tests.release.stage import APPS, Stage, act, docker_registry
from tests.release.tokens import OF_RUNS

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A platform with 0.1.0 of guestbook released to dev and staging."""
    if act() is None or docker_registry() is None:
        pytest.skip("act or docker-registry is not here yet; `make up` brings both")
    made = Stage(
        tmp_path_factory.mktemp("stage"),
        [
            {"name": "dev"},
            {"name": "staging"},
            {"name": "production", "sync": "manual", "requires": ["staging"]},
            {"name": "partner", "delivery": "pull-request"},
            {"name": "island", "delivery": "branch"},
        ],
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


def test_a_merged_pull_request_is_a_delivery(stage: Stage) -> None:
    assert stage.wanted("partner") is None
    (pull,) = stage.call("GET", "/repos/acme/environments/pulls?state=open")
    assert pull["title"] == "Release guestbook 0.1.0 to partner"
    stage.call("PUT", f"/repos/acme/environments/pulls/{pull['number']}/merge", {"merge_method": "squash"})
    run = stage.finished("environments", "delivered")
    assert run["conclusion"] == "success", stage.log(run)
    assert stage.wanted("partner") == "0.1.0"
    assert stage.states("environments", "partner/guestbook") == ["in_progress"]
    assert stage.states("guestbook", "partner") == ["in_progress", "queued"]


def test_an_environment_with_a_branch_of_its_own_gets_the_release_there(stage: Stage) -> None:
    assert stage.wanted("island") is None
    assert stage.wanted("island", "environment/island") == "0.1.0"


def test_a_release_that_fails_its_tests_is_built_and_goes_nowhere(stage: Stage) -> None:
    before = len(stage.runs("guestbook", "release"))
    makefile = stage.work("guestbook") / "Makefile"
    good = makefile.read_text()
    makefile.write_text(good + "\ntest:\n\tfalse\n")
    stage.commit("guestbook", "Fail")
    stage.push_tag("v0.1.9")
    run = stage.finished("guestbook", "release", before + 1)
    jobs = stage.call("GET", f"/repos/acme/guestbook/actions/runs/{run['id']}/jobs")["jobs"]
    assert {job["name"].rpartition(" / ")[2]: job["conclusion"] for job in jobs} == {
        TEST_JOB: "failure",
        "Build": "success",
        "Ask for promotion": "skipped",
    }
    makefile.write_text(good)
    stage.commit("guestbook", "Mend")


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


def test_a_held_version_is_released_from_hold_by_a_person_and_goes_again(stage: Stage) -> None:
    assert stage.wanted("dev") == "0.1.0", "the rollback of 0.2.0 comes first"
    promotions = len(stage.runs("environments", "promote"))
    inputs = {
        "action": "release from hold",
        "service": "guestbook",
        "environment": "dev",
        "version": "0.2.0",
        "promote": "true",
    }
    body = {"ref": "main", "inputs": inputs}
    stage.call("POST", "/repos/acme/environments/actions/workflows/hold.yml/dispatches", body)
    run = stage.finished("environments", "hold")
    assert run["conclusion"] == "success", stage.log(run)
    run = stage.finished("environments", "promote", promotions + 1)
    assert run["conclusion"] == "success", stage.log(run)
    assert stage.wanted("dev") == "0.2.0"


def test_a_success_whose_event_was_lost_is_recorded_by_a_reconciliation(stage: Stage) -> None:
    stage.call("PUT", "/repos/acme/environments/actions/workflows/reported.yml/disable")
    stage.report("dev", "success")
    stage.call("PUT", "/repos/acme/environments/actions/workflows/reported.yml/enable")
    name = f"verified/dev/guestbook/{stage.wanted('dev')}"
    path = f"/repos/acme/environments/git/ref/tags/{name}"
    assert stage.client.get(path).status_code == 404
    stage.call("POST", *workflow_run(documented("gh workflow run reconcile.yml --repo acme/environments")))
    run = stage.finished("environments", "reconcile")
    assert run["conclusion"] == "success", stage.log(run)
    assert stage.client.get(path).status_code == 200


def test_a_request_without_approvers_is_merged_once_the_judge_has_agreed(stage: Stage) -> None:
    rule = {
        "type": "required_status_checks",
        "parameters": {
            "strict_required_status_checks_policy": False,
            "required_status_checks": [{"context": CHECK, "integration_id": int(APPS["promoter"][0])}],
        },
    }
    rules = {
        "name": "main",
        "target": "branch",
        "enforcement": "active",
        "bypass_actors": [{"actor_id": int(APPS["promoter"][0]), "actor_type": "Integration", "bypass_mode": "always"}],
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": [rule],
    }
    made = stage.call("POST", "/repos/acme/environments/rulesets", rules)
    stage.call("PATCH", "/repos/acme/environments", {"allow_auto_merge": True})
    stage.push_tag("v0.3.0")
    run = stage.finished("environments", "validate", branch="release/partner/guestbook/0.3.0")
    assert run["conclusion"] == "success", stage.log(run)
    stage.wait(lambda: stage.wanted("partner") == "0.3.0", "the request is merged")
    stage.wait(lambda: stage.states("environments", "partner/guestbook") == ["in_progress"], "it is on record")
    stage.call("DELETE", f"/repos/acme/environments/rulesets/{made['id']}")


def test_a_pull_request_gets_one_comment_that_is_kept_up_to_date(stage: Stage) -> None:
    pull = _proposed(stage, "more-replicas", "environments/dev/guestbook/values.yaml", "replicas: 5\n")
    run = stage.finished("environments", "validate", branch="more-replicas")
    assert run["conclusion"] == "success", stage.log(run)
    (comment,) = stage.call("GET", f"/repos/acme/environments/issues/{pull}/comments")
    assert "| dev | guestbook | 0 |" in comment["body"]
    assert "replicas: 5" in comment["body"]

    _write(stage, "environments/dev/guestbook/values.yaml", "replicas: 6\n")
    stage.git("environments", "commit", "--quiet", "--all", "--message", "One more")
    stage.git("environments", "push", "--quiet", "origin", "HEAD:refs/heads/more-replicas")
    stage.finished("environments", "validate", 2, "more-replicas")
    (comment,) = stage.call("GET", f"/repos/acme/environments/issues/{pull}/comments")
    assert "replicas: 6" in comment["body"]


def test_a_pull_request_with_a_clear_text_secret_fails(stage: Stage) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: hunter2}\n"
    _proposed(stage, "a-secret", "infrastructure/dev/secret.yaml", secret)
    run = stage.finished("environments", "validate", branch="a-secret")
    assert run["conclusion"] == "failure"
    assert "in clear text" in stage.log(run)
    assert "hunter2" not in stage.log(run)


def test_a_pull_request_of_a_fork_is_judged_by_main_and_delivers_nothing(stage: Stage) -> None:
    """Its branch is named as the automation's are, its title as a release's, and it brings a program of its own."""
    stage.call("PATCH", "/orgs/acme", {"members_can_fork_private_repositories": True})
    stage.call("PATCH", "/repos/acme/environments", {"allow_forking": True})
    branch, path = "release/partner/guestbook/0.3.0", "environments/partner/guestbook/release.yaml"
    before, main = stage.wanted("partner"), stage.head("environments")
    with stage.person("sam") as sam:
        sam.post("/repos/acme/environments/forks", json={}).raise_for_status()
        fork = "/repos/sam/environments"
        sam.post(f"{fork}/git/refs", json={"ref": f"refs/heads/{branch}", "sha": main}).raise_for_status()
        for name, text in (
            (path, "release: null\n"),
            (".slipway/slipway_release/cli.py", "raise SystemExit('taken')\n"),
        ):
            there = sam.get(f"{fork}/contents/{name}").json()["sha"]
            body = {
                "message": "Mine",
                "content": base64.b64encode(text.encode()).decode(),
                "sha": there,
                "branch": branch,
            }
            sam.put(f"{fork}/contents/{name}", json=body).raise_for_status()
        pull = {"title": "Release guestbook 0.3.0 to partner", "head": f"sam:{branch}", "base": "main"}
        number = sam.post("/repos/acme/environments/pulls", json=pull).raise_for_status().json()["number"]
        assert sam.post(f"/repos/acme/environments/issues/{number}/labels", json={"labels": ["x"]}).status_code == 403
    stage.wait(lambda: _of(stage, number) != [], "its validation")
    stage.wait(lambda: _of(stage, number)[0]["status"] == "completed", "the end of its validation")
    log = stage.log(_of(stage, number)[0])
    assert f"{path}: only the automation writes releases" in log, log[-3000:]
    assert ".slipway/slipway_release/cli.py: the platform's settings keep it" in log
    assert "taken" not in log
    shown = stage.call("GET", f"/repos/acme/environments/pulls/{number}")
    assert (shown["state"], shown["head"]["repo"]["full_name"]) == ("open", "sam/environments")
    states = stage.call("GET", f"/repos/acme/environments/commits/{shown['head']['sha']}/status")["statuses"]
    assert [one["state"] for one in states if one["context"] == CHECK] == ["failure"]
    assert (stage.wanted("partner"), stage.head("environments")) == (before, main)
    stage.call("PATCH", f"/repos/acme/environments/pulls/{number}", {"state": "closed"})


def _of(stage: Stage, number: int) -> list[dict[str, Any]]:
    """Runs of the judge that are of one pull request."""
    head = stage.call("GET", f"/repos/acme/environments/pulls/{number}")["head"]["sha"]
    return [run for run in stage.runs("environments", "validate") if run["head_sha"] == head]


def _write(stage: Stage, path: str, text: str) -> None:
    (stage.work("environments") / path).write_text(text)


def _proposed(stage: Stage, branch: str, path: str, text: str) -> int:
    """A pull request that writes one file; its number."""
    stage.git("environments", "fetch", "--quiet", "origin")
    stage.git("environments", "checkout", "--quiet", "-B", branch, "origin/main")
    _write(stage, path, text)
    stage.git("environments", "add", "--all")
    stage.git("environments", "commit", "--quiet", "--message", f"Change {path}")
    stage.git("environments", "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    body = {"title": f"Change {path}", "head": branch, "base": "main"}
    return int(stage.call("POST", "/repos/acme/environments/pulls", body)["number"])


def test_tokens_hold_what_is_asked_of_runs_with_them(stage: Stage) -> None:
    """After all of the above; what else each token holds is tried in test_tokens.py."""
    found = stage.call("GET", f"{stage.url}_sandbox/permissions/tokens")
    for job, tokens in OF_RUNS.items():
        for token, names in tokens.items():
            assert not names & found[f"{job} {token}"]["unused"].keys(), job
    assert found["release/request requester[bot] environments"]["unused"] == {}


def test_an_app_holds_no_permission_that_its_calls_do_not_need(stage: Stage) -> None:
    """After all of the above: each token is narrowed to what its job does, and the App has what all of them have."""
    table = stage.call("GET", f"{stage.url}_sandbox/permissions")
    for name in ("promoter", "requester"):
        found = table[f"{name}[bot]"]
        assert found["unused"] == {}, name
        assert found["held"].items() >= APPS[name][2].items()


def test_a_rollback_needs_nothing_of_the_services_repository(stage: Stage) -> None:
    """The last one on this stage: the repository is gone, so that no token for it can be had."""
    assert stage.wanted("dev") == "0.3.0"
    stage.call("DELETE", "/repos/acme/guestbook")
    stage.report("dev", "failure", "Degraded: crash loop")
    stage.wait(lambda: stage.wanted("dev") == "0.2.0", "dev is rolled back")


def test_where_actions_must_be_pinned_a_release_needs_none_of_ours(tmp_path: Path) -> None:
    made = Stage(tmp_path, [{"name": "dev"}], {"pinnedActions": True})
    try:
        made.start()
        policy = {"enabled_repositories": "all", "allowed_actions": "all", "sha_pinning_required": True}
        made.call("PUT", "/orgs/acme/actions/permissions", policy)
        made.push_tag("v0.1.0")
        run = made.finished("guestbook", "release")
        assert run["conclusion"] == "success", made.log(run)
        run = made.finished("environments", "promote")
        assert run["conclusion"] == "success", made.log(run)
        assert made.wanted("dev") == "0.1.0"
    finally:
        made.stop()
