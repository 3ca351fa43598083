"""What the rules of a branch require is looked for among everything that others have said of a commit."""

from typing import Any

from slipway_release import gates, merging
from tests.release.builders import answer, context

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
