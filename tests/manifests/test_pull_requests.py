"""Pull requests of a service run apart from everything else, and only those with the label."""

import json
from typing import Any

import yaml

from manifests.app_project import infrastructure_project
from manifests.argocd.rbac import policy
from manifests.infrastructure import infrastructure_files
from manifests.model import Settings
from manifests.pull_requests import application_set, pull_request_project
from manifests.repository_files import environment_repository_files, service_repository_files
from slipway_release.pull_request import image_tag
from stacks.settings import settings_of
from tests.stacks.builders import changed, texts, values

URL = "https://{service}-{number}.dev.example.com"
ROUTE = {"host": "{service}.dev.example.com", "gateway": "public", "gatewayNamespace": "gateways"}


def settings(stack: dict[str, Any] | None = None, **given: Any) -> Settings:
    stack = stack or values()
    stack["services"][0]["pullRequests"] = {"url": URL} | given
    return settings_of("test", texts(stack))


def routed() -> dict[str, Any]:
    """A stack whose first environment has a way in."""
    stack = changed("environments.0.httpRoute", ROUTE)
    stack["cluster"]["ingressNamespaces"] = ["gateways"]
    return stack


def made(found: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    """The ApplicationSet's spec, and that of the Applications that it makes."""
    base = found.environments[0]
    ((service, place),) = found.pull_request_places(base)
    spec = application_set(found, service, base, place)["spec"]
    return spec, spec["template"]["spec"]


def test_what_runs_goes_before_the_appproject_that_it_needs_to_go() -> None:
    found = settings()
    base = found.environments[0]
    ((service, place),) = found.pull_request_places(base)
    metadata = application_set(found, service, base, place)["metadata"]
    assert metadata["annotations"]["pulumi.com/deletionPropagationPolicy"] == "foreground"


def test_a_label_is_always_asked_for() -> None:
    spec, _ = made(settings(label="try it"))
    (generator,) = spec["generators"]
    assert generator["pullRequest"]["github"]["labels"] == ["try it"]
    assert generator["pullRequest"]["filters"] == [{"targetBranchMatch": "^main$"}]


def test_argo_cd_asks_with_its_app() -> None:
    spec, _ = made(settings())
    assert spec["generators"][0]["pullRequest"]["github"] == {
        "owner": "acme",
        "repo": "guestbook",
        "appSecretName": "environment-repository",
        "labels": ["preview"],
    }


def test_nothing_that_an_author_writes_gets_into_an_application() -> None:
    """A branch or a title could be anything; a number and a commit cannot."""
    spec, _ = made(settings())
    used = {part.partition("}}")[0] for part in json.dumps(spec["template"]).split("{{")[1:]}
    assert used == {".number", ".head_sha"}


def test_an_application_takes_the_image_of_the_commit_and_nothing_of_a_release() -> None:
    _, spec = made(settings())
    helm = spec["source"]["helm"]
    assert spec["source"]["targetRevision"] == "refs/heads/main"
    assert not [path for path in helm["valueFiles"] if "release.yaml" in path]
    commit = "0123456789abcdef0123456789abcdef01234567"
    tag = helm["valuesObject"]["release"]["tag"].replace("{{.number}}", "42").replace("{{.head_sha}}", commit)
    assert tag == image_tag("42", commit)


def test_it_cannot_leave_its_own_namespace() -> None:
    found = settings()
    ((service, place),) = found.pull_request_places(found.environments[0])
    project = pull_request_project(found, service, place)
    assert project["metadata"]["name"] == "guestbook-pull-requests"
    assert [one["namespace"] for one in project["spec"]["destinations"]] == ["guestbook-pull-requests"]
    assert project["spec"]["clusterResourceWhitelist"] == []
    assert "*" not in json.dumps(project)
    assert made(found)[1]["project"] == project["metadata"]["name"]


def test_nothing_is_reported_as_a_release() -> None:
    spec, _ = made(settings())
    assert "slipway.dev/environment" not in spec["template"]["metadata"]["labels"]
    assert spec["template"]["metadata"]["finalizers"], "what ran goes with the pull request"


def test_each_has_a_name_and_an_address_of_its_own() -> None:
    stack = routed()
    _, spec = made(settings(stack))
    given = spec["source"]["helm"]["valuesObject"]["global"]
    assert given["instance"] == "guestbook-{{.number}}"
    assert given["httpRoute"]["host"] == "guestbook-{{.number}}.dev.example.com"
    assert given["httpRoute"]["gateway"] == "public"


def test_without_an_address_there_is_no_way_in() -> None:
    stack = routed()
    stack["services"][0]["pullRequests"] = {}
    found = settings_of("test", texts(stack))
    assert set(made(found)[1]["source"]["helm"]["valuesObject"]["global"]) == {"instance"}


def test_their_namespace_has_a_quota_closed_doors_and_the_teams_key() -> None:
    found = settings(quota={"pods": 7})
    files = infrastructure_files(found)
    kinds: dict[str, dict[str, Any]] = {}
    for kind in ("namespaces", "quotas", "network-policies", "role-bindings"):
        for item in yaml.safe_load_all(files[f"infrastructure/dev/{kind}.yaml"]):
            metadata = item["metadata"]
            if "guestbook-pull-requests" in {metadata["name"], metadata.get("namespace")}:
                kinds.setdefault(item["kind"], item)
    assert {"Namespace", "ResourceQuota", "LimitRange", "NetworkPolicy", "RoleBinding"} <= set(kinds)
    assert kinds["ResourceQuota"]["spec"]["hard"]["pods"] == "7"
    permitted = {one["namespace"] for one in infrastructure_project(found)["spec"]["destinations"]}
    assert "guestbook-pull-requests" in permitted
    assert "guestbook-pull-requests" not in files["infrastructure/staging/namespaces.yaml"]


def test_the_team_sees_and_syncs_them() -> None:
    assert "role:team-web, applications, sync, guestbook-pull-requests/*, allow" in policy(settings())


def test_a_fork_gets_no_image() -> None:
    found = settings()
    called = yaml.safe_load(environment_repository_files(found).owned[".github/workflows/pull-request.yml"])
    condition = called["jobs"]["build"]["if"]
    assert "head.repo.full_name == github.repository" in condition
    assert "contains(github.event.pull_request.labels.*.name, inputs.label)" in condition
    owned = service_repository_files(found, found.services[0]).owned
    caller = yaml.safe_load(owned[".github/workflows/pull-request.yml"])
    assert "pull_request_target" not in caller[True]
    assert caller["jobs"]["pull-request"]["with"] == {
        "label": "preview",
        "address": "https://guestbook-{number}.dev.example.com",
        "days": "7",
    }


def test_a_service_without_the_setting_has_nothing_of_it() -> None:
    found = settings_of("test", texts(values()))
    assert not any(found.pull_request_places(environment) for environment in found.environments)
    assert ".github/workflows/pull-request.yml" not in service_repository_files(found, found.services[0]).owned
    assert "pull-requests" not in policy(found)
