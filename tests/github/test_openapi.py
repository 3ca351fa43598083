"""The model's answers have what GitHub's OpenAPI description demands of them.

One story uses every route that the product, the provider and Argo CD call, and each answer is compared: its status, and
the keys that must be there, at every depth.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

import pytest

from sandbox.github.core.routing import API, ROUTES, Router
from sandbox.sealing import sealed
from tests.github import openapi
from tests.github.conftest import Hub, Repository

NOT_GITHUBS = {
    ("GET", f"{API}"),
    ("GET", f"{API}/"),
    ("GET", f"{API}/user/{{account_id}}"),
    ("GET", f"{API}/repos/{{owner}}/{{repo}}/contents"),
    ("GET", f"{API}/app/installations"),
}
"""Routes of the model that the description does not have, or has in a form that no answer fits: an account there is to
be a person and an enterprise at once."""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIh3jXKyK+rPmWPKOUOZJ7GmvJ5cGxHnNFzEHvSUJ2fR"


@cache
def _router() -> Router:
    return Router(ROUTES)


@dataclass
class Story:
    """Requests to one repository, with what their answers lack."""

    repository: Repository
    asked: ClassVar[set[tuple[str, str]]] = set()
    """Routes of the model that were compared, by method and path."""
    fitting: ClassVar[set[tuple[str, str]]] = set()
    lacking: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def ask(self, method: str, path: str, body: Any = None, *, token: str | None = None, **options: Any) -> Any:
        """A request; a path without a slash at its start is one of the repository."""
        hub = self.repository.hub
        full = path if path.startswith("/") else f"{self.repository.path}/{path}".rstrip("/")
        with hub.client(token or hub.secrets.github_token) as client:
            answer = client.request(method, full, json=body, **options)
        known = full.partition("?")[0]
        shown: Any = answer.json() if "json" in answer.headers.get("Content-Type", "") else None
        assert answer.status_code < 400, f"{method} {full}: {answer.status_code} {answer.text}"
        route = _router().find(method, f"/api/v3{known}")
        assert route is not None, known
        self.asked.add((method, route[0].path))
        name = f"{method} {known}".replace(self.repository.path, "/repos/{owner}/{repo}")
        if found := openapi.problems(method, known, answer.status_code, shown):
            self.lacking.setdefault(name, found)
        else:
            self.fitting.add((method, route[0].path))
        return shown


@pytest.fixture
def story(repository: Repository) -> Iterator[Story]:
    made = Story(repository)
    yield made
    report = "\n".join(f"{route}: {', '.join(found)}" for route, found in made.lacking.items())
    assert not report, report


def _may_write_checks(installation: dict[str, Any]) -> None:
    installation["permissions"] |= {"checks": "write"}


def test_organisations_teams_and_people(hub: Hub, story: Story) -> None:
    story.ask("GET", "/orgs/acme")
    story.ask("PATCH", "/orgs/acme", {"description": "Acme"})
    story.ask("GET", "/orgs/acme/members")
    story.ask("GET", "/orgs/acme/memberships/alice")
    story.ask("GET", "/users/alice")
    story.ask("GET", "/user")
    story.ask("GET", "/orgs/acme/installations")
    story.ask("GET", "/orgs/acme/actions/permissions")
    story.ask("GET", "/orgs/acme/actions/permissions/workflow")
    team = story.ask("POST", "/orgs/acme/teams", {"name": f"team {story.repository.name}", "privacy": "closed"})
    path = f"/orgs/acme/teams/{team['slug']}"
    story.ask("GET", "/orgs/acme/teams")
    story.ask("GET", path)
    story.ask("PATCH", path, {"description": "x"})
    story.ask("PUT", f"{path}/memberships/alice", {"role": "member"})
    story.ask("GET", f"{path}/memberships/alice")
    story.ask("GET", f"{path}/members")
    story.ask("PUT", f"{path}/repos/{story.repository.full_name}", {"permission": "push"})
    accept = {"Accept": "application/vnd.github.v3.repository+json"}
    story.ask("GET", f"{path}/repos/{story.repository.full_name}", headers=accept)
    story.ask("GET", f"{path}/repos")
    story.ask("GET", "teams")
    story.ask("DELETE", f"{path}/repos/{story.repository.full_name}")
    story.ask("DELETE", f"{path}/memberships/alice")
    story.ask("DELETE", path)
    del hub


def test_repositories_and_their_settings(story: Story) -> None:
    story.ask("GET", "")
    story.ask("PATCH", "", {"description": "x"})
    story.ask("GET", "/orgs/acme/repos")
    story.ask("PUT", "topics", {"names": ["a"]})
    story.ask("GET", "topics")
    story.ask("GET", "collaborators")
    story.ask("GET", "collaborators/alice/permission")
    story.ask("GET", "actions/permissions")
    story.ask("PUT", "actions/permissions", {"enabled": True, "allowed_actions": "all"})
    story.ask("GET", "actions/permissions/access")
    story.ask("PUT", "actions/permissions/access", {"access_level": "organization"})
    story.ask("GET", "actions/permissions/workflow")
    story.ask("GET", "actions/secrets/public-key")
    story.ask("GET", "actions/secrets")
    story.ask("POST", "actions/variables", {"name": "A", "value": "1"})
    story.ask("GET", "actions/variables")
    story.ask("GET", "actions/variables/A")
    story.ask("PATCH", "actions/variables/A", {"value": "2"})
    story.ask("DELETE", "actions/variables/A")
    label = story.ask("POST", "labels", {"name": "one", "color": "ffffff"})
    story.ask("GET", "labels")
    story.ask("PATCH", f"labels/{label['name']}", {"description": "x"})
    story.ask("DELETE", "labels/one")
    hook = story.ask("POST", "hooks", {"config": {"url": "http://127.0.0.1:9/"}, "events": ["push"]})
    story.ask("GET", "hooks")
    story.ask("GET", f"hooks/{hook['id']}")
    story.ask("PATCH", f"hooks/{hook['id']}", {"active": False})
    story.ask("DELETE", f"hooks/{hook['id']}")
    key = story.ask("POST", "keys", {"title": "k", "key": KEY, "read_only": True})
    story.ask("GET", "keys")
    story.ask("GET", f"keys/{key['id']}")
    story.ask("DELETE", f"keys/{key['id']}")


def test_git_and_contents(story: Story) -> None:
    content = base64.b64encode(b"x").decode()
    made = story.ask("PUT", "contents/a.txt", {"message": "m", "content": content})
    sha = made["commit"]["sha"]
    story.ask("GET", "contents/a.txt")
    story.ask("GET", "branches")
    story.ask("GET", "branches/main")
    story.ask("GET", "commits")
    story.ask("GET", f"commits/{sha}")
    story.ask("GET", f"commits/{sha}/branches-where-head")
    story.ask("GET", f"commits/{sha}/status")
    story.ask("GET", f"commits/{sha}/check-runs")
    blob = story.ask("POST", "git/blobs", {"content": "y", "encoding": "utf-8"})
    story.ask("GET", f"git/blobs/{blob['sha']}")
    entry = {"path": "b.txt", "mode": "100644", "type": "blob", "sha": blob["sha"]}
    base = story.ask("GET", f"git/commits/{sha}")["tree"]["sha"]
    tree = story.ask("POST", "git/trees", {"base_tree": base, "tree": [entry]})
    story.ask("GET", f"git/trees/{tree['sha']}")
    commit = story.ask("POST", "git/commits", {"message": "m", "tree": tree["sha"], "parents": [sha]})
    story.ask("PATCH", "git/refs/heads/main", {"sha": commit["sha"]})
    story.ask("GET", "git/ref/heads/main")
    story.ask("GET", "git/matching-refs/heads")
    tag = {"tag": "v1", "message": "m", "object": commit["sha"], "type": "commit"}
    annotated = story.ask("POST", "git/tags", tag)
    story.ask("GET", f"git/tags/{annotated['sha']}")
    story.ask("POST", "git/refs", {"ref": "refs/tags/v1", "sha": annotated["sha"]})
    story.ask("GET", "tags")
    story.ask("GET", f"compare/{sha}...{commit['sha']}")
    story.ask("DELETE", "git/refs/tags/v1")
    status = {"state": "success", "context": "Validate"}
    story.ask("POST", f"statuses/{commit['sha']}", status)
    story.ask("GET", f"commits/{commit['sha']}/status")
    story.ask("GET", f"commits/{commit['sha']}/statuses")
    check = {"name": "Validate", "head_sha": commit["sha"], "status": "in_progress"}
    story.repository.hub.forge.store.table("installations").update("201", _may_write_checks)
    app = story.repository.hub.app_token("promoter")
    made_check = story.ask("POST", "check-runs", check, token=app)
    story.ask("PATCH", f"check-runs/{made_check['id']}", {"conclusion": "success"}, token=app)
    story.ask("GET", f"check-runs/{made_check['id']}")
    story.ask("GET", f"commits/{commit['sha']}/check-runs")
    story.ask("DELETE", "contents/a.txt", {"message": "m", "sha": made["content"]["sha"]})


def test_pull_requests(story: Story) -> None:
    number = story.repository.pull("side")
    story.ask("GET", "pulls?state=open")
    story.ask("GET", f"pulls/{number}")
    story.ask("PATCH", f"pulls/{number}", {"title": "t"})
    story.ask("GET", f"pulls/{number}/files")
    story.ask("GET", f"pulls/{number}/commits")
    story.ask("POST", f"issues/{number}/labels", {"labels": ["held"]})
    story.ask("GET", f"issues/{number}/labels")
    story.ask("GET", f"issues/{number}")
    issue = story.ask("POST", "issues", {"title": "t", "body": "b"})["number"]
    story.ask("GET", "issues?state=open")
    story.ask("GET", f"issues/{issue}")
    story.ask("PATCH", f"issues/{issue}", {"state": "closed"})
    comment = story.ask("POST", f"issues/{number}/comments", {"body": "b"})
    story.ask("GET", f"issues/{number}/comments")
    story.ask("PATCH", f"issues/comments/{comment['id']}", {"body": "c"})
    bob = story.repository.hub.people["bob"]
    story.ask("POST", f"pulls/{number}/reviews", {"event": "APPROVE"}, token=bob)
    story.ask("GET", f"pulls/{number}/reviews")
    story.ask("PUT", f"pulls/{number}/merge", {"merge_method": "squash"})


def test_forks(hub: Hub, story: Story) -> None:
    story.ask("PATCH", "", {"visibility": "public"})
    bob = hub.people["bob"]
    fork = story.ask("POST", "forks", {"name": f"{story.repository.name}-of-bob"}, token=bob)
    path = f"/repos/{fork['full_name']}"
    story.ask("GET", "forks")
    story.ask("GET", path)
    body = {"message": "m", "content": base64.b64encode(b"x").decode()}
    story.ask("PUT", f"{path}/contents/theirs.txt", body, token=bob)
    pull = {"title": "t", "head": "bob:main", "base": "main"}
    number = story.ask("POST", "pulls", pull, token=bob)["number"]
    story.ask("PATCH", f"pulls/{number}", {"maintainer_can_modify": False}, token=bob)
    story.ask("GET", "pulls?head=bob:main")
    approval = "actions/permissions/fork-pr-contributor-approval"
    for path in (approval, f"/orgs/acme/{approval}"):
        story.ask("PUT", path, story.ask("GET", path))


def test_what_forks_of_private_repositories_may_run(story: Story) -> None:
    section = "actions/permissions/fork-pr-workflows-private-repos"
    for path in (section, f"/orgs/acme/{section}"):
        story.ask("PUT", path, story.ask("GET", path))


def test_rules_and_environments(story: Story) -> None:
    rules = [{"type": "deletion"}]
    body: Any = {"name": "r", "enforcement": "active", "target": "branch", "rules": rules}
    body["conditions"] = {"ref_name": {"include": ["refs/heads/x"], "exclude": []}}
    ruleset = story.ask("POST", "rulesets", body)
    story.ask("GET", "rulesets")
    story.ask("GET", f"rulesets/{ruleset['id']}")
    story.ask("PUT", f"rulesets/{ruleset['id']}", body)
    story.ask("GET", "rules/branches/x")
    story.ask("DELETE", f"rulesets/{ruleset['id']}")
    policy = {"protected_branches": False, "custom_branch_policies": True}
    reviewer = story.repository.hub.forge.store.table("users").get("alice")
    assert reviewer
    gates = {"wait_timer": 1, "reviewers": [{"type": "User", "id": reviewer["id"]}]}
    story.ask("PUT", "environments/dev", {**gates, "deployment_branch_policy": policy})
    story.ask("GET", "environments")
    story.ask("GET", "environments/dev")
    made = story.ask("POST", "environments/dev/deployment-branch-policies", {"name": "main", "type": "branch"})
    story.ask("GET", "environments/dev/deployment-branch-policies")
    story.ask("GET", f"environments/dev/deployment-branch-policies/{made['id']}")
    story.ask("GET", "environments/dev/secrets/public-key")
    story.ask("GET", "environments/dev/secrets")
    story.ask("POST", "environments/dev/variables", {"name": "A", "value": "1"})
    story.ask("GET", "environments/dev/variables/A")
    story.ask("GET", "environments/dev/variables")
    deployment = {"ref": "main", "environment": "dev", "auto_merge": False, "required_contexts": []}
    number = story.ask("POST", "deployments", deployment)["id"]
    story.ask("GET", "deployments")
    story.ask("GET", f"deployments/{number}")
    status = story.ask("POST", f"deployments/{number}/statuses", {"state": "success"})
    story.ask("GET", f"deployments/{number}/statuses")
    story.ask("GET", f"deployments/{number}/statuses/{status['id']}")
    story.ask("DELETE", f"environments/dev/deployment-branch-policies/{made['id']}")
    story.ask("DELETE", "environments/dev")


def test_apps_invitations_and_policies(hub: Hub, story: Story) -> None:
    story.ask("GET", "/orgs/acme/invitations")
    story.ask("POST", "/orgs/acme/repos", {"name": f"{story.repository.name}-more"})
    story.ask("GET", "/orgs/acme/members/alice")
    story.ask("GET", "/user/repos")
    story.ask("PUT", "/orgs/acme/actions/permissions/workflow", {"default_workflow_permissions": "read"})
    story.ask("PUT", "/orgs/acme/memberships/bob", {"role": "member"})
    story.ask("GET", "/orgs/acme/installation", token=hub.app_jwt("promoter"))
    story.ask("GET", "/app", token=hub.app_jwt("promoter"))
    number = hub.secrets.apps["promoter"].installation_id
    story.ask("GET", f"/app/installations/{number}", token=hub.app_jwt("promoter"))
    token = story.ask("POST", f"/app/installations/{number}/access_tokens", {}, token=hub.app_jwt("promoter"))["token"]
    story.ask("GET", "/installation/repositories", token=token)
    story.ask("GET", "installation", token=hub.app_jwt("promoter"))
    story.ask("GET", "/apps/promoter")
    policy = {"enabled_repositories": "all", "allowed_actions": "selected"}
    story.ask("PUT", "/orgs/acme/actions/permissions", policy)
    story.ask("PUT", "/orgs/acme/actions/permissions/selected-actions", {"github_owned_allowed": True})
    story.ask("GET", "/orgs/acme/actions/permissions/selected-actions")
    story.ask("GET", "actions/permissions/selected-actions")
    story.ask("PUT", "/orgs/acme/actions/permissions", {"enabled_repositories": "selected", "allowed_actions": "all"})
    story.ask("GET", "/orgs/acme/actions/permissions/repositories")
    story.ask("PUT", "/orgs/acme/actions/permissions", {"enabled_repositories": "all", "allowed_actions": "all"})
    story.ask("GET", "/rate_limit")
    story.ask("GET", "/meta")
    story.ask("GET", "/user/memberships/orgs/acme")
    story.ask("GET", "/user/orgs")
    story.ask("GET", "/users/alice/orgs")
    story.ask("GET", "/users/alice/repos")
    story.ask("GET", "/users/alice/keys")
    story.ask("GET", "/users/alice/gpg_keys")
    story.ask("GET", "languages")
    story.ask("GET", "invitations")


def test_rulesets_of_an_organisation(story: Story) -> None:
    body: Any = {"name": f"of {story.repository.name}", "enforcement": "active", "target": "branch"}
    body["rules"] = [{"type": "deletion"}]
    body["conditions"] = {
        "ref_name": {"include": ["refs/heads/x"], "exclude": []},
        "repository_name": {"include": [story.repository.name], "exclude": []},
    }
    ruleset = story.ask("POST", "/orgs/acme/rulesets", body)
    path = f"/orgs/acme/rulesets/{ruleset['id']}"
    story.ask("GET", "/orgs/acme/rulesets")
    story.ask("GET", path)
    story.ask("PUT", path, body)
    (rule,) = story.ask("GET", "rules/branches/x")
    assert rule["ruleset_source_type"] == "Organization"
    story.ask("DELETE", path)


@pytest.mark.parametrize("place", ["actions", "dependabot", "environments/dev"])
def test_secrets(story: Story, place: str) -> None:
    story.ask("PUT", "environments/dev", {})
    key = story.ask("GET", f"{place}/secrets/public-key")
    body = sealed(key, "hush")
    story.ask("PUT", f"{place}/secrets/A", body)
    story.ask("PUT", f"{place}/secrets/A", body)
    story.ask("GET", f"{place}/secrets/A")
    story.ask("GET", f"{place}/secrets")
    story.ask("DELETE", f"{place}/secrets/A")


def test_what_is_left_of_repositories(story: Story) -> None:
    story.ask("PUT", "environments/dev", {"deployment_branch_policy": None})
    story.ask("POST", "environments/dev/variables", {"name": "A", "value": "1"})
    story.ask("PATCH", "environments/dev/variables/A", {"value": "2"})
    story.ask("DELETE", "environments/dev/variables/A")
    story.ask("PUT", "vulnerability-alerts")
    story.ask("GET", "vulnerability-alerts")
    story.ask("DELETE", "vulnerability-alerts")
    story.ask("PUT", "automated-security-fixes")
    story.ask("GET", "automated-security-fixes")
    story.ask("DELETE", "automated-security-fixes")
    story.ask("PUT", "actions/permissions/workflow", {"default_workflow_permissions": "read"})
    story.ask("GET", "actions/oidc/customization/sub")
    story.ask("PUT", "actions/oidc/customization/sub", {"use_default": True})
    story.ask("GET", "actions/organization-secrets")
    story.ask("GET", "actions/organization-variables")
    story.ask("PUT", "collaborators/bob", {"permission": "push"})
    story.ask("GET", "collaborators/bob")
    story.ask("DELETE", "collaborators/bob")
    story.ask("POST", "labels", {"name": "bug", "color": "ffffff"})
    story.ask("GET", "labels/bug")
    story.ask("POST", "dispatches", {"event_type": "x"})
    story.ask("POST", "branches/main/rename", {"new_name": "trunk"})
    hook = story.ask("POST", "hooks", {"config": {"url": "http://127.0.0.1:9/"}, "events": ["push"]})
    story.ask("POST", f"hooks/{hook['id']}/pings")
    story.ask("GET", f"hooks/{hook['id']}/deliveries")
    story.ask("DELETE", "")


def test_what_is_left_of_pull_requests(story: Story) -> None:
    number = story.repository.pull("left")
    story.repository.branch("other")
    story.repository.put_file("other.txt", "x", branch="other")
    story.ask("POST", "pulls", {"title": "t", "head": "other", "base": "main"})
    story.ask("GET", f"commits/{story.repository.head('left')}/pulls")
    story.ask("POST", f"pulls/{number}/requested_reviewers", {"reviewers": ["alice"]})
    story.ask("GET", f"pulls/{number}/requested_reviewers")
    story.ask("DELETE", f"pulls/{number}/requested_reviewers", {"reviewers": ["alice"]})
    bob = story.repository.hub.people["bob"]
    review = story.ask("POST", f"pulls/{number}/reviews", {"event": "APPROVE"}, token=bob)
    story.ask("GET", f"pulls/{number}/reviews/{review['id']}")
    story.ask("PUT", f"pulls/{number}/reviews/{review['id']}/dismissals", {"message": "no"})
    story.ask("PUT", f"issues/{number}/labels", {"labels": ["one", "two"]})
    story.ask("DELETE", f"issues/{number}/labels/one")
    comment = story.ask("POST", f"issues/{number}/comments", {"body": "b"})
    story.ask("GET", f"issues/comments/{comment['id']}")
    story.ask("DELETE", f"issues/comments/{comment['id']}")
    story.repository.put_file("main.txt", "x")
    story.ask("PUT", f"pulls/{number}/update-branch", {})
    story.ask("PUT", f"pulls/{number}/merge", {})
    story.ask("GET", f"pulls/{number}/merge")
    deployment = {"ref": "main", "environment": "x", "auto_merge": False, "required_contexts": []}
    made = story.ask("POST", "deployments", deployment)["id"]
    story.ask("DELETE", f"deployments/{made}")


def test_the_share_of_routes_that_fit_is_known(record_property: Callable[[str, object], None]) -> None:
    """The last of this file; it says what the others have compared, and what nobody has."""
    ours = {(route.method, route.path) for route in ROUTES if route.path.startswith(f"{API}/")} - NOT_GITHUBS
    if len(Story.asked) < 100:
        pytest.skip("the other tests of this file were not run")
    left = sorted(f"{method} {path.removeprefix(API)}" for method, path in ours - Story.asked)
    share = f"{len(Story.fitting)} of {len(ours)} routes fit; not compared: {', '.join(left) or 'none'}"
    record_property("openapi", share)
    print(share)
    assert len(Story.fitting) >= 0.8 * len(ours), share
