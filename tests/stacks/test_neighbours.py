"""Values that look right, or are right elsewhere: each is told where it would break later."""

import base64
from typing import Any

import pytest

from manifests.model.credentials import CredentialError, private_key, token
from stacks.settings import settings_of
from tests.keys import pem
from tests.stacks import test_secrets
from tests.stacks.builders import changed, texts, values
from tests.stacks.test_settings import problems

KEY = pem("argocd")


# Names of images


@pytest.mark.parametrize(
    ("registry", "said"),
    [
        ({"host": "myregistry"}, "an account of Docker Hub"),
        ({"host": "r..example.com"}, "is not a registry"),
        ({"host": "r.example.com/v2"}, "the path of a registry's API; use r.example.com"),
        ({"host": "ghcr.io/acme"}, "images would be ghcr.io/acme/acme/<service>; use `host: ghcr.io`"),
        ({"host": "harbor.example.com/a/acme"}, "use `host: harbor.example.com/a`"),
        ({"host": "quay.io/other"}, "Quay has one name before that of the service; use `host: quay.io`"),
        ({"host": "docker.io", "namespace": "acme/web"}, "Docker Hub has one name before"),
        ({"host": "europe-docker.pkg.dev"}, "use `host: europe-docker.pkg.dev/<project>/<repository>`"),
    ],
)
def test_where_images_cannot_be_is_refused(registry: dict[str, Any], said: str) -> None:
    assert said in problems(values(registry=registry))["registry.host"]


@pytest.mark.parametrize(
    "registry",
    [
        {"host": "localhost"},
        {"host": "r:5000"},
        {"host": "harbor.example.com/my__project--x"},
        {"host": "ghcr.io/acme", "namespace": "acme"},
        {"host": "containers.acme.ghe.com"},
        {"host": "quay.io", "namespace": "other"},
        {"host": "europe-docker.pkg.dev/project", "namespace": "images"},
        {"host": "1234.dkr.ecr.eu-west-1.amazonaws.com/team"},
        {"host": "registry.gitlab.com/acme/sub.group"},
    ],
)
def test_where_images_can_be_is_taken(registry: dict[str, Any]) -> None:
    assert settings_of("test", texts(values(registry=registry, registryPassword="hush")))


@pytest.mark.parametrize(
    ("registry", "where", "said"),
    [
        ({"host": "ghcr.io:443"}, "registry.host", "another registry than ghcr.io"),
        ({"host": "docker.io:443"}, "registry.host", "use docker.io"),
        ({"insecure": True}, "registry.insecure", "not speak plain http"),
        ({"host": f"r.example.com/{'a' * 240}"}, "registry.host", "use a shorter path"),
        ({"platforms": ["linux/x86_64"]}, "registry.platforms[0]", "use linux/amd64"),
        ({"platforms": ["linux/aarch64"]}, "registry.platforms[0]", "use linux/arm64"),
    ],
)
def test_what_no_registry_has_is_refused(registry: dict[str, Any], where: str, said: str) -> None:
    assert said in problems(values(registry=registry, registryPassword="hush"))[where]


# Addresses


@pytest.mark.parametrize("path", ["argocd.url", "argocd.chartRepository", "environments.0.url", "github.baseUrl"])
@pytest.mark.parametrize(
    "host",
    [
        "argocd..example.com",
        "-a.example.com",
        "*.example.com",
        "a\u200bb.example.com",
        "\u202eb.example.com",
        "m\u00fcnchen.example",
        "${HOST}",
        "300.1.1.1",
        "a" * 64 + ".example.com",
    ],
)
def test_a_host_that_is_none_is_refused(path: str, host: str) -> None:
    (text,) = problems(changed(path, f"https://{host}/")).values()
    assert "valid host" in text or "is not a placeholder" in text


