"""An upgrade from the first version: what that one made is taken along, by the same names in the state.

The older program is taken from the history. A clone without it, as CI's are, skips the test and says so.
"""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FIRST = "a4c9f17"
"""The commit of v0.1.0."""
RUN = """
import json, sys
from pathlib import Path
sys.path.insert(0, ".")
from tests.program.test_stack_files import recording
kept = {one.urn: [one.type, one.inputs.get("name")] for one in recording(Path(sys.argv[1])).resources}
print(json.dumps(kept, default=str))
"""
MOVED = {"github:index/actionsSecret:ActionsSecret"}
"""Kinds that went elsewhere: keys of the Apps became secrets of environments, which branches do not reach."""
RETAINED = {"github:index/branch:Branch"}
"""Kinds that leave the state and stay on GitHub; v0.1.0 declared them so."""


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of v0.1.0."""
    place = tmp_path_factory.mktemp("v0.1.0")
    command = ["git", "-C", str(ROOT), "archive", f"--output={place}/tree.tar", FIRST]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(f"this clone has no history, and with it no {FIRST}; `git fetch --unshallow` fetches it")
    with tarfile.open(place / "tree.tar") as packed:
        packed.extractall(place / "tree")
    return place / "tree"


def declared(tree: Path, file: Path) -> dict[str, list[Any]]:
    """Type and name of what the program of a tree declares for a stack file, by URN."""
    command = [sys.executable, "-c", RUN, str(file)]
    environment = {**os.environ, "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.mark.parametrize("stack", ["example", "sandbox"])
def test_the_stack_of_the_first_version_is_taken_along_as_it_is(first: Path, stack: str) -> None:
    file = first / f"stacks/Pulumi.{stack}.yaml"
    before, now = declared(first, file), declared(ROOT, file)
    assert any(kind.endswith(":Repository") for kind, _ in before.values())
    gone = {urn: kind for urn, (kind, _) in before.items() if urn not in now}
    assert set(gone.values()) <= MOVED | RETAINED, [urn for urn, kind in gone.items() if kind not in MOVED | RETAINED]
    # A repository of another name would be made anew, and the old one archived.
    for urn, (kind, name) in before.items():
        if kind.endswith((":Repository", ":Team", ":Namespace")):
            assert now[urn] == [kind, name]


def test_what_the_first_version_made_and_leaves_the_state_stays_on_github(first: Path) -> None:
    source = (first / "components/github/environment_repository.py").read_text()
    _, _, rest = source.partition("github.Branch(")
    assert "retain_on_delete=True" in rest.partition("for environment in")[0]
