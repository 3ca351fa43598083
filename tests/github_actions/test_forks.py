"""What pull requests of forks start, and what their runs are given, as on GitHub."""

from typing import Any

from manifests.repository_files import environment_repository_files, service_repository_files
from stacks.settings import settings_of
from tests.github_actions.server import BOB, OUTSIDER, GitHub, Repository
from tests.stacks.builders import texts, values

PATH = ".github/workflows/says.yml"
SAYS = """
name: Says
on: EVENT
permissions: {contents: write, id-token: write}
jobs:
  say:
    runs-on: ubuntu-latest
    environment: keys
    steps:
      - env:
          KEY: ${{ secrets.KEY }}
          OTHER: ${{ secrets.OTHER }}
          VALUE: ${{ vars.VALUE }}
          TOKEN: ${{ github.token }}
        run: |
          echo "keys ${#KEY} ${#OTHER}, value ${#VALUE}, identity ${#ACTIONS_ID_TOKEN_REQUEST_TOKEN}, of $GITHUB_REF"
          echo '{"ref": "refs/heads/taken", "sha": "'"$GITHUB_SHA"'"}' >asked
          curl --silent --output answer --write-out 'answered %{http_code}' --data @asked \\
            --header "Authorization: Bearer $TOKEN" "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/git/refs"
"""


def says(event: str) -> str:
    return SAYS.replace("EVENT", event)


def keeper(github: GitHub, name: str, event: str = "pull_request", **settings: Any) -> Repository:
    """A repository with secrets and a variable, and a workflow that says what it sees of them."""
    made = github.repository(name, {PATH: says(event)}, **settings)
    made.call("PUT", "/environments/keys", {})
    made.secret("KEY", "12345", environment="keys")
    made.secret("OTHER", "123")
    made.call("POST", "/actions/variables", {"name": "VALUE", "value": "1"})
    return made


def proposed(repository: Repository, files: dict[str, str], token: str = OUTSIDER) -> tuple[Repository, int]:
    """A pull request of a fork of whom the token belongs to."""
    made = repository.call("POST", "/forks", {}, token=token)
    fork = Repository(repository.github, made["full_name"], token)
    fork.commit(files)
    body = {"title": "Propose", "head": f"{made['owner']['login']}:main", "base": "main"}
    return fork, repository.call("POST", "/pulls", body, token=token)["number"]


def test_a_pull_request_of_a_fork_waits_for_a_maintainer_and_reads(github: GitHub) -> None:
    repository = keeper(github, "open", private=False)
    fork, number = proposed(repository, {"a": "1"})
    run = repository.only_run("says.yml")
    assert (run["status"], run["conclusion"], run["pull_requests"]) == ("completed", "action_required", [])
    assert (run["head_repository"]["full_name"], run["head_sha"]) == (fork.name, fork.head())
    assert repository.jobs(run["id"]) == {}
    repository.call("POST", f"/actions/runs/{run['id']}/rerun", status=403)
    repository.call("POST", f"/actions/runs/{run['id']}/approve", token=OUTSIDER, status=403)
    repository.call("POST", f"/actions/runs/{run['id']}/approve")
    github.wait(lambda: repository.run(run["id"])["conclusion"] == "success", "the end of the approved run")
    log = repository.log(run["id"], "say")
    assert f"keys 0 0, value 0, identity 0, of refs/pull/{number}/merge" in log
    assert "answered 403" in log
    repository.call("POST", f"/actions/runs/{run['id']}/approve", status=403)


def test_who_has_contributed_and_who_belongs_to_the_organisation_need_no_approval(github: GitHub) -> None:
    repository = keeper(github, "known", private=False)
    fork, number = proposed(repository, {"a": "1"})
    first = repository.only_run("says.yml")
    assert first["conclusion"] == "action_required"
    repository.call("PUT", f"/pulls/{number}/merge", {"sha": first["head_sha"]})
    fork.commit({"b": "1"})
    body = {"title": "Again", "head": "outsider:main", "base": "main"}
    repository.call("POST", "/pulls", body, token=OUTSIDER)
    proposed(repository, {"c": "1"}, BOB)
    rest = github.wait(lambda: len(found := repository.runs("says.yml")) == 3 and found[:2], "two more runs")
    ended = [repository.finished(run["id"]) for run in rest]
    assert [run["conclusion"] for run in ended] == ["success", "success"]
    # A member's fork is a fork.
    assert "keys 0 0, value 0" in repository.log(ended[0]["id"], "say")
    policy = "/actions/permissions/fork-pr-contributor-approval"
    repository.call("PUT", policy, {"approval_policy": "all_external_contributors"})
    fork.commit({"b": "2"})
    held = github.wait(lambda: len(found := repository.runs("says.yml")) == 4 and found[0], "a fourth run")
    assert repository.finished(held["id"])["conclusion"] == "action_required"