@pytest.mark.parametrize(
    "url",
    [
        "https://[fd00::1]:8443",
        "http://argocd",
        "https://a_b.example.com",
        "https://10.0.0.1",
        "https://xn--mnchen-3ya.example",
    ],
)
def test_a_host_that_is_one_is_taken(url: str) -> None:
    assert settings_of("test", texts(changed("argocd.url", url)))


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://GitHub.com", "https://github.com/"),
        ("https://github.com:443/", "https://github.com/"),
        ("https://GHES.example.com:8443", "https://ghes.example.com:8443/"),
        ("https://Acme.ghe.com", "https://acme.ghe.com/"),
    ],
)
def test_the_address_of_github_has_one_form(given: str, used: str) -> None:
    assert settings_of("test", texts(changed("github.baseUrl", given))).github.base_url == used


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("https://gist.github.com", "use https://github.com/"),
        ("https://github.com:8443", "use https://github.com/"),
        ("https://api.acme.ghe.com", "use https://acme.ghe.com/"),
        ("https://raw.githubusercontent.com", "use https://github.com/"),
    ],
)
def test_an_address_beside_that_of_github_is_refused(given: str, said: str) -> None:
    assert said in problems(changed("github.baseUrl", given))["github.baseUrl"]


# What Kubernetes and Argo CD would refuse, or not heed


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("kinds", ["Certificate"], "use group/Kind"),
        ("kinds", ["Deployment"], "use group/Kind"),
        ("kinds", ["rbac.authorization.k8s.io/ClusterRole"], "is not namespaced"),
        ("kinds", ["cert-manager.io/ClusterIssuer"], "is not namespaced"),
        ("namespaceLabels", {"pod-security.kubernetes.io/enforce": "Restricted"}, "privileged, baseline or restricted"),
        ("namespaceLabels", {"pod-security.kubernetes.io/warn-version": "1.35"}, "such as v1.35"),
        ("namespaceAnnotations", {"argocd.argoproj.io/tracking-id": "x"}, "take objects from the Application"),
        ("namespaceAnnotations", {"argocd.argoproj.io/hook": "PreSync"}, "take objects from the Application"),
        (
            "ignoreDifferences",
            [{"kind": "Deployment", "group": "apps", "jsonPointers": ["spec/replicas"]}],
            "JSON pointer",
        ),
        ("ignoreDifferences", [{"kind": "Deployment", "group": "apps/v1", "jsonPointers": ["/x"]}], "API group"),
        ("ignoreDifferences", [{"kind": "Deployment", "jsonPointers": ["/x"]}], "use apps"),
        ("ignoreDifferences", [{"kind": "deployment", "group": "apps", "jsonPointers": ["/x"]}], "such as Deployment"),
    ],
)
def test_what_would_have_no_effect_or_stop_an_application_is_refused(key: str, value: Any, said: str) -> None:
    (text,) = problems(changed(f"environments.1.{key}", value)).values()
    assert said in text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("kinds", ["PersistentVolumeClaim", "cert-manager.io/Certificate", "argoproj.io/Rollout"]),
        ("namespaceLabels", {"pod-security.kubernetes.io/enforce": "baseline", "istio-injection": "enabled"}),
        ("namespaceAnnotations", {"argocd.argoproj.io/sync-options": "Prune=false"}),
        ("ignoreDifferences", [{"kind": "*", "group": "*", "managedFieldsManagers": ["kube-controller-manager"]}]),
        ("ignoreDifferences", [{"kind": "ConfigMap", "jsonPointers": ["/data/a~1b"]}]),
    ],
)
def test_what_kubernetes_and_argo_cd_take_is_taken(key: str, value: Any) -> None:
    assert settings_of("test", texts(changed(f"environments.1.{key}", value)))


def test_a_wrong_key_of_a_mapping_hides_nothing_else() -> None:
    stack = changed("environments.1.namespaceLabels", {"a/b/c": "y"})
    stack["environments"][1]["approvers"] = ["nobody"]
    assert set(problems(stack)) == {"environments[staging].namespaceLabels.a/b/c", "environments[staging].approvers[0]"}


# Versions


