"""Records what the program of v0.1.0 declares: `python -m tests.program.record_first_version`.

The record is committed, because a clone without history has no v0.1.0. By stack it is a stack file of that version and
what it declares: for each URN the type, the names, where an Application takes its manifests from, and whether it stays.
Of the files that the environment repository starts with, it has those of one service in one environment.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.first_version import unpacked

RECORDED = Path(__file__).parent / "recorded" / "v0.1.0.json"
STACKS = ("example", "sandbox")

_DECLARED = """
import json, sys
from pathlib import Path
sys.path.insert(0, ".")
from tests.program.test_stack_files import recording
from tests.recorder import plain

def is_kept(path):
    if path.startswith("helm-charts/guestbook/"):
        return not path.endswith(".md")
    return path in ("environments/dev/values.yaml", "environments/dev/guestbook/values.yaml")

def facts(one):
    inputs = plain(one.inputs)
    metadata = inputs.get("metadata") or {}
    found = {"type": one.type, "name": inputs.get("name"), "retained": one.retain_on_delete}
    found |= {f"metadata.{name}": metadata[name] for name in ("name", "namespace") if name in metadata}
    if one.name == "environments-files":
        found["seeded"] = {path: text for path, text in inputs["seeded"].items() if is_kept(path)}
    if one.type.endswith(":Application"):
        found |= {name: inputs["spec"][name] for name in ("source", "destination", "project")}
    return found

print(json.dumps({one.urn: facts(one) for one in recording(Path(sys.argv[1])).resources}, default=str))
"""


def declared(tree: Path, file: Path) -> dict[str, dict[str, Any]]:
    """What the program of a tree declares for a stack file, by URN."""
    command = [sys.executable, "-c", _DECLARED, str(file)]
    environment = {**os.environ, "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return json.loads(ran.stdout.splitlines()[-1])


def main() -> None:
    """Asks a copy of that tree."""
    kept: dict[str, Any] = {}
    with unpacked() as tree:
        for stack in STACKS:
            file = tree / f"stacks/Pulumi.{stack}.yaml"
            kept[stack] = {"file": file.read_text(), "declared": declared(tree, file)}
    RECORDED.parent.mkdir(exist_ok=True)
    RECORDED.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
