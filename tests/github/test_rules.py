"""Rulesets and branch protection hold whichever way a ref is changed."""

from pathlib import Path
from typing import Any

import pytest

from tests.github.conftest import Hub, Repository

PULL_REQUEST = {"type": "pull_request", "parameters": {"required_approving_review_count": 1}}


def push(repository: Repository, tmp_path: Path, refspec: str, token: str | None = None) -> str:
    """Pushes a new commit; what git said if it was refused."""
    clone = repository.clone(tmp_path / "work", token)
    clone.commit("pushed.txt")
    done = clone.git("push", "origin", refspec)
    return done.stderr if done.returncode else ""


def test_protected_branch_takes_changes_through_no_door_but_a_pull_request(
    repository: Repository, tmp_path: Path
) -> None:
    repository.branch("side")
    repository.put_file("x", "x", branch="side")
    repository.ruleset(PULL_REQUEST)
    by_contents = repository.put_file("direct.txt", "x")
    assert by_contents.status_code == 409
    assert by_contents.json()["message"].startswith("Repository rule violations found")
    by_ref = repository.ask("PATCH", "/git/refs/heads/main", json={"sha": repository.head("side")})
    assert by_ref.status_code == 422
    assert "Changes must be made through a pull request." in by_ref.json()["message"]
    by_push = push(repository, tmp_path, "HEAD:main")
    assert "GH013: Repository rule violations found for refs/heads/main" in by_push
    pull = {"title": "t", "head": "side", "base": "main"}
    number = repository.ask("POST", "/pulls", json=pull).json()["number"]
    by_merge = repository.ask("PUT", f"/pulls/{number}/merge")
    assert by_merge.status_code == 405
    assert "At least 1 approving review" in by_merge.json()["message"]
    assert repository.approve(number).status_code == 200
    assert repository.ask("PUT", f"/pulls/{number}/merge").status_code == 200


def test_force_push_is_recognised_while_its_commits_are_in_quarantine(repository: Repository, tmp_path: Path) -> None:
    repository.ruleset({"type": "non_fast_forward"})
    clone = repository.clone(tmp_path / "work")
    clone.commit("one.txt")
    assert clone.git("push", "origin", "main").returncode == 0
    clone.git("commit", "--quiet", "--amend", "-m", "Rewritten")
    refused = clone.git("push", "--force", "origin", "main")
    assert refused.returncode != 0
    assert "Cannot force-push to this branch" in refused.stderr
    # What was refused leaves nothing behind.
    rewritten = clone.git("rev-parse", "HEAD").stdout.strip()
    assert repository.ask("GET", f"/git/commits/{rewritten}").status_code == 404


def test_linear_history_refuses_a_pushed_merge_commit(repository: Repository, tmp_path: Path) -> None:
    repository.ruleset({"type": "required_linear_history"})
    clone = repository.clone(tmp_path / "work")
    clone.git("checkout", "-q", "-b", "side")
    clone.commit("side.txt")
    clone.git("checkout", "-q", "main")
    clone.git("merge", "--quiet", "--no-ff", "-m", "Merge", "side")
    refused = clone.git("push", "origin", "main")
    assert "must not contain merge commits" in refused.stderr


@pytest.mark.parametrize("tag", ["v1.2.3", "v1"])
def test_release_tags_can_be_made_and_never_moved_or_deleted(repository: Repository, tmp_path: Path, tag: str) -> None:
    pattern = {"operator": "regex", "pattern": r"^v\d+\.\d+\.\d+$"}
    repository.ruleset(
        {"type": "tag_name_pattern", "parameters": pattern},
        {"type": "update"},
        {"type": "deletion"},
        target="tag",
        include="refs/tags/v*",
    )
    made = repository.ask("POST", "/git/refs", json={"ref": f"refs/tags/{tag}", "sha": repository.head()})
    if tag == "v1":
        assert (made.status_code, "must match" in made.json()["message"]) == (422, True)
        return
    assert made.status_code == 201
    assert repository.ask("DELETE", f"/git/refs/tags/{tag}").status_code == 422
    clone = repository.clone(tmp_path / "work")
    clone.commit()
    clone.git("tag", "--force", tag)
    assert "Cannot update this protected ref" in clone.git("push", "--force", "origin", tag).stderr
    assert clone.git("push", "origin", f":refs/tags/{tag}").returncode != 0