@pytest.mark.parametrize("version", ["latest", "stable", "v3.5", "v3.5.7 ", "3.5.7+meta", "v3.5.7@sha256:abc"])
def test_a_version_of_argo_cd_that_is_not_one_of_its_tags_is_refused(version: str) -> None:
    assert "is not the tag of one version" in problems(changed("argocd.version", version))["argocd.version"]


def test_a_version_of_argo_cd_has_the_form_of_its_images_tags() -> None:
    stack = changed("argocd.version", "3.5.7")
    assert "use `v3.5.7`" in problems(stack)["argocd.version"]
    stack["argocd"]["image"] = "mirror.example.com/argocd"
    assert settings_of("test", texts(stack)), "a mirror has its own tags"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("v1.31.4-eks-a737599", "v1.31.4"),
        ("v1.31.4+k3s1", "v1.31.4"),
        ("v1.33.5-gke.1080000", "v1.33.5"),
        ("1.35+", "1.35"),
        ("1.36.0-alpha.1", "1.36.0"),
    ],
)
def test_what_a_provider_adds_to_kubernetes_version_does_not_count(given: str, used: str) -> None:
    assert settings_of("test", texts(changed("cluster.kubernetesVersion", given))).cluster.kubernetes_version == used


@pytest.mark.parametrize("given", ["1", "2.0", "1.35.4.5", "latest"])
def test_what_is_not_a_version_of_kubernetes_is_refused(given: str) -> None:
    assert (
        "as `kubectl version` shows it"
        in problems(changed("cluster.kubernetesVersion", given))["cluster.kubernetesVersion"]
    )


# Values of Argo CD's chart


@pytest.mark.parametrize(
    ("own", "path", "said"),
    [
        ({"configs": None}, "configs", "a mapping"),
        ({"configs": {"rbac": [], "cm": None}}, "configs.cm", "a mapping"),
        ({"configs": {"rbac": {"policy.csv": None}}}, "configs.rbac.policy.csv", "a text, which is added"),
        ({"configs": {"rbac": {"policy.csv": ["p, a"]}}}, "configs.rbac.policy.csv", "a text, which is added"),
        ({"notifications": {"subscriptions": None}}, "notifications.subscriptions", "a list, which is added"),
        ({"server": "x"}, "server", "a mapping"),
        ({"fullnameOverride": "cd"}, "fullnameOverride", "absent"),
    ],
)
def test_values_that_would_take_away_the_platforms_are_refused(own: dict[str, Any], path: str, said: str) -> None:
    assert said in problems(changed("argocd.values", own))[f"argocd.values.{path}"]


def test_values_that_change_or_add_are_taken() -> None:
    own = {"configs": {"cm": {"timeout.reconciliation": None}, "rbac": {}}, "redis-ha": None, "server": {"replicas": 2}}
    assert settings_of("test", texts(changed("argocd.values", own)))


# Quantities


@pytest.mark.parametrize("cpu", ["500M", "1k", "4Gi"])
def test_processors_by_the_million_are_not_what_was_meant(cpu: str) -> None:
    assert (
        "thousandths such as 500m"
        in problems(changed("environments.0.quota", {"cpu": cpu}))["environments[dev].quota.cpu"]
    )


@pytest.mark.parametrize("quantity", ["128MB", "-1", "lots", "1,5", [1]])
def test_a_quantity_of_an_override_that_kubernetes_refuses_is_named(quantity: Any) -> None:
    stack = changed("services.0.overrides", {"dev": {"resources": {"limits": {"memory": quantity}}}})
    where = "services[guestbook].overrides.dev.resources.limits.memory"
    assert "is not a quantity" in problems(stack)[where]


