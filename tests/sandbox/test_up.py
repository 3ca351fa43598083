"""`up` on real parts: everything is there, and `status` says so; what a second run does is in `test_rollback.py`."""

import subprocess

import pytest

from sandbox import pods
from sandbox.applications import wait_for_applications
from sandbox.cluster import Cluster
from sandbox.errors import ExitCode
from sandbox.lock import locked
from tests.sandbox.conftest import Sandbox

SERVICES = ("guestbook", "clock")
ENVIRONMENTS = ("dev", "staging", "production")


@pytest.fixture
def cluster(sandbox: Sandbox) -> Cluster:
    return Cluster(sandbox.config)


def test_argo_cd_is_ready(cluster: Cluster) -> None:
    found = cluster.pods("argocd")
    assert found
    assert [pod["metadata"]["name"] for pod in found if not pods.is_ready(pod)] == []


def test_every_application_is_there_synced_and_healthy(cluster: Cluster) -> None:
    """A commit that came after the others is on its way for a moment."""
    settled = wait_for_applications(cluster, lambda _text: None)
    found = {application.name: (application.sync, application.health) for application in settled}
    wanted = {f"{service}-{environment}" for service in SERVICES for environment in ENVIRONMENTS}
    wanted |= {f"infrastructure-{environment}" for environment in ENVIRONMENTS}
    assert set(found) == wanted
    assert {name: state for name, state in found.items() if state != ("Synced", "Healthy")} == {}


def test_a_preview_shows_that_nothing_would_change(sandbox: Sandbox) -> None:
    shown = sandbox.run("preview")
    assert shown.returncode == 0, shown.stderr
    assert "nothing would change" in shown.stdout


def test_the_cli_among_the_commands_sees_the_same_stack(sandbox: Sandbox) -> None:
    cli = str(sandbox.config.commands / "pulumi")

    def pulumi(*words: str) -> str:
        ran = subprocess.run(
            [cli, *words], cwd="/", env=sandbox.environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    assert "Current stack is sandbox" in pulumi("stack")
    assert "guestbook-dev" in pulumi("stack", "output", "applications")
    assert "guestbook-repository" in pulumi("stack", "--show-urns")


def test_status_lists_every_service_in_every_environment(sandbox: Sandbox) -> None:
    status = sandbox.status()
    placed = [(item["service"], item["environment"]) for item in status["services"]]
    assert sorted(placed) == sorted((service, environment) for service in SERVICES for environment in ENVIRONMENTS)
    assert {"environments", *SERVICES} <= {repository["name"] for repository in status["repositories"]}


def test_what_status_names_works(sandbox: Sandbox) -> None:
    status = sandbox.status()
    kubectl = str(sandbox.config.commands / "kubectl")
    command = [kubectl, "--kubeconfig", status["kubeconfig"], "get", "nodes", "--output", "name"]
    nodes = subprocess.run(command, capture_output=True, text=True, check=False)
    assert nodes.stdout.strip(), nodes.stderr
    (guestbook,) = [item["gitUrl"] for item in status["repositories"] if item["name"] == "guestbook"]
    assert guestbook.startswith(status["githubUrl"])


def test_the_table_is_for_people(sandbox: Sandbox) -> None:
    shown = sandbox.run("status").stdout
    assert "guestbook" in shown
    assert "production" in shown


def test_two_commands_do_not_collide(sandbox: Sandbox) -> None:
    with locked(sandbox.config):
        refused = sandbox.run("up")
    assert refused.returncode == ExitCode.BUSY
    assert "another command" in refused.stderr
