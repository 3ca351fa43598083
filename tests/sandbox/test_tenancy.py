"""What somebody of a team cannot reach on the running platform: tried on GitHub, in the cluster and by Argo CD."""

import contextlib
import json
from collections.abc import Callable, Generator
from typing import Any, cast

import kubernetes.client
import kubernetes.config
import pytest

from sandbox.errors import SandboxError
from sandbox.rehearsal import Rehearsal
from tests.sandbox.conftest import Sandbox

TEAM, STRANGERS = "acme:web", "acme:data"
"""Groups of the cluster: the services' team, and one that owns nothing."""
PRODUCTION = "guestbook-production"
DIGEST = "sha256:" + "0" * 64
GROUP, VERSION, APPLICATIONS = "argoproj.io", "v1alpha1", "applications"

Core = kubernetes.client.CoreV1Api


def as_member(sandbox: Sandbox, group: str) -> Core:
    """The cluster's API as somebody of a group."""
    client = cast(Any, kubernetes.config).new_client_from_config(str(sandbox.config.kubeconfig))
    client.set_default_header("Impersonate-User", "somebody")
    client.set_default_header("Impersonate-Group", group)
    return Core(client)


def pod(image: str) -> Any:
    """A pod that is wrong in nothing but its image."""
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {"name": "tried", "image": image, "securityContext": security}
    closed = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"metadata": {"name": "tried"}, "spec": {"containers": [container], "securityContext": closed}}


def refused(call: Callable[[], object]) -> str:
    """What the API server says to something that it has to refuse."""
    with pytest.raises(kubernetes.client.ApiException) as caught:
        call()
    error = cast(Any, caught.value)
    assert error.status in {403, 422}, error
    return json.loads(error.body)["message"]


def test_a_team_looks_into_production_and_changes_nothing_there(sandbox: Sandbox) -> None:
    api = as_member(sandbox, TEAM)
    assert cast(Any, api.list_namespaced_pod(PRODUCTION)).items is not None
    for attempt in (
        lambda: api.list_namespaced_secret(PRODUCTION),
        lambda: api.create_namespaced_pod(PRODUCTION, pod("busybox")),
        lambda: api.delete_namespaced_service("guestbook", PRODUCTION),
        lambda: api.connect_post_namespaced_pod_exec("any", PRODUCTION, command=["sh"]),
        lambda: api.patch_namespace(PRODUCTION, {"metadata": {"labels": {"a": "b"}}}),
        lambda: api.list_namespaced_secret("argocd"),
        lambda: api.list_namespaced_pod("kube-system"),
    ):
        assert "forbidden" in refused(attempt)


def test_who_changes_objects_by_hand_changes_nothing_that_guards_them(sandbox: Sandbox) -> None:
    """Outside of production a team may; rights, limits, addresses and the level of its pods are not among them."""
    api, namespace = as_member(sandbox, TEAM), "guestbook-dev"
    client = cast(Any, api).api_client
    rbac, discovery = kubernetes.client.RbacAuthorizationV1Api(client), kubernetes.client.DiscoveryV1Api(client)
    named: Any = {"metadata": {"name": "tried"}}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}
    level = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}
    for attempt in (
        lambda: api.patch_namespace(namespace, level),
        lambda: api.delete_namespace(namespace),
        lambda: rbac.create_namespaced_role_binding(namespace, named | {"roleRef": role}),
        lambda: discovery.create_namespaced_endpoint_slice(namespace, named | {"addressType": "IPv4", "endpoints": []}),
        lambda: api.create_namespaced_endpoints(namespace, named),
        lambda: api.create_namespaced_resource_quota(namespace, named),
        lambda: api.patch_namespaced_service_status("guestbook", namespace, named),
    ):
        assert "forbidden" in refused(attempt)
    host = pod(f"{sandbox.config.registry_host}/acme/guestbook@{DIGEST}")
    host["spec"]["volumes"] = [{"name": "host", "hostPath": {"path": "/"}}]
    assert "violates PodSecurity" in refused(lambda: api.create_namespaced_pod(namespace, host))


def test_another_team_does_not_even_see_it(sandbox: Sandbox) -> None:
    api = as_member(sandbox, STRANGERS)
    for namespace in (PRODUCTION, "guestbook-dev"):
        assert "forbidden" in refused(lambda namespace=namespace: api.list_namespaced_pod(namespace))


@pytest.mark.parametrize("image", ["docker.io/library/busybox:1", f"docker.io/library/busybox@{DIGEST}"])
def test_the_cluster_takes_no_image_of_elsewhere_from_anybody(rehearsal: Rehearsal, image: str) -> None:
    """Where a team may make pods, and where only the cluster's administrator may."""
    api = Core(rehearsal.kubernetes)
    for namespace in ("guestbook-dev", PRODUCTION):
        said = refused(lambda namespace=namespace: api.create_namespaced_pod(namespace, pod(image)))
        assert f"image {image}: not an image of " in said


