"""What holds a job back: environments, concurrency, cancelling; and runs again."""

from typing import Any

import pytest

from tests.github_actions.server import ALICE, BOB, GitHub, Repository

DEPLOY = """
name: Deploy
on: workflow_dispatch
permissions: {contents: read}
jobs:
  deploy:
    runs-on: ubuntu-latest
    environment:
      name: production
      url: http://example.com/${{ steps.u.outputs.path }}
    steps:
      - {id: u, run: 'echo path=guestbook >> "$GITHUB_OUTPUT"'}
"""

LISTENS = """
name: Listens
on: [deployment_status, deployment]
jobs:
  x:
    runs-on: ubuntu-latest
    steps:
      - run: echo "$GITHUB_EVENT_NAME ${{ github.event.deployment_status.state }} $GITHUB_SHA"
"""

QUEUE = """
name: Queue
run-name: ${{ inputs.name }}
on: {workflow_dispatch: {inputs: {name: {type: string}}}}
concurrency: {group: 'one-$X', QUEUE}
jobs:
  work:
    runs-on: ubuntu-latest
    permissions: {contents: read}
    steps:
      - env: {TOKEN: '${{ github.token }}'}
        run: |
          tag="$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/git/ref/tags/go"
          until curl -sf -o /dev/null -H "Authorization: Bearer $TOKEN" "$tag"; do sleep 0.2; done
"""
"""Its job ends once there is a tag `go`."""

LONG = """
name: Long
on: workflow_dispatch
jobs:
  long:
    runs-on: ubuntu-latest
    steps:
      - run: echo begun; sleep 60
      - run: echo not reached
      - if: always()
        run: echo cleaned up
  next: {needs: long, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  whatever: {needs: long, if: always(), runs-on: ubuntu-latest, steps: [{run: 'true'}]}
"""

FLAKY = """
name: Flaky
on: workflow_dispatch
jobs:
  good:
    runs-on: ubuntu-latest
    outputs: {o: '${{ steps.s.outputs.o }}'}
    steps: [{id: s, run: 'echo o=kept >> "$GITHUB_OUTPUT"'}]
  flaky:
    needs: good
    runs-on: ubuntu-latest
    steps: [{run: 'echo ${{ needs.good.outputs.o }}; test ${{ github.run_attempt }} = 2'}]
  last: {needs: flaky, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
"""

SLOW = """
name: Slow
on: workflow_dispatch
jobs: {slow: {runs-on: ubuntu-latest, timeout-minutes: 0.02, steps: [{run: 'sleep 30'}]}}
"""


ASKED = """
name: Asked
on: status
permissions: {}
jobs:
  request:
    permissions: {contents: read}
    uses: ./.github/workflows/delivers.yml
    with: {what: '${{ github.event.context }}'}
    secrets: {KEY: '${{ secrets.KEY }}'}
"""
DELIVERS = """
name: Delivers
on:
  workflow_call: {inputs: {what: {required: true, type: string}}, secrets: {KEY: {required: false}}}
jobs:
  plan:
    runs-on: ubuntu-latest
    outputs: {places: '${{ steps.plan.outputs.places }}'}
    steps: [{id: plan, run: 'echo "places=[\\"production\\"]" >> "$GITHUB_OUTPUT"'}]
  deliver:
    needs: plan
    runs-on: ubuntu-latest
    strategy: {matrix: {place: '${{ fromJSON(needs.plan.outputs.places) }}'}}
    environment: ${{ matrix.place }}
    steps: [{env: {KEY: '${{ secrets.KEY }}'}, run: 'echo "${{ inputs.what }} with a key of ${#KEY}"'}]
"""
"""As `requested.yml` calls `promote.yml`."""


def user_id(github: GitHub, login: str) -> int:
    return github.call("GET", f"/users/{login}")["id"]


def protect(repository: Repository, **settings: Any) -> int:
    return repository.call("PUT", "/environments/production", settings)["id"]


