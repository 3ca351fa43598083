"""`make up` waits for Applications that can settle, and not for those whose files wait in a pull request."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from sandbox import pods
from sandbox.applications import applications, wait_for_applications
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

    def __init__(
        self, *found: dict[str, Any], pods: Sequence[dict[str, Any]] = (), owners: Sequence[dict[str, Any]] = ()
    ) -> None:
        self.found = list(found)
        self.listed = list(pods)
        self.owners = list(owners)

    def applications(self, _namespace: str) -> list[dict[str, Any]]:
        return self.found

    def annotate_application(self, _namespace: str, name: str, annotations: dict[str, str]) -> None:
        (found,) = [one for one in self.found if one["metadata"]["name"] == name]
        found["metadata"].setdefault("annotations", {}).update(annotations)

    def pods(self, _namespace: str | None = None) -> list[dict[str, Any]]:
        return self.listed

    def replica_sets(self) -> list[dict[str, Any]]:
        return self.owners

    def events(self, _namespace: str, name: str) -> list[dict[str, Any]]:
        return [{"reason": "Failed", "message": f"no luck with {name}"}]

    def log(self, *_where: str, lines: int, previous: bool = False) -> str:
        return "starting\nno such file" if lines and not previous else ""


DONE = application("guestbook-dev", "Synced", "Healthy")
NO_CHART = application("orders-dev", "Unknown", "Healthy", "helm-charts/orders: app path does not exist")
NO_NAMESPACE = application("clock-dev", "OutOfSync", "Missing", 'namespaces "clock-dev" not found')


def waited(*found: dict[str, Any], pull_request: str = "", committed: bool = False) -> list[str]:
    listed = cast(Cluster, Listed(*found))
    waiting = wait_for_applications(listed, lambda _text: None, 0, pull_request, committed=committed)
    return [one.name for one in waiting]


@pytest.mark.parametrize(
    ("synced", "phase", "drifted"),
    [("one", "Succeeded", True), ("another", "Succeeded", False), ("one", "Running", False)],
)
def test_a_release_on_its_way_is_not_drift(synced: str, phase: str, *, drifted: bool) -> None:
    found = application("guestbook-dev", "OutOfSync", "Healthy")
    found["status"]["sync"]["revision"] = "one"
    found["status"]["operationState"] = {"phase": phase, "syncResult": {"revision": synced}}
    (shown,) = applications(cast(Cluster, Listed(found)))
    assert shown.has_drifted is drifted


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


def test_after_a_commit_argo_cd_looks_at_git_before_anything_counts_as_synced() -> None:
    stale, leaving = (application(name, "Synced", "Healthy") for name in ("guestbook-dev", "clock-dev"))
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    with pytest.raises(SandboxError, match="not Synced and Healthy: guestbook-dev"):
        waited(stale, leaving, committed=True)
    assert "annotations" not in leaving["metadata"]
    stale["metadata"]["annotations"].clear()  # as Argo CD does it
    assert waited(stale, leaving) == ["clock-dev", "guestbook-dev"]


def pod(name: str, state: dict[str, Any], *, restarts: int = 0, namespace: str = "argocd") -> dict[str, Any]:
    status = {"name": "server", "ready": False, "restartCount": restarts, "state": state}
    return {
        "metadata": {"namespace": namespace, "name": name},
        "status": {"phase": "Pending", "containerStatuses": [status]},
    }


def owner(message: str) -> dict[str, Any]:
    condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    return {"metadata": {"namespace": "argocd", "name": "server-1"}, "status": {"conditions": [condition]}}


def unscheduled(message: str) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "message": message}
    return {
        "metadata": {"namespace": "argocd", "name": "server-1"},
        "status": {"phase": "Pending", "conditions": [condition]},
    }


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (Listed(pods=[pod("a", {"waiting": {"reason": "ImagePullBackOff"}})]), "ImagePullBackOff"),
        (
            Listed(pods=[pod("a", {"running": {"startedAt": "2026-01-01T00:00:00Z"}}, restarts=3)]),
            "runs, but is not ready",
        ),
        (Listed(pods=[pod("a", {"terminated": {"exitCode": 3}}, restarts=3)]), "exit code 3"),
        (Listed(pods=[unscheduled("Insufficient cpu")]), "not scheduled: Insufficient cpu"),
        (Listed(owners=[owner("exceeded quota: limits")]), "cannot be made: exceeded quota: limits"),
    ],
)
def test_a_pod_that_fails_for_good_ends_the_wait_with_what_is_known(listed: Listed, said: str) -> None:
    look = pods.Look(cast(Cluster, listed), patience=0, every=0)
    look.again({"argocd"})
    assert look.trouble is not None
    assert said in look.trouble.line
    assert "no luck with" in look.trouble.line
    with pytest.raises(SandboxError, match="is not waited for any longer; mend it") as caught:
        look.again({"argocd"})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "listed",
    [
        Listed(pods=[pod("a", {"waiting": {"reason": "ContainerCreating"}})]),
        Listed(pods=[pod("a", {"running": {"startedAt": "2026-01-01T00:00:00Z"}}, restarts=1)]),
        Listed(pods=[pod("a", {"waiting": {"reason": "CrashLoopBackOff"}}, namespace="elsewhere")]),
    ],
)
def test_a_pod_that_is_only_late_or_of_others_is_waited_for(listed: Listed) -> None:
    look = pods.Look(cast(Cluster, listed), patience=0, every=0)
    for _ in range(3):
        look.again({"argocd"})


def test_one_pod_after_the_other_may_fail_for_a_moment() -> None:
    listed = Listed(pods=[pod("a", {"waiting": {"reason": "ErrImagePull"}})])
    look = pods.Look(cast(Cluster, listed), patience=0, every=0)
    look.again({"argocd"})
    listed.listed = [pod("b", {"waiting": {"reason": "ErrImagePull"}})]
    look.again({"argocd"})


@pytest.mark.parametrize(("made", "seen"), [("2026-01-01T11:59:59Z", False), ("2026-01-01T12:00:00Z", True)])
def test_what_an_earlier_run_has_left_failing_is_not_looked_at_while_it_is_replaced(made: str, seen: bool) -> None:
    left = pod("a", {"waiting": {"reason": "ImagePullBackOff"}})
    left["metadata"]["creationTimestamp"] = made
    look = pods.Look(cast(Cluster, Listed(pods=[left])), every=0, since=datetime(2026, 1, 1, 12, tzinfo=UTC))
    look.again({"argocd"})
    assert (look.trouble is not None) is seen
