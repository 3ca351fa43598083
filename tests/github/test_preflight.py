"""The product's preflight against the model: what it asks is answered as GitHub does."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from components.github.api import GitHubApi
from components.github.credentials import Token
from components.github.preflight import Findings, github_findings
from components.state import State
from manifests.model import Settings
from stacks.settings import settings_of
from tests.github.conftest import Hub, Repository
from tests.stacks.builders import MARK, texts, values


def settings(hub: Hub, *, changes: dict[str, Any] | None = None, **github: Any) -> Settings:
    teams = [{"name": "nobodys", "members": [{"login": "alice"}]}]
    stack = values(services=[], teams=teams, environments=[{"name": "dev"}]) | (changes or {})
    apps = {name: {"id": app.id, "installationId": app.installation_id} for name, app in hub.apps.items()}
    stack["github"] = {"owner": "acme", "baseUrl": hub.url, "ownedFiles": "commit", **apps, **github}
    return settings_of("test", texts(stack))


def look(hub: Hub, stack: Settings, **keys: str) -> Findings:
    given = {f"{name}PrivateKey": app.private_key for name, app in hub.apps.items()}
    return github_findings(stack, GitHubApi(stack.github.api_url, Token(hub.secrets.github_token)), given | keys)


def test_a_platform_that_was_made_as_documented_passes(hub: Hub, environments: Repository) -> None:
    environments.ask("PATCH", json={"description": f"What runs where [{MARK}]"})
    assert look(hub, settings(hub)) == Findings()


def test_an_app_that_is_installed_elsewhere_is_named(
    hub: Hub, new_repository: Callable[..., Repository], environments: Repository
) -> None:
    assert environments
    name = new_repository().name
    found = look(hub, settings(hub, environmentRepository=name)).problems
    named = {problem.partition(":")[0] for problem in found}
    # Argo CD's App counts as everywhere until the rehearsal's guestbook is there, whose pull requests it reads.
    assert named - {"github.argocd"} == {f"repository acme/{name}", "github.requester"}


def test_a_key_of_another_app_and_a_wrong_installation_are_named(hub: Hub, environments: Repository) -> None:
    assert environments
    apps = hub.secrets.apps
    stack = settings(hub, argocd={"id": apps["argocd"].id, "installationId": "999"})
    found = look(hub, stack, promoterPrivateKey=apps["requester"].private_key).problems
    assert found[0].startswith("promoterPrivateKey: it is the private key of github.requester")
    assert f"its App is not installed there; it is {apps['argocd'].installation_id}" in found[1]


@pytest.fixture
def lost_app(hub: Hub) -> Iterator[Callable[[str, str, str], httpx.Response]]:
    """Asks for something about an App's installation, as the App; all is as before afterwards."""
    table = hub.forge.store.table("installations")
    before = table.all()

    def asked(slug: str, method: str, path: str) -> httpx.Response:
        with hub.client(hub.app_jwt(slug)) as client:
            return client.request(method, f"/app/installations/{hub.secrets.apps[slug].installation_id}{path}")

    yield asked
    for installation in before:
        table.put(installation["id"], installation)


def test_what_a_platform_has_lost_and_what_is_another_platform_s_is_named_at_once(
    hub: Hub, environments: Repository, lost_app: Callable[[str, str, str], httpx.Response]
) -> None:
    """An App that was suspended, one that was taken away, and a repository that another platform has marked so."""
    environments.ask("PATCH", json={"description": f"Of another platform [{MARK}]"})
    for slug, method, path in (("argocd", "PUT", "/suspended"), ("requester", "DELETE", "")):
        assert lost_app(slug, method, path).status_code == 204
    keys = {f"{name}PrivateKey": app.private_key for name, app in hub.apps.items()}
    stack = settings(hub)
    api = GitHubApi(stack.github.api_url, Token(hub.secrets.github_token))
    found = github_findings(stack, api, keys, State(frozenset()))
    told = dict(problem.split(": ", 1) for problem in found.problems)
    assert told["github.argocd"].startswith("its installation is suspended; unsuspend it: http")
    assert "its App is not installed there; install it: http" in told["github.requester.installationId"]
    said = told["repository acme/environments"]
    assert said.startswith(f"it carries this stack's mark ({MARK}), but the state does not know it")
    assert said.endswith("if another platform has this mark, set `mark` to one of your own")
    assert len(told) == len(found.problems) == 3


