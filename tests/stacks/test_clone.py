"""An old clone would take back what was merged since; real clones of a real repository."""

import subprocess
from pathlib import Path

import pytest

from stacks.clone import commit_of, missing_commit, older_commit


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=dana", "-c", "user.email=dana@example.com"]
    ran = subprocess.run(["git", *who, "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def commit(folder: Path, message: str) -> str:
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def main(tmp_path: Path) -> Path:
    folder = tmp_path / "main"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "Begin")
    return folder


def test_a_clone_that_comes_before_what_was_deployed_is_refused_unless_it_is_meant(main: Path) -> None:
    old, last = commit_of(main), commit(main, "Merged")
    git(main, "checkout", "--quiet", old)
    said = older_commit(last, main, allowed=False)
    assert said.startswith(f"commit: {last[:12]} was deployed last, and this clone is at {old[:12]}")
    assert "git pull" in said
    assert not older_commit(last, main, allowed=True)
    assert not missing_commit(last, main)


def test_a_clone_that_has_what_was_deployed_and_more_says_nothing(main: Path) -> None:
    last = commit_of(main)
    commit(main, "A change of mine")
    for known in (last, commit_of(main), ""):
        assert not older_commit(known, main, allowed=False)
        assert not missing_commit(known, main)


def test_a_clone_that_was_not_brought_up_to_date_is_told_so(main: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(main), "mine")
    last = commit(main, "Merged")
    mine = tmp_path / "mine"
    assert f"commit {last[:12]} was deployed last" in missing_commit(last, mine)
    assert not older_commit(last, mine, allowed=False)


def test_a_partial_clone_fetches_nothing(main: Path, tmp_path: Path) -> None:
    git(main, "config", "uploadpack.allowFilter", "true")
    git(main, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{main}", "partial")
    partial = tmp_path / "partial"
    before = sorted(partial.rglob("objects/pack/*"))
    missing_commit(commit(main, "Merged"), partial)
    assert before
    assert sorted(partial.rglob("objects/pack/*")) == before


def test_what_is_not_a_clone_or_a_shallow_one_knows_nothing(main: Path, tmp_path: Path) -> None:
    (main / "folder").mkdir()
    assert commit_of(main / "folder") == commit_of(tmp_path / "absent") == ""
    last = commit(main, "Merged")
    git(main, "checkout", "--quiet", "HEAD~1")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{main}", "shallow")
    assert not older_commit(last, tmp_path / "shallow", allowed=False)
    assert not missing_commit(last, tmp_path / "shallow")
