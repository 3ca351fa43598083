"""The platform is changed as at a company: by a reviewed pull request with its preview, and not by hand."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.clone import Clone
from sandbox.people import propose
from sandbox.rehearsal import Rehearsal
from tests.docs.documented import documented, documented_block
from tests.sandbox.canaries import kubectl
from tests.sandbox.conftest import Sandbox

SETTINGS = "stacks/Pulumi.sandbox.yaml"
TAKES = """\
  {job}:
    runs-on: ubuntu-latest
    environment: {environment}
    steps:
      - run: echo '{{}}' > {state}/.pulumi/stacks/slipway/sandbox.json && echo "it wr""ote"
"""


@pytest.fixture(scope="module")
def repository(sandbox: Sandbox, rehearsal: Rehearsal) -> Iterator[str]:
    """Afterwards `make up` puts back what was merged, since this tree does not have it, and says so."""
    made = sandbox.types(documented("make platform-repository"))
    name = made.strip().rpartition("/")[2]
    yield name
    back = sandbox.run("up")
    assert back.returncode == 0, f"{back.stderr}\n{back.stdout}"
    closed = rehearsal.github("GET", f"{rehearsal.repository_path(name)}/pulls?state=closed")
    merged = any(pull["merged_at"] for pull in closed)
    told = "has other values of slipway:teams by now, and `make up` takes them back" in back.stderr
    assert told is merged, back.stderr


@pytest.fixture(scope="module")
def clone(rehearsal: Rehearsal, repository: str) -> Iterator[Clone]:
    with rehearsal.clone(repository, "dana") as clone:
        yield clone


def edited(clone: Clone, change: Callable[[dict[str, Any]], None]) -> str:
    """The stack file with a change of its settings."""
    document = yaml.safe_load((clone.directory / SETTINGS).read_text())
    change(document["config"])
    return yaml.safe_dump(document, sort_keys=False)


def without_clock(settings: dict[str, Any]) -> None:
    settings["slipway:services"] = [one for one in settings["slipway:services"] if one["name"] != "clock"]


def with_another_group(settings: dict[str, Any]) -> None:
    next(team for team in settings["slipway:teams"] if team["name"] == "web")["ssoGroup"] = "acme developers"


def finished(rehearsal: Rehearsal, repository: str, workflow: str, after: int = 0) -> dict[str, Any]:
    run = rehearsal.wait_for_run(repository, workflow, after=after)
    return run | {"log": rehearsal.run_log(repository, run["id"])}


def newest(rehearsal: Rehearsal, repository: str, workflow: str) -> int:
    return max((run["id"] for run in rehearsal.runs(repository, workflow=workflow)), default=0)


def test_a_reviewed_change_goes_live_and_one_that_deletes_a_repository_does_not(
    sandbox: Sandbox, rehearsal: Rehearsal, repository: str, clone: Clone
) -> None:
    sandbox.types("\n".join(documented_block("docs/sandbox.md", "The platform repository")))
    assert (sandbox.config.directory / "platform" / SETTINGS).is_file()
    path = rehearsal.repository_path(repository)
    smaller, renamed = edited(clone, without_clock), edited(clone, with_another_group)
    title = "Rename the group of web"
    pull = propose(rehearsal, clone, title, {SETTINGS: smaller}, author="dana")
    refused = finished(rehearsal, repository, "preview.yml")
    assert refused["conclusion"] == "failure", refused["log"]
    (comment,) = rehearsal.github("GET", f"{path}/issues/{pull}/comments")
    assert comment["user"]["login"] == "github-actions[bot]"
    assert "deletes the Repository `clock-repository`" in comment["body"]

    clone.write({SETTINGS: renamed})
    clone.git("commit", "--quiet", "--all", "--message", title)
    clone.git("push", "--quiet", "origin", f"HEAD:refs/heads/{clone.git('branch', '--show-current')}")
    accepted = finished(rehearsal, repository, "preview.yml", after=refused["id"])
    assert accepted["conclusion"] == "success", accepted["log"]
    (again,) = rehearsal.github("GET", f"{path}/issues/{pull}/comments")
    assert again["id"] == comment["id"]
    assert "acme developers" in again["body"]
    assert "clock" not in again["body"]

    last = newest(rehearsal, repository, "deploy.yml")
    approve = documented(".venv/bin/python -m sandbox approve http://10.201.0.1:3000/acme/platform/pull/1")
    sandbox.types(approve.removesuffix("1") + str(pull))
    deployed = finished(rehearsal, repository, "deploy.yml", after=last)
    assert deployed["conclusion"] == "success", deployed["log"]
    policy = kubectl(sandbox.config, "get", "configmap", "argocd-rbac-cm", "--namespace", "argocd", "--output", "yaml")
    assert "acme developers" in policy


@pytest.fixture
def fork(rehearsal: Rehearsal, repository: str, tmp_path: Path) -> Clone:
    """A clone of sam's fork. What is private may be forked, and runs workflows of forks, once its owners say so."""
    path, section = rehearsal.repository_path(repository), "actions/permissions/fork-pr-workflows-private-repos"
    rehearsal.github("PATCH", f"/orgs/{rehearsal.owner}", body={"members_can_fork_private_repositories": True})
    rehearsal.github("PATCH", path, body={"allow_forking": True})
    for whose in (f"/orgs/{rehearsal.owner}", path):
        rehearsal.github("PUT", f"{whose}/{section}", body={"run_workflows_from_fork_pull_requests": True})
    made = rehearsal.github("POST", f"{path}/forks", user="sam", body={})["full_name"]
    clone = Clone(tmp_path, repository)
    of_base = f"{rehearsal.owner}/{repository}.git"
    clone.git("clone", "--quiet", rehearsal.git_url(repository, "sam").replace(of_base, f"{made}.git"), ".")
    for name, value in {"name": "sam", "email": "sam@users.noreply.example.com"}.items():
        clone.git("config", f"user.{name}", value)
    return clone


