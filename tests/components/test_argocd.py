"""Argo CD, its credentials and what it is given to do."""

import base64
import json
import re
from typing import Any

import pytest
import yaml

from components.argocd.registered_cluster import cluster_secret
from components.providers import platform_providers
from stacks.secrets import SECRETS, read_secrets
from stacks.settings import settings_of
from tests.components.builders import platform
from tests.keys import pem
from tests.recorder import is_secret, plain, record
from tests.stacks.builders import changed, texts, values


def test_the_chart_is_pinned_and_the_stack_can_choose_another() -> None:
    release = platform().one("argocd-release").inputs
    assert (release["chart"], release["repositoryOpts"]["repo"]) == ("argo-cd", "https://argoproj.github.io/argo-helm")
    assert release["version"]
    folder = platform(changed("argocd.chart", "./charts/argo-cd")).one("argocd-release").inputs
    assert "version" not in folder
    assert "repositoryOpts" not in folder


def test_a_failed_release_is_kept_so_that_a_person_can_look() -> None:
    assert platform().one("argocd-release").inputs["atomic"] is False


def test_argo_cd_reads_as_its_own_app() -> None:
    secret = platform().one("argocd-repository-secret").inputs
    assert is_secret(secret["stringData"])
    assert plain(secret["stringData"]) == {
        "type": "git",
        "url": "https://github.com/acme/environments.git",
        "githubAppID": "13",
        "githubAppInstallationID": "103",
        "githubAppPrivateKey": pem("argocd"),
    }
    assert secret["metadata"]["labels"]["argocd.argoproj.io/secret-type"] == "repository"


def test_an_own_github_is_named_to_argo_cd() -> None:
    stack = changed("github.baseUrl", "https://github.example.com")
    secret = plain(platform(stack).one("argocd-repository-secret").inputs["stringData"])
    assert secret["githubAppEnterpriseBaseUrl"] == "https://github.example.com/api/v3"
    assert secret["url"] == "https://github.example.com/acme/environments.git"


def test_the_order_is_namespace_credentials_release_projects_applications() -> None:
    recording = platform()
    release = recording.dependencies(recording.one("argocd-release"))
    assert {"argocd-namespace", "argocd-notifications-secret", "argocd-repository-secret"} <= release
    application = recording.dependencies(recording.one("guestbook-staging-application"))
    assert {"argocd-release", "staging-project", "staging-infrastructure", "environments-files"} <= application


def test_infrastructure_is_waited_for_and_services_are_not() -> None:
    recording = platform()
    waits = recording.one("staging-infrastructure").inputs["metadata"]["annotations"]["pulumi.com/waitFor"]
    assert json.loads(waits) == ["jsonpath={.status.sync.status}=Synced", "jsonpath={.status.health.status}=Healthy"]
    service = recording.one("guestbook-staging-application").inputs["metadata"]["annotations"]
    assert "pulumi.com/waitFor" not in service


def test_what_people_change_by_hand_in_the_cluster_is_taken_back() -> None:
    recording = platform()
    owned = [one for kind in (":AppProject", ":Application", ":Namespace", ":Secret") for one in recording.of(kind)]
    assert owned
    assert {one.inputs["metadata"]["annotations"].get("pulumi.com/patchForce") for one in owned} == {"true"}


def test_each_environment_has_its_project_and_applications() -> None:
    recording = platform()
    assert {one.inputs["metadata"]["name"] for one in recording.of(":AppProject")} == {
        "infrastructure",
        "dev",
        "staging",
        "production",
    }
    assert {one.inputs["metadata"]["name"] for one in recording.of(":Application")} == {
        *(f"infrastructure-{environment}" for environment in ("dev", "staging", "production")),
        *(f"guestbook-{environment}" for environment in ("dev", "staging", "production")),
    }


def test_slack_gets_its_token() -> None:
    stack = values(notifications={"slackChannel": "releases"}, slackToken="xoxb")
    data = plain(platform(stack).one("argocd-notifications-secret").inputs["stringData"])
    assert data == {"github-private-key": pem("argocd"), "slack-token": "xoxb"}


