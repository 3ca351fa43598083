"""`up` on real parts: everything is there, and `status` says so; what a second run does is in `test_rollback.py`."""

import os
import pty
import signal
import subprocess
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox import pods
from sandbox.applications import wait_for_applications
from sandbox.cluster import Cluster
from sandbox.errors import ExitCode
from sandbox.lock import locked
from tests.docs.documented import documented
from tests.sandbox.conftest import Sandbox
from tests.sandbox.places import ROOT

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
    assert "nothing would change" in sandbox.types(documented("make preview"))


def test_the_cli_among_the_commands_sees_the_same_stack(sandbox: Sandbox) -> None:
    assert "Current stack is sandbox" in sandbox.types("pulumi stack", Path("/"))
    assert "guestbook-repository" in sandbox.types("pulumi stack --show-urns")
    assert "guestbook" in sandbox.types(documented("pulumi stack output next"))
    assert sandbox.types(documented("pulumi stack output slipwayVersion")).strip()[0].isdigit()


def test_status_lists_every_service_in_every_environment(sandbox: Sandbox) -> None:
    status = sandbox.status()
    placed = [(item["service"], item["environment"]) for item in status["services"]]
    assert sorted(placed) == sorted((service, environment) for service in SERVICES for environment in ENVIRONMENTS)
    assert {"environments", *SERVICES} <= {repository["name"] for repository in status["repositories"]}


def test_what_status_names_works(sandbox: Sandbox) -> None:
    status = sandbox.status()
    pods = sandbox.types(documented(".sandbox/bin/kubectl --kubeconfig .sandbox/kubeconfig get pods"))
    assert "argocd-server" in pods
    assert status["kubeconfig"] == str(sandbox.config.kubeconfig)
    (guestbook,) = [item["gitUrl"] for item in status["repositories"] if item["name"] == "guestbook"]
    assert guestbook.startswith(status["githubUrl"])


def test_the_table_is_for_people(sandbox: Sandbox) -> None:
    shown = sandbox.types(documented("make status"))
    assert "guestbook" in shown
    assert "production" in shown


def test_the_table_is_kept_up_to_date_in_a_terminal_until_ctrl_c(sandbox: Sandbox) -> None:
    screen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (40, 80))
    words = documented("make status WATCH=1").split()
    environment = sandbox.environment | {"TERM": "xterm"}
    shown = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=terminal, start_new_session=True)
    os.close(terminal)
    said = b""
    # The head of each table has the word once.
    while said.count(b"health") < 2:
        said += os.read(screen, 4096)
    os.killpg(shown.pid, signal.SIGINT)
    shown.wait(60)
    with suppress(OSError):
        while more := os.read(screen, 4096):
            said += more
    assert b"Traceback" not in said


def test_the_logs_of_its_parts_are_named_and_shown(sandbox: Sandbox) -> None:
    assert "node/logs/kubelet" in sandbox.types(documented(".venv/bin/python -m sandbox logs")).split()
    assert "==> node/logs/kubelet" in sandbox.types(documented(".venv/bin/python -m sandbox logs kubelet --lines 100"))


def test_two_commands_do_not_collide(sandbox: Sandbox) -> None:
    with locked(sandbox.config):
        refused = sandbox.run("up")
    assert refused.returncode == ExitCode.BUSY
    assert "another command" in refused.stderr