def test_a_private_repository_runs_nothing_of_forks_until_it_is_told_to(github: GitHub) -> None:
    github.call("PATCH", "/orgs/acme", {"members_can_fork_private_repositories": True})
    section = "/actions/permissions/fork-pr-workflows-private-repos"
    repository = keeper(github, "closed-to-forks", allow_forking=True)
    assert not any(repository.call("GET", section).values())
    fork, _ = proposed(repository, {"a": "1"}, BOB)
    repository.call("PUT", section, {"run_workflows_from_fork_pull_requests": True}, status=409)
    github.call("PUT", f"/orgs/acme{section}", {"run_workflows_from_fork_pull_requests": True})
    fork.commit({"a": "2"})
    run = repository.only_run("says.yml")
    assert run["head_sha"] == fork.head()
    assert "keys 0 0, value 0" in repository.log(run["id"], "say")
    repository.call("PUT", section, {"run_workflows_from_fork_pull_requests": False})
    fork.commit({"a": "3"})
    repository.commit({"b": "1"})
    assert len(repository.runs("says.yml")) == 1
    github.call("PUT", f"/orgs/acme{section}", {"run_workflows_from_fork_pull_requests": False})
    repository.call("GET", "/actions/permissions/fork-pr-contributor-approval", status=422)


def test_a_workflow_on_the_target_of_a_fork_runs_at_once_as_main_has_it(github: GitHub) -> None:
    repository = keeper(github, "target-of-fork", "pull_request_target", private=False)
    proposed(repository, {PATH: says("[pull_request_target, pull_request]")})
    run = repository.only_run("says.yml", "pull_request_target")
    assert "keys 5 3, value 1, identity 43, of refs/heads/main" in repository.log(run["id"], "say")


def test_a_fork_runs_no_workflow_of_its_own_until_its_owner_lets_it(github: GitHub) -> None:
    repository = github.repository("copied", {PATH: says("push")}, private=False)
    fork, _ = proposed(repository, {"a": "1"})
    (entry,) = fork.call("GET", "/actions/workflows")["workflows"]
    assert (entry["state"], fork.runs()) == ("disabled_fork", [])
    fork.call("PUT", f"/actions/workflows/{entry['id']}/enable")
    fork.commit({"a": "2"})
    assert fork.only_run("says.yml")["head_branch"] == "main"


def test_a_fork_of_a_service_with_the_label_gets_no_environment_and_is_told_why(github: GitHub) -> None:
    stack = values(services=[{"name": "forked-service", "template": "go-web", "team": "web", "pullRequests": {}}])
    stack["github"]["environmentRepository"] = "forked-environments"
    settings = settings_of("test", texts(stack))
    path = ".github/workflows/pull-request.yml"
    called = environment_repository_files(settings).owned[path]
    calling = service_repository_files(settings, settings.services[0]).owned[path]
    github.repository("forked-environments", {path: called}, private=False)
    service = github.repository("forked-service", {path: calling}, private=False)
    _, number = proposed(service, {"a": "1"}, BOB)
    without = service.only_run("pull-request.yml")
    assert without["conclusion"] == "skipped"
    labels = {"labels": ["preview"]}
    service.call("POST", f"/issues/{number}/labels", labels)
    second = github.wait(lambda: len(found := service.runs("pull-request.yml")) == 2 and found[0], "a second run")
    run = service.finished(second["id"])
    assert run["conclusion"] == "failure"
    (job,) = [name for name, one in service.jobs(run["id"]).items() if one["conclusion"] != "skipped"]
    assert "Refuse a fork" in job
    assert "GitHub lets it push no image. Take the label 'preview' off" in service.log(run["id"], job)
    assert service.call("GET", f"/issues/{number}/comments") == []