def test_the_cluster_is_the_named_one() -> None:
    provider = platform(values(cluster={"kubeconfig": "/etc/k", "context": "there"})).one("kubernetes").inputs
    assert (provider["kubeconfig"], provider["context"]) == ("/etc/k", "there")


def test_nothing_of_who_runs_it_reaches_the_github_provider() -> None:
    stack = changed("github.app", {"id": "1", "installationId": "2"})
    del stack["githubToken"]
    stack["githubAppPrivateKey"] = pem("app")
    provider = platform(stack).one("github").inputs
    assert plain(provider["token"]) == "", "GITHUB_TOKEN would win over the App"
    assert provider["baseUrl"] == "https://api.github.com/"
    assert is_secret(provider["appAuth"]) or is_secret(json.loads(json.dumps(provider["appAuth"])).get("pemFile", ""))


PULLING = values(registry={"pullUsername": "reader"}, packagesToken="ghp_read")


def test_every_namespace_gets_a_pull_secret_before_its_application() -> None:
    recording = platform(PULLING)
    for environment in ("dev", "staging", "production"):
        place = f"guestbook-{environment}"
        secret = recording.one(f"{environment}-pull-secrets-{place}")
        assert secret.inputs["metadata"]["name"] == "slipway-registry"
        assert (secret.inputs["metadata"]["namespace"], secret.inputs["type"]) == (
            place,
            "kubernetes.io/dockerconfigjson",
        )
        assert is_secret(secret.inputs["stringData"])
        login = json.loads(plain(secret.inputs["stringData"])[".dockerconfigjson"])["auths"]["ghcr.io"]
        assert (login["username"], login["password"]) == ("reader", "ghp_read")
        assert base64.b64decode(login["auth"]) == b"reader:ghp_read"
        assert f"{environment}-pull-secrets-{place}-namespace" in recording.dependencies(secret)
        assert secret.name in recording.dependencies(recording.one(f"{place}-application"))


def test_a_namespace_that_pulumi_makes_sure_of_is_the_one_that_argo_cd_keeps() -> None:
    recording = platform(PULLING)
    namespace = recording.one("staging-pull-secrets-guestbook-staging-namespace")
    (kept,) = [
        item
        for item in yaml.safe_load_all(
            recording.one("environments-files").inputs["owned"]["infrastructure/staging/namespaces.yaml"]
        )
        if item["metadata"]["name"] == "guestbook-staging"
    ]
    assert namespace.inputs["metadata"]["labels"].items() <= kept["metadata"]["labels"].items()
    assert namespace.inputs["metadata"]["annotations"] == {"pulumi.com/patchForce": "true"}, "two appliers would clash"
    assert namespace.retain_on_delete


def test_pods_pull_with_the_secret_though_value_files_are_the_teams() -> None:
    def values_of(stack: dict[str, Any]) -> Any:
        return platform(stack).one("guestbook-dev-application").inputs["spec"]["source"]["helm"].get("valuesObject")

    assert values_of(PULLING) == {"imagePullSecrets": [{"name": "slipway-registry"}]}
    assert values_of(values(registry={"imagePullSecret": "own"})) == {"imagePullSecrets": [{"name": "own"}]}
    assert values_of(values()) is None


def test_the_reading_credential_is_never_in_git_and_never_a_services() -> None:
    recording = platform(PULLING)
    for files in recording.of(":CommittedFiles"):
        assert "ghp_read" not in json.dumps(plain(files.inputs))
    holders = {
        secret.name.partition("-")[0]
        for secret in recording.resources
        if "ghp_read" in json.dumps(plain(secret.inputs))
    }
    assert holders == {"environments", "dev", "staging", "production"}


def test_without_a_reading_credential_no_pull_secret_is_made() -> None:
    assert not platform(values(registry={"imagePullSecret": "own"})).of(":PullSecrets")


def test_a_pull_secret_is_made_on_the_environments_own_cluster() -> None:
    stack = json.loads(json.dumps(PULLING))
    stack["environments"][0] |= {"cluster": "elsewhere", "context": "there"}
    recording = platform(stack)
    assert recording.one("kubernetes-dev").inputs["context"] == "there"
    assert "::kubernetes-dev::" in recording.one("dev-pull-secrets-guestbook-dev").provider
    assert "::kubernetes::" in recording.one("staging-pull-secrets-guestbook-staging").provider


