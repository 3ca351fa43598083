"""The platform after a day of releases, rollbacks and faults: the nightly comparison finds nothing to change."""

import subprocess

from sandbox.rehearsal import Rehearsal
from tests.sandbox.conftest import Sandbox

DAY = 24 * 60 * 60


def test_a_day_later_nothing_has_drifted(sandbox: Sandbox, rehearsal: Rehearsal) -> None:
    """As `drift.yml` does it. GitHub's clock stays moved, so this comes last."""
    moved = rehearsal.github("POST", f"{sandbox.config.github_url}_sandbox/clock", body={"seconds": DAY})
    assert moved["ahead"] >= DAY
    command = [str(sandbox.config.commands / "pulumi"), "preview", "--refresh", "--expect-no-changes", "--diff"]
    ran = subprocess.run(
        [*command, "--non-interactive"], env=sandbox.environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