def test_a_reviewer_lets_a_deployment_go_on(github: GitHub) -> None:
    files = {".github/workflows/deploy.yml": DEPLOY, ".github/workflows/listens.yml": LISTENS}
    repository = github.repository("deploy", files)
    reviewers = [{"type": "User", "id": user_id(github, "bob")}]
    environment = protect(repository, reviewers=reviewers)
    run_id = repository.dispatch("deploy.yml", token=ALICE)
    github.wait(lambda: repository.run(run_id)["status"] == "waiting", "a run that waits")
    path = f"/actions/runs/{run_id}/pending_deployments"
    pending = repository.call("GET", path, token=BOB)
    assert [(one["environment"]["name"], one["current_user_can_approve"]) for one in pending] == [("production", True)]
    review = {"environment_ids": [environment], "state": "approved", "comment": "go"}
    repository.call("POST", path, review, token=ALICE, status=422)
    repository.call("POST", path, review, token=BOB)
    assert repository.finished(run_id)["conclusion"] == "success"
    deployment = repository.call("GET", "/deployments?environment=production")[0]
    statuses = repository.call("GET", f"/deployments/{deployment['id']}/statuses")
    assert [status["state"] for status in statuses] == ["success", "in_progress", "waiting"]
    assert statuses[0]["environment_url"] == "http://example.com/guestbook"
    assert repository.call("GET", f"/actions/runs/{run_id}/approvals")[0]["user"]["login"] == "bob"
    assert repository.runs("listens.yml") == []


@pytest.mark.parametrize("decision", ["approved", "rejected"])
def test_a_job_of_a_called_workflow_waits_for_reviewers_in_the_run_that_called_it(
    github: GitHub, decision: str
) -> None:
    files = {".github/workflows/asked.yml": ASKED, ".github/workflows/delivers.yml": DELIVERS}
    repository = github.repository(f"asked-{decision}", files)
    environment = protect(repository, reviewers=[{"type": "User", "id": user_id(github, "bob")}])
    repository.secret("KEY", "12345", environment="production")
    body = {"state": "success", "context": "request/guestbook/7"}
    repository.call("POST", f"/statuses/{repository.head()}", body, token=ALICE)
    run_id = github.wait(lambda: repository.runs("asked.yml", "status"), "the run of a status")[0]["id"]
    github.wait(lambda: repository.run(run_id)["status"] == "waiting", "a run that waits")
    path = f"/actions/runs/{run_id}/pending_deployments"
    assert [one["environment"]["name"] for one in repository.call("GET", path, token=BOB)] == ["production"]
    assert repository.conclusions(run_id)["request / plan"] == "success"
    review = {"environment_ids": [environment], "state": decision, "comment": "so"}
    repository.call("POST", path, review, token=ALICE, status=422)
    repository.call("POST", path, review, token=BOB)
    run = repository.finished(run_id)
    assert run["conclusion"] == ("success" if decision == "approved" else "failure")
    (said,) = repository.call("GET", f"/actions/runs/{run_id}/approvals")
    assert (said["state"], [one["name"] for one in said["environments"]]) == (decision, ["production"])
    if decision == "approved":
        assert "request/guestbook/7 with a key of 5" in repository.log(run_id, "request / deliver (production)")


def test_a_rejected_deployment_fails(github: GitHub) -> None:
    repository = github.repository("rejected", {".github/workflows/deploy.yml": DEPLOY})
    reviewers = [{"type": "User", "id": user_id(github, "bob")}]
    environment = protect(repository, reviewers=reviewers, prevent_self_review=True)
    run_id = repository.dispatch("deploy.yml", token=BOB)
    github.wait(lambda: repository.run(run_id)["status"] == "waiting", "a run that waits")
    path = f"/actions/runs/{run_id}/pending_deployments"
    review = {"environment_ids": [environment], "state": "rejected", "comment": "no"}
    assert "bob started this run" in repository.call("POST", path, review, token=BOB, status=422)["message"]
    protect(repository, reviewers=reviewers)
    repository.call("POST", path, review, token=BOB)
    assert repository.finished(run_id)["conclusion"] == "failure"


def test_only_allowed_refs_deploy(github: GitHub) -> None:
    repository = github.repository("policy", {".github/workflows/deploy.yml": DEPLOY})
    protect(repository, deployment_branch_policy={"protected_branches": False, "custom_branch_policies": True})
    repository.call("POST", "/environments/production/deployment-branch-policies", {"name": "v*", "type": "tag"})
    run = repository.finished(repository.dispatch("deploy.yml"))
    assert run["conclusion"] == "failure"
    assert 'Branch "main" is not allowed to deploy to production' in repository.log(run["id"], "deploy")
    repository.ref("refs/tags/v1")
    assert repository.finished(repository.dispatch("deploy.yml", ref="v1"))["conclusion"] == "success"


def test_a_deployment_status_starts_the_workflow_of_its_commit(github: GitHub) -> None:
    repository = github.repository("listens", {".github/workflows/listens.yml": LISTENS})
    body = {"ref": "main", "environment": "dev/guestbook", "required_contexts": [], "auto_merge": False}
    deployment = repository.call("POST", "/deployments", body)
    repository.call("POST", f"/deployments/{deployment['id']}/statuses", {"state": "inactive"})
    repository.call("POST", f"/deployments/{deployment['id']}/statuses", {"state": "success"})
    run = repository.only_run("listens.yml", "deployment_status")
    assert run["head_branch"] == "main"
    assert f"deployment_status success {deployment['sha']}" in repository.log(run["id"], "x")


