"""What the rules of a branch require is looked for among everything that others have said of a commit."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from slipway_release import gates, merging, rollback
from slipway_release.contents import Contents
from tests.release.builders import answer, context, environment
from tests.release.world import World

Make = Callable[..., World]
PATH = "GET /repos/acme/environments"
COMMIT = "c0ffee"


def around(required: dict[str, int | None], statuses: list[Any], checks: list[Any] | None = None) -> Any:
    """A commit with all that was said of it, newest first, in pages of a hundred."""
    wanted = [{"context": name} | ({"integration_id": app} if app else {}) for name, app in required.items()]
    rule = {"type": "required_status_checks", "parameters": {"required_status_checks": wanted}}

    def paged(items: list[Any], key: str = "") -> Any:
        left = [items[at : at + 100] for at in range(0, len(items), 100)] or [[]]

        def page() -> Any:
            found = left.pop(0)
            headers = {"link": '<https://github.test/api/v3/x?page=2>; rel="next"'} if left else {}
            return answer({key: found} if key else found, headers=headers)

        return page

    return context(
        {
            f"{PATH}/rules/branches/main": [rule],
            f"{PATH}/commits/{COMMIT}/statuses": paged(statuses),
            f"{PATH}/commits/{COMMIT}/check-runs": paged(checks or [], "check_runs"),
        }
    )


def said(name: str, state: str = "success", login: str = "promoter[bot]", text: str = "Valid") -> dict[str, Any]:
    return {"context": name, "state": state, "creator": {"login": login}, "description": text}


def check(number: int, conclusion: str | None, app: int = 15) -> dict[str, Any]:
    return {"id": number, "name": "scan", "conclusion": conclusion, "app": {"id": app}}


NOISE = [said(f"ci/{number}", login="somebody") for number in range(250)]


def test_what_passed_before_a_hundred_other_statuses_has_passed() -> None:
    here = around({"Validate": 11}, [*NOISE, said("Validate")])
    assert merging.missing_checks(here.contents, "main", COMMIT) == []


def test_the_judge_s_word_is_found_below_other_statuses() -> None:
    assert gates.is_judged(around({}, [*NOISE, said("Validate")]), COMMIT)
    assert not gates.is_judged(around({}, [*NOISE, said("Validate", text="Closed: it is frozen")]), COMMIT)


def test_what_passed_below_a_hundred_other_checks_has_passed() -> None:
    others = [check(number, "failure") | {"name": f"matrix {number}"} for number in range(150)]
    assert (
        merging.missing_checks(around({"scan": None}, [], [*others, check(1000, "success")]).contents, "main", COMMIT)
        == []
    )


def test_of_a_check_that_was_asked_for_again_the_newest_run_counts() -> None:
    again = [check(1, "success"), check(2, None)]
    for checks in (again, again[::-1]):
        assert merging.missing_checks(around({"scan": None}, [], checks).contents, "main", COMMIT) == ["scan"]
    of_another = [check(1, "success"), check(2, "failure", app=99)]
    assert merging.missing_checks(around({"scan": 15}, [], of_another).contents, "main", COMMIT) == []


@pytest.mark.parametrize("conclusion", ["failure", "cancelled", "timed_out", "action_required", "stale", None])
def test_a_check_that_did_not_end_well_has_not_passed(conclusion: str | None) -> None:
    here = around({"scan": None}, [], [check(1, conclusion)])
    assert merging.missing_checks(here.contents, "main", COMMIT) == ["scan"]
    for passed in ("success", "neutral", "skipped"):
        assert merging.missing_checks(around({"scan": None}, [], [check(1, passed)]).contents, "main", COMMIT) == []


@pytest.mark.parametrize("state", ["pending", "failure", "error"])
def test_a_status_that_is_no_success_has_not_passed(state: str) -> None:
    here = around({"Validate": 11}, [said("Validate", state), said("Validate")])
    assert merging.missing_checks(here.contents, "main", COMMIT) == ["Validate"]


def test_checks_that_cannot_be_seen_have_not_passed() -> None:
    here = around({"scan": None}, [])
    here.own.transport.answers[f"{PATH}/commits/{COMMIT}/check-runs"] = answer({"message": "No"}, 403)
    assert merging.missing_checks(here.contents, "main", COMMIT) == ["scan"]


def test_where_the_promoter_is_not_known_nobody_s_word_is_the_judge_s() -> None:
    here = dataclasses.replace(around({"Validate": 11}, [said("Validate", login="")]), promoter="")
    assert merging.missing_checks(here.contents, "main", COMMIT) == ["Validate"]


@pytest.fixture
def here(world: Make) -> World:
    """Nothing but the program itself keeps it from merging: no rule, no required check."""
    made = world(
        environment("qa", rollback="pull-request"),
        environment("partner", delivery="pull-request"),
        environment("production", delivery="pull-request", approval=True, approvers=["leads"]),
    )
    made.team("leads", "pat")
    made.call("PATCH", f"/repos/{made.repository}", {"allow_auto_merge": True})
    return made


def stays_open(here: World) -> str:
    """The branch of the one open request, which the program does not merge when it is asked to."""
    (pull,) = here.pulls()
    branch = str(pull["head"]["ref"])
    assert gates.merge(here.context(), branch) is None
    assert [one["number"] for one in here.pulls()] == [pull["number"]]
    return branch


def test_a_release_that_people_approve_is_merged_by_a_person(here: World) -> None:
    here.deliver(here.request("1.0.0"), "production")
    here.review("pat")
    assert stays_open(here) == "release/production/guestbook/1.0.0"
    assert here.wanted("production") is None


def test_a_rollback_that_people_agree_to_is_merged_by_a_person(here: World) -> None:
    here.verified_release("1.0.0", "qa")
    here.fail("qa", here.release("1.1.0", "qa"))
    assert stays_open(here) == "rollback/qa/guestbook/1.1.0"
    assert here.wanted("qa") == "1.1.0"


def test_a_rollback_by_hand_is_merged_by_a_person_where_people_approve(here: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        here.deliver(here.request(version), "production")
        (pull,) = here.pulls()
        merged = here.call("PUT", f"/repos/{here.repository}/pulls/{pull['number']}/merge", {"merge_method": "squash"})
        here.succeed("production", merged["sha"])
    around = here.context()
    production, service = around.platform.environment("production"), around.platform.service("guestbook")
    rollback.by_hand(around, production, service, "1.1.0", reason="", login="sam")
    assert stays_open(here) == "rollback/production/guestbook/1.1.0"
    assert here.wanted("production") == "1.1.0"


def test_a_request_to_restore_files_is_merged_by_a_person(here: World) -> None:
    path, branch = f"/repos/{here.repository}", "restore/qa/guestbook/0000000"
    here.call("POST", f"{path}/git/refs", {"ref": f"refs/heads/{branch}", "sha": here.head("environments")})
    here.commit("environments", "note.txt", "restored", branch)
    here.call("POST", f"{path}/pulls", {"title": "Restore", "head": branch, "base": "main"})
    assert stays_open(here) == branch


def test_what_was_pushed_after_the_checks_had_passed_is_not_merged(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def passed(_contents: Contents, _base: str, _commit: str) -> Sequence[str]:
        here.commit("environments", "mine.txt", "not looked at", "release/partner/guestbook/1.0.0")
        return []

    monkeypatch.setattr(merging, "missing_checks", passed)
    here.deliver(here.request("1.0.0"), "partner")
    assert here.text("mine.txt", "main") is None
    assert len(here.pulls()) == 1


def test_where_a_repository_allows_no_automatic_merges_a_person_merges(here: World) -> None:
    here.call("PATCH", f"/repos/{here.repository}", {"allow_auto_merge": False})
    here.deliver(here.request("1.0.0"), "partner")
    stays_open(here)


def test_a_request_of_another_branch_is_not_merged_in_place_of_the_one_that_was_judged(here: World) -> None:
    here.call("PATCH", f"/repos/{here.repository}", {"allow_auto_merge": False})
    here.deliver(here.request("1.0.0"), "partner")
    here.call("PATCH", f"/repos/{here.repository}", {"allow_auto_merge": True})
    assert gates.merge(here.context(), "release/partner/guestbook/0.9.0") is None
    here.call(
        "POST",
        f"/repos/{here.repository}/git/refs",
        {"ref": "refs/heads/release/partner/guestbook/0.9.0", "sha": here.head("environments")},
    )
    assert gates.merge(here.context(), "release/partner/guestbook/0.9.0") is None
    assert here.wanted("partner") is None


def test_a_gate_that_is_closed_keeps_the_program_from_merging(here: World) -> None:
    here.call("PATCH", f"/repos/{here.repository}", {"allow_auto_merge": False})
    here.deliver(here.request("1.0.0"), "partner")
    here.call("PATCH", f"/repos/{here.repository}", {"allow_auto_merge": True})
    here.freeze("partner", "Black Friday")
    stays_open(here)