@pytest.mark.parametrize(
    ("include", "branch", "holds"),
    [
        ("refs/heads/environment/*", "environment/dev", True),
        ("refs/heads/*", "environment/dev", False),
        ("refs/heads/**/*", "environment/dev", True),
        ("~ALL", "anything", True),
        ("~DEFAULT_BRANCH", "anything", False),
    ],
)
def test_ref_patterns_stop_at_slashes(repository: Repository, include: str, branch: str, holds: bool) -> None:
    repository.branch(branch)
    repository.ruleset({"type": "update"}, include=include)
    assert repository.put_file("x", "x", branch=branch).status_code == (409 if holds else 201)


def actor(hub: Hub, kind: str) -> dict[str, Any]:
    number = {
        "OrganizationAdmin": None,
        "RepositoryRole": 5,
        "Integration": int(hub.secrets.apps["promoter"].id),
        "DeployKey": None,
    }
    return {"actor_type": kind, "actor_id": number[kind], "bypass_mode": "always"}


@pytest.mark.parametrize(
    ("kind", "passes"),
    [
        ("OrganizationAdmin", {"slipway"}),
        ("RepositoryRole", {"slipway"}),
        ("Integration", {"promoter"}),
        ("DeployKey", set()),
    ],
)
def test_bypass_actors_alone_pass_a_rule(hub: Hub, repository: Repository, kind: str, passes: set[str]) -> None:
    repository.ruleset(PULL_REQUEST, bypass_actors=[actor(hub, kind)])
    tokens = {
        "slipway": hub.secrets.github_token,
        "alice": hub.people["alice"],
        "promoter": hub.app_token("promoter"),
        "workflow": hub.workflow_token(repository.full_name, contents="write"),
    }
    done = {who for who, token in tokens.items() if repository.put_file(f"{who}.txt", "x", token=token).is_success}
    assert done == passes


def test_bypass_by_team_and_only_through_pull_requests(hub: Hub, repository: Repository) -> None:
    with hub.admin as admin:
        team = admin.post("/orgs/acme/teams", json={"name": f"releasers {repository.name}", "privacy": "closed"}).json()
        admin.put(f"/orgs/acme/teams/{team['slug']}/memberships/alice")
    bypass = {"actor_type": "Team", "actor_id": team["id"], "bypass_mode": "pull_request"}
    number = repository.pull("side")
    repository.ruleset(PULL_REQUEST, bypass_actors=[bypass])
    alice = hub.people["alice"]
    assert repository.put_file("direct.txt", "x", token=alice).status_code == 409
    assert repository.ask("PUT", f"/pulls/{number}/merge", token=hub.people["bob"]).status_code == 405
    assert repository.ask("PUT", f"/pulls/{number}/merge", token=alice).status_code == 200


def test_required_checks_and_an_up_to_date_branch_are_demanded_of_a_merge(hub: Hub, repository: Repository) -> None:
    number = repository.pull("side")
    checks = [{"context": "validate"}]
    strict = {"required_status_checks": checks, "strict_required_status_checks_policy": True}
    repository.ruleset(
        {"type": "required_status_checks", "parameters": strict}, bypass_actors=[actor(hub, "Integration")]
    )
    merge = f"/pulls/{number}/merge"
    assert '"validate" is expected' in repository.ask("PUT", merge).json()["message"]
    assert repository.put_file("moves-main.txt", "x", token=hub.app_token("promoter")).status_code == 201
    head = repository.head("side")
    repository.ask("POST", f"/statuses/{head}", json={"state": "success", "context": "validate"})
    assert "out of date" in repository.ask("PUT", merge).json()["message"]
    assert repository.ask("PUT", f"/pulls/{number}/update-branch").status_code == 202
    token = hub.workflow_token(repository.full_name, checks="write")
    check = {"name": "validate", "head_sha": repository.head("side"), "conclusion": "success"}
    assert repository.ask("POST", "/check-runs", token=token, json=check).status_code == 201
    assert repository.ask("PUT", merge).status_code == 200