def test_an_app_that_was_suspended_does_nothing_with_the_token_that_it_has(
    hub: Hub, environments: Repository, lost_app: Callable[[str, str, str], httpx.Response]
) -> None:
    with hub.client(hub.app_token("promoter")) as client:
        assert client.get(f"/repos/acme/{environments.name}").status_code == 200
        lost_app("promoter", "PUT", "/suspended")
        answer = client.get(f"/repos/acme/{environments.name}")
        assert (answer.status_code, answer.json()["message"]) == (403, "This installation has been suspended")
        assert lost_app("promoter", "POST", "/access_tokens").status_code == 403
        lost_app("promoter", "DELETE", "/suspended")
        assert client.get(f"/repos/acme/{environments.name}").status_code == 200
        lost_app("promoter", "DELETE", "")
        assert client.get(f"/repos/acme/{environments.name}").status_code == 401
        assert lost_app("promoter", "POST", "/access_tokens").status_code == 404


@pytest.fixture
def organisation(hub: Hub, environments: Repository) -> Iterator[httpx.Client]:
    """The administrator, who may change the organisation; it is as before afterwards."""
    environments.ask("PATCH", json={"description": f"What runs where [{settings(hub).mark}]"})
    with hub.admin as admin:
        before = admin.get("/orgs/acme").json()["plan"]["name"]
        yield admin
        admin.put(f"{hub.url}/_sandbox/organizations/acme/plan", json={"plan": before})
        admin.put("/orgs/acme/actions/permissions", json={"enabled_repositories": "all", "allowed_actions": "all"})


@pytest.mark.parametrize(
    ("plan", "visibility", "refused"),
    [
        ("free", "private", {"github.visibility", "environments[production].approvers"}),
        ("free", "internal", {"github.visibility", "environments[production].approvers"}),
        ("free", "public", set[str]()),
        ("team", "private", {"environments[production].approvers"}),
        ("team", "internal", {"github.visibility", "environments[production].approvers"}),
        ("team", "public", set[str]()),
        ("enterprise", "private", set[str]()),
        ("enterprise", "internal", set[str]()),
    ],
)
def test_what_a_plan_does_not_carry_is_refused(
    hub: Hub, organisation: httpx.Client, plan: str, visibility: str, refused: set[str]
) -> None:
    organisation.put(f"{hub.url}/_sandbox/organizations/acme/plan", json={"plan": plan}).raise_for_status()
    approved = {"environments": [{"name": "production", "approvers": ["nobodys"]}]}
    stack = settings(hub, visibility=visibility, changes=approved)
    assert {problem.partition(":")[0] for problem in look(hub, stack).problems} == refused


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"enabled_repositories": "none"}, "Actions are disabled in acme"),
        ({"enabled_repositories": "all", "allowed_actions": "local_only"}, "only actions of acme may run"),
        ({"enabled_repositories": "all", "allowed_actions": "selected"}, "github.actionsPolicy"),
        ({"enabled_repositories": "selected"}, "Actions are disabled for environments"),
    ],
)
def test_a_policy_for_actions_that_stops_the_platform_is_named(
    hub: Hub, organisation: httpx.Client, policy: dict[str, str], said: str
) -> None:
    organisation.put("/orgs/acme/actions/permissions", json=policy).raise_for_status()
    found = look(hub, settings(hub)).problems
    assert any(said in problem for problem in found), found


def test_a_secret_team_that_owns_something_is_named(hub: Hub, organisation: httpx.Client) -> None:
    organisation.post("/orgs/acme/teams", json={"name": "hidden", "privacy": "secret"})
    stack = settings(hub, changes={"teams": [{"name": "hidden", "existing": True}]})
    (found,) = look(hub, stack).problems
    assert found.startswith("teams[hidden]: it is a secret team")


def test_a_ruleset_of_the_organisation_that_would_refuse_our_commits_is_named_and_refuses_them(
    hub: Hub, organisation: httpx.Client, environments: Repository
) -> None:
    body: dict[str, Any] = {
        "name": "signed",
        "target": "branch",
        "enforcement": "active",
        "conditions": {
            "ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []},
            "repository_name": {"include": ["environ*"], "exclude": []},
        },
        "rules": [{"type": "commit_message_pattern", "parameters": {"operator": "starts_with", "pattern": "OPS-"}}],
        "bypass_actors": [],
    }
    made = organisation.post("/orgs/acme/rulesets", json=body)
    assert made.status_code == 201, made.text
    try:
        (found,) = look(hub, settings(hub)).problems
        assert "the organisation's ruleset 'signed' wants commit messages that starts with 'OPS-'" in found
        assert environments.put_file("a.txt", "a").status_code == 409
        actors = [
            {"actor_type": "OrganizationAdmin", "actor_id": 1, "bypass_mode": "always"},
            {"actor_type": "Integration", "actor_id": int(hub.secrets.apps["promoter"].id), "bypass_mode": "always"},
        ]
        path = f"/orgs/acme/rulesets/{made.json()['id']}"
        assert organisation.put(path, json={"bypass_actors": actors}).status_code == 200
        assert look(hub, settings(hub)).problems == []
        assert environments.put_file("a.txt", "a").status_code == 201
    finally:
        organisation.delete(f"/orgs/acme/rulesets/{made.json()['id']}")
