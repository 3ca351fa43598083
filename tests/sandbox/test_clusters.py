"""An environment on a cluster of its own: a release is promoted there from the first one, verified, and rolled back.

It runs on a GitHub and two nodes of its own; the tests are one story in the order of this file.
"""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, cast

import kubernetes.client
import kubernetes.config
import pytest

from sandbox.access import ask
from sandbox.applications import wait_for_applications
from sandbox.cluster import Cluster
from sandbox.config import SECOND_CONTEXT, SandboxConfig
from sandbox.demo import AUTHOR, FAULT, REVIEWER
from sandbox.down import down
from sandbox.overlay import PRODUCTION, sandbox_stack
from sandbox.people import change
from sandbox.progress import Progress
from sandbox.pulumi import operations
from sandbox.pulumi.settings import StackConfig
from sandbox.pulumi.workspace import Workspace
from sandbox.rehearsal import Rehearsal
from sandbox.status import status
from tests.sandbox.places import config_of, environment_of, processes_with, started

SERVICE, STAGING, LIVE = "guestbook", "staging", "live"
NAMESPACE = f"{SERVICE}-{LIVE}"
GOOD, BAD = "1.0.0", "1.1.0"

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
    """The sandbox's, with one environment here and one there, and one service; its fault shows there alone."""
    given = sandbox_stack(config)
    (production,) = [one for one in given.values["slipway:environments"] if one["name"] == PRODUCTION]
    (service,) = [one for one in given.values["slipway:services"] if one["name"] == SERVICE]
    remote = {key: production[key] for key in ("cluster", "context", "server")}
    environments = [{"name": STAGING}, {"name": LIVE, "requires": [STAGING], **remote}]
    quick = service["overrides"][STAGING]
    overrides = {STAGING: quick | {"config": {"REHEARSE_FAULT": ""}}, LIVE: quick}
    services = [service | {"overrides": overrides, "pullRequests": None}]
    here = {"slipway:environments": environments, "slipway:services": services}
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


def names(answer: Any) -> set[str]:
    return {one["metadata"]["name"] for one in read(answer)["items"]}


def test_what_guards_an_environment_is_on_its_cluster_alone(
    rehearsal: Rehearsal, there: kubernetes.client.CoreV1Api
) -> None:
    network = kubernetes.client.NetworkingV1Api(there.api_client)
    roles = kubernetes.client.RbacAuthorizationV1Api(there.api_client)
    admission = kubernetes.client.AdmissionregistrationV1Api
    assert "deny-by-default" in names(network.list_namespaced_network_policy(NAMESPACE, _preload_content=False))
    assert names(roles.list_namespaced_role_binding(NAMESPACE, _preload_content=False))
    found = [
        names(admission(api).list_validating_admission_policy_binding(_preload_content=False))
        for api in (there.api_client, rehearsal.kubernetes)
    ]
    assert [[name for name in cluster if f"-{LIVE}-" in name] != [] for cluster in found] == [True, False]
    here = kubernetes.client.CoreV1Api(rehearsal.kubernetes)
    assert NAMESPACE in names(there.list_namespace(_preload_content=False))
    assert NAMESPACE not in names(here.list_namespace(_preload_content=False))


def test_its_cluster_takes_no_image_but_those_of_releases(there: kubernetes.client.CoreV1Api) -> None:
    labels = {"app": "by-hand"}
    containers = [{"name": "by-hand", "image": "busybox:latest"}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    deployments = kubernetes.client.AppsV1Api(there.api_client)
    with pytest.raises(kubernetes.client.ApiException, match="busybox:latest"):
        deployments.create_namespaced_deployment(
            NAMESPACE, cast(Any, {"metadata": {"name": "by-hand"}, "spec": spec}), dry_run="All"
        )


def test_a_release_is_promoted_from_one_cluster_to_the_other_and_verified_there(
    rehearsal: Rehearsal, there: kubernetes.client.CoreV1Api
) -> None:
    with rehearsal.clone(SERVICE, "dana") as clone:
        clone.tag(f"v{GOOD}")
    path = f"{rehearsal.repository_path(rehearsal.environment_repository)}/git/ref/tags/verified"
    for environment in (STAGING, LIVE):
        tag = f"{path}/{environment}/{SERVICE}/{GOOD}"
        assert rehearsal.wait(f"{GOOD} verified in {environment}", partial(rehearsal.github, "GET", tag))
    rehearsal.wait_for_version(LIVE, SERVICE, GOOD)
    pods = read(there.list_namespaced_pod(NAMESPACE, _preload_content=False))["items"]
    assert {secret["name"] for pod in pods for secret in pod["spec"]["imagePullSecrets"]} == {"slipway-registry"}


def test_status_says_which_cluster_a_service_runs_on(config: SandboxConfig, rehearsal: Rehearsal) -> None:
    assert {(one["environment"], one["cluster"]) for one in status(config)["services"]} == {
        (STAGING, "in-cluster"),
        (LIVE, SECOND_CONTEXT),
    }


def test_nobody_may_do_on_either_cluster_what_is_not_declared(
    config: SandboxConfig, rehearsal: Rehearsal, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ask(config, ["--check"]) in {0, 1}
    said = capfd.readouterr().err.splitlines()
    assert said
    assert [line for line in said if line.startswith(("Kubernetes", "cluster"))] == []


def test_what_fails_on_its_cluster_alone_is_rolled_back_there(rehearsal: Rehearsal) -> None:
    with rehearsal.clone(SERVICE, AUTHOR) as clone:
        broken = {"Dockerfile": (clone.directory / "Dockerfile").read_text() + FAULT}
        change(rehearsal, clone, "Break readiness", broken, author=AUTHOR, reviewer=REVIEWER)
        clone.tag(f"v{BAD}")
    rehearsal.wait(
        f"{BAD} on hold in {LIVE}",
        lambda: BAD in {one["version"] for one in (rehearsal.release(LIVE, SERVICE) or {}).get("held", [])},
    )
    rehearsal.wait_for_state(NAMESPACE, "Synced", "Healthy")
    rehearsal.wait_for_version(LIVE, SERVICE, GOOD)
    rehearsal.wait_for_version(STAGING, SERVICE, BAD)


def test_a_preview_afterwards_shows_no_change(place: Workspace, settings: StackConfig, rehearsal: Rehearsal) -> None:
    again = operations.preview(place, settings, refresh=True)
    assert not again.changed, again.steps


def test_down_leaves_nothing_of_either_cluster(config: SandboxConfig, rehearsal: Rehearsal) -> None:
    down(config, Progress(quiet=True))
    assert not config.directory.exists()
    assert processes_with(f"{config.directory}/") == []
    for command in (("ip", "-brief", "address"), ("ip", "route"), ("ps", "-eo", "args")):
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert f"{config.network}." not in shown
