"""Maintenance branches: older versions come from the one protected branch that is named after them."""

import dataclasses
from typing import Any

import pytest

from slipway_release import claims, maintenance, selection
from slipway_release.errors import RefusedError
from slipway_release.history import Relation
from slipway_release.platform_types import Service
from slipway_release.release_file import ReleaseFile
from slipway_release.selection import Kind, Situation
from slipway_release.tags import Tag, Version
from tests.release.builders import COMMIT, context, environment, platform, release

REPOSITORY = "/repos/acme/guestbook"
MAIN, OLD = "a" * 40, "b" * 40


def service(pattern: str | None = "release/{major}.{minor}") -> Service:
    return dataclasses.replace(platform().service("guestbook"), maintenance_branch=pattern)


def check(tag: str, given: Service) -> None:
    """A tag whose commit is on `release/1.2` and not on main."""
    answers: dict[str, Any] = {
        f"GET {REPOSITORY}": {"default_branch": "main"},
        f"GET {REPOSITORY}/git/ref/tags/{tag}": {"object": {"type": "commit", "sha": COMMIT}},
        f"GET {REPOSITORY}/git/ref/heads/main": {"object": {"type": "commit", "sha": MAIN}},
        f"GET {REPOSITORY}/compare/{MAIN}...{COMMIT}": {"status": "diverged"},
        f"GET {REPOSITORY}/git/ref/heads/release/1.2": {"object": {"type": "commit", "sha": OLD}},
        f"GET {REPOSITORY}/compare/{OLD}...{COMMIT}": {"status": "behind"},
    }
    claims.check_tag(context(answers).service, given, Tag.parse(tag), COMMIT)


@pytest.mark.parametrize("tag", ["v1.2.4", "prod-v1.2.4"])
def test_a_version_may_come_from_the_branch_that_is_named_after_it(tag: str) -> None:
    check(tag, service())


@pytest.mark.parametrize("tag", ["v1.3.1", "v2.0.0"])
def test_no_other_version_may(tag: str) -> None:
    with pytest.raises(RefusedError, match=r"is not on main or release/"):
        check(tag, service())


def test_without_the_setting_versions_come_from_main_alone() -> None:
    with pytest.raises(RefusedError, match="is not on main; merge it first"):
        check("v1.2.4", service(None))


@pytest.mark.parametrize(
    "text", ["release/{major}.{minor}", "v{major}", "support/v{major}-{minor}", "maintenance/{major}.{minor}-lts"]
)
def test_patterns_that_name_one_branch_for_a_version_are_allowed(text: str) -> None:
    assert maintenance.is_pattern(text)


@pytest.mark.parametrize(
    "text",
    ["main", "release/*", "{major}", "release/{patch}", "release/{minor}", "a b{major}", "-/../x{major}", "", "x{}"],
)
def test_patterns_that_name_many_or_none_are_not(text: str) -> None:
    assert not maintenance.is_pattern(text)


def test_the_rule_covers_every_branch_that_the_pattern_can_name() -> None:
    pattern = "release/{major}.{minor}"
    assert maintenance.ruleset_pattern(pattern) == "refs/heads/release/*.*"
    assert maintenance.branch_of(pattern, Version.parse("1.2.4")) == "release/1.2"


def test_a_maintenance_version_does_not_replace_the_image_of_main() -> None:
    current = release("main-" + COMMIT[:12], tag=None)
    around = Situation(ReleaseFile(current), None, (), lambda _commit, _base: Relation.UNRELATED)
    decision = selection.decide(platform(environment("dev", images="main")).environments[0], release("1.2.4"), around)
    assert decision.kind is Kind.SUPERSEDED
