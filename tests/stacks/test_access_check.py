"""`make access --check` against clusters: each guard that was taken away by hand is named with what puts it back."""

import copy
from collections.abc import Callable
from typing import Any

import kubernetes.client
import pytest

from manifests.app_project import app_project, infrastructure_project
from manifests.application import application, infrastructure_application
from manifests.infrastructure import infrastructure_objects
from manifests.model import Settings
from stacks.access_check import applications, infrastructure
from stacks.settings import settings_of
from tests.stacks.builders import texts, values

KUBECTL = "kubectl --context here"
Object = dict[str, Any]


@pytest.fixture
def settings() -> Settings:
    return settings_of("test", texts(values()))


class Cluster:
    """What an API server lists: the declared objects as a server shows them, unless somebody has changed them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        found = [infrastructure_objects(settings, one) for one in settings.environments]
        self.objects: list[Object] = [
            copy.deepcopy(item) for kinds in found for items in kinds.values() for item in items
        ]
        for item in self.objects:
            if item["kind"] == "Namespace":
                item["metadata"]["labels"]["kubernetes.io/metadata.name"] = item["metadata"]["name"]
                item["spec"] = {"finalizers": ["kubernetes"]}

    def find(self, _client: object, path: str) -> Object:
        chosen = [item for item in self.objects if infrastructure.GROUPS.get(item["kind"]) == path]
        # A list does not repeat what it is a list of.
        return {"items": [{key: item[key] for key in item if key not in {"kind", "apiVersion"}} for item in chosen]}

    def one(self, kind: str, name: str) -> Object:
        return next(item for item in self.objects if item["kind"] == kind and item["metadata"]["name"].endswith(name))

    def differences(self) -> list[str]:
        return list(infrastructure.differences(self.settings, self.settings.environments, object(), KUBECTL))


@pytest.fixture
def cluster(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster(settings)
    monkeypatch.setattr(infrastructure, "find", made.find)
    return made


def test_a_cluster_that_is_as_in_git_makes_no_difference(cluster: Cluster) -> None:
    assert len(cluster.objects) > 30
    assert cluster.differences() == []


def test_each_object_that_guards_is_missed(cluster: Cluster) -> None:
    kinds: set[str] = set()
    for item in list(cluster.objects):
        if item["kind"] in {"ResourceQuota", "LimitRange"}:
            continue
        cluster.objects.remove(item)
        (line,) = cluster.differences()
        assert line.startswith(f"Kubernetes: {item['kind']} {item['metadata']['name']}")
        assert "it is not there; `argocd app sync infrastructure-" in line
        cluster.objects.append(item)
        kinds.add(item["kind"])
    assert len(kinds) == 5


Change = Callable[[Cluster], object]
WEAKER: dict[str, tuple[Change, str]] = {
    "pods of any kind": (
        lambda here: here.one("Namespace", "-production")["metadata"]["labels"].update(
            {"pod-security.kubernetes.io/enforce": "privileged"}
        ),
        "Namespace guestbook-production: labels.pod-security.kubernetes.io/enforce",
    ),
    "a namespace that no policy finds": (
        lambda here: here.one("Namespace", "-production")["metadata"]["labels"].pop("app.kubernetes.io/managed-by"),
        "Namespace guestbook-production: labels.app.kubernetes.io/managed-by",
    ),
    "images of everywhere": (
        lambda here: here.one("ValidatingAdmissionPolicy", "production-images")["spec"]["validations"].pop(),
        "-production-images: spec.validations",
    ),
    "images that are only told": (
        lambda here: here.one("ValidatingAdmissionPolicyBinding", "production-images")["spec"].update(
            validationActions=["Warn"]
        ),
        "-production-images: spec.validationActions",
    ),
    "policies that fail open": (
        lambda here: here.one("ValidatingAdmissionPolicy", "dev-places")["spec"].update(failurePolicy="Ignore"),
        "-dev-places: spec.failurePolicy",
    ),
    "traffic of everybody": (
        lambda here: here.one("NetworkPolicy", "deny-by-default")["spec"].update(policyTypes=["Egress"]),
        "NetworkPolicy deny-by-default in guestbook-dev: spec.policyTypes",
    ),
    "one more in a binding": (
        lambda here: here.one("RoleBinding", "team-view")["subjects"].append({"kind": "User", "name": "eve"}),
        ": subjects",
    ),
}


@pytest.mark.parametrize("what", WEAKER)
def test_a_guard_that_was_made_weaker_is_found(cluster: Cluster, what: str) -> None:
    change, told = WEAKER[what]
    change(cluster)
    (line,) = cluster.differences()
    assert told in line
    assert "is not as in Git; `argocd app sync infrastructure-" in line


def test_a_network_policy_that_opens_production_is_found(cluster: Cluster) -> None:
    for place in ("guestbook-dev", "guestbook-production"):
        item = {"kind": "NetworkPolicy", "metadata": {"name": "open", "namespace": place}, "spec": {}}
        cluster.objects.append(item)
    said = "Kubernetes: NetworkPolicy open in guestbook-production is not in Git"
    assert cluster.differences() == [f"{said}; `{KUBECTL} --namespace guestbook-production delete networkpolicy open`"]


@pytest.fixture
def listed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Object]]:
    """What Argo CD's namespace has, as it is declared."""
    projects = [infrastructure_project(settings), *(app_project(settings, one) for one in settings.environments)]
    running = [
        *(application(settings, *place) for place in settings.placements()),
        *(infrastructure_application(settings, one) for one in settings.environments),
    ]
    found = copy.deepcopy({"appprojects": projects, "applications": running})

    class Api:
        def __init__(self, _client: object) -> None: ...

        def list_namespaced_custom_object(self, _group: str, _version: str, _namespace: str, plural: str) -> Object:
            return {"items": found[plural]}

    monkeypatch.setattr(kubernetes.client, "CustomObjectsApi", Api)
    return found


