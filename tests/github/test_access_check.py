"""`make access --check` against GitHub: what is otherwise than declared is named with what mends it."""

from collections.abc import Callable
from typing import Any

import pytest

from stacks.access_check import differences
from stacks.settings import settings_of
from tests.github.conftest import Hub, Repository
from tests.stacks.builders import texts, values


def found(hub: Hub, monkeypatch: pytest.MonkeyPatch, repository: Repository) -> list[str]:
    stack = values(services=[], teams=[{"name": "seen", "members": [{"login": "alice"}]}])
    stack["github"] |= {"baseUrl": hub.url, "environmentRepository": repository.name, "platformTeam": "seen"}
    stack["environments"] = [{"name": "production", "approvers": ["seen"]}]
    stack["cluster"] = {"kubeconfig": "/nowhere", "context": "none"}
    monkeypatch.setenv("GITHUB_TOKEN", hub.secrets.github_token)
    return [line for line in differences(settings_of("test", texts(stack))) if line.startswith("GitHub: ")]


def test_a_changed_right_is_found_and_the_declared_one_is_not(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, new_repository: Callable[..., Repository]
) -> None:
    repository = new_repository()
    where = f"GitHub: environment production of acme/{repository.name}"
    assert found(hub, monkeypatch, repository) == [
        f"GitHub: team seen has nothing on acme/{repository.name}, declared is maintain; `pulumi up` puts it back",
        f"{where}: it is not there; `pulumi up` puts it back",
    ]
    with hub.admin as admin:
        team: dict[str, Any] = admin.post("/orgs/acme/teams", json={"name": "seen"}).json()
        path = f"/orgs/acme/teams/seen/repos/acme/{repository.name}"
        admin.put(path, json={"permission": "push"})
        policy = {"protected_branches": False, "custom_branch_policies": True}
        repository.ask("PUT", "/environments/production", json={"deployment_branch_policy": policy})
        repository.ask("POST", "/environments/production/deployment-branch-policies", json={"name": "feature"})
        wrong = found(hub, monkeypatch, repository)
        assert [line.split(";")[0] for line in wrong] == [
            f"GitHub: team seen has push on acme/{repository.name}, declared is maintain",
            f"{where}: approved by nobody, declared is seen",
            f"{where}: its keys are given to workflows of feature, declared is main",
        ]
        admin.put(path, json={"permission": "maintain"})
        reviewers = [{"type": "Team", "id": team["id"]}]
        body = {"deployment_branch_policy": policy, "reviewers": reviewers}
        repository.ask("PUT", "/environments/production", json=body)
        listed = repository.ask("GET", "/environments/production/deployment-branch-policies").json()["branch_policies"]
        repository.ask("DELETE", f"/environments/production/deployment-branch-policies/{listed[0]['id']}")
        repository.ask("POST", "/environments/production/deployment-branch-policies", json={"name": "main"})
    assert found(hub, monkeypatch, repository) == []