EDGE = {"cluster": "edge", "context": "there", "server": "https://edge.example:6443"}


def test_a_cluster_of_an_environment_is_made_known_to_argo_cd() -> None:
    stack = values()
    stack["environments"][0] |= EDGE
    recording = platform(stack)
    for name in ("edge-account", "edge-rights", "edge-token"):
        assert "::registering-edge::" in recording.one(name).provider
    secret = recording.one("edge-secret")
    assert "::kubernetes::" in secret.provider
    assert secret.inputs["metadata"]["labels"]["argocd.argoproj.io/secret-type"] == "cluster"
    content = plain(secret.inputs["stringData"])
    assert (content["name"], content["server"]) == ("edge", "https://edge.example:6443")
    connection = json.loads(content["config"])
    assert connection == {"bearerToken": "tok", "tlsClientConfig": {"insecure": False, "caData": "Y2E="}}
    assert "edge-secret" in recording.dependencies(recording.one("dev-infrastructure"))


def test_the_token_of_a_cluster_is_secret() -> None:
    stack = values()
    stack["environments"][0] |= EDGE
    content = platform(stack).one("edge-secret").inputs["stringData"]
    assert is_secret(content) or is_secret(content["config"])


def test_a_cluster_of_two_environments_is_registered_once() -> None:
    stack = values()
    for environment in stack["environments"][:2]:
        environment.update(EDGE)
    assert len(platform(stack).of(":RegisteredCluster")) == 1


def test_a_cluster_is_the_same_one_whichever_of_its_environments_comes_first() -> None:
    """An account under another logical name would be made, and then deleted as the one of before."""

    def made(*environments: int) -> list[tuple[str, str]]:
        stack = values()
        for number in environments:
            stack["environments"][number].update(EDGE)
        recording = platform(stack)
        return [
            (recording.one(name).urn, recording.one(name).provider)
            for name in ("edge-account", "edge-rights", "edge-token", "edge-secret")
        ]

    assert made(0, 1) == made(1) == made(1, 2)


@pytest.mark.parametrize(
    "name", ["gke_proj_europe-west1_main", "arn:aws:eks:eu-west-1:1234:cluster/main", "Main", "a" * 99, "é"]
)
def test_whatever_a_cluster_is_called_its_secret_has_a_name_of_kubernetes(name: str) -> None:
    assert re.fullmatch(r"cluster(-[a-z0-9]+)+", cluster_secret(name))
    assert len(cluster_secret(name)) <= 63
    assert cluster_secret(name) != cluster_secret(name.lower() + "-")


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("docker.io", "https://index.docker.io/v1/"),
        ("europe-docker.pkg.dev/p/r", "europe-docker.pkg.dev"),
        ("harbor.example.com:8443/team", "harbor.example.com:8443"),
    ],
)
def test_a_kubelet_knows_the_registry_by_its_host(host: str, server: str) -> None:
    stack = values(registry={"host": host, "pullUsername": "robot$x"}, packagesToken="p")
    secret = platform(stack).one("dev-pull-secrets-guestbook-dev")
    assert list(json.loads(plain(secret.inputs["stringData"])[".dockerconfigjson"])["auths"]) == [server]


def test_the_home_directory_of_a_person_is_not_a_change() -> None:
    provider = platform(values(cluster={"kubeconfig": "~/.kube/acme", "context": "there"})).one("kubernetes")
    assert provider.inputs["kubeconfig"] == "~/.kube/acme"


@pytest.mark.parametrize(("adopt", "upserts"), [([], None), (["release/argocd"], True), (["everything"], True)])
def test_objects_that_exist_are_taken_over_only_while_they_are_adopted(adopt: list[str], upserts: bool | None) -> None:
    stack = texts(values(adopt=adopt))
    settings = settings_of("test", stack)
    recording = record(
        lambda: platform_providers(settings, read_secrets(settings)),
        config={f"slipway:{key}": value for key, value in stack.items()},
        secrets=[f"slipway:{secret}" for secret in SECRETS],
    )
    assert recording.one("kubernetes").inputs.get("upsertExistingObjects") == (upserts and "true")
