"""Workflows of a platform repository, run by Actions: the comment of a preview, and the form for a service."""

import json
import shlex
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.github.actions.expressions import Status, evaluate_condition
from sandbox.github.actions.trust import DEPENDABOT as BOT
from sandbox.github.actions.workflow import read_yaml
from tests.github_actions.server import ADMIN, BOB, DEPENDABOT, ROOT, GitHub, Repository

PREVIEW, PLAN = (ROOT / f"tests/stacks/previews/{name}.json" for name in ("removed", "added"))
# The real ones install packages, log in to a cloud and reach a state; what they give to the rest is the same.
MAKEFILE = f"""\
install:
\tmkdir -p .venv/bin
\tprintf '#!/bin/sh\\nPYTHONPATH={ROOT} exec {sys.executable} "$$@"\\n' >.venv/bin/python
\tcp pulumi .venv/bin/pulumi
\tchmod +x .venv/bin/*
\techo "$$PWD/.venv/bin" >>"$$GITHUB_PATH"
plan: install
\ttest -z "$$PULUMI_CONFIG_PASSPHRASE"
\tif test -e settings.txt; then cp {PLAN} "$(JSON)"; else echo '{{"steps": []}}' >"$(JSON)"; fi
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
        **{
            f".github/workflows/{name}.yml": (ROOT / f".github/workflows/{name}.yml").read_text()
            for name in ("preview", "new-service")
        },
        # What takes Python alone; the job that writes the comment of a plan has it from main.
        **{
            path.relative_to(ROOT).as_posix(): path.read_text()
            for path in (ROOT / "stacks/pull_request_comment.py", *(ROOT / "slipway_release").rglob("*.py"))
        },
        "stacks/Pulumi.example.yaml": (ROOT / "stacks/Pulumi.example.yaml").read_text(),
        # What a fork's plan is of: it is told no stack, and this one is the platform's own.
        "stacks/Pulumi.acme.yaml": "config: {}\n",
        ".github/actions/platform-access/action.yml": ACCESS,
        "Makefile": MAKEFILE,
        "pulumi": PULUMI,
        ".pulumi-version": "3.0.0\n",
    }
    made = github.repository("platform", files)
    for name, value in {"PULUMI_STACK": "example", "PULUMI_BACKEND_URL": "file:///state"}.items():
        made.call("POST", "/actions/variables", {"name": name, "value": value})
    made.call("PUT", "/environments/platform-preview", {})
    made.secret("PULUMI_CONFIG_PASSPHRASE", "hush", "platform-preview")
    made.secret("PLATFORM_KUBECONFIG", "none", "platform-preview")
    # What pulumi/actions installs; the jobs with secrets have one of their own before it.
    installed = github.tools / "pulumi"
    installed.write_text(PULUMI)
    installed.chmod(0o755)
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
    assert "### ⛔ Destructive" in comment["body"]
    assert "deletes the Repository `clock-repository`" in comment["body"]
    assert "hush" not in comment["body"]

    platform.call("POST", f"/issues/{pull}/labels", {"labels": ["destructive"]}, token=ADMIN)
    second = preview(platform, 2)
    assert second["conclusion"] == "success", platform.log(second["id"], "preview")
    (again,) = platform.call("GET", f"/issues/{pull}/comments")
    assert again["id"] == comment["id"]
    assert "says that this is meant" in again["body"]


@pytest.mark.timeout(400)
def test_dependabot_gets_a_plan_without_secrets_that_says_so(platform: Repository) -> None:
    platform.ref("refs/heads/dependabot/pip/one")
    branch = {"settings.txt": "newer\n", "stacks/pull_request_comment.py": "raise SystemExit('not reviewed')\n"}
    platform.commit(branch, branch="dependabot/pip/one")
    proposed = {"title": "Bump one", "head": "dependabot/pip/one", "base": "main"}
    before = len(platform.runs("preview.yml"))
    pull = platform.call("POST", "/pulls", proposed, token=DEPENDABOT)["number"]
    run = preview(platform, before + 1)
    assert run["conclusion"] == "success", platform.log(run["id"], "plan")
    assert platform.conclusions(run["id"]) == {"preview": "skipped", "plan": "success", "comment": "success"}
    (comment,) = platform.call("GET", f"/issues/{pull}/comments")
    assert comment["user"]["login"] == "github-actions[bot]"
    assert "## `example`: " in comment["body"]
    assert "**Written by the code of this pull request**" in comment["body"].splitlines()[1]
    assert "**This is a plan without state.**" in comment["body"]
    assert "It compares what this branch declares with what the base branch does." in comment["body"]
    assert "+ Repository orders-repository" in comment["body"]


@pytest.fixture
def forked(platform: Repository) -> Iterator[Repository]:
    """A fork of bob's, whose pull requests run: in a private repository GitHub asks for three settings first."""
    section, github = "actions/permissions/fork-pr-workflows-private-repos", platform.github
    allowed = {"run_workflows_from_fork_pull_requests": True}
    github.call("PATCH", "/orgs/acme", {"members_can_fork_private_repositories": True})
    github.call("PUT", f"/orgs/acme/{section}", allowed)
    platform.call("PATCH", "", {"allow_forking": True})
    yield Repository(github, platform.call("POST", "/forks", {}, token=BOB)["full_name"], BOB)
    github.call("PUT", f"/orgs/acme/{section}", dict.fromkeys(allowed, False))


