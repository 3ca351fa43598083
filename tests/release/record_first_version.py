"""Records what v0.1.0 wrote of some releases, by its own program: `python -m tests.release.record_first_version`.

The record is committed, because a clone without history has no v0.1.0. `test_upgrade.py` here says what is in it.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.first_version import unpacked

RECORDED = Path(__file__).parent / "recorded" / "v0.1.0.json"

_STORY = """
import json, sys
from tests.release.conftest import *
from tests.release.world import World

def test_record(world):
    here = world()
    for version in ("1.0.0", "1.1.0"):
        request = here.request(version)
        for place in ("dev", "staging"):
            commit = here.deliver(request, place).link.rpartition("/")[2]
            here.succeed(place, commit)
    here.fail("dev", here.release("1.2.0", "dev"))
    here.succeed("dev", here.head("environments"))

    path = f"/repos/{here.repository}"
    history = here.client.get(f"{path}/commits", params={"per_page": 100}).json()[::-1]
    commits = []
    for commit in history:
        for file in here.call("GET", f"{path}/commits/{commit['sha']}")["files"]:
            if file["filename"].endswith("release.yaml"):
                url = f"{path}/contents/{file['filename']}"
                text = base64.b64decode(here.client.get(url, params={"ref": commit["sha"]}).json()["content"]).decode()
                commits.append({"sha": commit["sha"], "path": file["filename"], "text": text})
    deployments = []
    for found in here.client.get(f"{path}/deployments", params={"per_page": 100}).json()[::-1]:
        statuses = here.call("GET", f"{path}/deployments/{found['id']}/statuses")[::-1]
        kept = {name: found[name] for name in ("sha", "environment", "description", "payload")}
        kept["statuses"] = [{name: one[name] for name in ("state", "description")} for one in statuses]
        deployments.append(kept)
    text = json.dumps({"commits": commits, "deployments": deployments}, indent=1, sort_keys=True)
    open(WHERE, "w").write(text.replace(here.owner, "acme").replace(here.url, "https://github.test/") + "\\n")
"""


def main() -> None:
    """Runs the story in a copy of that tree."""
    with unpacked() as tree:
        story = tree / "tests" / "release" / "test_recorded.py"
        RECORDED.parent.mkdir(exist_ok=True)
        story.write_text("import base64\n" + _STORY.replace("WHERE", repr(str(RECORDED))))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(story)]
        subprocess.run(command, cwd=tree, env={**os.environ, "PYTHONPATH": ""}, check=True)


if __name__ == "__main__":
    main()
