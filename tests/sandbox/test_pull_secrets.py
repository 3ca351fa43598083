"""Images are private, as on GHCR: pods pull with the Secret of their namespace, and Git never has it."""

import contextlib
import json
from collections.abc import Callable, Generator
from typing import Any, cast

import kubernetes.client
import pytest

from sandbox.github.credentials import READER
from sandbox.rehearsal import Rehearsal
from tests.sandbox.conftest import Sandbox

SERVICE = "guestbook"
NAMESPACE = f"{SERVICE}-dev"
SECRET = "slipway-registry"

Document = dict[str, Any]


@contextlib.contextmanager
def pod(rehearsal: Rehearsal, name: str, *secrets: str) -> Generator[Callable[[], Document]]:
    """A pod like those of the service, which has to pull the released image again; looks at what its container does."""
    apps, core = kubernetes.client.AppsV1Api(rehearsal.kubernetes), kubernetes.client.CoreV1Api(rehearsal.kubernetes)
    deployed = cast(Any, apps.read_namespaced_deployment(SERVICE, NAMESPACE, _preload_content=False)).data
    spec = json.loads(deployed)["spec"]["template"]["spec"]
    spec["containers"] = [{**container, "imagePullPolicy": "Always"} for container in spec["containers"]]
    spec["imagePullSecrets"] = [{"name": secret} for secret in secrets]
    core.create_namespaced_pod(NAMESPACE, cast(Any, {"metadata": {"name": name}, "spec": spec}))

    def state() -> Document:
        found = cast(Any, core.read_namespaced_pod(name, NAMESPACE, _preload_content=False)).data
        (container,) = json.loads(found)["status"].get("containerStatuses") or [{}]
        return container.get("state", {})

    try:
        yield state
    finally:
        core.delete_namespaced_pod(name, NAMESPACE, grace_period_seconds=0)


def test_a_pod_pulls_with_the_secret_of_its_namespace(rehearsal: Rehearsal) -> None:
    rehearsal.wait_for_state(NAMESPACE, "Synced", "Healthy")
    with pod(rehearsal, "with-the-secret", SECRET) as state:
        # A registry that answers late is asked again.
        rehearsal.wait("the pod with the secret running", lambda: "running" in state())


def test_a_pod_without_the_secret_does_not_pull(rehearsal: Rehearsal) -> None:
    refused = {"ErrImagePull", "ImagePullBackOff"}
    with pod(rehearsal, "without-the-secret") as state:
        rehearsal.wait("the image refused", lambda: state().get("waiting", {}).get("reason") in refused)


def test_every_namespace_of_a_service_has_it_and_the_checks_have_its_account(
    sandbox: Sandbox, rehearsal: Rehearsal
) -> None:
    core = kubernetes.client.CoreV1Api(rehearsal.kubernetes)
    found = cast(Any, core.list_secret_for_all_namespaces(field_selector=f"metadata.name={SECRET}")).items
    services = sandbox.status()["services"]
    placed = {f"{item['service']}-{item['environment']}" for item in services}
    assert {secret.metadata.namespace for secret in found} == {*placed, f"{SERVICE}-pull-requests"}
    path = rehearsal.repository_path(rehearsal.environment_repository)
    assert rehearsal.github("GET", f"{path}/actions/variables/REGISTRY_USERNAME")["value"] == READER
    secrets = rehearsal.github("GET", f"{path}/environments/production/secrets")["secrets"]
    assert "REGISTRY_PASSWORD" in {secret["name"] for secret in secrets}


@pytest.mark.parametrize("repository", ["environments", SERVICE])
def test_the_password_is_in_no_commit(rehearsal: Rehearsal, repository: str) -> None:
    with rehearsal.clone(repository) as clone:
        assert clone.git("log", "--all", "--oneline", f"-S{rehearsal.token(READER)}") == ""
