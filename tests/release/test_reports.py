"""Whom the release program believes: Argo CD's own App, about commits that its environment follows."""

import itertools
from typing import Any

import pytest

from slipway_release import reports
from slipway_release.deployments import ASIDE
from slipway_release.errors import RefusedError
from slipway_release.platform_types import Platform
from slipway_release.reports import Report
from tests.release.builders import COMMIT, context, platform

REPOSITORY = "/repos/acme/environments"
HEAD = "f" * 40
_numbers = itertools.count(1)


def status(login: str = "argocd[bot]", state: str = "failure", **changes: Any) -> dict[str, Any]:
    kind = "Bot" if login.endswith("[bot]") else "User"
    made = {"id": next(_numbers), "state": state, "description": "Degraded", "created_at": "2026-01-01T00:00:00Z"}
    return made | {"creator": {"login": login, "type": kind}} | changes


def read(
    *statuses: dict[str, Any],
    of: Platform | None = None,
    name: str = "staging/guestbook",
    answers: dict[str, Any] | None = None,
) -> Report | None:
    deployment = {"id": 7, "sha": COMMIT, "ref": COMMIT, "environment": name, "created_at": "2026-01-01T00:00:00Z"}
    world = {
        f"GET {REPOSITORY}/deployments/7": deployment,
        f"GET {REPOSITORY}/deployments/7/statuses": list(statuses),
        f"GET {REPOSITORY}/git/ref/heads/main": {"object": {"type": "commit", "sha": HEAD}},
        f"GET {REPOSITORY}/compare/{HEAD}...{COMMIT}": {"status": "behind"},
    } | {f"GET {REPOSITORY}/{path}": content for path, content in (answers or {}).items()}
    return reports.read(context(world, of=of or named()), "7")


def named() -> Platform:
    return platform(argocd={"login": "argocd[bot]"})


def test_argo_cds_report_is_read() -> None:
    report = read(status())
    assert report is not None
    assert (report.status.state, report.environment.name, report.service.name) == ("failure", "staging", "guestbook")


@pytest.mark.parametrize("login", ["sam", "github-actions[bot]", "promoter[bot]", "argocd"])
def test_nobody_else_reports(login: str) -> None:
    assert read(status(login)) is None


def test_the_author_of_the_status_counts_and_not_that_of_the_deployment() -> None:
    report = read(status("sam", "success"), status(state="failure"))
    assert report is not None
    assert report.status.state == "failure"


def test_what_this_program_writes_down_hides_no_report() -> None:
    report = read(status("github-actions[bot]", "in_progress"), status(state="inactive"), status(state="failure"))
    assert report is not None
    assert report.status.state == "failure"


@pytest.mark.parametrize("beginning", ASIDE)
def test_drift_and_incidents_are_not_reports(beginning: str) -> None:
    assert read(status(state="success", description=f"{beginning} of Deployment/guestbook")) is None


@pytest.mark.parametrize("relation", ["ahead", "diverged"])
def test_a_commit_that_is_not_on_the_branch_says_nothing(relation: str) -> None:
    with pytest.raises(RefusedError, match="not on main"):
        read(status(), answers={f"compare/{HEAD}...{COMMIT}": {"status": relation}})


@pytest.mark.parametrize("name", ["preview/pr-12", "staging", "github-pages", "staging/guestbook/blue"])
def test_the_deployments_of_other_tools_are_left_alone(name: str) -> None:
    assert read(status(), name=name) is None


@pytest.mark.parametrize(
    ("login", "permission", "believed"),
    [
        ("sam", "write", False),
        ("dana", "admin", True),
        ("someones-app[bot]", None, True),
        ("github-actions[bot]", None, False),
    ],
)
def test_settings_without_the_apps_name_believe_apps_and_administrators(
    login: str, permission: str | None, believed: bool
) -> None:
    answers = {f"collaborators/{login}/permission": {"permission": permission}} if permission else {}
    assert (read(status(login), of=platform(), answers=answers) is not None) == believed
