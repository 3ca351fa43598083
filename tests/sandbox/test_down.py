"""`down` leaves nothing on the machine; these tests run last, because they take the sandbox of the others down."""

import subprocess
from pathlib import Path

from tests.docs.documented import documented
from tests.sandbox.conftest import Sandbox
from tests.sandbox.places import processes_with


def told(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_down_leaves_nothing(sandbox: Sandbox) -> None:
    sandbox.types(documented("make down"))
    folder, network = str(sandbox.config.directory), f"{sandbox.config.network}."
    assert not sandbox.config.directory.exists()
    assert not sandbox.config.directory.with_name(f"{sandbox.config.directory.name}.lock").exists()
    assert [line for line in Path("/proc/self/mounts").read_text().splitlines() if folder in line] == []
    assert processes_with(folder) == []
    assert network not in told("ip", "-brief", "address")
    assert network not in told("ip", "route")
    assert network not in told("nft", "list", "ruleset")


def test_down_of_nothing_is_not_an_error(sandbox: Sandbox) -> None:
    assert sandbox.run("down").returncode == 0


def test_status_of_nothing_says_what_to_do(sandbox: Sandbox) -> None:
    status = sandbox.run("status")
    assert status.returncode != 0
    assert "make up" in status.stderr
    assert "Traceback" not in status.stderr
