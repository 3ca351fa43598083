"""An environment on a cluster of its own: the platform registers it, and a release is pulled, run and verified there.

It runs on a GitHub and two nodes of its own; the tests are one story in the order of this file.
"""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import httpx
import kubernetes.client
import kubernetes.config
import pytest

from sandbox.applications import wait_for_applications
from sandbox.cluster import Cluster
from sandbox.config import SECOND_CONTEXT, SandboxConfig
from sandbox.down import down
from sandbox.overlay import PRODUCTION, sandbox_stack
from sandbox.progress import Progress
from sandbox.pulumi import operations
from sandbox.pulumi.settings import StackConfig
from sandbox.pulumi.workspace import Workspace
from sandbox.rehearsal import Rehearsal
from tests.sandbox.places import config_of, environment_of, started

SERVICE, ENVIRONMENT = "guestbook", "edge"
NAMESPACE = f"{SERVICE}-{ENVIRONMENT}"
VERSION = "1.0.0"

Document = dict[str, Any]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> SandboxConfig:
    return config_of(environment_of(tmp_path_factory.mktemp("clusters") / "state", SLIPWAY_SANDBOX_CLUSTERS="2"))


@pytest.fixture(scope="module")
def place(config: SandboxConfig) -> Iterator[Workspace]:
    """A GitHub and two empty clusters."""
    with started(config) as place:
        yield place


@pytest.fixture(scope="module")
def settings(config: SandboxConfig, place: Workspace) -> StackConfig:
    """The sandbox's, with the environment on the second cluster alone, and one service."""
    given = sandbox_stack(config)
    (production,) = [one for one in given.values["slipway:environments"] if one["name"] == PRODUCTION]
    (service,) = [one for one in given.values["slipway:services"] if one["name"] == SERVICE]
    remote = {key: production[key] for key in ("cluster", "context", "server")}
    service = service | {"overrides": {ENVIRONMENT: service["overrides"][PRODUCTION]}}
    here = {"slipway:environments": [{"name": ENVIRONMENT, **remote}], "slipway:services": [service]}
    return replace(given, values=given.values | here)


@pytest.fixture(scope="module")
def rehearsal(config: SandboxConfig, place: Workspace, settings: StackConfig) -> Rehearsal:
    """The platform, up and settled."""
    operations.up(place, settings)
    with contextlib.closing(Cluster(config)) as cluster:
        wait_for_applications(cluster, lambda _text: None)
    return Rehearsal(config)


@pytest.fixture(scope="module")
def there(config: SandboxConfig, rehearsal: Rehearsal) -> kubernetes.client.CoreV1Api:
    """The second cluster."""
    load = cast(Any, kubernetes.config).new_client_from_config
    return kubernetes.client.CoreV1Api(load(str(config.kubeconfig), context=SECOND_CONTEXT))


def read(answer: Any) -> Document:
    return json.loads(answer.data)


def test_its_namespaces_and_policies_are_on_that_cluster_alone(
    rehearsal: Rehearsal, there: kubernetes.client.CoreV1Api
) -> None:
    assert read(there.read_namespace(NAMESPACE, _preload_content=False))["metadata"]["name"] == NAMESPACE
    network = kubernetes.client.NetworkingV1Api(there.api_client)
    policies = read(network.list_namespaced_network_policy(NAMESPACE, _preload_content=False))["items"]
    assert "deny-by-default" in {policy["metadata"]["name"] for policy in policies}
    here = kubernetes.client.CoreV1Api(rehearsal.kubernetes)
    assert NAMESPACE not in {
        one["metadata"]["name"] for one in read(here.list_namespace(_preload_content=False))["items"]
    }


def test_a_release_is_pulled_there_with_the_pull_secret_answers_and_is_verified(
    rehearsal: Rehearsal, there: kubernetes.client.CoreV1Api
) -> None:
    with rehearsal.clone(SERVICE, "dana") as clone:
        clone.tag(f"v{VERSION}")
    rehearsal.wait_for_state(NAMESPACE, "Synced", "Healthy", 240)
    rehearsal.wait("the release", lambda: rehearsal.version(ENVIRONMENT, SERVICE) == VERSION, 240)

    def answer() -> str:
        service = read(there.read_namespaced_service(SERVICE, NAMESPACE, _preload_content=False))
        address = f"http://{service['spec']['clusterIP']}:{service['spec']['ports'][0]['port']}/"
        said = httpx.get(address, timeout=5, trust_env=False)
        return said.text if said.is_success and VERSION in said.text else ""

    assert rehearsal.wait(f"{SERVICE} {VERSION} answering there", answer, 240)
    pods = read(there.list_namespaced_pod(NAMESPACE, _preload_content=False))["items"]
    assert {secret["name"] for pod in pods for secret in pod["spec"]["imagePullSecrets"]} == {"slipway-registry"}
    path = f"{rehearsal.repository_path(rehearsal.environment_repository)}/git/ref"
    tag = f"tags/verified/{ENVIRONMENT}/{SERVICE}/{VERSION}"
    assert rehearsal.wait("the release to be verified", lambda: rehearsal.github("GET", f"{path}/{tag}"), 240)


def test_a_preview_afterwards_shows_no_change(place: Workspace, settings: StackConfig, rehearsal: Rehearsal) -> None:
    again = operations.preview(place, settings, refresh=True)
    assert not again.changed, again.steps


def test_down_leaves_nothing_of_either_cluster(config: SandboxConfig, rehearsal: Rehearsal) -> None:
    down(config, Progress(quiet=True))
    assert not config.directory.exists()
    for command in (("ip", "-brief", "address"), ("ip", "route"), ("ps", "-eo", "args")):
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert f"{config.network}." not in shown
        assert f"{config.directory}/" not in shown