def test_disabled_ruleset_is_only_a_text(repository: Repository) -> None:
    made = repository.ruleset(PULL_REQUEST, enforcement="disabled")
    assert repository.put_file("x", "x").status_code == 201
    changed = repository.ask("PUT", f"/rulesets/{made['id']}", json={"enforcement": "active"}).json()
    assert [rule["type"] for rule in changed["rules"]] == ["pull_request"]
    assert repository.put_file("y", "y").status_code == 409
    assert repository.ask("GET", "/branches/main").json()["protected"] is True
    assert [rule["type"] for rule in repository.ask("GET", "/rules/branches/main").json()] == ["pull_request"]
    assert repository.ask("DELETE", f"/rulesets/{made['id']}").status_code == 204
    assert repository.put_file("y", "y").status_code == 201


CREATE = """mutation($input: CreateBranchProtectionRuleInput!) {
  createBranchProtectionRule(input: $input) { branchProtectionRule { id } } }"""
READ = """query($id: ID!) { node(id: $id) { ... on BranchProtectionRule {
  pattern isAdminEnforced requiresApprovingReviews requiredApprovingReviewCount restrictsPushes
  repository { name } pushAllowances(first: 100) { nodes { actor { ... on User { login } } } } } } }"""
UPDATE = """mutation($input: UpdateBranchProtectionRuleInput!) {
  updateBranchProtectionRule(input: $input) { branchProtectionRule { id isAdminEnforced } } }"""
DELETE = """mutation($input: DeleteBranchProtectionRuleInput!) {
  deleteBranchProtectionRule(input: $input) { clientMutationId } }"""


def test_branch_protection_by_graphql_holds(hub: Hub, repository: Repository, tmp_path: Path) -> None:
    token = hub.secrets.github_token
    node = repository.ask("GET").json()["node_id"]
    bob = hub.graphql(token, 'query { user(login: "bob") { id } }')["data"]["user"]["id"]
    given: dict[str, Any] = {"repositoryId": node, "pattern": "main", "requiresApprovingReviews": True}
    given |= {"requiredApprovingReviewCount": 1, "restrictsPushes": True, "pushActorIds": [bob]}
    made = hub.graphql(token, CREATE, input=given)["data"]["createBranchProtectionRule"]["branchProtectionRule"]["id"]
    shown = hub.graphql(token, READ, id=made)["data"]["node"]
    assert shown["pushAllowances"]["nodes"] == [{"actor": {"login": "bob"}}]
    assert (shown["requiredApprovingReviewCount"], shown["repository"]["name"]) == (1, repository.name)
    refused = push(repository, tmp_path, "HEAD:main", hub.people["alice"])
    assert "GH006: Protected branch update failed" in refused
    # Administrators pass, until the protection is said to include them.
    assert repository.put_file("by-admin.txt", "x").status_code == 201
    changed = hub.graphql(token, UPDATE, input={"branchProtectionRuleId": made, "isAdminEnforced": True})
    assert changed["data"]["updateBranchProtectionRule"]["branchProtectionRule"]["isAdminEnforced"] is True
    assert repository.put_file("by-admin-again.txt", "x").status_code == 409
    assert "errors" not in hub.graphql(token, DELETE, input={"branchProtectionRuleId": made})
    gone = hub.graphql(token, READ, id=made)
    assert "Could not resolve to a node with the global id" in gone["errors"][0]["message"]


def test_graphql_shows_and_changes_only_what_the_caller_may(hub: Hub, repository: Repository) -> None:
    node = repository.ask("GET").json()["node_id"]
    alice = hub.people["alice"]
    refused = hub.graphql(alice, CREATE, input={"repositoryId": node, "pattern": "main"})
    assert refused["errors"][0]["type"] == "FORBIDDEN"
    outside = hub.workflow_token("acme/other", contents="write")
    query = f'query {{ repository(owner: "acme", name: "{repository.name}") {{ id }} }}'
    assert hub.graphql(outside, query)["errors"][0]["type"] == "NOT_FOUND"
