"""Who sees and does what: people by role, Apps by permission and repository, workflow runs by repository."""

import logging
import time
from collections.abc import Callable

import httpx
import pytest

from tests.github.conftest import Hub, Repository

WRITES = {
    "contents": ("PUT", "/contents/x.txt", {"message": "m", "content": "eA=="}),
    "deployments": ("POST", "/deployments", {"ref": "main", "required_contexts": []}),
    "statuses": ("POST", "/statuses/{sha}", {"state": "success"}),
    "administration": ("PATCH", "", {"description": "mine"}),
    "secrets": ("GET", "/actions/secrets", None),
    "environments": ("PUT", "/environments/dev", {}),
    "repository_hooks": ("GET", "/hooks", None),
}


def attempt(repository: Repository, permission: str, token: str) -> int:
    method, path, body = WRITES[permission]
    return repository.ask(method, path.format(sha=repository.head()), token=token, json=body).status_code


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (None, set()),
        ("pull", set()),
        ("push", {"contents", "deployments", "statuses", "secrets"}),
        ("maintain", {"contents", "deployments", "statuses", "secrets"}),
        ("admin", set(WRITES)),
    ],
)
def test_role_of_a_person_decides_what_they_may_write(
    hub: Hub, new_repository: Callable[..., Repository], role: str | None, may: set[str]
) -> None:
    repository = new_repository()
    if role:
        repository.ask("PUT", "/collaborators/alice", json={"permission": role})
    done = {name for name in WRITES if attempt(repository, name, hub.people["alice"]) < 300}
    assert done == may


def test_private_repository_does_not_exist_for_strangers(hub: Hub, repository: Repository) -> None:
    hub.forge.store.table("users").put(
        "mallory", {"id": 1, "login": "mallory", "name": "M", "email": "m@x", "created_at": ""}
    )
    hub.forge.tokens.add_user_token("ghp_mallory", "mallory", ["repo"])
    assert repository.ask("GET", token="ghp_mallory").status_code == 404
    with hub.client(None) as nobody:
        assert nobody.get(repository.path).status_code == 404


def test_team_gives_its_members_access(hub: Hub, new_repository: Callable[..., Repository]) -> None:
    repository = new_repository()
    with hub.admin as admin:
        admin.patch("/orgs/acme", json={"default_repository_permission": "none"})
        try:
            assert repository.ask("GET", token=hub.people["bob"]).status_code == 404
            team = admin.post("/orgs/acme/teams", json={"name": f"Team {repository.name}"}).json()
            base = f"/organizations/{team['organization']['id']}/team/{team['id']}"
            assert admin.put(f"{base}/repos/{repository.full_name}", json={"permission": "push"}).status_code == 204
            assert admin.put(f"{base}/memberships/bob", json={"role": "member"}).status_code == 200
            assert repository.put_file("by-bob.txt", "x", token=hub.people["bob"]).status_code == 201
        finally:
            admin.patch("/orgs/acme", json={"default_repository_permission": "read"})


@pytest.mark.parametrize("token", ["nonsense", "ghp_unknown"])
def test_bad_token_is_refused_in_githubs_words(hub: Hub, token: str) -> None:
    with hub.client(token) as client:
        answer = client.get("/user")
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def test_classic_token_without_scope_cannot_touch_what_the_scope_is_for(hub: Hub, repository: Repository) -> None:
    hub.forge.tokens.add_user_token("ghp_repo_only", "slipway", ["repo"])
    assert repository.ask("GET", token="ghp_repo_only").headers["x-oauth-scopes"] == "repo"
    assert repository.ask("DELETE", token="ghp_repo_only").status_code == 403
    assert repository.put_file(".github/workflows/a.yml", "on: push", token="ghp_repo_only").status_code == 403
    with hub.client("ghp_repo_only") as client:
        assert client.post("/orgs/acme/teams", json={"name": "x"}).status_code == 403


def test_workflow_token_is_limited_to_its_repository_and_permissions(
    hub: Hub, repository: Repository, new_repository: Callable[..., Repository]
) -> None:
    token = hub.workflow_token(repository.full_name, contents="read")
    assert repository.ask("GET", "/contents/README.md", token=token).status_code == 200
    refused = repository.put_file("x.txt", "x", token=token)
    assert (refused.status_code, refused.json()["message"]) == (403, "Resource not accessible by integration")
    assert new_repository().ask("GET", token=token).status_code == 404
    hub.forge.revoke_token(token)
    assert repository.ask("GET", token=token).status_code == 401


