"""The product's preflight against the model: what it asks is answered as GitHub does."""

from collections.abc import Callable
from typing import Any

from components.github.api import GitHubApi
from components.github.credentials import Token
from components.github.preflight import Findings, github_findings
from manifests.model import Settings
from stacks.settings import settings_of
from tests.github.conftest import Hub, Repository
from tests.stacks.builders import MARK, texts, values


def settings(hub: Hub, **github: Any) -> Settings:
    stack = values(services=[], teams=[{"name": "nobodys", "members": [{"login": "alice"}]}])
    apps = {name: {"id": app.id, "installationId": app.installation_id} for name, app in hub.secrets.apps.items()}
    stack["github"] = {"owner": "acme", "baseUrl": hub.url, "ownedFiles": "commit", **apps, **github}
    stack["environments"] = [{"name": "dev"}]
    return settings_of("test", texts(stack))


def look(hub: Hub, stack: Settings, **keys: str) -> Findings:
    given = {f"{name}PrivateKey": app.private_key for name, app in hub.secrets.apps.items()}
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
    assert named == {f"repository acme/{name}", "github.requester", "github.argocd"}


def test_a_key_of_another_app_and_a_wrong_installation_are_named(hub: Hub, environments: Repository) -> None:
    assert environments
    apps = hub.secrets.apps
    stack = settings(hub, argocd={"id": apps["argocd"].id, "installationId": "999"})
    found = look(hub, stack, promoterPrivateKey=apps["requester"].private_key).problems
    assert found[0].startswith("promoterPrivateKey: it is the private key of github.requester")
    assert f"its App is not installed there; it is {apps['argocd'].installation_id}" in found[1]
