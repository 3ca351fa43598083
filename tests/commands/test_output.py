"""Every command ends in a sentence on a full disk, and quietly where nothing reads it any more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT

PRINTING = [
    ["-m", "stacks.explain"],
    ["-m", "stacks.access", "--stack", "example"],
    ["-m", "stacks.new", "--help"],
    ["-m", "slipway_release", "--help"],
    ["-m", "sandbox", "--help"],
    ["-m", "sandbox", "status"],
]


def ran(words: list[str], output: int, unbuffered: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered, "SLIPWAY_SANDBOX_DIR": str(folder)}
    command = [sys.executable, *words]
    return subprocess.run(
        command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.PIPE, text=True, check=False
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_a_full_disk_ends_a_command_in_a_sentence(words: list[str], unbuffered: str, tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = ran(words, full.fileno(), unbuffered, tmp_path)
    said = done.stderr.splitlines()
    assert len(said) <= 1, done.stderr
    if said:
        assert said[0].startswith("error: ")
        assert "make" in said[0]
        assert done.returncode == 1
    else:
        assert "--help" in words, "argparse passes over it where nothing is kept back"


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", PRINTING[:-1], ids=" ".join)
def test_a_closed_pipe_ends_a_command_quietly(words: list[str], unbuffered: str, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = ran(words, writing, unbuffered, tmp_path)
    finally:
        os.close(writing)
    assert done.stderr == ""
    assert done.returncode in {0, 141}
