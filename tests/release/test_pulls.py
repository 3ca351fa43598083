"""Delivery by pull request: one open request for each service and environment, and it ends up in Git or closed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from slipway_release import gates, merged, merging, pulls, verdict
from slipway_release.errors import RefusedError
from slipway_release.selection import Kind
from tests.release.builders import context, environment
from tests.release.world import World

Make = Callable[..., World]


@pytest.fixture
def here(world: Make) -> World:
    """Production takes releases by pull requests that people approve."""
    return world(environment("production", delivery="pull-request", approval=True))


def test_a_release_is_asked_for_and_changes_nothing_yet(here: World) -> None:
    here.deliver(here.request("1.0.0"), "production")
    (pull,) = here.pulls()
    assert pull["title"] == "Release guestbook 1.0.0 to production"
    assert here.wanted("production") is None
    assert f"waits for pull request #{pull['number']}" in here.statuses("guestbook", "production", "v1.0.0")[0]


def test_asking_again_opens_no_second_request(here: World) -> None:
    request = here.request("1.0.0")
    here.deliver(request, "production")
    here.deliver(request, "production")
    assert len(here.pulls("all")) == 1


def test_a_newer_version_closes_the_older_request_and_says_why(here: World) -> None:
    here.deliver(here.request("1.0.0"), "production")
    here.deliver(here.request("1.1.0"), "production")
    (newer,) = here.pulls()
    assert newer["title"] == "Release guestbook 1.1.0 to production"
    (older,) = here.pulls("closed")
    comments = here.call("GET", f"/repos/{here.repository}/issues/{older['number']}/comments")
    assert f"#{newer['number']}" in comments[0]["body"]


def test_an_older_version_does_not_close_the_newer_request(here: World) -> None:
    here.deliver(here.request("1.1.0"), "production")
    assert here.deliver(here.request("1.0.0"), "production").decision.kind is Kind.SUPERSEDED
    (pull,) = here.pulls()
    assert pull["title"] == "Release guestbook 1.1.0 to production"


def test_services_do_not_close_each_other_s_requests(here: World) -> None:
    here.deliver(here.request("1.0.0"), "production")
    here.deliver(here.request("1.0.0", "clock"), "production")
    assert len(here.pulls()) == 2


def test_of_many_at_once_the_newest_stays_open(here: World) -> None:
    requests = [here.request(f"1.0.{number}") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda request: here.deliver(request, "production"), requests))
    assert [pull["title"] for pull in here.pulls()] == ["Release guestbook 1.0.5 to production"]


def test_a_merged_request_is_on_record(here: World) -> None:
    here.deliver(here.request("1.0.0"), "production")
    (pull,) = here.pulls()
    path = f"/repos/{here.repository}/pulls/{pull['number']}/merge"
    commit = here.call("PUT", path, {"merge_method": "squash"})["sha"]
    merged.record(here.context(), pull["head"]["ref"], commit)
    assert here.statuses("environments", "production/guestbook") == ["in_progress: 1.0.0: delivered, being verified"]


def test_a_merged_branch_of_somebody_else_is_not_a_release(here: World) -> None:
    merged.record(here.context(), "feature/x", here.head("environments"))
    with pytest.raises(RefusedError, match="unknown"):
        merged.record(here.context(), "release/production/unknown/1.0.0", here.head("environments"))


RULES = [
    {
        "type": "pull_request",
        "parameters": {
            "required_approving_review_count": 1,
            "dismiss_stale_reviews_on_push": True,
            "require_code_owner_review": True,
            "require_last_push_approval": False,
            "required_review_thread_resolution": False,
        },
    },
    {
        "type": "required_status_checks",
        "parameters": {
            "strict_required_status_checks_policy": False,
            "required_status_checks": [{"context": "Validate"}, {"context": "licences"}],
        },
    },
]


@pytest.fixture
def ruled(world: Make) -> World:
    """The rules of a real platform hold for main, and the one who merges may pass them."""
    here = world(environment("dev", delivery="pull-request"))
    here.call("PATCH", f"/repos/{here.repository}", {"allow_auto_merge": True})
    body = {
        "name": "main",
        "target": "branch",
        "enforcement": "active",
        "bypass_actors": [{"actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always"}],
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": RULES,
    }
    here.call("POST", f"/repos/{here.repository}/rulesets", body)
    return here


def judge(here: World, branch: str, result: str = "success") -> None:
    """What the judge's workflow does at its end."""
    verdict.give(here.context(), here.head("environments", branch), result)
    gates.merge(here.context(), branch)