def test_a_group_keeps_one_running_and_one_waiting(github: GitHub) -> None:
    workflow = QUEUE.replace("QUEUE", "cancel-in-progress: false").replace("$X", "default")
    repository = github.repository("queue", {".github/workflows/queue.yml": workflow})
    runs = [repository.dispatch("queue.yml", {"name": name}) for name in ("first", "middle", "last")]
    repository.ref("refs/tags/go")
    ends = [repository.finished(run)["conclusion"] for run in runs]
    assert ends == ["success", "cancelled", "success"]
    assert repository.run(runs[2])["display_title"] == "last"


def test_a_queue_loses_nobody(github: GitHub) -> None:
    workflow = QUEUE.replace("QUEUE", "queue: max").replace("$X", "queued")
    repository = github.repository("lossless", {".github/workflows/queue.yml": workflow})
    runs = [repository.dispatch("queue.yml", {"name": str(number)}) for number in range(3)]
    repository.ref("refs/tags/go")
    assert [repository.finished(run)["conclusion"] for run in runs] == ["success"] * 3
    times = [repository.jobs(run)["work"] for run in runs]
    assert times[0]["completed_at"] <= times[1]["started_at"] <= times[1]["completed_at"] <= times[2]["started_at"]


def test_a_newer_run_cancels_an_older_one(github: GitHub) -> None:
    workflow = QUEUE.replace("QUEUE", "cancel-in-progress: true").replace("$X", "cancel")
    repository = github.repository("newest", {".github/workflows/queue.yml": workflow})
    first = repository.dispatch("queue.yml")
    github.wait(lambda: repository.run(first)["status"] == "in_progress", "the first at work")
    second = repository.dispatch("queue.yml")
    assert repository.finished(first)["conclusion"] == "cancelled"
    github.wait(lambda: repository.run(second)["status"] == "in_progress", "the second at work")
    repository.call("POST", f"/actions/runs/{second}/force-cancel")
    assert repository.finished(second)["conclusion"] == "cancelled"


def test_a_cancelled_run_cleans_up(github: GitHub) -> None:
    repository = github.repository("long", {".github/workflows/long.yml": LONG})
    run_id = repository.dispatch("long.yml")
    github.wait(lambda: (repository.jobs(run_id).get("long") or {}).get("steps"), "the first step")
    repository.call("POST", f"/actions/runs/{run_id}/cancel", status=202)
    assert repository.finished(run_id)["conclusion"] == "cancelled"
    assert repository.conclusions(run_id) == {"long": "cancelled", "next": "skipped", "whatever": "success"}
    log = repository.log(run_id, "long")
    assert "cleaned up" in log
    assert "not reached" not in log
    assert "The operation was canceled." in log


def test_a_timeout_ends_a_job(github: GitHub) -> None:
    repository = github.repository("slow", {".github/workflows/slow.yml": SLOW})
    run = repository.finished(repository.dispatch("slow.yml"))
    assert "maximum execution time of 0.02 minutes" in repository.log(run["id"], "slow")
    assert run["conclusion"] == "cancelled"


def test_failed_jobs_run_again_with_what_the_others_left(github: GitHub) -> None:
    repository = github.repository("flaky", {".github/workflows/flaky.yml": FLAKY})
    run_id = repository.dispatch("flaky.yml")
    assert repository.finished(run_id)["conclusion"] == "failure"
    good = repository.jobs(run_id)["good"]
    repository.call("POST", f"/actions/runs/{run_id}/rerun-failed-jobs", token=BOB, status=201)
    run = github.wait(lambda: (one := repository.run(run_id))["status"] == "completed" and one, "the second attempt")
    assert (run["conclusion"], run["run_attempt"]) == ("success", 2)
    assert (run["actor"]["login"], run["triggering_actor"]["login"]) == ("slipway", "bob")
    again = repository.jobs(run_id)
    assert again["good"]["completed_at"] == good["completed_at"]
    assert "kept" in repository.log(run_id, "flaky")
    first = repository.call("GET", f"/actions/runs/{run_id}/attempts/1")
    assert first["conclusion"] == "failure"
    assert repository.call("GET", f"/actions/runs/{run_id}/attempts/1/jobs")["total_count"] == 3