def told(settings: Settings) -> list[str]:
    return list(applications.differences(settings, object(), KUBECTL))


def of(items: list[Object], name: str) -> Object:
    return next(item for item in items if item["metadata"]["name"] == name)["spec"]


def test_what_argo_cd_deploys_as_declared_makes_no_difference(
    settings: Settings, listed: dict[str, list[Object]]
) -> None:
    assert len(listed["applications"]) > 5
    assert told(settings) == []


@pytest.mark.parametrize(
    ("kind", "name", "change", "words"),
    [
        ("appprojects", "production", {"sourceRepos": ["*"]}, "sourceRepos has *, which is not declared"),
        ("appprojects", "production", {"namespaceResourceWhitelist": []}, "namespaceResourceWhitelist lacks "),
        ("appprojects", "production", {"sourceNamespaces": ["evil"]}, "sourceNamespaces has evil"),
        ("appprojects", "production", {"orphanedResources": None}, "orphanedResources is nothing, declared is"),
        ("applications", "guestbook-production", {"project": "infrastructure"}, 'project is "infrastructure"'),
        (
            "applications",
            "guestbook-production",
            {"syncPolicy": {"automated": {"prune": True}}},
            'syncPolicy.automated is {"prune": true}, declared is nothing',
        ),
        ("applications", "guestbook-production", {"revisionHistoryLimit": 10}, "revisionHistoryLimit is 10, declared"),
        ("applications", "guestbook-production", {"source": {"targetRevision": "evil"}}, "source.helm"),
    ],
)
def test_each_guard_of_what_argo_cd_deploys_is_compared(
    settings: Settings, listed: dict[str, list[Object]], kind: str, name: str, change: Object, words: str
) -> None:
    of(listed[kind], name).update(change)
    found = told(settings)
    assert any(words in line for line in found), found
    assert all(f" {name}: " in line and line.endswith("`pulumi up --refresh` puts it back") for line in found)


def test_applications_of_the_platform_s_projects_that_nobody_declared_are_found(
    settings: Settings, listed: dict[str, list[Object]]
) -> None:
    for name, project in (("evil", "production"), ("other", "default")):
        listed["applications"].append({"metadata": {"name": name}, "spec": {"project": project}})
    listed["applications"].remove(
        next(one for one in listed["applications"] if one["metadata"]["name"].endswith("dev"))
    )
    missing, more = told(settings)
    assert missing.endswith("it is not there; `pulumi up --refresh` puts it back")
    assert more.endswith(f"evil is of the AppProject production and not declared; `{KUBECTL} delete application evil`")
