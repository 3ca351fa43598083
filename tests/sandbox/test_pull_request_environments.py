"""Pull requests of a service that run: by their label, apart from everything else, and until they end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import httpx
import kubernetes.client
import pytest

from sandbox.clone import Clone
from sandbox.people import propose
from sandbox.rehearsal import JsonObject, Rehearsal
from tests.sandbox.test_tenancy import SERVER, application, told_of

SERVICE, PLACE, LABEL = "guestbook", "guestbook-pull-requests", "preview"
AUTHOR = "dana"
LONG_AGO = "2020-01-01T00:00:00Z"


@dataclass(frozen=True)
class Pulls:
    """Pull requests of the service, as their author and Argo CD see them."""

    rehearsal: Rehearsal

    @property
    def path(self) -> str:
        return self.rehearsal.repository_path(SERVICE)

    def open(self, clone: Clone, title: str, *, label: bool) -> tuple[int, str]:
        """Number and commit of a new one."""
        number = propose(self.rehearsal, clone, title, {"NOTES.md": f"{title}\n"}, author=AUTHOR)
        if label:
            self.rehearsal.github("POST", f"{self.path}/issues/{number}/labels", user=AUTHOR, body={"labels": [LABEL]})
        return number, clone.git("rev-parse", "HEAD")

    def comments(self, number: int) -> list[JsonObject]:
        return self.rehearsal.github("GET", f"{self.path}/issues/{number}/comments")

    def runs_at(self, number: int, commit: str) -> None:
        """Waits until the commit is what runs, and until that is said."""
        name = f"{SERVICE}-pr-{number}"

        self.rehearsal.wait(f"{name} answering as {commit}", lambda: self.ask(number)["commit"] == commit)
        self.rehearsal.wait_for_state(name, "Synced", "Healthy")
        said = f"`{commit[:12]}` and answers at http://{SERVICE}-{number}.{PLACE},"
        self.rehearsal.wait(f"{said} in a comment", lambda: any(said in one["body"] for one in self.comments(number)))
        assert len(self.comments(number)) == 1

    def ask(self, number: int) -> JsonObject:
        api = kubernetes.client.CoreV1Api(self.rehearsal.kubernetes)
        address = cast(Any, api.read_namespaced_service(f"{SERVICE}-{number}", PLACE)).spec.cluster_ip
        return httpx.get(f"http://{address}/", timeout=5).json()

    def wait_until_gone(self, number: int) -> None:
        name, core = f"{SERVICE}-pr-{number}", kubernetes.client.CoreV1Api(self.rehearsal.kubernetes)
        self.rehearsal.wait(f"{name} gone", lambda: name not in self.rehearsal.applications())
        selector = f"app.kubernetes.io/instance={SERVICE}-{number}"
        pods = self.listed(lambda: core.list_namespaced_pod(PLACE, label_selector=selector))
        services = self.listed(lambda: core.list_namespaced_service(PLACE, label_selector=selector))
        self.rehearsal.wait(f"pods and services of {name} gone", lambda: not pods() and not services())

    @staticmethod
    def listed(call: Callable[[], object]) -> Callable[[], list[Any]]:
        return lambda: cast(Any, call()).items


@pytest.fixture(scope="module")
def pulls(rehearsal: Rehearsal) -> Pulls:
    return Pulls(rehearsal)


def test_a_labelled_pull_request_runs_follows_its_commits_and_ends(
    pulls: Pulls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside one without the label, and one that was not changed for years."""
    rehearsal = pulls.rehearsal
    with rehearsal.clone(SERVICE, AUTHOR) as clone:
        unlabelled, _ = pulls.open(clone, "Try without the label", label=False)
        with monkeypatch.context() as back:
            back.setenv("GIT_COMMITTER_DATE", LONG_AGO)
            old, old_commit = pulls.open(clone, "Try for long", label=True)
        number, commit = pulls.open(clone, "Try it", label=True)
        pulls.runs_at(number, commit)
        keeps_to_itself(pulls, number)
        clone.write({"NOTES.md": "Tried again\n"})
        clone.git("commit", "--quiet", "--all", "--message", "Try again")
        clone.git("push", "--quiet", "origin", "HEAD")
        pulls.runs_at(number, clone.git("rev-parse", "HEAD"))
    pulls.runs_at(old, old_commit)

    rehearsal.github("PATCH", f"{pulls.path}/pulls/{number}", user=AUTHOR, body={"state": "closed"})
    expire(pulls, old)
    pulls.wait_until_gone(number)
    pulls.wait_until_gone(old)
    (comment,) = pulls.comments(number)
    gone = f"{pulls.path}/issues/comments/{comment['id']}"
    rehearsal.wait("that it is gone, said", lambda: "does not run" in rehearsal.github("GET", gone)["body"])
    assert pulls.comments(unlabelled) == []
    assert f"{SERVICE}-pr-{unlabelled}" not in rehearsal.applications()


def expire(pulls: Pulls, number: int) -> None:
    """Lets it be night. Without our comment the age of the newest commit counts, as with one of a fork."""
    rehearsal = pulls.rehearsal
    (comment,) = pulls.comments(number)
    rehearsal.github("DELETE", f"{pulls.path}/issues/comments/{comment['id']}")
    url = f"{rehearsal.config.github_url.rstrip('/')}/_sandbox/schedules/{rehearsal.owner}/{SERVICE}"
    httpx.post(url, headers={"Authorization": f"Bearer {rehearsal.token()}"}, json={}, timeout=30).raise_for_status()
    labels = f"{pulls.path}/issues/{number}/labels"
    rehearsal.wait("the label taken off", lambda: rehearsal.github("GET", labels) == [])
    (comment,) = pulls.comments(number)
    assert f"`{LABEL}` is taken off" in comment["body"]


def keeps_to_itself(pulls: Pulls, number: int) -> None:
    """Its namespace has a quota and is all that it reaches; its pods speak to no API."""
    rehearsal = pulls.rehearsal
    core = kubernetes.client.CoreV1Api(rehearsal.kubernetes)
    (quota,) = pulls.listed(lambda: core.list_namespaced_resource_quota(PLACE))()
    assert quota.spec.hard["pods"] == "6"
    own = f"{SERVICE}-pr-{number}"
    for namespace in (f"{SERVICE}-dev", "argocd"):
        elsewhere = {"destination": {"server": SERVER, "namespace": namespace}}
        with application(rehearsal, elsewhere, own) as name:
            told_of(rehearsal, name, "do not match any of the allowed destinations")
    pods = pulls.listed(
        lambda: core.list_namespaced_pod(PLACE, label_selector=f"app.kubernetes.io/instance={SERVICE}-{number}")
    )()
    assert pods
    assert [pod.spec.volumes for pod in pods if pod.spec.volumes] == [], "not even the token of its account"
    may = kubernetes.client.AuthorizationV1Api(rehearsal.kubernetes)
    account = f"system:serviceaccount:{PLACE}:{pods[0].spec.service_account_name}"
    for namespace in (PLACE, f"{SERVICE}-dev", "argocd"):
        asked = {"user": account, "resourceAttributes": {"namespace": namespace, "verb": "get", "resource": "secrets"}}
        assert not cast(Any, may.create_subject_access_review(cast(Any, {"spec": asked}))).status.allowed
