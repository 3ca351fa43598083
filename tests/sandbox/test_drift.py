"""The platform after a day of releases, rollbacks and faults: nothing has drifted, and no secret has got out."""

import contextlib
import subprocess
from collections.abc import Iterator

import pytest

from sandbox.rehearsal import Rehearsal
from tests.docs.documented import documented
from tests.sandbox.canaries import of_the_sandbox, places, shown
from tests.sandbox.conftest import Sandbox
from tests.sandbox.places import ROOT

DAY = 24 * 60 * 60


@pytest.fixture
def canaries(sandbox: Sandbox) -> dict[str, str]:
    return of_the_sandbox(sandbox.config)


def test_no_secret_is_in_a_log_a_comment_or_a_state(
    sandbox: Sandbox, rehearsal: Rehearsal, canaries: dict[str, str]
) -> None:
    assert not shown(canaries, places(sandbox.config, rehearsal, "guestbook"))


def test_no_secret_is_in_a_file_outside_of_the_sandbox(canaries: dict[str, str]) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    outside = [name for name in listed if name and not name.startswith((".sandbox/", ".venv"))]

    def tracked() -> Iterator[tuple[str, str]]:
        for file in map(ROOT.joinpath, outside):
            with contextlib.suppress(FileNotFoundError, IsADirectoryError):  # other tests come and go meanwhile
                yield str(file), file.read_text(errors="replace")

    assert not shown(canaries, tracked())


def test_a_day_later_nothing_has_drifted(sandbox: Sandbox, rehearsal: Rehearsal) -> None:
    """As `drift.yml` does it. GitHub's clock stays moved, so this comes last."""
    moved = rehearsal.github("POST", f"{sandbox.config.github_url}_sandbox/clock", body={"seconds": DAY})
    assert moved["ahead"] >= DAY
    line = documented("pulumi preview --refresh --expect-no-changes")
    sandbox.types(f"{line} --diff --non-interactive")
