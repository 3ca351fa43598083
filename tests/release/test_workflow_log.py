"""What others have written is shown in the log, and is never a command to the runner."""

import os
import re
import sys
from pathlib import Path

import pytest

from slipway_release import tool, workflow

COMMAND = re.compile(r"^\s*::[^:]*::|##\[")
"""What the runner takes for one: `::` after any blanks, and the older form anywhere in a line."""


@pytest.mark.parametrize(
    "text",
    [
        "::set-output name=environments::[]",
        "  ::add-mask::sha256",
        "\t::stop-commands::x",
        "\u00a0\u2003::add-path::/tmp",
        "Step 1\r::set-env name=A::b",
        "Step 2\n::error::Approved\u2028::notice::x",
        "##[add-mask]sha256",
        "v1.0.0 ##[set-output name=digest]x",
    ],
)
def test_a_line_of_others_is_not_a_command(capsys: pytest.CaptureFixture[str], text: str) -> None:
    workflow.say(text)
    shown = capsys.readouterr().out
    assert not [line for line in re.split(r"[\r\n]", shown) if COMMAND.search(line)], shown
    assert text[-1] in shown


def test_an_annotation_of_others_is_one_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    workflow.error("v1.0.0%0A::warning::x\n::notice::y\r::stop-commands::z")
    assert [line.partition("::v")[0] for line in re.split(r"[\r\n]", capsys.readouterr().out) if line] == ["::error"]


def test_a_build_does_not_see_what_asks_for_githubs_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"):
        monkeypatch.setenv(name, "canary")
    assert "canary" in os.environ.values()
    said = tool.run([sys.executable, "-c", "import os; print(dict(os.environ))"], {"GIVEN": "to it"})
    assert ("canary" in said, "to it" in said) == (False, True)


def test_a_value_of_others_does_not_end_an_output(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Somebody who knew the delimiter could write another output behind it."""
    file = tmp_path / "output"
    monkeypatch.setenv("GITHUB_OUTPUT", str(file))
    for _ in range(2):
        workflow.output("difference", "a\nEOF\nenvironments=[]")
    first, *_, last = file.read_text().splitlines()
    delimiters = re.findall(r"^difference<<(\w{32})$", file.read_text(), re.MULTILINE)
    assert len(set(delimiters)) == 2
    assert (first, last) == (f"difference<<{delimiters[0]}", delimiters[1])