@pytest.mark.timeout(400)
def test_a_fork_gets_a_plan_of_the_platforms_stack_without_state_secrets_or_variables(
    platform: Repository, forked: Repository
) -> None:
    path = ".github/workflows/preview.yml"
    workflow = (ROOT / path).read_text()
    for present, wanted in (
        # The fork asks for the environment, and looks for its secret.
        ("  plan:\n", "  plan:\n    environment: platform-preview\n"),
        ("told\n        env:\n", "told\n        env:\n          KEY: ${{ secrets.PULUMI_CONFIG_PASSPHRASE }}\n"),
        ('exit "$failed"', 'echo "key of ${#KEY}"; exit "$failed"'),
    ):
        assert workflow.count(present) == 1
        workflow = workflow.replace(present, wanted)
    forked.commit({"settings.txt": "newer\n", path: workflow})
    before = len(platform.runs("preview.yml"))
    pull = platform.call("POST", "/pulls", {"title": "Theirs", "head": "bob:main", "base": "main"}, token=BOB)["number"]
    run = preview(platform, before + 1)
    log = platform.log(run["id"], "plan")
    assert run["conclusion"] == "success", log
    assert platform.conclusions(run["id"]) == {"preview": "skipped", "plan": "success", "comment": "skipped"}
    assert run["head_repository"]["full_name"] == forked.name
    assert "key of 0" in log
    assert "## `acme`: " in log
    assert "## `example`: " not in log
    assert "artifact preview:" in log
    assert "**This is a plan without state.** GitHub gives no secrets to pull requests of forks" in log
    assert "+ Repository orders-repository" in log
    assert platform.call("GET", f"/issues/{pull}/comments") == []


@pytest.mark.parametrize(
    ("head", "author", "jobs"),
    [
        ("acme/platform", "dana", ["preview"]),
        ("mallory/platform", "mallory", ["plan"]),
        ("acme/platform", BOT, ["plan", "comment"]),
    ],
)
def test_pull_requests_without_secrets_run_where_nothing_can_be_read_or_written(
    head: str, author: str, jobs: list[str]
) -> None:
    """Dependabot proposes actions too: what it brings would run in a job that uses one."""
    workflow = read_yaml((ROOT / ".github/workflows/preview.yml").read_bytes())["jobs"]
    pull = {"head": {"repo": {"full_name": head}}, "user": {"login": author}, "number": 7}
    plan = {"result": "success", "outputs": {"comment": "text" if "plan" in jobs else ""}}
    github = {"event": {"pull_request": pull}, "repository": "acme/platform"}
    variables = {"PULUMI_STACK": "acme"} if head == "acme/platform" else {}
    contexts = {"github": github, "vars": variables, "needs": {"plan": plan}}
    assert [name for name, one in workflow.items() if evaluate_condition(one["if"], contexts, Status())] == jobs
    for name in set(jobs) - {"preview"}:
        assert "environment" not in workflow[name]
        assert "secrets." not in json.dumps(workflow[name])
        uses = any("uses" in step for step in workflow[name]["steps"])
        assert not (uses and "write" in workflow[name]["permissions"].values())


@pytest.fixture
def proposing(platform: Repository) -> Iterator[None]:
    """Actions may create pull requests, which the organisation has to allow first."""
    section = "actions/permissions/workflow"
    platform.github.call("PUT", f"/orgs/acme/{section}", {"can_approve_pull_request_reviews": True})
    platform.call("PUT", f"/{section}", {"can_approve_pull_request_reviews": True})
    yield
    platform.github.call("PUT", f"/orgs/acme/{section}", {"can_approve_pull_request_reviews": False})


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("proposing")
def test_a_form_proposes_a_service_and_names_what_is_wrong(platform: Repository) -> None:
    form = {"name": "orders", "template": "go-web", "team": "web", "environments": "", "description": "Takes orders"}
    good, bad = (platform.dispatch("new-service.yml", form | one) for one in ({}, {"name": "$(touch owned)"}))
    done = platform.finished(good, 200)
    assert done["conclusion"] == "success", platform.log(good, "propose")
    (pull,) = [one for one in platform.call("GET", "/pulls?state=all") if one["head"]["ref"] == "add-service-orders"]
    assert pull["title"] == "Add the service orders"
    assert "Close this pull request and open it again" in pull["body"]
    (file,) = platform.call("GET", f"/pulls/{pull['number']}/files")
    assert (file["filename"], file["deletions"]) == ("stacks/Pulumi.example.yaml", 0)
    assert platform.finished(bad, 200)["conclusion"] == "failure"
    log = platform.log(bad, "propose")
    assert "cannot be the name of a Helm release" in log
    assert "nothing was changed" in log


@pytest.mark.timeout(400)
def test_what_a_form_with_an_app_proposes_has_its_preview_at_once(platform: Repository) -> None:
    """Actions may not create pull requests here, and the key is where main alone reaches it."""
    place = "platform-proposals"
    platform.call("PUT", f"/environments/{place}", {})
    platform.secret("PROPOSAL_APP_PRIVATE_KEY", platform.github.app_key, place)
    platform.call("POST", f"/environments/{place}/variables", {"name": "PROPOSAL_APP_ID", "value": "13"})
    before = len(platform.runs("preview.yml"))
    run = platform.dispatch("new-service.yml", {"name": "invoices", "template": "go-web", "team": "web"})
    done = platform.finished(run, 200)
    assert done["conclusion"] == "success", platform.log(run, "propose")
    (pull,) = [one for one in platform.call("GET", "/pulls?state=all") if one["head"]["ref"] == "add-service-invoices"]
    assert pull["user"]["login"] == "proposer[bot]"
    assert "Close this pull request" not in pull["body"]
    preview(platform, before + 1)
    (comment,) = platform.call("GET", f"/issues/{pull['number']}/comments")
    assert "## `example`: " in comment["body"]
