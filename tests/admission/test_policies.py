"""What the cluster lets in, decided by a real API server on the policy that the settings become."""

import json
import os
from typing import Any

import pytest
import yaml

from manifests.infrastructure import infrastructure_files
from slipway_release.validation import structure
from stacks.settings import settings_of
from tests.admission import schema
from tests.admission.conftest import Api
from tests.objects import LEVELS, PODS, REFUSED, TAKEN, examples
from tests.release.test_immutable import CHANGED, LET_BE, step
from tests.stacks.builders import changed, texts, values

DIGEST = "@sha256:" + "a" * 64
OWN, FOREIGN = f"ghcr.io/acme/guestbook{DIGEST}", f"docker.io/library/nginx{DIGEST}"
TAGGED = "ghcr.io/acme/guestbook:1.2.3"
NAMESPACE = "guestbook-production"
TRACKING = "argocd.argoproj.io/tracking-id"


def container(name: str, image: str) -> dict[str, Any]:
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {"name": name, "image": image, "securityContext": security}


def pod(image: str, **more: Any) -> dict[str, Any]:
    """A pod that is wrong in nothing but its images."""
    return {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container("web", image)],
        **more,
    }


def workload(kind: str, pod: dict[str, Any], name: str = "web") -> tuple[str, dict[str, Any]]:
    """The path to create it at, and the object."""
    group, plural = {
        "Pod": ("api/v1", "pods"),
        "Deployment": ("apis/apps/v1", "deployments"),
        "StatefulSet": ("apis/apps/v1", "statefulsets"),
        "DaemonSet": ("apis/apps/v1", "daemonsets"),
        "ReplicaSet": ("apis/apps/v1", "replicasets"),
        "ReplicationController": ("api/v1", "replicationcontrollers"),
        "Job": ("apis/batch/v1", "jobs"),
        "CronJob": ("apis/batch/v1", "cronjobs"),
    }[kind]
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": pod}
    once = {"template": {"spec": pod | {"restartPolicy": "Never"}}}
    spec: dict[str, Any] = {
        "Pod": pod,
        "Job": once,
        "CronJob": {"schedule": "0 0 * * *", "jobTemplate": {"spec": once}},
        "ReplicationController": {"selector": labels, "template": template},
    }.get(kind, {"selector": {"matchLabels": labels}, "template": template})
    version = group.split("/", 1)[1]
    path = f"/{group}/namespaces/{NAMESPACE}/{plural}"
    return path, {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def service(**spec: Any) -> tuple[str, dict[str, Any]]:
    """The path to create it at, and the object."""
    given = {"ports": [{"port": 80}], **spec}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "tried"}, "spec": given}
    return f"/api/v1/namespaces/{NAMESPACE}/services", body


def tracked(application: str, kind: str = "ConfigMap") -> tuple[str, dict[str, Any]]:
    """The path to create it at, and an object as Argo CD writes those of an Application."""
    metadata = {"name": "tried", "annotations": {TRACKING: f"{application}:/{kind}:{NAMESPACE}/tried"}}
    path, body = workload("Deployment", pod(OWN)) if kind == "Deployment" else service()
    if kind == "ConfigMap":
        path, body = f"/api/v1/namespaces/{NAMESPACE}/configmaps", {"apiVersion": "v1", "kind": kind}
    return path, {**body, "metadata": metadata}


def make_policies(api: Api, text: str) -> None:
    for item in yaml.safe_load_all(text):
        plural = (
            "validatingadmissionpolicies" if item["kind"].endswith("Policy") else "validatingadmissionpolicybindings"
        )
        made = api.create(f"/apis/admissionregistration.k8s.io/v1/{plural}", item, dry_run=False)
        assert made.is_success, made.text


