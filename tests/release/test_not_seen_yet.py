"""GitHub shows what it has made to one of its servers after another: a moment of "not found" ends no run."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from slipway_release.errors import ApiError
from slipway_release.exchange import Response
from slipway_release.github import GitHub
from tests.release.builders import Clock, Script, answer

DEPLOYMENTS = "/repos/acme/environments/deployments"
REFS, PULLS = "/repos/acme/environments/git/refs", "/repos/acme/environments/pulls"


def after(times: int, refused: Response, content: Any) -> Callable[[], Response]:
    """Refused so often, then answered."""
    left = [refused] * times

    def answered() -> Response:
        return left.pop() if left else answer(content)

    return answered


def github(answers: Mapping[str, Any]) -> tuple[GitHub, Script]:
    script, clock = Script(answers), Clock()
    script.sleep, script.clock = clock.sleep, clock
    return GitHub("https://github.test/api/v3", "token", script), script


def test_a_deployment_that_was_just_made_gets_its_status() -> None:
    here, script = github(
        {
            f"POST {DEPLOYMENTS}": {"id": 5},
            f"POST {DEPLOYMENTS}/5/statuses": after(3, answer({"message": "Not Found"}, 404), {"id": 6}),
        }
    )
    here.post(DEPLOYMENTS, {})
    assert here.post(f"{DEPLOYMENTS}/5/statuses", {}) == {"id": 6}
    assert len(script.asked) == 5


def test_a_branch_that_was_just_made_gets_its_pull_request() -> None:
    invalid = {"message": "Validation Failed", "errors": [{"field": "head", "code": "invalid"}]}
    here, script = github(
        {
            f"POST {REFS}": {"ref": "refs/heads/release/x"},
            f"POST {PULLS}": after(2, answer(invalid, 422), {"number": 7}),
        }
    )
    here.post(REFS, {"ref": "refs/heads/release/x", "sha": "c" * 40})
    assert here.post(PULLS, {"head": "release/x", "base": "main"})["number"] == 7
    assert len(script.asked) == 4


@pytest.mark.parametrize("status", [404, 422])
def test_what_this_run_has_not_made_is_refused_at_once(status: int) -> None:
    here, script = github({f"POST {DEPLOYMENTS}/9/statuses": answer({"message": "No ref found for: v1"}, status)})
    with pytest.raises(ApiError):
        here.post(f"{DEPLOYMENTS}/9/statuses", {"ref": "v1"})
    assert len(script.asked) == 1


def test_what_never_shows_is_refused_in_the_end() -> None:
    here, script = github({f"POST {DEPLOYMENTS}": {"id": 5}})
    here.post(DEPLOYMENTS, {})
    with pytest.raises(ApiError, match="404"):
        here.get(f"{DEPLOYMENTS}/5")
    assert len(script.asked) == 7
