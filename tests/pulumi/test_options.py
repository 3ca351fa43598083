"""The commands and options of pulumi that the documentation uses are those of the real CLI."""

import subprocess

import pytest

from tests.docs.command_lines import PULUMI
from tests.pulumi.conftest import built_cli


def helped(words: list[str]) -> str:
    """What the CLI says of a command; of one that it does not know, what it says of the command above."""
    return subprocess.run([built_cli(), *words, "--help"], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(("command", "options"), PULUMI.items())
def test_the_cli_has_what_the_documentation_types(command: str, options: set[str]) -> None:
    if not built_cli().exists():
        pytest.skip("no built pulumi in the cache; `make up` builds it")
    told, above = (helped(words) for words in (command.split(), command.split()[:-1]))
    assert told != above
    assert not [option for option in options if option not in told]
