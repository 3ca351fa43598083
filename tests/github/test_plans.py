"""What an organisation pays for and what it allows decide what exists in its repositories."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.github.conftest import Hub, Repository

RULESET = {"name": "rules", "enforcement": "active", "target": "branch", "rules": [{"type": "deletion"}]}
GATED = {"wait_timer": 5}


@pytest.fixture
def plan(hub: Hub) -> Iterator[Callable[[str], None]]:
    """Changes the plan of the organisation until the end of a test."""

    def change(name: str) -> None:
        with hub.admin as admin:
            answer = admin.put(f"{hub.url}/_sandbox/organizations/acme/plan", json={"plan": name})
        assert answer.status_code == 204, answer.text

    yield change
    change("enterprise")


@pytest.mark.parametrize(
    ("name", "visibility", "rulesets", "environment", "gated"),
    [
        ("free", "private", 403, 404, 404),
        ("free", "public", 201, 200, 200),
        ("team", "private", 201, 200, 422),
        ("team", "public", 201, 200, 200),
        ("enterprise", "private", 201, 200, 200),
        ("enterprise", "internal", 201, 200, 200),
    ],
)
def test_plan_and_visibility_decide_what_a_repository_has(
    plan: Callable[[str], None],
    new_repository: Callable[..., Repository],
    name: str,
    visibility: str,
    rulesets: int,
    environment: int,
    gated: int,
) -> None:
    plan(name)
    repository = new_repository(visibility=visibility)
    assert repository.ask("POST", "/rulesets", json=RULESET).status_code == rulesets
    assert repository.ask("PUT", "/environments/dev", json={}).status_code == environment
    assert repository.ask("PUT", "/environments/production", json=GATED).status_code == gated


@pytest.mark.parametrize(("name", "status"), [("team", 422), ("enterprise", 201)])
def test_trying_rules_out_needs_enterprise(
    plan: Callable[[str], None], new_repository: Callable[..., Repository], name: str, status: int
) -> None:
    plan(name)
    repository = new_repository(visibility="private")
    assert repository.ask("POST", "/rulesets", json=RULESET | {"enforcement": "evaluate"}).status_code == status


def test_internal_repositories_need_enterprise(hub: Hub, plan: Callable[[str], None]) -> None:
    plan("team")
    with hub.admin as admin:
        refused = admin.post("/orgs/acme/repos", json={"name": "inner", "visibility": "internal"})
    assert refused.status_code == 422


def test_rules_on_names_need_enterprise(repository: Repository, plan: Callable[[str], None]) -> None:
    plan("team")
    rule = {"type": "tag_name_pattern", "parameters": {"operator": "regex", "pattern": "v.*"}}
    assert repository.ask("POST", "/rulesets", json=RULESET | {"rules": [rule]}).status_code == 422


def test_rules_stop_nobody_after_the_plan_has_lost_them(repository: Repository, plan: Callable[[str], None]) -> None:
    repository.ruleset({"type": "pull_request"})
    assert repository.put_file("a.txt", "a").status_code == 409
    plan("free")
    assert repository.put_file("a.txt", "a").status_code == 201


def test_only_owners_and_apps_with_the_permission_see_the_plan(hub: Hub, plan: Callable[[str], None]) -> None:
    plan("team")
    with hub.admin as owner, hub.user("alice") as member, hub.client(hub.app_token("argocd")) as app:
        assert owner.get("/orgs/acme").json()["plan"]["name"] == "team"
        assert "plan" not in member.get("/orgs/acme").json()
        assert "plan" not in app.get("/orgs/acme").json()


def test_a_repository_cannot_ask_for_more_than_the_policy(
    repository: Repository, policy: Callable[..., httpx.Response]
) -> None:
    policy(enabled_repositories="all", allowed_actions="local_only", sha_pinning_required=True)
    for wanted in ({"allowed_actions": "all"}, {"allowed_actions": "selected"}, {"sha_pinning_required": False}):
        refused = repository.ask("PUT", "/actions/permissions", json={"enabled": True, **wanted})
        assert refused.status_code == 409
    shown = repository.ask("GET", "/actions/permissions").json()
    assert shown["allowed_actions"] == "local_only"
    assert shown["sha_pinning_required"] is True


def test_approvals_by_workflows_have_to_be_allowed_by_the_policy_first(
    repository: Repository, policy: Callable[..., httpx.Response]
) -> None:
    wanted = {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": True}
    assert repository.ask("PUT", "/actions/permissions/workflow", json=wanted).status_code == 409
    policy("/workflow", **wanted)
    assert repository.ask("PUT", "/actions/permissions/workflow", json=wanted).status_code == 204


def test_actions_run_only_in_the_repositories_that_the_policy_selects(
    hub: Hub, repository: Repository, policy: Callable[..., httpx.Response]
) -> None:
    policy(enabled_repositories="selected", allowed_actions="all")
    assert repository.ask("GET", "/actions/permissions").json()["enabled"] is False
    policy("/repositories", selected_repository_ids=[repository.ask("GET").json()["id"]])
    assert repository.ask("GET", "/actions/permissions").json()["enabled"] is True
    with hub.admin as admin:
        listed = admin.get("/orgs/acme/actions/permissions/repositories").json()
    assert [one["name"] for one in listed["repositories"]] == [repository.name]
