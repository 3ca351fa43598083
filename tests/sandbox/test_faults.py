"""Parts of the platform are killed in the middle of a release, or changed by hand: nothing is lost, all is mended."""

import contextlib
import os
import signal
from collections.abc import Generator
from typing import Any, cast

import kubernetes.client
import pytest

from sandbox.github.process import PID_FILE
from sandbox.rehearsal import Rehearsal
from sandbox.story import next_versions
from tests.sandbox.conftest import Sandbox

SERVICE = "guestbook"
AUTOMATED = ("dev", "staging")


@contextlib.contextmanager
def released(rehearsal: Rehearsal) -> Generator[str]:
    """A new version, tagged before the block and verified in every automated environment after it."""
    version, *_ = next_versions(rehearsal, SERVICE)
    with rehearsal.clone(SERVICE) as clone:
        clone.tag(f"v{version}")
    yield version
    for environment in AUTOMATED:
        rehearsal.wait_for_version(environment, SERVICE, version, seconds=600)
        rehearsal.wait(
            f"{version} verified in {environment}",
            lambda environment=environment: rehearsal.verdict(environment, SERVICE, version) == "success",
            seconds=300,
        )


def outcomes(rehearsal: Rehearsal, environment: str, version: str) -> set[str]:
    """How the release ended, as the ledger was told: more than once where a later commit was synced before its own."""
    reports = rehearsal.reports(environment, SERVICE, version)
    return {report["state"] for report in reports} & {"success", "failure", "error"}


def test_github_killed_in_the_middle_of_a_release(sandbox: Sandbox, rehearsal: Rehearsal) -> None:
    with released(rehearsal) as version:
        rehearsal.wait(
            "the release's run at work",
            lambda: any(
                run["head_branch"] == f"v{version}" and run["status"] == "in_progress"
                for run in rehearsal.runs(SERVICE, workflow="release.yml")
            ),
        )
        os.kill(int((sandbox.config.github_directory / PID_FILE).read_text()), signal.SIGKILL)
        again = sandbox.run("up")
        assert again.returncode == 0, again.stderr
    run = rehearsal.wait_for_run(SERVICE, "release.yml", head=f"v{version}")
    assert run["conclusion"] == "success", rehearsal.run_log(SERVICE, run["id"])
    for environment in AUTOMATED:
        assert outcomes(rehearsal, environment, version) == {"success"}


@pytest.mark.parametrize("part", ["application-controller", "repo-server"])
def test_argo_cd_killed_in_the_middle_of_a_release(rehearsal: Rehearsal, part: str) -> None:
    with released(rehearsal) as version:
        rehearsal.wait(f"{version} written for dev", lambda: rehearsal.version("dev", SERVICE) == version, 300)
        kill_pods(rehearsal, part)
    for environment in AUTOMATED:
        assert outcomes(rehearsal, environment, version) == {"success"}


def test_drift_is_healed_and_told_of(rehearsal: Rehearsal) -> None:
    version = rehearsal.version("dev", SERVICE)
    assert version
    rehearsal.wait_for_state(f"{SERVICE}-dev", "Synced", "Healthy")
    apps = kubernetes.client.AppsV1Api(rehearsal.kubernetes)
    namespace = f"{SERVICE}-dev"

    def replicas() -> int:
        return cast(Any, apps.read_namespaced_deployment(SERVICE, namespace)).spec.replicas

    wanted = replicas()
    apps.patch_namespaced_deployment(SERVICE, namespace, {"spec": {"replicas": wanted + 2}})
    rehearsal.wait("replicas as Git says", lambda: replicas() == wanted, 180)

    def healed() -> list[str]:
        reports = rehearsal.reports("dev", SERVICE, version)
        return [report["description"] for report in reports if report["description"].startswith("Drift healed")]

    (description, *_) = rehearsal.wait("drift in the ledger", healed, 180)
    assert f"Deployment/{SERVICE}" in description
    assert outcomes(rehearsal, "dev", version) == {"success"}


def kill_pods(rehearsal: Rehearsal, part: str) -> None:
    """Deletes the pods of a part of Argo CD, without time to finish."""
    core = kubernetes.client.CoreV1Api(rehearsal.kubernetes)
    selector = f"app.kubernetes.io/name=argocd-{part}"
    pods = cast(Any, core.list_namespaced_pod("argocd", label_selector=selector)).items
    assert pods
    for pod in pods:
        core.delete_namespaced_pod(pod.metadata.name, "argocd", grace_period_seconds=0)
