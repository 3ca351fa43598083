"""Two teams that own a service each, on a platform as the product makes it: neither touches the other's on GitHub."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from manifests.model import Settings
from stacks.settings import settings_of
from tests.github.conftest import Hub
from tests.github.test_matrix import IDS, Case, found_organization
from tests.github.test_requester import REPOSITORY, calls
from tests.stacks.builders import texts, values

pytestmark = pytest.mark.parts

OWNERS = {"orders": "alice", "reports": "bob"}
"""Services, each with the one person of its team."""
OWN_ALONE = (
    ("PUT", "/contents/tried.txt", {"message": "x", "content": "eA==", "branch": "tried"}),
    ("POST", "/git/refs", {"ref": "refs/heads/other", "sha": "{head}"}),
    ("POST", "/git/refs", {"ref": "refs/tags/v9.9.9", "sha": "{head}"}),
    ("POST", "/statuses/{head}", {"state": "success", "context": "x"}),
    ("POST", "/deployments", {"ref": "main", "environment": "production", "required_contexts": []}),
)
"""What the team of a service does in its repository, and no other team."""


class Tenants(Case):
    """A platform of two teams."""

    def settings(self) -> Settings:
        stack = values(
            teams=[{"name": name, "members": [{"login": login}]} for name, login in OWNERS.items()],
            environments=[{"name": "dev"}, {"name": "production", "sync": "manual"}],
            services=[{"name": name, "template": "python-web", "team": name} for name in OWNERS],
            argocd={},
            githubToken=self.hub.secrets.github_token,
        )
        apps = {name: {"id": one, "installationId": other} for name, (one, other) in IDS.items() if name != "app"}
        own: dict[str, Any] = {"owner": self.owner, "baseUrl": self.hub.url, "ownedFiles": "commit"}
        stack["github"] = own | apps | {"writeDelayMilliseconds": 0}
        return settings_of("test", texts(stack))


@pytest.fixture(scope="module")
def owner(hub: Hub) -> str:
    """The organisation of the platform, which is up."""
    name = "two-teams"
    found_organization(hub, name, "team")
    case = Tenants(hub, name, as_app=False, visibility="private", approvers=False)
    assert case.problems() == []
    case.up()
    with hub.admin as admin:
        for service in OWNERS:
            head = admin.get(f"/repos/{name}/{service}/git/ref/heads/main").json()["object"]["sha"]
            answer = admin.post(f"/repos/{name}/{service}/git/refs", json={"ref": "refs/heads/tried", "sha": head})
            assert answer.status_code == 201, answer.text
    return name


@pytest.fixture
def people(hub: Hub) -> Iterator[dict[str, httpx.Client]]:
    clients = {login: hub.user(login) for login in OWNERS.values()}
    yield clients
    for client in clients.values():
        client.close()


def other(service: str) -> str:
    """Who owns the other service."""
    return next(login for name, login in OWNERS.items() if name != service)


def tried(client: httpx.Client, repository: str) -> list[int]:
    """The answers to what a team does in its own repository."""
    head = client.get(f"{repository}/git/ref/heads/tried").json()["object"]["sha"]

    def send(method: str, path: str, body: dict[str, Any]) -> int:
        given = {key: head if value == "{head}" else value for key, value in body.items()}
        return client.request(method, repository + path.replace("{head}", head), json=given).status_code

    return [send(*one) for one in OWN_ALONE]


@pytest.mark.parametrize("service", OWNERS)
def test_what_a_team_does_with_its_service_no_other_team_does(
    people: dict[str, httpx.Client], owner: str, service: str
) -> None:
    repository = f"/repos/{owner}/{service}"
    assert set(tried(people[other(service)], repository)) <= {403, 404}
    own = tried(people[OWNERS[service]], repository)
    assert all(code < 300 for code in own), own


@pytest.mark.parametrize("service", OWNERS)
def test_no_other_call_changes_the_service_of_another_team(
    people: dict[str, httpx.Client], owner: str, service: str
) -> None:
    """Every call of the API that changes a repository; what is left is what each member may say about it."""
    head = people["alice"].get(f"/repos/{owner}/{service}/git/ref/heads/main").json()["object"]["sha"]
    given = {"owner": owner, "repo": service, "sha": head, "environment_name": "slipway"}

    def answered(method: str, path: str) -> int:
        filled = re.sub(r"\{(\w+)(?::\w+)?\}", lambda name: str(given.get(name[1], "1")), path)
        return people[other(service)].request(method, filled, json={"state": "success", "context": "x"}).status_code

    # A review of a deployment is a call of who may read; it counts from named reviewers.
    writing = [call for call in calls(reading=False) if ":read" not in call[2]]
    codes = {(method, path): answered(method, path) for method, path, _ in writing}
    assert len(codes) > 80
    let_in = {path.removeprefix(REPOSITORY) for (_, path), code in codes.items() if code not in {403, 404}}
    assert let_in <= {"/pulls", "/issues"}, let_in


@pytest.mark.parametrize("login", OWNERS.values())
def test_no_team_makes_a_ref_that_the_automation_or_services_would_follow(
    people: dict[str, httpx.Client], owner: str, login: str
) -> None:
    """A tag `main` would be what every service's release runs, for GitHub prefers it to the branch."""
    repository = f"/repos/{owner}/environments"
    head = people[login].get(f"{repository}/git/ref/heads/main").json()["object"]["sha"]

    def made(ref: str) -> int:
        return people[login].post(f"{repository}/git/refs", json={"ref": ref, "sha": head}).status_code

    tags = ("main", "v1.0.0", "verified/production/orders/1.0.0")
    branches = ("release/production/orders/1.0.0", "rollback/production/orders/1.0.0", "hold/dev/orders/1.0.0")
    refs = [*(f"refs/tags/{tag}" for tag in tags), *(f"refs/heads/{one}" for one in (*branches, "slipway/files"))]
    assert {ref: code for ref in refs if (code := made(ref)) not in {403, 422}} == {}
    assert made(f"refs/heads/of-{login}") == 201
