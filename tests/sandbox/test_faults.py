"""Parts of the platform are killed in the middle of a release, or changed by hand: nothing is lost, all is mended."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Generator
from typing import Any, TypeVar, cast

import kubernetes.client

from manifests.argocd.labels import DEADLINE_ANNOTATION, SOAK_ANNOTATION
from sandbox.github.process import PID_FILE
from sandbox.rehearsal import Rehearsal
from sandbox.story import next_versions
from tests.sandbox.conftest import Sandbox

SERVICE = "guestbook"
AUTOMATED = ("dev", "staging")
END = "import os, signal; os.kill(1, signal.SIGTERM)"
"""Ends the process of a pod from within."""
T = TypeVar("T")


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


def test_argo_cd_killed_in_the_middle_of_a_release(rehearsal: Rehearsal) -> None:
    with released(rehearsal) as version:
        rehearsal.wait(f"{version} written for dev", lambda: rehearsal.version("dev", SERVICE) == version)
        for part in ("application-controller", "repo-server"):
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
    rehearsal.wait("replicas as Git says", lambda: replicas() == wanted)

    def healed() -> list[str]:
        reports = rehearsal.reports("dev", SERVICE, version)
        return [report["description"] for report in reports if report["description"].startswith("Drift healed")]

    (description, *_) = rehearsal.wait("drift in the ledger", healed)
    assert f"Deployment/{SERVICE}" in description
    assert outcomes(rehearsal, "dev", version) == {"success"}


@contextlib.contextmanager
def annotated(rehearsal: Rehearsal, **seconds: int) -> Generator[None]:
    """Times of an environment, which `pulumi up` writes from its settings, on the Application of dev for a while."""
    given = {SOAK_ANNOTATION: seconds.get("soak"), DEADLINE_ANNOTATION: seconds.get("deadline")}
    api = cast(Any, kubernetes.client).CustomObjectsApi(rehearsal.kubernetes)
    place = ("argoproj.io", "v1alpha1", "argocd", "applications", f"{SERVICE}-dev")
    before = {name: rehearsal.application(place[-1])["metadata"]["annotations"].get(name) for name in given}
    wanted = {name: str(value) for name, value in given.items() if value is not None}
    api.patch_namespaced_custom_object(*place, {"metadata": {"annotations": wanted}})
    try:
        yield
    finally:
        api.patch_namespaced_custom_object(*place, {"metadata": {"annotations": before}})


def crash_until(rehearsal: Rehearsal, what: str, seen: Callable[[], T | None]) -> T:
    """Ends the service's process in dev each time that it runs, until something is seen."""
    core = cast(Any, kubernetes.client).CoreV1Api(rehearsal.kubernetes)
    namespace = f"{SERVICE}-dev"

    def look() -> T | None:
        for pod in core.list_namespaced_pod(namespace, label_selector=f"app.kubernetes.io/name={SERVICE}").items:
            command = [str(rehearsal.config.commands / "kubectl"), "--kubeconfig", str(rehearsal.config.kubeconfig)]
            command += ["exec", "--namespace", namespace, pod.metadata.name, "--", "python", "-c", END]
            # It is refused while the process waits for its next start.
            subprocess.run(command, capture_output=True, check=False)
        return seen()

    return rehearsal.wait(what, look)


def test_a_crash_after_a_release_was_verified_is_an_incident_and_takes_nothing_back(rehearsal: Rehearsal) -> None:
    version = rehearsal.version("dev", SERVICE)
    assert version

    def told() -> list[str]:
        reports = rehearsal.reports("dev", SERVICE, version)
        return [report["description"] for report in reports if report["description"].startswith("Incident")]

    with annotated(rehearsal, deadline=1):
        # The newest may already say that it is over.
        (*_, description) = crash_until(rehearsal, "the incident in the ledger", told)
    assert f"Progressing: Deployment/{SERVICE}" in description
    assert outcomes(rehearsal, "dev", version) == {"success"}
    # The longer it crashed, the longer the kubelet waits before the next start: five minutes at most.
    rehearsal.wait_for_state(f"{SERVICE}-dev", "Synced", "Healthy", seconds=600)
    assert rehearsal.version("dev", SERVICE) == version
    rehearsal.wait("the incident's end in the ledger", lambda: told()[0].startswith("Incident over, Healthy"))
    assert outcomes(rehearsal, "dev", version) == {"success"}


def test_a_release_that_crashes_within_its_soak_is_taken_back_and_was_never_verified(rehearsal: Rehearsal) -> None:
    before = rehearsal.version("dev", SERVICE)
    assert before
    version, *_ = next_versions(rehearsal, SERVICE)

    def reported() -> set[str]:
        return outcomes(rehearsal, "dev", version)

    with annotated(rehearsal, soak=3600):
        with rehearsal.clone(SERVICE) as clone:
            clone.tag(f"v{version}")
        rehearsal.wait_for_version("dev", SERVICE, version)
        rehearsal.wait_for_state(f"{SERVICE}-dev", "Synced", "Healthy")
        with annotated(rehearsal, deadline=1):
            assert crash_until(rehearsal, f"{version} reported", reported) == {"failure"}
        rehearsal.wait(f"{before} written", lambda: rehearsal.version("dev", SERVICE) == before)
        # Not before that: without its soak, the release would be verified as soon as it has started again.
        rehearsal.wait_for_version("dev", SERVICE, before)
    path = rehearsal.repository_path(rehearsal.environment_repository)
    assert rehearsal.github("GET", f"{path}/git/matching-refs/tags/verified/dev/{SERVICE}/{version}") == []
    assert reported() == {"failure"}


def kill_pods(rehearsal: Rehearsal, part: str) -> None:
    """Deletes the pods of a part of Argo CD, without time to finish."""
    core = kubernetes.client.CoreV1Api(rehearsal.kubernetes)
    selector = f"app.kubernetes.io/name=argocd-{part}"
    pods = cast(Any, core.list_namespaced_pod("argocd", label_selector=selector)).items
    assert pods
    for pod in pods:
        core.delete_namespaced_pod(pod.metadata.name, "argocd", grace_period_seconds=0)
