"""What came to an environment alone, which the settings then lose: it goes on to the others, by their own rules."""

from collections.abc import Callable
from typing import Any

import pytest

from slipway_release import former, reconcile
from tests.release.builders import environment
from tests.release.world import World

Make = Callable[..., World]
FIRST = [
    environment("first"),
    environment("first", delivery="branch", targetBranch="environment/first"),
]


def asked(here: World) -> list[str]:
    """The promotions that a reconciliation asks for again."""
    path = f"/api/v3/repos/{here.repository}/actions/workflows/promote.yml"
    here.fault(match=f"GET {path}/runs", status=200, count=2)
    here.fault(match=f"GET {path.replace('promote', 'requested')}/runs", status=200, count=2)
    here.fault(match=f"POST {path}/dispatches", status=200, count=5)
    try:
        return [text for text in reconcile.reconcile(here.context()) if text.endswith("is asked for again")]
    finally:
        here.clear_faults()


@pytest.mark.parametrize("first", FIRST, ids=["main", "branch"])
def test_what_waited_for_an_environment_that_is_gone_comes_without_it(world: Make, first: dict[str, Any]) -> None:
    here = world(first, environment("dev", requires=["first"]), environment("production", requires=["dev"]))
    if first["delivery"] == "branch":
        here.call("POST", f"/repos/{here.repository}/git/refs", {
            "ref": "refs/heads/environment/first", "sha": here.head("environments"),
        })  # fmt: skip
    here.release("1.0.0", "first")
    assert asked(here) == [], "it waits to be verified there"
    here.environments = [environment("dev"), environment("production", requires=["dev"])]
    assert asked(here) == ["dev/guestbook: 1.0.0 is asked for again"]


def test_an_older_or_broken_file_of_an_environment_that_is_gone_changes_nothing(world: Make) -> None:
    here = world(environment("old"), environment("broken"), environment("dev"))
    here.release("1.0.0", "old")
    here.commit("environments", "environments/broken/guestbook/release.yaml", "release: {")
    here.release("1.1.0", "dev")
    here.environments = [environment("dev")]
    assert [release.version for release in former.releases(here.context())["guestbook"]] == ["1.0.0"]
    assert asked(here) == []
