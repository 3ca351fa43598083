"""What a branch, a pull request or another repository's workflow cannot reach, as on GitHub."""

from typing import Any

import pytest

from tests.github_actions.server import DEPENDABOT, GitHub, Repository

SAYS = """
name: Says
on: EVENT
permissions: {}
jobs:
  say:
    runs-on: ubuntu-latest
    ENVIRONMENT
    steps:
      - env: {KEY: '${{ secrets.KEY }}'}
        run: echo "WORD ${#KEY} of $GITHUB_REF at $GITHUB_SHA"
"""

WRITES = """
      - env: {TOKEN: '${{ github.token }}'}
        run: |
          echo '{"ref": "refs/heads/taken", "sha": "'"$GITHUB_SHA"'"}' >asked
          curl --silent --output answer --write-out 'answered %{http_code}' --data @asked \\
            --header "Authorization: Bearer $TOKEN" "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/git/refs"
"""

CALLED = """
name: Called
on: {workflow_call: {secrets: {KEY: {required: false}, OTHER: {required: false}}}}
jobs:
  use:
    runs-on: ubuntu-latest
    environment: keys
    steps:
      - env: {KEY: '${{ secrets.KEY }}'}
        run: echo "key of ${#KEY}"
"""


def says(event: str, word: str, environment: str | None = None) -> str:
    text = SAYS.replace("EVENT", event).replace("WORD", word)
    return text.replace("ENVIRONMENT", f"environment: {environment}" if environment else "")


def guarded(repository: Repository, *branches: str) -> None:
    """An environment with a secret, for jobs of these branches alone."""
    policy = {"protected_branches": False, "custom_branch_policies": True}
    repository.call("PUT", "/environments/keys", {"deployment_branch_policy": policy})
    for branch in branches:
        repository.call("POST", "/environments/keys/deployment-branch-policies", {"name": branch})
    repository.secret("KEY", "12345", environment="keys")


def test_a_workflow_of_another_branch_gets_no_secret_of_an_environment_of_main(github: GitHub) -> None:
    repository = github.repository("guarded", {".github/workflows/says.yml": says("push", "main", "keys")})
    guarded(repository, "main")
    repository.commit({"a": "a"})
    run = github.wait(lambda: repository.runs("says.yml"), "a run")[0]
    assert "main 5 of" in repository.log(repository.finished(run["id"])["id"], "say")

    repository.ref("refs/heads/mine")
    repository.commit({".github/workflows/takes.yml": says("push", "mine", "keys")}, branch="mine")
    taken = repository.only_run("takes.yml")
    assert taken["conclusion"] == "failure"
    assert 'Branch "mine" is not allowed to deploy' in repository.log(taken["id"], "say")
    repository.commit({".github/workflows/takes.yml": says("push", "without")}, branch="mine")
    run = github.wait(lambda: len(found := repository.runs("takes.yml")) == 2 and found[0], "a second run")
    assert "without 0 of" in repository.log(repository.finished(run["id"])["id"], "say")


def test_dependabot_gets_no_secret_and_a_token_that_reads(github: GitHub) -> None:
    asks = says("push", "bot", "keys").replace("permissions: {}\n", "")
    repository = github.repository("bots", {"a": "a"})
    repository.call("PUT", "/environments/keys", {})
    repository.secret("KEY", "12345")
    repository.secret("KEY", "12345", environment="keys")
    repository.call("PUT", "/actions/permissions/workflow", {"default_workflow_permissions": "write"})
    repository.ref("refs/heads/dependabot/a", token=DEPENDABOT)
    repository.commit({".github/workflows/says.yml": asks + WRITES}, branch="dependabot/a", token=DEPENDABOT)
    log = repository.log(repository.only_run("says.yml")["id"], "say")
    assert "bot 0 of refs/heads/dependabot/a" in log
    assert "answered 403" in log


def proposed(repository: Repository, files: dict[str, str]) -> Any:
    repository.ref("refs/heads/proposal")
    repository.commit(files, branch="proposal")
    body = {"title": "Propose", "head": "proposal", "base": "main"}
    return repository.call("POST", "/pulls", body)


@pytest.mark.parametrize("conflicts", [False, True])
def test_a_pull_request_cannot_change_the_workflow_that_targets_it(github: GitHub, *, conflicts: bool) -> None:
    path = ".github/workflows/says.yml"
    workflow = says("pull_request_target", "judge", "keys")
    repository = github.repository(f"target-{conflicts}".lower(), {path: workflow, "a": "1"})
    guarded(repository, "main")
    repository.ref("refs/heads/proposal")
    repository.commit({path: says("pull_request_target", "mine", "keys"), "a": "2"}, branch="proposal")
    if conflicts:
        repository.commit({"a": "3"})
    pull = repository.call("POST", "/pulls", {"title": "Propose", "head": "proposal", "base": "main"})
    run = repository.only_run("says.yml")
    assert (run["event"], run["head_sha"]) == ("pull_request_target", pull["head"]["sha"])
    assert f"judge 5 of refs/heads/main at {repository.head()}" in repository.log(run["id"], "say")


def test_a_status_of_any_commit_starts_the_workflow_of_main(github: GitHub) -> None:
    repository = github.repository("status", {".github/workflows/says.yml": says("status", "main")})
    repository.ref("refs/heads/mine")
    sha = repository.commit({".github/workflows/says.yml": says("status", "mine")}, branch="mine")
    repository.call("POST", f"/statuses/{sha}", {"state": "success", "context": "any"})
    run = repository.only_run("says.yml")
    assert f"main 0 of refs/heads/main at {repository.head()}" in repository.log(run["id"], "say")


@pytest.mark.parametrize(("passed", "length"), [("KEY: '${{ secrets.KEY }}'", 5), ("OTHER: x", 0)])
def test_a_called_workflow_sees_a_secret_of_its_environment_if_the_caller_names_it(
    github: GitHub, passed: str, length: int
) -> None:
    shared = github.repository(f"shared-{length}", {".github/workflows/called.yml": CALLED})
    shared.call("PUT", "/actions/permissions/access", {"access_level": "organization"})
    uses = f"acme/shared-{length}/.github/workflows/called.yml@main"
    caller = f"on: workflow_dispatch\njobs: {{go: {{uses: '{uses}', secrets: {{{passed}}}}}}}\n"
    repository = github.repository(f"calls-{length}", {".github/workflows/caller.yml": caller})
    guarded(repository, "main")
    run = repository.finished(repository.dispatch("caller.yml"))
    assert f"key of {length}" in repository.log(run["id"], "go / use")


def test_a_required_check_of_one_app_is_not_passed_by_a_job_of_that_name(github: GitHub) -> None:
    repository = github.repository("judged", {"a": "1"})
    checks = [{"context": "Validate", "integration_id": 11}]
    rule = {"strict_required_status_checks_policy": False, "required_status_checks": checks}
    repository.call(
        "POST",
        "/rulesets",
        {
            "name": "main",
            "target": "branch",
            "enforcement": "active",
            "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
            "rules": [{"type": "required_status_checks", "parameters": rule}],
        },
    )
    forged = "on: push\njobs: {x: {name: Validate, runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n"
    pull = proposed(repository, {".github/workflows/forged.yml": forged})
    assert repository.only_run("forged.yml")["conclusion"] == "success"
    repository.call("POST", f"/statuses/{pull['head']['sha']}", {"state": "success", "context": "Validate"})
    answer = repository.call("PUT", f"/pulls/{pull['number']}/merge", {}, status=405)
    assert 'Required status check "Validate" is expected' in answer["message"]
