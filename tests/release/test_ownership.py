"""Which branch may propose which change of the environment repository."""

import shutil
from pathlib import Path

import pytest

from slipway_release.validation import ownership
from slipway_release.validation.files import Tree
from slipway_release.validation.ownership import Proposal

RELEASE = "environments/production/guestbook/release.yaml"
SETTINGS, AUTOMATION = "slipway/files", "release/production/guestbook/1.0.0"


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Tree, Tree]:
    """A base, and a head that is still the same."""
    base = tmp_path / "base"
    for path in (RELEASE, ".github/workflows/validate.yml", ".slipway/platform.json", "CODEOWNERS", "a/values.yaml"):
        (base / path).parent.mkdir(parents=True, exist_ok=True)
        (base / path).write_text("before\n")
    shutil.copytree(base, tmp_path / "head")
    return Tree(base), Tree(tmp_path / "head")


def refused(trees: tuple[Tree, Tree], branch: str, *, is_fork: bool = False) -> list[str]:
    return [problem.path for problem in ownership.check(*trees, Proposal(branch, is_fork))]


@pytest.mark.parametrize(
    ("path", "may"),
    [
        (RELEASE, AUTOMATION),
        ("environments/staging/guestbook/release.yaml", AUTOMATION),
        ("environments/production/freeze.json", None),
        (".github/workflows/validate.yml", SETTINGS),
        (".github/workflows/more.yml", SETTINGS),
        (".github/actions/slipway/action.yml", SETTINGS),
        (".github/CODEOWNERS", SETTINGS),
        (".github/dependabot.yaml", SETTINGS),
        (".github/dependabot.yml", SETTINGS),
        ("CODEOWNERS", SETTINGS),
        ("docs/CODEOWNERS", SETTINGS),
        (".slipway/slipway_release/cli.py", SETTINGS),
        ("infrastructure/production/role-bindings.yaml", SETTINGS),
    ],
)
def test_a_guarded_file_is_changed_by_its_own_branch_alone(
    trees: tuple[Tree, Tree], path: str, may: str | None
) -> None:
    file = trees[1].folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("after\n")
    for branch in (AUTOMATION, SETTINGS, "feature", "release/mine", "slipway/files/2"):
        assert refused(trees, branch) == ([] if branch == may else [path])
        assert refused(trees, branch, is_fork=True) == [path]


@pytest.mark.parametrize(
    "branch",
    [
        "Release/production/guestbook/1.0.0",
        "rel\u0435ase/production/guestbook/1.0.0",
        "\uff52elease/production/guestbook/1.0.0",
        "release\uff0fproduction\uff0fguestbook\uff0f1.0.0",
        "release/production/guestbook",
        "release/production/guestbook/1.0.0/more",
        "refs/heads/release/production/guestbook/1.0.0",
        "origin/release/production/guestbook/1.0.0",
        "release\u200b/production/guestbook/1.0.0",
        "Slipway/files",
        "slipway/f\u0456les",
        "slipway/files\u00a0",
        "refs/heads/slipway/files",
    ],
)
def test_a_branch_that_only_looks_like_the_automation_s_proposes_nothing_of_it(
    trees: tuple[Tree, Tree], branch: str
) -> None:
    """Such a name no rule of the repository keeps from anybody."""
    for path in (RELEASE, "CODEOWNERS"):
        (trees[1].folder / path).write_text("after\n")
    assert refused(trees, branch) == [RELEASE, "CODEOWNERS"]


def test_what_is_the_teams_comes_from_every_branch(trees: tuple[Tree, Tree]) -> None:
    (trees[1].folder / "a/values.yaml").write_text("after\n")
    assert refused(trees, "feature", is_fork=True) == []


def test_a_guarded_file_that_becomes_a_link_or_goes_is_changed(trees: tuple[Tree, Tree]) -> None:
    (trees[1].folder / RELEASE).unlink()
    (trees[1].folder / RELEASE).symlink_to("../../../a/values.yaml")
    (trees[1].folder / "CODEOWNERS").unlink()
    assert refused(trees, "feature") == [RELEASE, "CODEOWNERS"]
