"""Which environment takes which release, as a table."""

from typing import Any

import pytest

from slipway_release.errors import RefusedError
from slipway_release.history import Relation
from slipway_release.platform_types import Environment
from slipway_release.release_file import Held, Release, ReleaseFile, RolledBack
from slipway_release.selection import Decision, Kind, Situation, cleared, decide
from tests.release.builders import environment, platform, release

HELD = Held("1.2.3", "crashes", "https://run", "2026-01-01T00:00:00Z")


def place(**changes: Any) -> Environment:
    return platform(environment("staging", **changes)).environments[0]


def judged(
    wanted: Release,
    current: Release | None = None,
    held: tuple[Held, ...] = (),
    *,
    where: Environment | None = None,
    frozen: str | None = None,
    missing: tuple[str, ...] = (),
    relation: Relation = Relation.UNRELATED,
) -> Decision:
    situation = Situation(ReleaseFile(current, held), frozen, missing, lambda _commit, _base: relation)
    return decide(where or place(), wanted, situation)


def branch(commit: str) -> Release:
    return release(f"main-{commit * 12}", tag=None, commit=commit * 40)


@pytest.mark.parametrize("current", [None, "1.2.2", "0.9.0", "1.2.3-rc.1"])
def test_a_newer_version_is_delivered(current: str | None) -> None:
    assert judged(release("1.2.3"), release(current) if current else None).kind is Kind.DELIVER


@pytest.mark.parametrize("current", ["1.2.4", "1.3.0", "2.0.0-rc.1"])
def test_an_older_version_is_superseded_and_told_by_what(current: str) -> None:
    decision = judged(release("1.2.3"), release(current))
    assert decision.kind is Kind.SUPERSEDED
    assert current in decision.reason


def test_the_same_version_is_there_already() -> None:
    assert judged(release(), release()).kind is Kind.ALREADY


def test_the_same_version_with_another_image_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"1\.2\.3"):
        judged(release(digest="sha256:" + "e" * 64), release())


def test_a_held_version_is_not_promoted_and_told_why() -> None:
    decision = judged(release("1.2.3"), release("1.2.2"), (HELD,))
    assert decision.kind is Kind.HELD
    assert "crashes" in decision.reason


def test_a_version_between_a_rollback_and_its_hold_is_delivered() -> None:
    current = release("1.2.1", rollback=RolledBack("1.2.3", "crashes", "2026-01-01T00:00:00Z"))
    assert judged(release("1.2.2"), current, (HELD,)).kind is Kind.DELIVER


def test_a_frozen_environment_says_why() -> None:
    decision = judged(release(), frozen="Black Friday")
    assert decision.kind is Kind.FROZEN
    assert "Black Friday" in decision.reason


def test_a_version_waits_for_the_environment_before() -> None:
    decision = judged(release(), missing=("staging",))
    assert decision.kind is Kind.WAITING
    assert "staging" in decision.reason


def test_prereleases_go_only_where_they_are_wanted() -> None:
    assert judged(release("2.0.0-rc.1"), where=place(prereleases=False)).kind is Kind.EXCLUDED
    assert judged(release("2.0.0-rc.1"), where=place(prereleases=True)).kind is Kind.DELIVER


def test_an_environment_for_releases_takes_no_branch_image() -> None:
    assert judged(branch("a")).kind is Kind.EXCLUDED


def test_an_environment_that_follows_another_branch_takes_no_release() -> None:
    assert judged(release(), where=place(images="branch", branch="next")).kind is Kind.EXCLUDED


@pytest.mark.parametrize(
    ("relation", "kind"),
    [
        (Relation.DESCENDANT, Kind.SUPERSEDED),
        (Relation.ANCESTOR, Kind.DELIVER),
        (Relation.UNRELATED, Kind.DELIVER),
    ],
)
def test_branch_images_follow_history(relation: Relation, kind: Kind) -> None:
    """The relation is that of what is there to what is wanted."""
    assert judged(branch("b"), branch("a"), where=place(images="main"), relation=relation).kind is kind


def test_a_release_replaces_the_branch_image_of_its_commit_but_not_the_other_way() -> None:
    of_release, of_branch = release(commit="a" * 40), branch("a")
    where = place(images="main")
    assert judged(of_release, of_branch, where=where, relation=Relation.SAME).kind is Kind.DELIVER
    assert judged(of_branch, of_release, where=where, relation=Relation.SAME).kind is Kind.SUPERSEDED


def test_a_newer_version_clears_older_holds_only() -> None:
    newer = Held("2.0.0", "also bad", "", "")
    assert cleared(ReleaseFile(release("1.2.2"), (HELD, newer)), release("1.2.4")).held == (newer,)


def test_the_next_image_of_a_branch_clears_the_hold_of_the_one_before() -> None:
    held = Held("main-aaaaaaaaaaaa", "bad", "", "")
    assert cleared(ReleaseFile(None, (held,)), branch("b")).held == ()


@pytest.mark.parametrize("key", ["sync", "images", "delivery", "rollback"])
def test_a_word_that_no_setting_has_is_refused_with_the_known_ones(key: str) -> None:
    with pytest.raises(RefusedError, match=rf"environments\[0\]\.{key}: 'often' is not known; expected one of "):
        platform(environment("dev", **{key: "often"}))