@pytest.fixture(scope="module")
def guarded(api: Api) -> Api:
    """The namespace and the policy of production, with a Deployment from before the policy."""
    files = infrastructure_files(settings_of("test", texts(values())))
    (namespace,) = yaml.safe_load_all(files["infrastructure/production/namespaces.yaml"])
    assert api.create("/api/v1/namespaces", namespace, dry_run=False).is_success
    path, old = workload("Deployment", pod(TAGGED), "old")
    assert api.create(path, old, dry_run=False).is_success
    path, kept = tracked("legacy")
    kept["metadata"]["name"] = "old"
    assert api.create(path, kept, dry_run=False).is_success
    make_policies(api, files["infrastructure/production/admission.yaml"])
    api.until_refused(*workload("Deployment", pod(FOREIGN)))
    api.until_refused(*service(externalIPs=["192.0.2.1"]))
    api.until_refused(*tracked("another-production"))
    return api


@pytest.mark.parametrize(
    "kind",
    [
        "Pod",
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
        "ReplicationController",
        "Job",
        "CronJob",
    ],
)
def test_a_services_own_image_is_let_in_and_every_other_one_refused(guarded: Api, kind: str) -> None:
    assert guarded.create(*workload(kind, pod(OWN))).is_success
    for image in (FOREIGN, TAGGED, "nginx", f"ghcr.io/acmeother/guestbook{DIGEST}"):
        answer = guarded.create(*workload(kind, pod(image)))
        assert answer.status_code == 422, answer.text
        assert f"image {image}: not an image of ghcr.io/acme by its digest" in answer.text


@pytest.mark.parametrize(
    "more",
    [
        {"initContainers": [container("first", FOREIGN)]},
        {"volumes": [{"name": "files", "image": {"reference": FOREIGN}}]},
    ],
)
def test_no_image_hides_beside_the_container(guarded: Api, more: dict[str, Any]) -> None:
    assert guarded.create(*workload("Pod", pod(OWN, **more))).status_code == 422


def test_no_image_comes_to_a_pod_that_runs(guarded: Api) -> None:
    """`kubectl debug` adds a container to it."""
    path, running = workload("Pod", pod(OWN), "running")
    assert guarded.create(path, running, dry_run=False).is_success
    patch = {"Content-Type": "application/strategic-merge-patch+json"}

    def debug(image: str) -> int:
        text = json.dumps({"spec": {"ephemeralContainers": [container("debug", image)]}})
        place = f"{path}/running/ephemeralcontainers?dryRun=All"
        return guarded.client.patch(place, content=text, headers=patch).status_code

    assert (debug(OWN), debug(FOREIGN)) == (200, 422)


def test_what_was_there_before_can_be_scaled_and_not_be_given_a_worse_image(guarded: Api) -> None:
    path, _ = workload("Deployment", pod(TAGGED))
    patch = {"Content-Type": "application/merge-patch+json"}
    assert guarded.client.patch(f"{path}/old", content=b'{"spec": {"replicas": 2}}', headers=patch).is_success
    other = b'{"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "nginx"}]}}}}'
    assert guarded.client.patch(f"{path}/old", content=other, headers=patch).status_code == 422


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({}, ""),
        ({"externalIPs": ["192.0.2.1"]}, "takes traffic of other addresses"),
        ({"type": "ExternalName", "externalName": "db.example.com"}, ""),
        ({"type": "ExternalName", "externalName": f"web.{NAMESPACE}.svc.cluster.local"}, ""),
        ({"type": "ExternalName", "externalName": "web.reports-production.svc"}, "leads into another namespace"),
        (
            {"type": "ExternalName", "externalName": "web-0.web.reports-production.svc.cluster.local"},
            "leads into another",
        ),
    ],
)
def test_a_service_takes_no_traffic_of_others_and_leads_into_no_namespace(
    guarded: Api, spec: dict[str, Any], said: str
) -> None:
    answer = guarded.create(*service(**spec))
    assert answer.is_success is not bool(said), answer.text
    assert said in answer.text


