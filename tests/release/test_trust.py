"""What somebody who may push branches cannot reach: tried as that person, on real workflows with real keys."""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway_release.verdict import CHECK
from tests.release.stage import APPS, PEOPLE, Stage, act, docker_registry

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(600)]

RULES = {
    "name": "main",
    "target": "branch",
    "enforcement": "active",
    "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
    "rules": [
        {
            "type": "required_status_checks",
            "parameters": {
                "strict_required_status_checks_policy": False,
                "required_status_checks": [{"context": CHECK, "integration_id": int(APPS["promoter"][0])}],
            },
        }
    ],
}
"""What is required of a change of main; reviews are left out, so that the check alone is tried."""

WORKFLOW = ".github/workflows/takes.yml"
TAKES = """
name: takes
on: push
permissions: {}
jobs:
  take:
    runs-on: ubuntu-latest
    ENVIRONMENT
    steps:
      - env: {KEY: '${{ secrets.SECRET }}'}
        run: echo "the key has ${#KEY} characters"
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A platform on which Sam may write both repositories, as everybody of a team may."""
    if act() is None or docker_registry() is None:
        pytest.skip("act or docker-registry is not here yet; `make up` brings both")
    made = Stage(tmp_path_factory.mktemp("stage"), [{"name": "dev"}, {"name": "production", "sync": "manual"}])
    try:
        made.start()
        for repository in ("environments", "guestbook"):
            made.call("PUT", f"/repos/acme/{repository}/collaborators/sam", {"permission": "push"})
        made.call("POST", "/repos/acme/environments/rulesets", RULES)
        yield made
    finally:
        made.stop()


@pytest.mark.parametrize(
    ("repository", "secret", "environment"),
    [
        ("environments", "PROMOTER_PRIVATE_KEY", None),
        ("environments", "PROMOTER_PRIVATE_KEY", "slipway"),
        ("environments", "PROMOTER_PRIVATE_KEY", "production"),
        ("guestbook", "REQUESTER_PRIVATE_KEY", None),
        ("guestbook", "REQUESTER_PRIVATE_KEY", "slipway"),
    ],
)
def test_a_workflow_that_somebody_pushes_on_a_branch_gets_no_key(
    stage: Stage, tmp_path: Path, repository: str, secret: str, environment: str | None
) -> None:
    branch = f"take-{environment}".lower()
    named = f"environment: {environment}" if environment else ""
    _push(
        stage, tmp_path, repository, branch, {WORKFLOW: TAKES.replace("SECRET", secret).replace("ENVIRONMENT", named)}
    )
    run = stage.finished(repository, "takes", branch=branch)
    log = stage.log(run)
    if environment:
        assert run["conclusion"] == "failure"
        assert f'Branch "{branch}" is not allowed to deploy to {environment}' in log
    assert "the key has 0 characters" in log or "the key has" not in log


def test_a_deployment_of_a_branch_runs_its_workflow_without_a_key(stage: Stage, tmp_path: Path) -> None:
    """`deployment_status` runs the file of the deployed commit: a person who may push can choose both."""
    text = TAKES.replace("on: push", "on: deployment_status").replace("SECRET", "PROMOTER_PRIVATE_KEY")
    head = _push(
        stage,
        tmp_path,
        "environments",
        "deployed",
        {".github/workflows/deployed.yml": text.replace("ENVIRONMENT", "environment: slipway")},
    )
    body = {"ref": head, "environment": "dev/guestbook", "auto_merge": False, "required_contexts": []}
    deployment = stage.call("POST", "/repos/acme/environments/deployments", body)["id"]
    stage.call("POST", f"/repos/acme/environments/deployments/{deployment}/statuses", {"state": "failure"})
    run = stage.finished("environments", "deployed")
    assert run["conclusion"] == "failure"
    assert "is not allowed to deploy to slipway" in stage.log(run)


RELEASES = "environments/production/guestbook/release.yaml"
FORGES = """
on: push
jobs: {x: {name: Validate, runs-on: ubuntu-latest, steps: [{run: 'true'}]}}
"""


THEIRS = {
    RELEASES: '{"release": null, "held": []}\n',
    ".github/workflows/validate.yml": FORGES,
    ".github/workflows/more.yml": FORGES,
    ".slipway/slipway_release/cli.py": "def main() -> int:\n    return 0\n",
    "CODEOWNERS": "* @sam\n",
}
"""Files that are not a person's; `test_ownership.py` tries each by itself."""