def test_a_person_of_a_team_writes_neither_main_nor_the_record_nor_a_key(rehearsal: Rehearsal) -> None:
    repository = rehearsal.environment_repository
    path = rehearsal.repository_path(repository)
    head = rehearsal.github("GET", f"{path}/git/ref/heads/main")["object"]["sha"]
    with rehearsal.clone(repository, "dana") as clone:
        clone.git("commit", "--quiet", "--allow-empty", "--message", "Tried")
        for target in (
            "refs/heads/main", "refs/heads/environment/staging", "refs/tags/verified/production/x/1.0.0",
            # They would be in the way of branches that come later.
            "refs/heads/slipway", "refs/heads/slipway/files/more", "refs/heads/environment",
            "refs/heads/environment/new/more", "refs/heads/rollback",
        ):  # fmt: skip
            with pytest.raises(SandboxError, match="GH013"):
                clone.git("push", "--force", "origin", f"HEAD:{target}")
    for user in ("dana", "sam", "pat"):
        for method, where, body in (
            ("PUT", "environments/production", {}),
            ("POST", "environments/production/deployment-branch-policies", {"name": "*"}),
            ("POST", "rulesets", {"name": "main", "enforcement": "disabled"}),
            ("PUT", "collaborators/sam", {"permission": "admin"}),
            ("POST", "keys", {"title": "tried", "key": "ssh-ed25519 AAAA", "read_only": False}),
            ("POST", "hooks", {"config": {"url": "http://127.0.0.1:9/"}, "events": ["push"]}),
            ("PUT", "actions/permissions/workflow", {"can_approve_pull_request_reviews": True}),
        ):
            with pytest.raises(SandboxError, match=r" 40[34] "):
                rehearsal.github(method, f"{path}/{where}", user=user, body=body)
        for file in ("environments/production/guestbook/release.yaml", ".github/workflows/validate.yml"):
            written = {"message": "Tried", "content": "eA==", "branch": "main", "sha": "0" * 40}
            with pytest.raises(SandboxError, match=r" 409 "):
                rehearsal.github("PUT", f"{path}/contents/{file}", user=user, body=written)
        for ref in ("tags/main", "tags/v9.9.9", "heads/release/production/guestbook/9.9.9", "heads/slipway/files"):
            with pytest.raises(SandboxError, match="rule violations"):
                rehearsal.github("POST", f"{path}/git/refs", user=user, body={"ref": f"refs/{ref}", "sha": head})


@contextlib.contextmanager
def application(rehearsal: Rehearsal, changes: dict[str, Any], like: str = "guestbook-dev") -> Generator[str]:
    """An Application as somebody would write it who can, in the project of another one."""
    own = rehearsal.application(like)["spec"]
    name = "tried"
    body = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": {"project": own["project"], "source": own["source"], "destination": own["destination"]} | changes,
    }
    api = kubernetes.client.CustomObjectsApi(rehearsal.kubernetes)
    api.create_namespaced_custom_object(GROUP, VERSION, "argocd", APPLICATIONS, body)
    try:
        yield name
    finally:
        api.delete_namespaced_custom_object(GROUP, VERSION, "argocd", APPLICATIONS, name)


SERVER = "https://kubernetes.default.svc"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"destination": {"server": SERVER, "namespace": PRODUCTION}}, "do not match any of the allowed destinations"),
        ({"destination": {"server": SERVER, "namespace": "argocd"}}, "do not match any of the allowed destinations"),
        (
            {"source": {"repoURL": "https://github.com/argoproj/argocd-example-apps", "path": "guestbook"}},
            "is not permitted in project",
        ),
    ],
)
def test_an_application_does_not_leave_its_project(rehearsal: Rehearsal, changes: dict[str, Any], said: str) -> None:
    with application(rehearsal, changes) as name:
        told_of(rehearsal, name, said)


def test_an_application_writes_into_no_other_namespace_that_its_project_has(rehearsal: Rehearsal) -> None:
    """The project has those of all services of its environment; the cluster's policy tells them apart."""
    own = rehearsal.application("guestbook-dev")["spec"]["source"]
    # Without a release the chart has no objects.
    release = {"version": "1.0.0", "image": f"{rehearsal.config.registry_host}/acme/guestbook", "digest": DIGEST}
    other = {
        "source": own | {"helm": own["helm"] | {"valuesObject": {"release": release}}},
        "destination": {"server": SERVER, "namespace": "clock-dev"},
        "syncPolicy": {"automated": {}},
    }
    with application(rehearsal, other) as name:

        def refused() -> bool:
            operation = rehearsal.application(name).get("status", {}).get("operationState", {})
            return "writes into the namespace of its own name alone" in json.dumps(operation)

        rehearsal.wait("the sync to be refused", refused)


def told_of(rehearsal: Rehearsal, name: str, said: str) -> None:
    """Waits until Argo CD tells of an Application what keeps it from being synced."""

    def conditions() -> bool:
        found = rehearsal.application(name).get("status", {}).get("conditions") or []
        return any(said in item["message"] for item in found)

    rehearsal.wait(f"Argo CD saying {said!r}", conditions)


def test_a_manifest_in_git_brings_no_kind_that_its_project_does_not_name(rehearsal: Rehearsal) -> None:
    """The platform's own manifests do for it: a namespace, its role bindings and policies of the whole cluster."""
    own = rehearsal.application("infrastructure-dev")["spec"]["source"]
    synced = {"source": own, "syncPolicy": {"automated": {}}}
    with application(rehearsal, synced) as name:

        def refused() -> bool:
            operation = rehearsal.application(name).get("status", {}).get("operationState", {})
            found = operation.get("syncResult", {}).get("resources") or []
            said = " ".join(str(item.get("message")) for item in found)
            return all(f"{kind} is not permitted in project dev" in said for kind in ("Namespace", "RoleBinding"))

        rehearsal.wait("the sync to be refused", refused)