@pytest.mark.parametrize("kind", ["ConfigMap", "Deployment", "Service"])
def test_an_application_writes_into_the_namespace_of_its_own_name_alone(guarded: Api, kind: str) -> None:
    """Its AppProject has those of all services, and no check of a pull request sees what a chart renders tomorrow."""
    for own in (NAMESPACE, "infrastructure-production"):
        assert guarded.create(*tracked(own, kind)).is_success
    for other in ("another-production", "guestbook-dev", f"{NAMESPACE}-2", "infrastructure-dev"):
        said = guarded.create(*tracked(other, kind)).json()["message"]
        assert f"it is of the Application {other}, which writes into the namespace of its own name alone" in said


def test_what_another_application_made_before_the_policy_is_kept_up_to_date(guarded: Api) -> None:
    path, _ = tracked("legacy")
    patch = {"Content-Type": "application/merge-patch+json"}
    assert guarded.client.patch(f"{path}/old", content=b'{"data": {"a": "b"}}', headers=patch).is_success
    stolen = json.dumps({"metadata": {"annotations": {TRACKING: f"other:/ConfigMap:{NAMESPACE}/old"}}})
    assert guarded.client.patch(f"{path}/old", content=stolen, headers=patch).status_code == 422


@pytest.mark.parametrize("kind", ["Pod", "Deployment", "CronJob"])
def test_no_pod_of_a_service_ends_those_of_others_by_the_priority_of_the_cluster(guarded: Api, kind: str) -> None:
    assert guarded.create(*workload(kind, pod(OWN))).is_success
    said = guarded.create(*workload(kind, pod(OWN, priorityClassName="system-cluster-critical"))).json()["message"]
    assert "makes Kubernetes end pods of others for this one" in said


PULL_REQUESTS = "guestbook-pull-requests"


