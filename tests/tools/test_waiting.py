"""`make up` waits for Applications that can settle, and not for those whose files wait in a pull request."""

from typing import Any, cast

import pytest

from sandbox.applications import wait_for_applications
from sandbox.cluster import Cluster
from sandbox.errors import SandboxError

PULL_REQUEST = "http://github.test/acme/environments/pull/7"


def application(name: str, sync: str, health: str, problem: str = "") -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"syncPolicy": {"automated": {}}},
        "status": {
            "sync": {"status": sync},
            "health": {"status": health},
            "conditions": [{"message": problem}] if problem else [],
        },
    }


class Listed:
    """What a cluster answers."""

    def __init__(self, *found: dict[str, Any]) -> None:
        self.found = list(found)

    def applications(self, _namespace: str) -> list[dict[str, Any]]:
        return self.found

    def pods(self, _namespace: str | None = None) -> list[dict[str, Any]]:
        return []


DONE = application("guestbook-dev", "Synced", "Healthy")
NO_CHART = application("orders-dev", "Unknown", "Healthy", "helm-charts/orders: app path does not exist")
NO_NAMESPACE = application("clock-dev", "OutOfSync", "Missing", 'namespaces "clock-dev" not found')


def waited(*found: dict[str, Any], pull_request: str = "") -> list[str]:
    listed = cast(Cluster, Listed(*found))
    return [one.name for one in wait_for_applications(listed, lambda _text: None, 0, pull_request)]


@pytest.mark.parametrize("lacking", [NO_CHART, NO_NAMESPACE])
def test_what_waits_in_a_pull_request_is_not_waited_for(lacking: dict[str, Any]) -> None:
    assert waited(DONE, lacking, pull_request=PULL_REQUEST) == sorted(["guestbook-dev", lacking["metadata"]["name"]])


@pytest.mark.parametrize("lacking", [NO_CHART, NO_NAMESPACE])
def test_without_one_it_is_a_failure_that_is_named(lacking: dict[str, Any]) -> None:
    with pytest.raises(SandboxError, match=lacking["metadata"]["name"]):
        waited(DONE, lacking)


def test_any_other_failure_names_the_pull_request_too() -> None:
    broken = application("guestbook-dev", "OutOfSync", "Degraded", "a hook failed")
    with pytest.raises(SandboxError, match=PULL_REQUEST):
        waited(broken, NO_CHART, pull_request=PULL_REQUEST)
