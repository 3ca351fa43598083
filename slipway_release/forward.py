"""Hands a report of Argo CD to the workflow of main that acts on it.

`deployment_status` runs the workflow file of the deployed commit, on no branch, so that run gets no key. Anybody who
may write can start the same workflows with any number: they trust only what GitHub answers them.
"""

from __future__ import annotations

from slipway_release import workflow
from slipway_release.errors import RefusedError
from slipway_release.github import GitHub
from slipway_release.platform_types import Platform

_WORKFLOWS = {"success": "verified.yml", "failure": "rollback.yml", "error": "rollback.yml"}
"""By the state that was reported."""


def forward(platform: Platform, github: GitHub, deployment: str, placement: str, state: str) -> None:
    """Start what handles a report."""
    name = _WORKFLOWS.get(state)
    if name is None:
        raise RefusedError(f"state {state!r}: starts nothing; expected {', '.join(_WORKFLOWS)}")
    github.start_workflow(platform.repository, name, {"deployment": deployment, "placement": placement})
    workflow.say(f"{placement}: {name} looks at deployment {deployment}")
