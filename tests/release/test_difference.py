"""The difference that a proposal makes, as a comment on its pull request shows it."""

from pathlib import Path
from typing import Any

import pytest

from slipway_release import limits
from slipway_release.errors import RefusedError
from slipway_release.validation import comment, difference
from slipway_release.validation.comment import MARKER
from slipway_release.validation.difference import Change, Section, markdown
from slipway_release.validation.files import Tree
from tests.release.builders import Script, context
from tests.release.repository import needs_helm, write


@needs_helm
def test_the_difference_names_each_environment_that_changes(tree: Tree, template: Path) -> None:
    write(tree.folder / "environments/staging/guestbook/values.yaml", "replicas: 7\n")
    (section,) = difference.sections(Tree(template), tree)
    assert (section.environment, section.subject) == ("staging", "guestbook")
    text = markdown([section], "")
    assert text.startswith(MARKER)
    assert "| staging | guestbook | 0 |" in text
    assert "+  replicas: 7" in text


@needs_helm
def test_nothing_changed_is_said(tree: Tree, template: Path) -> None:
    assert "Nothing that runs anywhere changes" in markdown(difference.sections(Tree(template), tree), "")


def test_secrets_are_masked_in_the_difference() -> None:
    old = {"kind": "Secret", "metadata": {"name": "a"}, "data": {"password": "b2xkLXNlY3JldA=="}}
    new = old | {"data": {"password": "bmV3LXNlY3JldA=="}}
    deployment = {
        "kind": "Deployment",
        "metadata": {"name": "b"},
        "spec": {
            "env": [{"name": "DATABASE_PASSWORD", "value": "hunter2"}, {"name": "COLOUR", "value": "blue"}],
            "apiToken": "topsecret",
            "secretName": "shown",
            "note": "ghp_" + "a" * 36,
        },
    }
    changes = difference.compare({("Secret", "a"): old}, {("Secret", "a"): new, ("Deployment", "b"): deployment})
    text = markdown([Section("dev", "guestbook", changes)], "")
    for secret in ("b2xk", "bmV3", "hunter2", "topsecret", "ghp_"):
        assert secret not in text
    for shown in ("Secret a (changed)", "blue", "shown"):
        assert shown in text


@pytest.mark.parametrize("size", [1, 10, 400])
def test_the_comment_stays_below_the_limit_and_says_what_it_leaves_out(size: int) -> None:
    sections = [
        Section(f"environment-{number}", "guestbook", [Change("Deployment", "x", "changed", "+a\n" * 3000)])
        for number in range(size)
    ]
    text = markdown(sections, "https://run")
    assert len(text) < limits.COMMENT
    assert ("too long to show" in text) == (size > 6)
    assert text.count("<details>") == text.count("</details>") > 0


def test_a_difference_cannot_end_its_own_fence() -> None:
    change = Change("ConfigMap", "a", "changed", "+```\n+</details>\n+````")
    text = markdown([Section("dev", "guestbook", [change])], "")
    assert "`````diff" in text


def test_losing_what_holds_data_is_said_first() -> None:
    change = Change("PersistentVolumeClaim", "data", "removed", "-a")
    text = markdown([Section("dev", "guestbook", [change])], "")
    assert text.index("Removes what holds data") < text.index("<details>")


def test_there_is_one_comment_and_it_is_kept_up_to_date() -> None:
    base = "/repos/acme/environments/issues"
    old = {"id": 5, "body": f"{MARKER}\nold", "user": {"type": "Bot"}}
    others = [{"id": 3, "body": f"{MARKER} forged", "user": {"type": "User"}}, {"id": 4, "body": "hello", "user": {}}]
    cases: list[tuple[list[dict[str, Any]], str]] = [
        (others, f"POST {base}/7/comments"),
        ([*others, old], f"PATCH {base}/comments/5"),
    ]
    for comments, expected in cases:
        around = context(
            {f"GET {base}/7/comments": comments, f"POST {base}/7/comments": {}, f"PATCH {base}/comments/5": {}}
        )
        comment.keep(around, "7", f"{MARKER}\nnew")
        asked = _asked(around)
        assert asked[-1] == expected
        assert len([key for key in asked if not key.startswith("GET")]) == 1


def _asked(around: Any) -> list[str]:
    assert isinstance(around.own.transport, Script)
    return around.own.transport.asked


@pytest.mark.parametrize("number", ["", "7/../8", "x"])
def test_a_comment_goes_to_a_pull_request_only(number: str) -> None:
    with pytest.raises(RefusedError):
        comment.keep(context({}), number, f"{MARKER}\n")


def test_a_chart_that_fails_chooses_no_markdown_of_the_comment() -> None:
    words = "does not render: **Approved** by @acme/platform, ``` [here](https://example.com)"
    shown = markdown([Section("dev", "guestbook", [], words)], "")
    assert f"\n````\n{words}\n````\n" in shown
