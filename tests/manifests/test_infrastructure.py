"""Namespaces come with limits, closed doors, and a key for their team."""

import json
import re
from typing import Any

import yaml

from manifests.infrastructure import infrastructure_files
from stacks.settings import settings_of
from tests.stacks.builders import MARK, changed, texts, values


def objects(stack: dict[str, Any], file: str) -> list[dict[str, Any]]:
    text = infrastructure_files(settings_of("test", texts(stack)))[f"infrastructure/{file}"]
    return [item for item in yaml.safe_load_all(text) if item]


def test_every_service_has_its_namespace() -> None:
    (namespace,) = objects(values(), "staging/namespaces.yaml")
    assert namespace["metadata"]["name"] == "guestbook-staging"
    assert namespace["metadata"]["labels"]["app.kubernetes.io/managed-by"] == MARK


def test_a_namespace_of_production_is_never_deleted_by_a_sync() -> None:
    (production,) = objects(values(), "production/namespaces.yaml")
    (staging,) = objects(values(), "staging/namespaces.yaml")
    assert "Prune=false" in production["metadata"]["annotations"]["argocd.argoproj.io/sync-options"]
    # Without it, its Application would be OutOfSync for ever once the service has left.
    assert production["metadata"]["annotations"]["argocd.argoproj.io/compare-options"] == "IgnoreExtraneous"
    assert "annotations" not in staging["metadata"]


def test_a_quota_brings_defaults_for_containers_that_ask_for_nothing() -> None:
    stack = changed("environments.1.quota", {"cpu": "2", "memory": "4Gi", "pods": 10})
    quota, limits = objects(stack, "staging/quotas.yaml")
    assert quota["spec"]["hard"]["pods"] == "10"
    assert limits["kind"] == "LimitRange"
    assert objects(values(), "staging/quotas.yaml") == []


def policies(stack: dict[str, Any], environment: str = "staging") -> dict[str, dict[str, Any]]:
    found = objects(stack, f"{environment}/network-policies.yaml")
    return {policy["metadata"]["name"]: policy["spec"] for policy in found}