def test_a_fork_gets_a_plan_of_the_real_engine_and_no_comment(
    rehearsal: Rehearsal, repository: str, fork: Clone
) -> None:
    """Of the sandbox's stack alone: a fork is told no name of one."""
    path, last = rehearsal.repository_path(repository), newest(rehearsal, repository, "preview.yml")
    fork.write({SETTINGS: edited(fork, without_clock)})
    fork.git("commit", "--quiet", "--all", "--message", "Take the clock away")
    fork.git("push", "--quiet", "origin", "HEAD:refs/heads/smaller")
    body = {"title": "Take the clock away", "head": "sam:smaller", "base": "main"}
    pull = rehearsal.github("POST", f"{path}/pulls", user="sam", body=body)["number"]
    run = finished(rehearsal, repository, "preview.yml", after=last)
    jobs = rehearsal.github("GET", f"{path}/actions/runs/{run['id']}/jobs")["jobs"]
    assert {job["name"]: job["conclusion"] for job in jobs} == {
        "preview": "skipped", "plan": "failure", "comment": "skipped",
    }, run["log"]  # fmt: skip
    assert "**This is a plan without state.**" in run["log"]
    assert "It compares what this branch declares with what the base branch does." in run["log"]
    assert "deletes the Repository `clock-repository`" in run["log"]
    assert "label the pull request `destructive` if it is meant" in run["log"]
    assert "preview-example.md" not in run["log"]
    assert rehearsal.github("GET", f"{path}/issues/{pull}/comments") == []
    rehearsal.github("PATCH", f"{path}/pulls/{pull}", body={"state": "closed"})


def test_the_form_proposes_as_an_app_and_the_preview_runs_at_once(rehearsal: Rehearsal, repository: str) -> None:
    path = rehearsal.repository_path(repository)
    last = {workflow: newest(rehearsal, repository, workflow) for workflow in ("new-service.yml", "preview.yml")}
    form = {"ref": "main", "inputs": {"name": "invoices", "template": "go-web", "team": "web"}}
    rehearsal.github("POST", f"{path}/actions/workflows/new-service.yml/dispatches", body=form)
    proposed = finished(rehearsal, repository, "new-service.yml", after=last["new-service.yml"])
    assert proposed["conclusion"] == "success", proposed["log"]
    (pull,) = [one for one in rehearsal.open_pull_requests(repository) if one["head"]["ref"] == "add-service-invoices"]
    assert pull["user"]["login"] == "proposer[bot]"
    previewed = finished(rehearsal, repository, "preview.yml", after=last["preview.yml"])
    assert previewed["conclusion"] == "success", previewed["log"]
    (comment,) = rehearsal.github("GET", f"{path}/issues/{pull['number']}/comments")
    assert "invoices" in comment["body"]
    rehearsal.github("PATCH", f"{path}/pulls/{pull['number']}", body={"state": "closed"})


def test_a_change_by_hand_is_one_issue_until_it_is_taken_back(rehearsal: Rehearsal, repository: str) -> None:
    """Main is deployed, so nothing else differs."""
    path, other = rehearsal.repository_path(repository), rehearsal.repository_path("guestbook")
    description = rehearsal.github("GET", other)["description"]

    def looked() -> dict[str, Any]:
        last = newest(rehearsal, repository, "drift.yml")
        rehearsal.github("POST", f"{path}/actions/workflows/drift.yml/dispatches", body={"ref": "main"})
        return finished(rehearsal, repository, "drift.yml", after=last)

    rehearsal.github("PATCH", other, body={"description": "Changed by hand"})
    drifted = looked()
    assert drifted["conclusion"] == "failure", drifted["log"]
    (issue,) = rehearsal.github("GET", f"{path}/issues")
    assert "guestbook-repository: description" in issue["body"]
    rehearsal.github("PATCH", other, body={"description": description})
    mended = looked()
    assert mended["conclusion"] == "success", mended["log"]
    assert rehearsal.github("GET", f"{path}/issues/{issue['number']}")["state"] == "closed"


def test_a_pull_request_that_changes_the_preview_cannot_deploy_or_write_the_state(
    sandbox: Sandbox, rehearsal: Rehearsal, repository: str, clone: Clone
) -> None:
    path, state = rehearsal.repository_path(repository), sandbox.config.pulumi_directory / "state"
    before = {file: file.read_bytes() for file in state.rglob("*") if file.is_file()}
    jobs = "".join(
        TAKES.format(job=job, environment=environment, state=state)
        for job, environment in {"preview": "platform-preview", "up": "platform", "free": "another"}.items()
    )
    change = {".github/workflows/preview.yml": f"name: preview\non: pull_request\njobs:\n{jobs}"}
    last = newest(rehearsal, repository, "preview.yml")
    pull = propose(rehearsal, clone, "Take what there is", change, author="dana")
    run = rehearsal.wait_for_run(repository, "preview.yml", after=last)
    found = rehearsal.github("GET", f"{path}/actions/runs/{run['id']}/jobs")["jobs"]
    assert {job["name"]: job["conclusion"] for job in found} == {
        "preview": "failure", "up": "failure", "free": "failure",
    }  # fmt: skip
    log = rehearsal.run_log(repository, run["id"])
    assert "is not allowed to deploy to platform" in log
    assert "wrote" not in log
    assert {file: file.read_bytes() for file in state.rglob("*") if file.is_file()} == before
    refused = rehearsal.github("GET", f"{path}/pulls/{pull}")
    assert refused["mergeable_state"] == "blocked"
