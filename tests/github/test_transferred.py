"""A repository that went to another owner: its name leads to it, and it gets nothing of the platform's any more."""

import dataclasses
from collections.abc import Callable

import pytest

from manifests.model import Service
from slipway_release import claims
from slipway_release.errors import RefusedError
from slipway_release.github import GitHub
from stacks.access_check import github
from stacks.settings import settings_of
from tests.github.conftest import Hub, Repository
from tests.github.test_matrix import found_organization
from tests.release import builders
from tests.stacks.builders import texts, values


@pytest.fixture
def clock(hub: Hub, new_repository: Callable[..., Repository]) -> Repository:
    """One of Acme's that Elsewhere has now."""
    repository = new_repository()
    with hub.admin as admin:
        if admin.get("/orgs/elsewhere").status_code == 404:
            found_organization(hub, "elsewhere", "enterprise")
    repository.ask("POST", "/transfer", json={"new_owner": "elsewhere"}).raise_for_status()
    return repository


def test_its_runs_are_not_those_of_the_service(hub: Hub, clock: Repository) -> None:
    """The API follows the name; the run says whose it is now, and a service asks only for itself."""
    name = f"acme/{clock.name}"
    run = {"repository": {"full_name": f"elsewhere/{clock.name}"}, "event": "push"}
    around = builders.context({f"GET /repos/{name}/actions/runs/7": run})
    service = dataclasses.replace(around.platform.service("guestbook"), repository=name)
    with pytest.raises(RefusedError, match=rf"a run of elsewhere/{clock.name}, not of {name}"):
        claims.check(around, service, "7", f"sha256:{'a' * 64}")
    with hub.admin as admin:
        shown = admin.get(f"/repos/{name}", follow_redirects=True).json()
    assert shown["full_name"] == f"elsewhere/{clock.name}"


def test_no_app_of_the_platform_gets_a_token_for_it(hub: Hub, clock: Repository) -> None:
    installation = hub.secrets.apps["promoter"].installation_id
    with hub.client(hub.app_jwt("promoter")) as client:
        body = {"repositories": [clock.name], "permissions": {"contents": "read"}}
        answer = client.post(f"/app/installations/{installation}/access_tokens", json=body)
    assert answer.status_code == 422
    whole = GitHub(f"{hub.url}/api/v3", hub.app_token("promoter"))
    assert whole.find(f"/repos/acme/{clock.name}/commits/main") is None


def test_the_check_of_access_tells_where_it_is(hub: Hub, clock: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", hub.secrets.github_token)
    stack = values()
    stack["github"]["baseUrl"] = hub.url
    settings = settings_of("test", texts(stack))
    service = Service(name="clock", template="python-web", team="web", repository=clock.name)
    found = list(github.differences(dataclasses.replace(settings, services=(service,))))
    said = f"GitHub: acme/{clock.name} is elsewhere/{clock.name} now"
    assert any(line.startswith(said) for line in found), found