def test_nobody_else_reaches_a_pod() -> None:
    found = policies(values())
    assert found["deny-by-default"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    # A rule without `from`, or a peer that names a namespace or an address, would let in others.
    rules = [rule for spec in found.values() for rule in spec.get("ingress", [])]
    assert [peer for rule in rules for peer in rule["from"]] == [{"podSelector": {}}]


def test_named_namespaces_may_enter() -> None:
    stack = changed("cluster.ingressNamespaces", ["ingress-nginx"])
    (rule,) = policies(stack)["allow-ingress"]["ingress"]
    assert "ingress-nginx" in str(rule)


def test_outbound_traffic_can_be_closed() -> None:
    assert "allow-outbound" in policies(values())
    assert "allow-outbound" not in policies(changed("environments.1.outbound", False))


def test_a_team_looks_into_production_and_acts_elsewhere() -> None:
    (production,) = objects(values(), "production/role-bindings.yaml")
    (staging,) = objects(values(), "staging/role-bindings.yaml")
    assert production["roleRef"]["name"] == "view"
    assert staging["roleRef"]["name"] == "edit"
    assert staging["subjects"][0]["name"] == "acme:web"


def test_an_environment_without_services_keeps_its_folder() -> None:
    files = infrastructure_files(settings_of("test", texts(values(services=[]))))
    assert "infrastructure/dev/namespaces.yaml" in files


def test_a_namespace_admits_restricted_pods_alone() -> None:
    (namespace, *_) = objects(values(), "production/namespaces.yaml")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_an_environment_adds_labels_and_annotations_to_its_namespaces() -> None:
    stack = changed("environments.2.namespaceLabels", {"istio-injection": "enabled", "team": "1e3"})
    stack["environments"][2]["namespaceLabels"]["pod-security.kubernetes.io/enforce"] = "baseline"
    stack["environments"][2]["namespaceAnnotations"] = {"example.com/owner": "web"}
    (production,) = objects(stack, "production/namespaces.yaml")
    labels, annotations = production["metadata"]["labels"], production["metadata"]["annotations"]
    assert (labels["istio-injection"], labels["team"]) == ("enabled", "1e3")
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    assert labels["app.kubernetes.io/managed-by"] == MARK
    assert annotations["example.com/owner"] == "web"
    assert "Prune=false" in annotations["argocd.argoproj.io/sync-options"]


def test_names_are_asked_where_the_cluster_answers() -> None:
    (rule,) = policies(values())["allow-dns"]["egress"]
    assert rule["ports"] == [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    dns = {"namespaces": ["openshift-dns"], "ports": [53, 5353], "addresses": ["169.254.20.10/32"]}
    (rule,) = policies(changed("cluster.dns", dns))["allow-dns"]["egress"]
    assert {"ipBlock": {"cidr": "169.254.20.10/32"}} in rule["to"]
    assert "openshift-dns" in str(rule["to"])
    assert {"port": 5353, "protocol": "UDP"} in rule["ports"]


def test_named_addresses_may_be_reached_and_may_reach() -> None:
    stack = changed("environments.1.allowTo", ["10.1.0.0/16"])
    stack["environments"][1] |= {"allowFrom": ["192.0.2.0/24"], "outbound": False}
    found = policies(stack)
    assert found["allow-to-addresses"]["egress"] == [{"to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}]}]
    assert found["allow-from-addresses"]["ingress"] == [{"from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}]
    assert "allow-outbound" not in found


def test_a_team_has_the_group_that_its_directory_gives() -> None:
    stack = changed("teams.1.clusterGroup", "oidc:web-developers")
    (binding,) = objects(stack, "staging/role-bindings.yaml")
    assert binding["subjects"][0]["name"] == "oidc:web-developers"


def test_each_environment_lets_in_images_of_the_platforms_registry_by_digest() -> None:
    """What the cluster decides on it is tried in tests/sandbox."""
    stack = changed("environments.2.imageSources", ["docker.io/istio"])
    policy, binding, traffic, *_ = objects(stack, "production/admission.yaml")
    (wrong,) = (item for item in policy["spec"]["variables"] if item["name"] == "wrong")
    pattern = json.loads(re.search(r'matches\((".*")\)\)$', wrong["expression"])[1])  # pyright: ignore[reportOptionalSubscript]
    digest = "@sha256:" + "a" * 64
    assert re.search(pattern, f"ghcr.io/acme/guestbook{digest}")
    assert re.search(pattern, f"docker.io/istio/proxyv2:1.2{digest}")
    for image in ("ghcr.io/acme/guestbook:1.2.3", f"ghcr.io/other/guestbook{digest}", f"ghcrxio/acme/x{digest}", "x"):
        assert not re.search(pattern, image)
    assert binding["spec"]["validationActions"] == ["Deny"]
    # What the policy cannot decide on is not let in.
    assert policy["spec"]["failurePolicy"] == traffic["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"]["policyName"] == policy["metadata"]["name"] == f"{MARK}-production-images"
    (namespace,) = objects(stack, "production/namespaces.yaml")
    selected = binding["spec"]["matchResources"]["namespaceSelector"]["matchLabels"]
    assert selected.items() <= namespace["metadata"]["labels"].items()
    assert MARK in selected.values(), "another platform's namespaces of that environment are its own"


def test_admission_warns_or_is_off_where_the_settings_say_so() -> None:
    assert objects(changed("environments.1.admission", "off"), "staging/admission.yaml") == []
    warned = objects(changed("environments.1.admission", "warn"), "staging/admission.yaml")
    assert [item["spec"]["validationActions"] for item in warned[1::2]] == [["Warn", "Audit"]] * 3
