"""What GitHub's command line does with a command line of the documentation, where `gh` is not installed."""

import argparse
import shlex
from typing import Any

_PARSER = argparse.ArgumentParser(prog="gh workflow run", exit_on_error=False)
_PARSER.add_argument("workflow")
_PARSER.add_argument("--repo", required=True)
_PARSER.add_argument("-f", "--raw-field", action="append", default=[], dest="fields")


def workflow_run(line: str, **instead: str) -> tuple[str, dict[str, Any]]:
    """The path and the body of the request that `gh workflow run` makes, with other values of some fields."""
    words = shlex.split(line)
    assert words[:3] == ["gh", "workflow", "run"], line
    given = _PARSER.parse_args(words[3:])
    inputs = dict(field.split("=", 1) for field in given.fields)
    unknown = instead.keys() - inputs.keys()
    assert not unknown, f"{line}: it has no field {unknown}"
    path = f"/repos/{given.repo}/actions/workflows/{given.workflow}/dispatches"
    return path, {"ref": "main", "inputs": inputs | instead}
