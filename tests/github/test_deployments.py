"""Environments, deployments, their statuses, secrets and variables."""

import base64
from typing import Any

from sandbox.github.deployments import environments as github_environments
from sandbox.github.repositories import vault
from sandbox.sealing import sealed
from tests.github.conftest import Hub, Repository

LEDGER = {"environment": "dev/guestbook", "required_contexts": [], "auto_merge": False}


def deploy(repository: Repository, **fields: Any) -> dict[str, Any]:
    answer = repository.ask("POST", "/deployments", json={"ref": "main"} | LEDGER | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


def report(repository: Repository, deployment: dict[str, Any], state: str, **fields: Any) -> dict[str, Any]:
    answer = repository.ask("POST", f"/deployments/{deployment['id']}/statuses", json={"state": state} | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


def states(repository: Repository, deployment: dict[str, Any]) -> list[str]:
    found = repository.ask("GET", f"/deployments/{deployment['id']}/statuses").json()
    return [status["state"] for status in found]


def test_deployments_are_found_newest_first_by_environment_ref_sha_and_task(repository: Repository) -> None:
    first = deploy(repository)
    repository.put_file("x", "x")
    second, other = deploy(repository), deploy(repository, environment="staging", task="mirror")

    def found(**query: str) -> list[int]:
        return [one["id"] for one in repository.ask("GET", "/deployments", params=query).json()]

    assert found() == [other["id"], second["id"], first["id"]]
    assert found(environment="dev/guestbook") == [second["id"], first["id"]]
    assert found(sha=first["sha"]) == [first["id"]]
    assert found(task="mirror") == [other["id"]]
    assert found(ref="absent") == []
    assert len(repository.ask("GET", "/deployments", params={"per_page": "1", "page": "2"}).json()) == 1
    made = repository.ask("GET", "/environments/dev%2Fguestbook")
    assert (made.status_code, made.json()["name"]) == (200, "dev/guestbook")


def test_success_retires_earlier_successes_of_the_environment(hub: Hub, repository: Repository) -> None:
    first, second = deploy(repository), deploy(repository)
    elsewhere, live = deploy(repository, environment="staging"), deploy(repository, environment="production")
    for one in (elsewhere, first, live):
        report(repository, one, "success")
    status = report(repository, second, "success", environment_url="http://x", log_url="http://log", description="d")
    assert (status["environment_url"], status["target_url"]) == ("http://x", "http://log")
    assert states(repository, first) == ["inactive", "success"]
    assert states(repository, elsewhere) == ["success"]
    report(repository, deploy(repository, environment="production"), "success")
    assert states(repository, live) == ["success"], "production deployments stay active"
    third = deploy(repository)
    report(repository, third, "success", auto_inactive=False)
    assert states(repository, second) == ["success"]
    event = hub.named(repository.full_name, "deployment_status")[-1]
    assert event.payload["deployment_status"]["state"] == "success"
    assert (event.ref, event.sha) == ("refs/heads/main", third["sha"])


def test_deployment_of_an_old_commit_needs_auto_merge_off(repository: Repository) -> None:
    old = repository.head()
    repository.put_file("x", "x")
    refused = repository.ask("POST", "/deployments", json={"ref": old, "required_contexts": []})
    assert refused.status_code == 409
    assert deploy(repository, ref=old)["sha"] == old
    repository.ask("POST", f"/statuses/{old}", json={"state": "failure", "context": "ci"})
    unchecked = repository.ask("POST", "/deployments", json={"ref": old, "auto_merge": False})
    assert (unchecked.status_code, unchecked.json()["message"]) == (
        409,
        f"Conflict: Commit status checks failed for {old}.",
    )


def test_bad_deployment_status_is_refused(repository: Repository) -> None:
    made = deploy(repository)
    path = f"/deployments/{made['id']}/statuses"
    assert repository.ask("POST", path, json={"state": "splendid"}).status_code == 422
    assert repository.ask("POST", path, json={"state": "success", "description": "x" * 141}).status_code == 422
    assert repository.ask("POST", "/deployments", json={"ref": "absent"}).status_code == 422


def test_environment_keeps_reviewers_timer_and_ref_policies(hub: Hub, repository: Repository) -> None:
    with hub.admin as admin:
        bob = admin.get("/users/bob").json()["id"]
    custom = {"protected_branches": False, "custom_branch_policies": True}
    body = {"wait_timer": 5, "reviewers": [{"type": "User", "id": bob}], "deployment_branch_policy": custom}
    shown = repository.ask("PUT", "/environments/prod", json=body | {"prevent_self_review": True}).json()
    rules = {rule["type"]: rule for rule in shown["protection_rules"]}
    assert set(rules) == {"wait_timer", "required_reviewers", "branch_policy"}
    assert rules["required_reviewers"]["reviewers"][0]["reviewer"]["login"] == "bob"
    policies = "/environments/prod/deployment-branch-policies"
    made = repository.ask("POST", policies, json={"name": "v*", "type": "tag"}).json()
    assert repository.ask("GET", f"{policies}/{made['id']}").json()["type"] == "tag"
    document = hub.forge.repository(repository.full_name)
    assert document is not None
    kept = github_environments.find(hub.forge, document, "PROD")
    assert kept is not None
    decided = {
        ref: github_environments.allows_ref(hub.forge, document, kept, ref) for ref in ("refs/tags/v1", "refs/heads/v1")
    }
    assert decided == {"refs/tags/v1": True, "refs/heads/v1": False}
    assert github_environments.is_reviewer(hub.forge, kept, "bob")
    assert not github_environments.is_reviewer(hub.forge, kept, "alice")
    assert repository.ask("DELETE", f"{policies}/{made['id']}").status_code == 204
    unknown = {"reviewers": [{"type": "User", "id": 999999}]}
    assert repository.ask("PUT", "/environments/prod", json=unknown).status_code == 422


def seal(repository: Repository, base: str, value: str) -> dict[str, str]:
    return sealed(repository.ask("GET", f"{base}/secrets/public-key").json(), value)


def test_secrets_and_variables_of_repository_and_environment_are_apart(hub: Hub, repository: Repository) -> None:
    repository.ask("PUT", "/environments/dev", json={})
    for base, value in (("/actions", "wide"), ("/environments/dev", "narrow")):
        body = seal(repository, base, value)
        assert repository.ask("PUT", f"{base}/secrets/token", json=body).status_code == 201
        assert repository.ask("PUT", f"{base}/secrets/TOKEN", json=body).status_code == 204
        assert repository.ask("POST", f"{base}/variables", json={"name": "level", "value": value}).status_code == 201
    shown = repository.ask("GET", "/actions/secrets/TOKEN").json()
    assert set(shown) == {"name", "created_at", "updated_at"}
    assert vault.secrets(hub.forge, repository.full_name) == {"TOKEN": "wide"}
    assert vault.secrets(hub.forge, repository.full_name, "dev") == {"TOKEN": "narrow"}
    assert vault.variables(hub.forge, repository.full_name, "dev") == {"LEVEL": "narrow"}
    number = repository.ask("GET").json()["id"]
    with hub.admin as admin:
        listed = admin.get(f"/repositories/{number}/environments/dev/secrets").json()
    assert (listed["total_count"], listed["secrets"][0]["name"]) == (1, "TOKEN")
    assert repository.ask("PATCH", "/actions/variables/LEVEL", json={"value": "new"}).status_code == 204
    assert repository.ask("POST", "/actions/variables", json={"name": "LEVEL", "value": "x"}).status_code == 409
    assert repository.ask("PUT", "/actions/secrets/GITHUB_X", json=seal(repository, "/actions", "v")).status_code == 422
    forged = seal(repository, "/actions", "v") | {"encrypted_value": base64.b64encode(b"x" * 60).decode()}
    assert repository.ask("PUT", "/actions/secrets/X", json=forged).status_code == 422
    assert repository.ask("DELETE", "/environments/dev").status_code == 204
    repository.ask("PUT", "/environments/dev", json={})
    assert vault.secrets(hub.forge, repository.full_name, "dev") == {}