def in_pull_requests(path: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return path.replace(NAMESPACE, PULL_REQUESTS), body


@pytest.fixture(scope="module")
def of_pull_requests(api: Api) -> Api:
    """The namespace of the guestbook's pull requests, with its policies."""
    files = infrastructure_files(settings_of("test", texts(changed("services.0.pullRequests", {}))))
    found = yaml.safe_load_all(files["infrastructure/dev/namespaces.yaml"])
    (namespace,) = (item for item in found if item["metadata"]["name"] == PULL_REQUESTS)
    assert api.create("/api/v1/namespaces", namespace, dry_run=False).is_success
    make_policies(api, files["infrastructure/dev/admission.yaml"])
    api.until_refused(*in_pull_requests(*workload("Deployment", pod(FOREIGN))))
    api.until_refused(*in_pull_requests(*service(externalIPs=["192.0.2.1"])))
    return api


def test_where_pull_requests_run_their_images_are_let_in_and_those_of_the_environment(of_pull_requests: Api) -> None:
    commit = "0" * 40
    for image in (OWN, f"ghcr.io/acme/guestbook:pr-7-{commit}"):
        answer = of_pull_requests.create(*in_pull_requests(*workload("Deployment", pod(image))))
        assert answer.is_success, answer.text
    others = (
        FOREIGN, TAGGED, "nginx", f"ghcr.io/acme/clock:pr-7-{commit}", f"docker.io/acme/guestbook:pr-7-{commit}",
        f"ghcr.io/acme/guestbook/x:pr-7-{commit}", "ghcr.io/acme/guestbook:pr-7",
        f"x/ghcr.io/acme/guestbook:pr-7-{commit}",
        f"ghcr.io/acme/guestbook:pr-7-{commit}0", f"ghcr-io/acme/guestbook:pr-7-{commit}",
    )  # fmt: skip
    for image in others:
        answer = of_pull_requests.create(*in_pull_requests(*workload("Pod", pod(image))))
        assert answer.status_code == 422, answer.text
        assert (
            f"image {image}: not ghcr.io/acme/guestbook:pr-<number>-<commit>, and not an image of"
            in answer.json()["message"]
        )


def test_where_pull_requests_run_a_service_takes_no_traffic_of_others(of_pull_requests: Api) -> None:
    """Their team may change objects there by hand."""
    assert of_pull_requests.create(*in_pull_requests(*service())).is_success
    said = of_pull_requests.create(*in_pull_requests(*service(externalIPs=["192.0.2.1"]))).json()["message"]
    assert "takes traffic of other addresses" in said


def test_other_namespaces_are_left_alone(guarded: Api) -> None:
    path, deployment = workload("Deployment", pod("nginx"))
    assert guarded.create(path.replace(NAMESPACE, "default"), deployment).is_success


def place(manifest: dict[str, Any]) -> str:
    """The path of the objects of its kind."""
    version, kind = manifest["apiVersion"], manifest["kind"]
    plural = {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"}.get(kind, f"{kind.lower()}s")
    return f"/{'apis' if '/' in version else 'api'}/{version}/namespaces/default/{plural}"


def judged(api: Api, manifest: dict[str, Any]) -> str:
    """What the API server has against an object; empty if it would take it."""
    whole = {**manifest, "metadata": {"name": "tried", **manifest["metadata"]}}
    # Go writes a whole number without a point, and Argo CD is written in it.
    body = json.loads(json.dumps(whole), parse_float=lambda text: float(text) if float(text) % 1 else int(float(text)))
    answer = api.create(place(manifest), body)
    return "" if answer.is_success else answer.text


def test_kubernetes_refuses_and_takes_the_objects_that_the_check_does(api: Api) -> None:
    assert [said for manifest, said in REFUSED if not judged(api, manifest)] == []
    assert [(manifest, said) for manifest in TAKEN if (said := judged(api, manifest))] == []
    assert [name for name, manifest in examples("refused") if not judged(api, manifest)] == []
    assert [(name, said) for name, manifest in examples("taken") if (said := judged(api, manifest))] == []


def test_kubernetes_refuses_and_takes_the_changes_that_the_check_does(api: Api) -> None:
    for number, (kind, was, change, refused) in enumerate([*CHANGED, *((*item, "") for item in LET_BE)]):
        old, new = step(kind, was, change)
        name = old["metadata"]["name"] = new["metadata"]["name"] = f"web-{number}"
        path = place(old)
        assert api.create(path, old, dry_run=False).is_success
        apply = {"Content-Type": "application/apply-patch+yaml"}
        query = {"fieldManager": "argocd", "force": "true"}
        address = f"{path}/{name}"
        assert api.client.patch(address, params=query, content=json.dumps(old), headers=apply).is_success
        answer = api.client.patch(address, params=query, content=json.dumps(new), headers=apply)
        assert answer.is_success is not bool(refused), (kind, change, answer.text)


def test_levels_of_pod_security_take_the_pods_that_the_check_takes(api: Api) -> None:
    label = "pod-security.kubernetes.io/enforce"
    for level in LEVELS:
        metadata = {"name": f"level-{level}", "labels": {label: level}}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        assert api.create("/api/v1/namespaces", body, dry_run=False).is_success
    for spec, strictest in PODS:
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "tried"}, "spec": spec}
        answers = {level: api.create(f"/api/v1/namespaces/level-{level}/pods", body) for level in LEVELS}
        taken = [level for level, answer in answers.items() if answer.is_success]
        assert taken == list(LEVELS[: LEVELS.index(strictest) + 1]), (spec, [one.text for one in answers.values()])


def test_the_fields_that_the_check_knows_are_those_of_kubernetes(api: Api) -> None:
    definitions: dict[str, Any] = {}
    for version in schema.KINDS:
        answer = api.client.get(f"/openapi/v3/{'apis' if '/' in version else 'api'}/{version}")
        definitions |= answer.json()["components"]["schemas"]
    text = schema.Compact(definitions).text()
    if os.environ.get("WRITE_SCHEMA"):
        structure.FILE.write_text(text)
    assert structure.FILE.read_text() == text, "run this test with WRITE_SCHEMA=1"
