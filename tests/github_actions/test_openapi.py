"""Answers about workflows, runs and jobs have what GitHub's OpenAPI description demands of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.github import openapi
from tests.github_actions.server import ADMIN, ALICE, GitHub, Repository

FLOW = """
name: Flow
on: workflow_dispatch
jobs:
  build: {runs-on: ubuntu-latest, steps: [{run: 'echo hello'}]}
  deploy: {needs: build, runs-on: ubuntu-latest, environment: production, steps: [{run: 'false'}]}
"""


@dataclass
class Compared:
    """Requests to one repository, with what their answers lack."""

    repository: Repository
    lacking: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    count: int = 0

    def ask(self, method: str, path: str, body: Any = None, token: str = ADMIN) -> Any:
        full = f"/repos/{self.repository.name}/actions/{path}"
        url = f"{self.repository.github.url}/api/v3{full}"
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.request(method, url, json=body, headers=headers, timeout=30, trust_env=False)
        assert answer.status_code < 400, f"{method} {full}: {answer.status_code} {answer.text}"
        shown: Any = answer.json() if "json" in answer.headers.get("Content-Type", "") else None
        self.count += 1
        if found := openapi.problems(method, full.partition("?")[0], answer.status_code, shown):
            self.lacking[f"{method} {path}"] = found
        return shown


def test_workflows_runs_and_jobs(github: GitHub, record_property: Callable[[str, object], None]) -> None:
    repository = github.repository("described", {".github/workflows/flow.yml": FLOW})
    alice = repository.github.call("GET", "/users/alice")["id"]
    repository.call("PUT", "/environments/production", {"reviewers": [{"type": "User", "id": alice}]})
    story = Compared(repository)
    (flow,) = story.ask("GET", "workflows")["workflows"]
    story.ask("GET", f"workflows/{flow['id']}")
    story.ask("PUT", f"workflows/{flow['id']}/disable")
    story.ask("PUT", f"workflows/{flow['id']}/enable")
    number = repository.dispatch("flow.yml")
    story.ask("GET", "workflows/flow.yml/runs")
    waiting = github.wait(lambda: story.ask("GET", f"runs/{number}/pending_deployments"), "the gate")
    review = {"environment_ids": [waiting[0]["environment"]["id"]], "state": "approved", "comment": "go"}
    story.ask("POST", f"runs/{number}/pending_deployments", review, ALICE)
    repository.finished(number)
    story.ask("GET", f"runs/{number}/approvals")
    story.ask("GET", "runs")
    story.ask("GET", f"runs/{number}")
    story.ask("GET", f"runs/{number}/attempts/1")
    story.ask("GET", f"runs/{number}/artifacts")
    (job, _) = story.ask("GET", f"runs/{number}/jobs")["jobs"]
    story.ask("GET", f"runs/{number}/attempts/1/jobs")
    story.ask("GET", f"jobs/{job['id']}")
    story.ask("GET", f"jobs/{job['id']}/logs")
    story.ask("GET", f"runs/{number}/logs")
    story.ask("GET", f"runs/{number}/attempts/1/logs")
    story.ask("POST", f"runs/{number}/rerun-failed-jobs")
    story.ask("POST", f"runs/{number}/cancel")
    repository.finished(number)
    (job, _) = story.ask("GET", f"runs/{number}/jobs")["jobs"]
    story.ask("POST", f"jobs/{job['id']}/rerun")
    story.ask("POST", f"runs/{number}/force-cancel")
    repository.finished(number)
    story.ask("POST", f"runs/{number}/rerun")
    story.ask("POST", f"runs/{number}/cancel")
    repository.finished(number)
    story.ask("DELETE", f"runs/{number}/logs")
    story.ask("DELETE", f"runs/{number}")
    record_property("openapi", f"{story.count - len(story.lacking)} of {story.count} answers about Actions fit")
    report = "\n".join(f"{route}: {', '.join(found)}" for route, found in story.lacking.items())
    assert not report, report