@pytest.mark.parametrize(
    ("quota", "overrides", "said"),
    [
        ({"memory": "512Mi"}, {"resources": {"requests": None, "limits": None}}, "3 times 256Mi"),
        ({"cpu": "100m"}, {"resources": {"requests": None, "limits": None}}, "3 times 50m"),
        ({"cpu": "5"}, {"resources": {"requests": {"cpu": None}, "limits": {"cpu": 2}}}, "3 times 2"),
        ({"memory": "8Gi"}, {"resources": {"limits": {"memory": "1Pi"}}}, "3 times 1Pi"),
        ({"memory": "8Gi"}, {"resources": {"limits": {"memory": "3e9"}}}, "3 times 3e9"),
        ({}, {"resources": {"requests": {"memory": "512Mi"}, "limits": None}}, "may use 256Mi, which Kubernetes"),
        ({"pods": 4}, {"replicas": 4.0}, "at least 5"),
    ],
)
def test_a_quota_counts_what_the_namespace_gives_by_default(
    quota: dict[str, Any], overrides: dict[str, Any], said: str
) -> None:
    stack = changed("environments.0.quota", quota)
    stack["services"][0]["overrides"] = {"dev": overrides}
    assert said in " ".join(problems(stack).values())


# Keys and tokens


@pytest.mark.parametrize(
    "pasted",
    [
        KEY + KEY,
        KEY.replace("\n", "\\\\n"),
        KEY[:200] + "\u200b" + KEY[200:],
        test_secrets.pkcs8("argocd").replace("PRIVATE KEY", "RSA PRIVATE KEY"),
        KEY.replace("RSA PRIVATE KEY", "PRIVATE KEY"),
        base64.b64encode(KEY.encode()).decode().rstrip("="),
        f"\u201c{KEY}\u201d",
        "promoterPrivateKey: |\n" + KEY.replace("\n", "\n  "),
        "".join(KEY.splitlines()[1:-1]),
        "\n".join(test_secrets.pkcs8("argocd").splitlines()[1:-1]),
    ],
    ids=[
        "twice",
        "escaped-twice",
        "unseen",
        "pkcs8-as-pkcs1",
        "pkcs1-as-pkcs8",
        "unpadded",
        "curly-quotes",
        "yaml",
        "bare",
        "bare-pkcs8",
    ],
)
def test_more_that_is_pasted_around_a_key_is_put_right(pasted: str) -> None:
    assert private_key(pasted) == KEY


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("~/Downloads/acme-promoter.2026-11-01.private-key.pem", "the path of a file"),
        ("@promoter.pem", "the path of a file"),
        (r"C:\Users\dana\key.pem", "the path of a file"),
        (KEY[: len(KEY) // 2], "its end is missing"),
    ],
)
def test_what_was_set_in_place_of_a_key_is_told(pasted: str, said: str) -> None:
    with pytest.raises(CredentialError, match=said) as raised:
        private_key(pasted)
    assert pasted[:12] not in str(raised.value)


@pytest.mark.parametrize("pasted", ["\ufeffghp_x", "ghp_x\\n", "ghp_x\\r\\n", "\ufeff ghp_x\r\n"])
def test_more_that_is_pasted_around_a_token_is_left_out(pasted: str) -> None:
    assert token(pasted) == "ghp_x"


@pytest.mark.parametrize(
    "pasted",
    ["GITHUB_TOKEN=ghp_x", "https://x:ghp_x@github.com", "***", "<ghp_x>", "`ghp_x`", "${ghp_x}"],
)
def test_what_is_more_than_a_token_is_refused_and_never_shown(pasted: str) -> None:
    found = test_secrets.problems(changed("githubToken", pasted))
    assert "more than a token" in found["githubToken"]
    assert "ghp_x" not in str(found)


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("ghs_x", "an App's installation"),
        ("ghr_x", "a refresh token"),
        ("glpat-x", "GitLab"),
        ("xoxb-1", "Slack"),
        ("Iv23x", "an App"),
    ],
)
def test_a_token_of_another_sort_is_told_by_its_sort(pasted: str, said: str) -> None:
    assert said in test_secrets.problems(changed("githubToken", pasted))["githubToken"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_key_in_base64_may_be_a_file_of_windows(encoding: str) -> None:
    assert private_key(base64.b64encode(KEY.encode(encoding)).decode()) == KEY


def test_the_path_of_a_token_is_no_token() -> None:
    assert "the path of a file" in test_secrets.problems(changed("githubToken", "~/.secrets/token"))["githubToken"]
