"""`preview.yml` of a platform repository, run by Actions: what the engine foresees becomes a comment and a check."""

import shlex
import sys
from typing import Any

import pytest

from tests.github_actions.server import ADMIN, ROOT, GitHub, Repository

PREVIEW = ROOT / "tests/stacks/previews/removed.json"
# The real ones install packages, log in to a cloud and reach a state; what they give to the rest is the same.
MAKEFILE = f"""\
install:
\tmkdir -p .venv/bin
\tprintf '#!/bin/sh\\nPYTHONPATH={ROOT} exec {sys.executable} "$$@"\\n' >.venv/bin/python
\tcp pulumi .venv/bin/pulumi
\tchmod +x .venv/bin/*
\techo "$$PWD/.venv/bin" >>"$$GITHUB_PATH"
"""
PULUMI = f"""\
#!/bin/sh
case "$1" in
login) test "$2" = file:///state ;;
preview) test -n "$PULUMI_CONFIG_PASSPHRASE" && cat {shlex.quote(str(PREVIEW))} ;;
*) exit 9 ;;
esac
"""
ACCESS = """\
name: platform access
description: Reaches nothing
runs:
  using: composite
  steps: [{run: 'true', shell: bash}]
"""


@pytest.fixture(scope="module")
def platform(github: GitHub) -> Repository:
    files = {
        ".github/workflows/preview.yml": (ROOT / ".github/workflows/preview.yml").read_text(),
        ".github/actions/platform-access/action.yml": ACCESS,
        "Makefile": MAKEFILE,
        "pulumi": PULUMI,
        ".pulumi-version": "3.0.0\n",
    }
    made = github.repository("platform", files)
    for name, value in {"PULUMI_STACK": "acme", "PULUMI_BACKEND_URL": "file:///state"}.items():
        made.call("POST", "/actions/variables", {"name": name, "value": value})
    made.call("PUT", "/environments/platform-preview", {})
    made.secret("PULUMI_CONFIG_PASSPHRASE", "hush", "platform-preview")
    made.secret("PLATFORM_KUBECONFIG", "none", "platform-preview")
    return made


def preview(platform: Repository, count: int) -> dict[str, Any]:
    """The newest of so many runs, complete."""
    runs = platform.github.wait(
        lambda: found if len(found := platform.runs("preview.yml")) == count else None, f"run {count}", 60
    )
    return platform.finished(max(run["id"] for run in runs), 150)


@pytest.mark.timeout(400)
def test_a_change_that_has_to_be_meant_fails_until_a_label_says_so(platform: Repository) -> None:
    platform.ref("refs/heads/change")
    platform.commit({"settings.txt": "less\n"}, branch="change")
    pull = platform.call("POST", "/pulls", {"title": "Less", "head": "change", "base": "main"})["number"]

    first = preview(platform, 1)
    assert first["conclusion"] == "failure", platform.log(first["id"], "preview")
    log = platform.log(first["id"], "preview")
    assert "label the pull request `destructive` if it is meant" in log, log[-3000:]
    assert "artifact preview:" in log
    (comment,) = platform.call("GET", f"/issues/{pull}/comments")
    assert comment["user"]["login"] == "github-actions[bot]"
    assert "### ⛔ This has to be meant" in comment["body"]
    assert "deletes the Repository `clock-repository`" in comment["body"]
    assert "hush" not in comment["body"]

    platform.call("POST", f"/issues/{pull}/labels", {"labels": ["destructive"]}, token=ADMIN)
    second = preview(platform, 2)
    assert second["conclusion"] == "success", platform.log(second["id"], "preview")
    (again,) = platform.call("GET", f"/issues/{pull}/comments")
    assert again["id"] == comment["id"]
    assert "says that this is meant" in again["body"]
