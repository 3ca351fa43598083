"""What waits for a person, and for whom."""

import dataclasses
from typing import Any

from slipway_release import promotions, waiting
from slipway_release.github import GitHub
from tests.release.builders import Script, context, environment, platform, release

REPOSITORY = "/repos/acme/environments"
WANTED = release()


def around(answers: dict[str, Any]) -> Any:
    of = platform(environment("production", approval=True))
    return dataclasses.replace(context(of=of), own=GitHub("https://github.test/api/v3", "token", Script(answers)))


def asked(*pulls: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return waiting.requests(around({f"GET {REPOSITORY}/pulls": list(pulls)}))


def pull(repository: str) -> dict[str, Any]:
    return {
        "head": {"ref": "release/dev/guestbook/1.2.3", "repo": {"full_name": repository}},
        "number": 1,
        "html_url": "https://github.test/acme/environments/pull/1",
        "requested_teams": [{"name": "web"}],
        "requested_reviewers": [{"login": "sam"}],
    }


def test_an_open_pull_request_waits_for_its_reviewers() -> None:
    found = asked(pull("acme/environments"))["dev", "guestbook"]
    assert (found["kind"], found["version"], found["for"]) == ("release", "1.2.3", ["web", "sam"])


def test_a_branch_of_a_fork_is_no_request_of_the_platform() -> None:
    assert not asked(pull("mallory/environments"))


def test_a_delivery_that_waits_for_an_approval_names_its_version_and_the_approvers() -> None:
    run = {
        "id": 9,
        "display_title": promotions.title("guestbook", "7", WANTED.digest),
        "status": "waiting",
        "conclusion": None,
        "created_at": "2026-01-01T00:00:00Z",
    }
    pending = {
        "environment": {"name": "production"},
        "reviewers": [
            {"type": "Team", "reviewer": {"name": "platform"}},
            {"type": "User", "reviewer": {"login": "pat"}},
        ],
    }
    actions = f"GET {REPOSITORY}/actions"
    found = waiting.approvals(
        around(
            {
                f"{actions}/workflows/promote.yml/runs": {"workflow_runs": [run]},
                f"{actions}/workflows/requested.yml/runs": {"workflow_runs": []},
                f"{actions}/runs/9/pending_deployments": [pending],
            }
        ),
        {WANTED.digest: "1.0.0"},
    )
    assert found == {
        ("production", "guestbook"): {
            "kind": "approval",
            "version": "1.0.0",
            "url": "https://github.test/acme/environments/actions/runs/9",
            "for": ["platform", "pat"],
        }
    }