def test_a_person_cannot_merge_what_is_not_theirs(stage: Stage, tmp_path: Path) -> None:
    head = _push(stage, tmp_path, "environments", "change", THEIRS)
    pull = stage.call("POST", "/repos/acme/environments/pulls", {"title": "Mine", "head": "change", "base": "main"})
    log = stage.log(_judged(stage, "change"))
    assert [path for path in THEIRS if f"{path}: " not in log] == []
    # Sam says by hand what the check should have said.
    token = {"Authorization": f"Bearer {PEOPLE['sam']}"}
    with httpx.Client(base_url=f"{stage.url}api/v3", headers=token, timeout=60) as sam:
        sam.post(f"/repos/acme/environments/statuses/{head}", json={"state": "success", "context": CHECK})
        merged = sam.put(f"/repos/acme/environments/pulls/{pull['number']}/merge", json={"merge_method": "squash"})
    assert merged.status_code == 405
    assert f'Required status check "{CHECK}" is failing.' in merged.json()["message"]


def test_a_commit_is_not_judged_against_a_branch_that_has_the_change_already(stage: Stage, tmp_path: Path) -> None:
    """The check is the commit's: said for a pull request onto one's own branch, it would open the one onto main."""
    _push(stage, tmp_path, "environments", "base-of-mine", {RELEASES: THEIRS[RELEASES]})
    stage.git("environments", "fetch", "--quiet", "origin")
    stage.git("environments", "checkout", "--quiet", "-b", "mine", "origin/base-of-mine")
    stage.git("environments", "commit", "--quiet", "--allow-empty", "--message", "More")
    stage.git("environments", "push", "--quiet", "origin", "HEAD:refs/heads/mine")
    head = stage.git("environments", "rev-parse", "HEAD")
    for base in ("base-of-mine", "main"):
        stage.call("POST", "/repos/acme/environments/pulls", {"title": "Mine", "head": "mine", "base": base})
    assert _judged(stage, "mine")["conclusion"] == "failure"
    assert len(stage.runs("environments", "validate", "mine")) == 1
    said = stage.call("GET", f"/repos/acme/environments/commits/{head}/statuses")
    assert {status["state"] for status in said if status["context"] == CHECK} == {"failure"}


def test_a_commit_is_not_judged_against_the_branch_that_its_pull_request_is_led_onto_meanwhile(
    stage: Stage, tmp_path: Path
) -> None:
    """Back on main it would have the check that it got there."""
    _push(stage, tmp_path, "environments", "base-of-led", {RELEASES: THEIRS[RELEASES]})
    stage.git("environments", "fetch", "--quiet", "origin")
    stage.git("environments", "checkout", "--quiet", "-b", "led", "origin/base-of-led")
    stage.git("environments", "commit", "--quiet", "--allow-empty", "--message", "More")
    stage.git("environments", "push", "--quiet", "origin", "HEAD:refs/heads/led")
    made = stage.call("POST", "/repos/acme/environments/pulls", {"title": "Led", "head": "led", "base": "main"})
    stage.call("PATCH", f"/repos/acme/environments/pulls/{made['number']}", {"base": "base-of-led"})
    run = _judged(stage, "led")
    assert run["conclusion"] == "failure"
    assert "not on main; lead the pull request onto main again" in stage.log(run)


def test_what_is_a_teams_own_can_be_merged(stage: Stage, tmp_path: Path) -> None:
    path = "environments/dev/guestbook/values.yaml"
    _push(stage, tmp_path, "environments", "more", {path: "replicas: 3\n"})
    pull = stage.call("POST", "/repos/acme/environments/pulls", {"title": path, "head": "more", "base": "main"})
    run = _judged(stage, "more")
    assert run["conclusion"] == "success", stage.log(run)
    stage.call("PUT", f"/repos/acme/environments/pulls/{pull['number']}/merge", {"merge_method": "squash"})


def _judged(stage: Stage, branch: str) -> dict[str, Any]:
    """The run that judged a pull request; the branch may have brought a workflow of the same file name."""

    def ended() -> list[dict[str, Any]]:
        runs = stage.runs("environments", "validate", branch)
        return [run for run in runs if (run["event"], run["status"]) == ("pull_request_target", "completed")]

    stage.wait(lambda: bool(ended()), f"{branch} is judged")
    return ended()[0]


def _push(stage: Stage, folder: Path, repository: str, branch: str, files: Mapping[str, str]) -> str:
    """Sam pushes a branch with some files changed; its commit."""
    url = stage.url.replace("://", f"://x:{PEOPLE['sam']}@") + f"acme/{repository}.git"
    identity = ["-c", "user.name=Sam", "-c", "user.email=sam@example.com"]

    def git(*arguments: str) -> str:
        command = ["git", *identity, "-C", str(folder / "work"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    subprocess.run(["git", "clone", "--quiet", url, str(folder / "work")], check=True)
    for path, text in files.items():
        (folder / "work" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "work" / path).write_text(text)
    git("add", "--all")
    git("commit", "--quiet", "--message", "Take")
    git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    return git("rev-parse", "HEAD")
