"""What stands between a key and who may push: in every workflow that the product writes, whatever the options."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from manifests.model import AUTOMATION
from manifests.repository_files import environment_repository_files
from tools.workflows import repositories, variants

Job = tuple[str, str, dict[str, Any], dict[str, Any]]
"""The workflow, the job's name, the job, and what starts the workflow."""
_MAIN = "github.ref == 'refs/heads/main'"
_OWN = "github.event.pull_request.head.repo.full_name == github.repository"
KEYS = ("PROMOTER_PRIVATE_KEY", "REQUESTER_PRIVATE_KEY", "NOTIFY_WEBHOOK_URL", "NOTIFY_SLACK_TOKEN")
OF_THE_BASE = {"pull_request_target", "deployment_status", "pull_request_review"}
"""Events whose runs are of a commit that somebody else may have chosen, or who have rights beside it."""
WRITES = {
    ("freeze.yml", "freeze"): {"actions"},
    ("hold.yml", "hold"): {"actions", "deployments"},
    ("promote.yml", "plan"): {"deployments"},
    ("promote.yml", "deliver"): {"deployments"},
    ("requested.yml", "request"): {"deployments"},
    ("rollback.yml", "rollback"): {"deployments"},
    ("verified.yml", "verified"): {"actions", "deployments"},
    ("delivered.yml", "delivered"): {"deployments"},
    ("reconcile.yml", "reconcile"): {"actions", "deployments"},
    ("reported.yml", "forward"): {"actions"},
    ("reviewed.yml", "forward"): {"actions"},
    ("validate.yml", "verdict"): {"pull-requests"},
    ("status.yml", "publish"): {"pages", "id-token"},
    ("release.yml", "build"): {"packages", "id-token"},
    ("pull-request.yml", "build"): {"packages", "pull-requests"},
    ("pull-request.yml", "gone"): {"pull-requests"},
    ("pull-request.yml", "expire"): {"pull-requests"},
    # Of services, for the jobs of the workflows that they call.
    ("release.yml", "release"): {"packages", "id-token"},
    ("main.yml", "main"): {"packages", "id-token"},
    ("pull-request.yml", "pull-request"): {"packages", "pull-requests"},
}
"""The jobs whose own token writes something, with what it writes."""


def jobs_of(files: dict[str, str]) -> Iterator[Job]:
    for path, text in files.items():
        if path.startswith(".github/workflows/"):
            started = yaml.load(text, Loader=yaml.BaseLoader)["on"]
            events: dict[str, Any] = started if isinstance(started, dict) else {started: None}
            for name, job in yaml.safe_load(text)["jobs"].items():
                yield path.rpartition("/")[2], name, job, events


@pytest.fixture(scope="module")
def jobs() -> list[Job]:
    """The jobs of each platform's environment repository, and of its services."""
    written = [dict(files.owned) for _, settings in variants() for _, files in repositories(settings)]
    return [job for files in written for job in jobs_of(files)]


@pytest.fixture(scope="module")
def own() -> list[Job]:
    """The jobs of each platform's environment repository."""
    return [job for _, settings in variants() for job in jobs_of(dict(environment_repository_files(settings).owned))]


def test_a_job_with_a_key_is_in_an_environment_that_holds_it(own: list[Job]) -> None:
    found = [job for job in own if any(key in str(job[2].get("steps")) for key in KEYS)]
    assert len({workflow for workflow, *_ in found}) >= 8
    for workflow, name, job, _ in found:
        place = "${{ matrix.environment }}" if (workflow, name) == ("promote.yml", "deliver") else AUTOMATION
        assert job.get("environment") == place, f"{workflow}: {name}"


def test_a_job_that_people_can_start_on_a_branch_runs_on_main_alone(own: list[Job]) -> None:
    """The environment refuses it there too, with a red run; and what needs no key has no other guard."""
    found = [(workflow, name, job) for workflow, name, job, on in own if "workflow_dispatch" in on]
    assert len({workflow for workflow, _, _ in found}) >= 7
    for workflow, name, job in found:
        assert _MAIN in job.get("if", "") or job.get("needs"), f"{workflow}: {name}"


def test_nothing_keeps_a_token_in_the_work_tree_or_runs_a_commit_that_others_chose(jobs: list[Job]) -> None:
    checkouts = [
        (workflow, name, step["with"], events)
        for workflow, name, job, events in jobs
        for step in job.get("steps", [])
        if step.get("uses", "").startswith("actions/checkout@")
    ]
    assert len(checkouts) > 50
    for workflow, name, given, events in checkouts:
        assert given["persist-credentials"] is False, f"{workflow}: {name}"
        if OF_THE_BASE & set(events) and workflow != "validate.yml":
            # GitHub of today takes main for these by itself; older servers take the branch that was merged into.
            assert given["ref"] == "main", f"{workflow}: {name}"
        if "pull_request_target" in events and "ref" in given and given["ref"] != "main":
            assert (workflow, name, given["path"]) == ("validate.yml", "judge", "head")


def test_a_fork_s_branch_is_never_taken_for_one_of_the_repository(own: list[Job]) -> None:
    seen: set[str] = set()
    for workflow, name, job, events in own:
        if "pull_request_target" in events and "pull_request.head.ref" in str(job):
            conditions = [job.get("if", ""), *(str(step.get("env", {}).get("BRANCH", "")) for step in job["steps"])]
            whole = str(job)
            named = whole.count("HEAD_BRANCH") == whole.count("HEAD_REPOSITORY") > 0
            assert named or any(_OWN in condition for condition in conditions), f"{workflow}: {name}"
            seen.add(workflow)
    assert seen == {"delivered.yml", "validate.yml"}


def test_a_job_s_own_token_writes_no_more_than_is_known(jobs: list[Job]) -> None:
    found: dict[tuple[str, str], set[str]] = {}
    for workflow, name, job, _ in jobs:
        written = {right for right, level in job.get("permissions", {}).items() if level == "write"}
        if written:
            found.setdefault((workflow, name), set()).update(written)
        assert "contents" not in written, f"{workflow}: {name}"
    assert found == WRITES
