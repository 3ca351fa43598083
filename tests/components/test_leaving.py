"""What leaves the settings is named before anything is done: what goes, what stays, and why."""

import base64
from typing import Any

import httpx

from components.github.api import GitHubApi
from components.github.preflight.leaving import leaving_advice, leaving_namespaces
from manifests.app_project import infrastructure_project
from manifests.infrastructure import infrastructure_files
from manifests.model import Settings
from manifests.platform_file import platform_text
from slipway_release import platform_file
from stacks.settings import settings_of
from tests.components.wire import api
from tests.stacks.builders import texts, values

ORDERS = {"name": "orders", "template": "python-web", "team": "web"}


def settings(stack: dict[str, Any]) -> Settings:
    return settings_of("test", texts(stack))


def advice(before: dict[str, Any] | None, now: dict[str, Any]) -> list[str]:
    """What is said where the environment repository still has the files of earlier settings."""
    return list(leaving_advice(settings(now), github_with(settings(before) if before else None)))


def github_with(old: Settings | None) -> GitHubApi:
    """A GitHub whose environment repository has the files of these settings."""
    files = {platform_file.PATH: platform_text(old), **infrastructure_files(old)} if old else {}

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.partition("/contents/")[2]
        if path not in files:
            return httpx.Response(404, json={"message": "Not Found"})
        return httpx.Response(200, json={"content": base64.b64encode(files[path].encode()).decode()})

    return api(answer)


def permitted(before: dict[str, Any], now: dict[str, Any]) -> set[str]:
    """The namespaces that the infrastructure Applications may change, where Git is as settings before had it."""
    wanted = settings(now)
    spec = infrastructure_project(wanted, leaving_namespaces(wanted, github_with(settings(before))))["spec"]
    return {destination["namespace"] for destination in spec["destinations"]}


def with_orders(**changes: Any) -> dict[str, Any]:
    stack = values()
    return stack | {"services": [*stack["services"], ORDERS | changes]}


def without_environment(name: str) -> dict[str, Any]:
    stack = values()
    environments = [
        {**one, "requires": [other for other in one.get("requires", []) if other != name]}
        for one in stack["environments"]
        if one["name"] != name
    ]
    return stack | {"environments": environments}


def test_nothing_is_said_where_nothing_leaves() -> None:
    assert advice(values(), values()) == []
    assert advice(values(), with_orders()) == []
    assert advice(None, values()) == []


def test_a_service_that_leaves_is_named_with_what_stays_of_it() -> None:
    (said,) = advice(with_orders(), values())
    assert said.startswith("service orders leaves: its Applications")
    assert "the namespaces orders-production stay, because `removal` is orphan" in said
    assert "namespaces orders-dev, orders-staging;" in said
    assert "the repository acme/orders stays" in said
    assert "helm-charts/orders" in said


def test_a_service_that_leaves_one_environment_keeps_its_repository_and_chart() -> None:
    (said,) = advice(with_orders(), with_orders(environments=["dev", "production"]))
    assert said.startswith("service orders leaves staging:")
    assert "repository" not in said
    assert "helm-charts" not in said


def test_an_environment_that_leaves_takes_its_namespaces_along() -> None:
    (said,) = advice(values(), without_environment("staging"))
    assert said.startswith("environment staging leaves")
    assert "guestbook-staging are deleted with all that is in them" in said


def test_an_environment_whose_workload_stays_says_so() -> None:
    (said,) = advice(values(), without_environment("production"))
    assert "guestbook-production stay, because its `removal` is orphan" in said


def test_an_environment_that_was_delivered_by_branch_leaves_its_branch() -> None:
    stack = values()
    branched = [one | ({"delivery": "branch"} if one["name"] == "staging" else {}) for one in stack["environments"]]
    (said,) = advice(stack | {"environments": branched}, without_environment("staging"))
    assert "the branch environment/staging stays" in said


def test_a_namespace_stays_permitted_until_git_has_it_no_more() -> None:
    """Argo CD refuses a sync as a whole for one object in a namespace that is not permitted."""
    assert {"orders-dev", "orders-production"} <= permitted(with_orders(), values())
    assert permitted(with_orders(), values()) == permitted(with_orders(), with_orders())
    assert not {"orders-dev", "orders-production"} & permitted(values(), values())


def test_the_namespaces_of_an_environment_that_leaves_are_not_permitted_any_more() -> None:
    """Its Application leaves at once, and nothing else may touch them."""
    assert "guestbook-staging" not in permitted(values(), without_environment("staging"))