def test_workflow_token_may_write_no_workflow(hub: Hub, repository: Repository) -> None:
    token = hub.workflow_token(repository.full_name, contents="write")
    assert repository.put_file("free.txt", "x", token=token).status_code == 201
    assert repository.put_file(".github/workflows/own.yml", "on: push", token=token).status_code == 403


def test_expired_token_is_refused(hub: Hub, repository: Repository) -> None:
    token = hub.forge.issue_token(
        repository=repository.full_name, permissions={"contents": "read"}, lifetime_seconds=-5
    )
    assert repository.ask("GET", token=token).status_code == 401


def test_app_authenticates_by_signature_alone(hub: Hub) -> None:
    with hub.client(hub.app_jwt("promoter")) as app:
        assert app.get("/app").json()["slug"] == "promoter"
        assert app.get("/orgs/acme/installation").json()["id"] == int(hub.secrets.apps["promoter"].installation_id)
        assert app.get("/user").status_code == 403
    forged = hub.app_jwt("requester", iss=hub.secrets.apps["promoter"].id)
    too_long = hub.app_jwt("promoter", exp=int(time.time()) + 3600)
    expired = hub.app_jwt("promoter", iat=int(time.time()) - 900, exp=int(time.time()) - 300)
    for bad in (forged, too_long, expired):
        with hub.client(bad) as app:
            assert app.get("/app").status_code == 401


@pytest.mark.parametrize(
    ("slug", "may"),
    [
        ("promoter", {"contents", "deployments", "statuses"}),
        ("requester", {"statuses"}),
        ("argocd", {"deployments"}),
    ],
)
def test_app_may_what_its_installation_was_granted(
    hub: Hub, environments: Repository, slug: str, may: set[str]
) -> None:
    token = hub.app_token(slug)
    assert {name for name in WRITES if attempt(environments, name, token) < 300} == may


def test_app_installed_on_one_repository_does_not_reach_another(
    hub: Hub, environments: Repository, repository: Repository
) -> None:
    assert environments.ask("GET", token=hub.app_token("requester")).status_code == 200
    assert repository.ask("GET", token=hub.app_token("requester")).status_code == 404
    with hub.client(hub.app_jwt("requester")) as app:
        assert app.get(f"{repository.path}/installation").status_code == 404
        assert app.get(f"{environments.path}/installation").status_code == 200
    with hub.client(hub.app_token("requester")) as client:
        listed = client.get("/installation/repositories").json()
    assert [found["name"] for found in listed["repositories"]] == ["environments"]


def test_installation_token_can_be_narrowed_and_not_widened(
    hub: Hub, environments: Repository, repository: Repository
) -> None:
    token = hub.app_token("promoter", repositories=["environments"], permissions={"contents": "read"})
    assert environments.ask("GET", "/contents/README.md", token=token).status_code == 200
    assert environments.put_file("x", "x", token=token).status_code == 403
    assert repository.ask("GET", token=token).status_code == 404
    path = f"/app/installations/{hub.secrets.apps['requester'].installation_id}/access_tokens"
    with hub.client(hub.app_jwt("requester")) as app:
        assert app.post(path, json={"permissions": {"contents": "write"}}).status_code == 422
        assert app.post(path, json={"repositories": [repository.name]}).status_code == 422


def test_archived_repository_is_read_only(repository: Repository) -> None:
    repository.ask("PATCH", json={"archived": True})
    assert repository.put_file("x", "x").status_code == 403
    assert repository.ask("GET").json()["archived"] is True
    assert repository.ask("PATCH", json={"archived": False}).json()["archived"] is False


def test_unknown_route_is_not_found_and_noted(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "sandbox.github.unknown")
    with hub.admin as admin:
        answer: httpx.Response = admin.get("/no/such/route")
    assert answer.status_code == 404
    assert answer.json()["message"] == "Not Found"
    assert "documentation_url" in answer.json()
    assert "GET /api/v3/no/such/route" in caplog.messages