def test_a_request_without_approval_waits_for_the_required_checks_and_no_longer(ruled: World) -> None:
    ruled.deliver(ruled.request("1.0.0"), "dev")
    (pull,) = ruled.pulls()
    branch = pull["head"]["ref"]
    judge(ruled, branch)
    assert ruled.wanted("dev") is None, "another check is required too"
    body = {"state": "success", "context": "licences"}
    ruled.call("POST", f"/repos/{ruled.repository}/statuses/{pull['head']['sha']}", body)
    gates.merge(ruled.context(), branch)
    assert ruled.wanted("dev") == "1.0.0"
    assert ruled.pulls() == []


def test_a_request_that_the_judge_refused_is_not_merged_by_the_one_who_could(ruled: World) -> None:
    ruled.deliver(ruled.request("1.0.0"), "dev")
    (pull,) = ruled.pulls()
    body = {"state": "success", "context": "licences"}
    ruled.call("POST", f"/repos/{ruled.repository}/statuses/{pull['head']['sha']}", body)
    judge(ruled, pull["head"]["ref"], "failure")
    assert ruled.wanted("dev") is None


def test_the_judge_is_believed_from_its_own_app_alone() -> None:
    """Everybody who may push can set a commit status of the same name."""
    checks = [{"context": "Validate", "integration_id": 11}]
    rule = {"type": "required_status_checks", "parameters": {"required_status_checks": checks}}
    statuses = "GET /repos/acme/environments/commits/c0ffee/statuses"

    def missing(*told: tuple[str, str]) -> list[str]:
        given = [{"context": "Validate", "state": state, "creator": {"login": login}} for login, state in told]
        answers = {"GET /repos/acme/environments/rules/branches/main": [rule], statuses: given}
        return merging.missing_checks(context(answers).contents, "main", "c0ffee")

    assert missing(("mallory", "success"), ("github-actions[bot]", "success")) == ["Validate"]
    assert missing(("mallory", "success"), ("promoter[bot]", "failure")) == ["Validate"]
    assert missing(("promoter[bot]", "failure"), ("promoter[bot]", "success")) == ["Validate"], "the newest counts"
    assert missing(("mallory", "failure"), ("promoter[bot]", "success")) == []


def test_a_person_s_request_is_never_merged_by_the_program(ruled: World) -> None:
    for branch in ("feature", "release/dev/guestbook/9.9.9", "release/nowhere/guestbook/1.0.0"):
        assert gates.merge(ruled.context(), branch) is None


def test_without_approval_the_request_merges_itself(world: Make) -> None:
    here = world(environment("dev", delivery="pull-request"))
    here.call("PATCH", f"/repos/{here.repository}", {"allow_auto_merge": True})
    here.deliver(here.request("1.0.0"), "dev")
    assert here.wanted("dev") == "1.0.0"
    assert here.pulls() == []
    assert here.statuses("environments", "dev/guestbook") == ["in_progress: 1.0.0: delivered, being verified"]


def test_no_branch_may_be_in_the_way_of_the_program_s() -> None:
    """Git has no branch `release/…` beside one that is called `release`."""
    for kind in pulls.KINDS:
        assert {kind, f"{kind}/**/*"} <= set(pulls.BRANCHES)
