"""A state on this machine that jobs of one repository's environments work on, as on a runner of its own."""

import json
import os
from pathlib import Path

import pytest

from sandbox.github.actions.lending import Lent
from tests.github_actions.server import GitHub, Repository

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or "SLIPWAY_SANDBOX_ISOLATION" in os.environ, reason="only root can keep jobs apart, unless told"
)

WORKFLOW = """
on: workflow_dispatch
jobs:
  work:
    runs-on: ubuntu-latest
    environment: ENVIRONMENT
    steps:
      - run: |
          echo "reads $(cat STATE/stack 2>/dev/null || echo nothing)"
          (echo two > STATE/stack) 2>/dev/null && echo "writes" || echo "keeps"
          if command -v lent-tool; then echo "with the tool"; fi
          if command -v lent-program; then echo "installed"; fi
          echo "packages: $(cat "$SLIPWAY_SANDBOX_PACKAGES/named" 2>/dev/null || echo none)"
"""


@pytest.fixture(scope="module")
def state(github: GitHub) -> Path:
    """Lent to jobs of two environments of the repository `stateful`, with a tool; all have what is installed."""
    state, tools, packages, programs = (github.directory / f"lent-{name}" for name in ("state", "t", "packages", "p"))
    for folder in (state, tools, packages, programs):
        folder.mkdir()
    (packages / "named").write_text("here\n")
    for program in (tools / "lent-tool", programs / "lent-program"):
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    environments = {"look": "reader", "change": "writer"}
    lent = Lent("acme/stateful", environments, state, (), tools, packages, programs)
    github.lent.write_text(json.dumps(lent.document()))
    return state


@pytest.fixture(scope="module")
def repositories(github: GitHub, state: Path) -> dict[str, Repository]:
    text = WORKFLOW.replace("STATE", str(state))
    files = {
        f".github/workflows/{environment}.yml": text.replace("ENVIRONMENT", environment)
        for environment in ("look", "change", "other")
    }
    return {name: github.repository(name, files) for name in ("stateful", "stateless")}


@pytest.mark.parametrize(
    ("repository", "environment", "said", "after"),
    [
        ("stateful", "look", ["reads one", "keeps", "with the tool", "installed", "packages: here"], "one"),
        ("stateful", "change", ["reads one", "writes", "with the tool", "installed", "packages: here"], "two"),
        ("stateful", "other", ["reads nothing", "keeps", "installed", "packages: here"], "one"),
        ("stateless", "change", ["reads nothing", "keeps", "packages: none"], "one"),
    ],
)
def test_a_lent_state_is_there_for_jobs_of_its_environments_and_changed_by_writers_alone(
    repositories: dict[str, Repository], state: Path, repository: str, environment: str, said: list[str], after: str
) -> None:
    (state / "stack").write_text("one\n")
    made = repositories[repository]
    run = made.finished(made.dispatch(f"{environment}.yml"))
    lines = [line.partition("Z ")[2] for line in made.log(run["id"], "work").splitlines()]
    assert [
        line for line in lines if line.startswith(("reads", "writes", "keeps", "with", "installed", "packages"))
    ] == said
    assert (state / "stack").read_text() == f"{after}\n"
    assert (state / "stack").stat().st_uid == os.geteuid()
