"""The chart of a new service, in every state that it can be in."""

import json
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest

from slipway_release.validation import files
from templates import rendered_files
from templates.service_template import service_template, service_templates
from tests.argocd.rendering import KubernetesObject, Render, RenderText, named
from tests.argocd.starting import VARIABLES, write

DIGEST = f"sha256:{'d' * 64}"
RELEASE = {"version": "1.2.3", "tag": "v1.2.3", "image": VARIABLES["image"], "digest": DIGEST, "commit": "c" * 40}
RELEASED: dict[str, Any] = {"release": {**RELEASE, "run": "https://example.com", "rollback": None}, "held": []}
MONITORED = ("--api-versions", "monitoring.coreos.com/v1")
KINDS = {
    "Deployment",
    "Service",
    "ServiceAccount",
    "ConfigMap",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "ServiceMonitor",
    "CronJob",
    "Job",
    "ExternalSecret",
    "SealedSecret",
    "SopsSecret",
    "Ingress",
    "HTTPRoute",
}
"""What `templates/services/README.md` promises to AppProjects."""


@pytest.fixture(params=sorted({str(service_template(name).chart) for name in service_templates()}))
def chart(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Each chart that a template brings."""
    return write(rendered_files(request.param, VARIABLES), tmp_path / "guestbook")


@pytest.mark.parametrize("values", [{}, {"release": {}}, {"release": {}, "held": [{"version": "1.2.3"}]}])
def test_nothing_is_rendered_before_the_first_release(chart: Path, render: Render, values: dict[str, Any]) -> None:
    assert render(chart, values, name="guestbook") == []


def test_a_release_is_a_deployment_of_its_digest(chart: Path, render: Render) -> None:
    objects = render(chart, {**RELEASED, "progressDeadlineSeconds": 15}, name="guestbook")
    kinds = {"Deployment", "Service", "ServiceAccount", "ConfigMap", "PodDisruptionBudget"}
    assert {content["kind"] for content in objects} == kinds
    deployment = named(objects, "Deployment", "guestbook")
    assert deployment["spec"]["progressDeadlineSeconds"] == 15
    assert deployment["metadata"]["labels"]["app.kubernetes.io/version"] == "1.2.3"
    pod = deployment["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert container["image"] == f"ghcr.io/acme/guestbook@{DIGEST}"
    assert {"startupProbe", "readinessProbe", "livenessProbe", "resources"} <= set(container)
    service = named(objects, "Service", "guestbook")
    assert service["spec"]["ports"][0]["port"] == 80
    assert service["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_a_schedule_makes_it_a_job_and_nothing_that_answers(chart: Path, render: Render) -> None:
    scheduled = {**RELEASED, "schedule": "30 4 * * *", "job": {"suspend": True}, "config": {"ITEMS": "a"}}
    entry = {"global": {"ingress": INGRESS, "httpRoute": ROUTE}, "disruptionBudget": {"enabled": True}}
    objects = render(chart, {**scheduled, **entry, "autoscaling": {"enabled": True}}, *MONITORED)
    assert {content["kind"] for content in objects} == {"CronJob", "ServiceAccount", "ConfigMap"}
    spec = named(objects, "CronJob", "guestbook")["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["suspend"]) == ("30 4 * * *", "Etc/UTC", True)
    assert spec["concurrencyPolicy"] == "Forbid"
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert (pod["restartPolicy"], container["image"]) == ("Never", f"ghcr.io/acme/guestbook@{DIGEST}")
    assert not {"ports", "readinessProbe", "livenessProbe", "startupProbe"} & set(container)
    web = named(render(chart, RELEASED), "Deployment", "guestbook")["spec"]["template"]["spec"]
    assert container["securityContext"] == web["containers"][0]["securityContext"]
    assert pod["securityContext"] == web["securityContext"]


def check_job(objects: list[KubernetesObject], check: str) -> KubernetesObject:
    (job,) = (item for item in objects if item["metadata"]["name"].startswith(f"guestbook-check-{check}-"))
    return job


def test_the_job_of_a_failed_check_outlives_the_rollback(chart: Path, render: Render) -> None:
    """The rollback's sync removes what has its names."""
    digests = (DIGEST, "sha256:" + "b" * 64)
    good, bad = (
        check_job(
            render(
                chart,
                {"release": RELEASED["release"] | {"digest": digest}, "checks": {"smoke": {"path": "/"}}},
                name="guestbook",
            ),
            "smoke",
        )
        for digest in digests
    )
    assert good["metadata"]["name"] != bad["metadata"]["name"]
    assert bad["spec"]["ttlSecondsAfterFinished"] == 86400


def test_checks_run_after_the_sync_in_the_release_s_image_and_answer_nobody(chart: Path, render: Render) -> None:
    checks = {
        "smoke": {"command": ["/smoke", "it's: {{ x }}"], "timeoutSeconds": 30},
        "errors": {"command": ["sh"], "image": "docker.io/curl@sha256:" + "a" * 64, "retries": 2},
    }
    objects = render(chart, {**RELEASED, "checks": checks}, name="guestbook")
    assert sum(item["kind"] == "Job" for item in objects) == len(checks)
    smoke = check_job(objects, "smoke")
    assert smoke["metadata"]["annotations"]["argocd.argoproj.io/hook"] == "PostSync"
    assert smoke["spec"]["activeDeadlineSeconds"] == 30
    pod = smoke["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert container["command"] == ["/smoke", "it's: {{ x }}"]
    assert container["image"] == f"ghcr.io/acme/guestbook@{DIGEST}"
    assert {"name": "SERVICE_URL", "value": "http://guestbook"} in container["env"]
    selector = named(objects, "Service", "guestbook")["spec"]["selector"]
    assert not selector.items() <= pod["metadata"]["labels"].items()
    other = check_job(objects, "errors")["spec"]
    assert other["backoffLimit"] == 2
    assert other["template"]["spec"]["containers"][0]["image"].startswith("docker.io/curl@")
    assert render(chart, {"release": {}, "checks": checks}, name="guestbook") == []


def test_pods_keep_to_the_restricted_standard(chart: Path, render: Render) -> None:
    pod = named(render(chart, RELEASED), "Deployment", "guestbook")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    context = pod["containers"][0]["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}


def test_a_version_becomes_a_label_whatever_is_in_it(chart: Path, render: Render) -> None:
    version = "1.2.3-rc.1+build." + "x" * 80
    objects = render(chart, {**RELEASED, "release": {**RELEASE, "version": version}})
    label = named(objects, "Deployment", "guestbook")["metadata"]["labels"]["app.kubernetes.io/version"]
    assert label.startswith("1.2.3-rc.1_build.")
    assert len(label) <= 63


def test_configuration_is_the_pods_environment_and_restarts_them(chart: Path, render: Render) -> None:
    values = {"GREETING": "Ahoy", "LIMIT": 3, "LOUD": True, "MAX": 1048576, "CUSTOMER": 880444307210, "PART": 0.25}
    objects = render(chart, {**RELEASED, "config": values})
    assert named(objects, "ConfigMap", "guestbook")["data"] == {
        "GREETING": "Ahoy",
        "LIMIT": "3",
        "LOUD": "true",
        "MAX": "1048576",
        "CUSTOMER": "880444307210",
        "PART": "0.25",
    }

    def annotations(objects: list[KubernetesObject]) -> dict[str, str]:
        return named(objects, "Deployment", "guestbook")["spec"]["template"]["metadata"]["annotations"]

    other = render(chart, {**RELEASED, "config": {"GREETING": "Moin"}})
    assert annotations(objects)["checksum/config"] != annotations(other)["checksum/config"]


def test_metrics_are_scraped_by_operator_or_annotation(chart: Path, render: Render) -> None:
    def annotations(objects: list[KubernetesObject]) -> dict[str, str]:
        return named(objects, "Deployment", "guestbook")["spec"]["template"]["metadata"]["annotations"]

    plain, monitored = render(chart, RELEASED), render(chart, RELEASED, *MONITORED)
    assert annotations(plain)["prometheus.io/port"] == "8080"
    assert not [name for name in annotations(monitored) if name.startswith("prometheus.io/")]
    assert named(monitored, "ServiceMonitor", "guestbook")["spec"]["endpoints"] == [
        {"port": "http", "path": "/metrics"}
    ]
    off = render(chart, {**RELEASED, "metrics": {"enabled": False}}, *MONITORED)
    assert "ServiceMonitor" not in {content["kind"] for content in off}


@pytest.mark.parametrize(
    ("secrets", "kind", "spec"),
    [
        (
            {
                "backend": "external-secrets",
                "store": {"name": "vault"},
                "data": {"DATABASE_URL": {"key": "guestbook/database", "property": "url"}},
            },
            "ExternalSecret",
            {
                "refreshInterval": "1h",
                "secretStoreRef": {"name": "vault", "kind": "ClusterSecretStore"},
                "target": {"name": "guestbook-secrets"},
                "data": [
                    {"secretKey": "DATABASE_URL", "remoteRef": {"key": "guestbook/database", "property": "url"}},
                ],
            },
        ),
        (
            {"backend": "sealed-secrets", "encryptedData": {"DATABASE_URL": "AgBy8hCi"}},
            "SealedSecret",
            {
                "encryptedData": {"DATABASE_URL": "AgBy8hCi"},
                "template": {"metadata": {"name": "guestbook-secrets"}},
            },
        ),
        (
            {"backend": "sops", "document": {"spec": {"secretTemplates": []}, "sops": {"mac": "ENC[…]"}}},
            "SopsSecret",
            {"secretTemplates": []},
        ),
    ],
)
def test_secrets_are_references(chart: Path, render: Render, secrets: Any, kind: str, spec: Any) -> None:
    objects = render(chart, {**RELEASED, "secrets": secrets})
    assert named(objects, kind, "guestbook-secrets")["spec"] == spec
    assert "Secret" not in {content["kind"] for content in objects}
    container = named(objects, "Deployment", "guestbook")["spec"]["template"]["spec"]["containers"][0]
    assert {"secretRef": {"name": "guestbook-secrets"}} in container["envFrom"]


def test_a_backend_without_secrets_makes_none(chart: Path, render: Render) -> None:
    """The environment says which backend there is; most services have no secrets."""
    objects = render(chart, {**RELEASED, "secrets": {"backend": "external-secrets", "store": {"name": "vault"}}})
    assert objects == render(chart, RELEASED)


def test_it_makes_no_kind_that_a_project_was_not_told_of(chart: Path, render: Render) -> None:
    everything = {
        **RELEASED,
        "autoscaling": {"enabled": True},
        "disruptionBudget": {"enabled": True},
        "secrets": {"backend": "sealed-secrets", "encryptedData": {"A": "AgBy"}},
        "global": {"ingress": INGRESS, "httpRoute": ROUTE},
        "checks": {"smoke": {"command": ["/smoke"]}},
    }
    kinds = {content["kind"] for content in render(chart, everything, *MONITORED)}
    assert kinds == KINDS - {"ExternalSecret", "SopsSecret", "CronJob"}


def test_an_autoscaler_alone_counts_pods_and_takes_over_without_losing_one(chart: Path, render: Render) -> None:
    def deployment(**autoscaling: Any) -> tuple[Any, Any]:
        found = named(render(chart, {**RELEASED, "autoscaling": autoscaling}), "Deployment", "guestbook")
        return found["spec"].get("replicas"), found["metadata"]["annotations"].get("slipway.dev/replicas")

    assert deployment() == (2, None)
    assert deployment(takeOver=True) == (2, "autoscaled")
    assert deployment(enabled=True) == (None, "autoscaled")


def test_no_pod_is_lost_in_a_rollout_on_a_node_that_is_emptied_or_while_requests_are_at_work(
    chart: Path, render: Render
) -> None:
    objects = render(chart, RELEASED)
    deployment = named(objects, "Deployment", "guestbook")["spec"]
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    budget = named(objects, "PodDisruptionBudget", "guestbook")["spec"]
    assert (budget["maxUnavailable"], budget["selector"]) == (1, deployment["selector"])
    pod = deployment["template"]["spec"]
    container = pod["containers"][0]
    drain = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert 0 < drain < pod["terminationGracePeriodSeconds"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    older = named(render(chart, RELEASED, "--kube-version", "1.29.0"), "Deployment", "guestbook")
    assert "lifecycle" not in older["spec"]["template"]["spec"]["containers"][0]


def test_a_trace_says_who_it_is_from_unless_the_configuration_does(chart: Path, render: Render) -> None:
    def environment(**values: Any) -> dict[str, str]:
        objects = render(chart, {**RELEASED, **values}, "--namespace", "guestbook-dev")
        kind = "CronJob" if "schedule" in values else "Deployment"
        spec = named(objects, kind, "guestbook")["spec"]
        pod = (spec["jobTemplate"]["spec"] if kind == "CronJob" else spec)["template"]["spec"]
        return {one["name"]: one["value"] for one in pod["containers"][0].get("env", [])}

    for values in ({}, {"schedule": "30 4 * * *"}):
        found = environment(**values)
        assert found["OTEL_SERVICE_NAME"] == "guestbook"
        assert found["OTEL_RESOURCE_ATTRIBUTES"] == "service.version=1.2.3,k8s.namespace.name=guestbook-dev"
    own = {"OTEL_SERVICE_NAME": "a", "OTEL_RESOURCE_ATTRIBUTES": "b=c"}
    assert environment(config=own, schedule="30 4 * * *") == {}


INGRESS = {
    "host": "guestbook.dev.example.com",
    "className": "nginx",
    "tls": True,
    "tlsSecret": "guestbook-tls",
    "annotations": {"slipway.dev/wait-for-address": "false"},
}
ROUTE = {"host": "guestbook.dev.example.com", "gateway": "public", "gatewayNamespace": "infra", "sectionName": "https"}


def test_an_ingress_answers_under_the_environments_name(chart: Path, render: Render) -> None:
    ingress = named(render(chart, {**RELEASED, "global": {"ingress": INGRESS}}), "Ingress", "guestbook")
    assert ingress["metadata"]["annotations"] == {"slipway.dev/wait-for-address": "false"}
    backend = {"service": {"name": "guestbook", "port": {"name": "http"}}}
    assert ingress["spec"] == {
        "ingressClassName": "nginx",
        "tls": [{"hosts": [INGRESS["host"]], "secretName": "guestbook-tls"}],
        "rules": [
            {"host": INGRESS["host"], "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
        ],
    }


def test_an_ingress_needs_neither_class_nor_certificate(chart: Path, render: Render) -> None:
    plain = {"host": "guestbook.example.com", "tls": False}
    spec = named(render(chart, {**RELEASED, "global": {"ingress": plain}}), "Ingress", "guestbook")["spec"]
    assert set(spec) == {"rules"}


def test_a_route_leads_from_the_environments_gateway(chart: Path, render: Render) -> None:
    route = named(render(chart, {**RELEASED, "global": {"httpRoute": ROUTE}}), "HTTPRoute", "guestbook")
    (parent,) = route["spec"]["parentRefs"]
    assert (parent["name"], parent["namespace"], parent["sectionName"]) == ("public", "infra", "https")
    assert route["spec"]["hostnames"] == [ROUTE["host"]]
    assert route["spec"]["rules"][0]["backendRefs"][0]["port"] == 80


@pytest.mark.parametrize("word", ["on", "y", "1e3", "123", "null"])
def test_names_that_look_like_something_else_stay_names(chart: Path, render_text: RenderText, word: str) -> None:
    """Helm and Kubernetes read a `y` without quotes as true."""
    entries = {
        "ingress": {**INGRESS, "className": word, "tlsSecret": word},
        "httpRoute": {"host": "a.example.com", "gateway": word, "gatewayNamespace": word, "sectionName": word},
    }
    variable = word if word.isalpha() else f"_{word}"
    store = {"backend": "external-secrets", "store": {"name": word}, "data": {variable: {"key": word}}}
    values = {**RELEASED, "config": {variable: "x"}, "secrets": store, "global": entries}
    objects, mistakes = files.parse(render_text(chart, values, name="guestbook"), "")
    assert not mistakes
    found = {str(item["kind"]): cast("Any", item) for item in objects}
    assert found["ConfigMap"]["data"] == {variable: "x"}
    assert found["Ingress"]["spec"]["ingressClassName"] == word
    assert found["Ingress"]["spec"]["tls"][0]["secretName"] == word
    (parent,) = found["HTTPRoute"]["spec"]["parentRefs"]
    assert {parent["name"], parent["namespace"], parent["sectionName"]} == {word}
    secret = found["ExternalSecret"]["spec"]
    assert (secret["secretStoreRef"]["name"], secret["data"][0]["secretKey"]) == (word, variable)


@pytest.mark.parametrize("entry", [{"ingress": INGRESS}, {"httpRoute": ROUTE}])
def test_a_service_may_stay_inside_of_the_cluster(chart: Path, render: Render, entry: dict[str, Any]) -> None:
    objects = render(chart, {**RELEASED, "global": entry, "exposed": False})
    assert objects == render(chart, RELEASED)
    assert render(chart, {"global": entry}) == []


@pytest.mark.parametrize(
    ("values", "named_in_error"),
    [
        ({"replica": 1}, "replica"),
        ({"replicas": "two"}, "replicas"),
        ({"schedule": "often"}, "schedule"),
        ({"job": {"timezone": "Etc/UTC"}}, "timezone"),
        ({"config": {"not a variable": "x"}}, "not a variable"),
        ({"config": {"LIST": ["a"]}}, "LIST"),
        ({"secrets": {"backend": "vault"}}, "backend"),
        ({"secrets": {"data": {"PASSWORD": "in clear"}}}, "PASSWORD"),
        ({"secrets": {"encryptedData": {"PASSWORD": "in clear"}}}, "PASSWORD"),
        ({"release": {"digest": "latest"}}, "digest"),
        ({"release": {"digest": DIGEST}}, "release"),
    ],
)
def test_values_that_are_wrong_are_refused(
    chart: Path, helm: Path, values: dict[str, Any], named_in_error: str
) -> None:
    command = [helm, "template", "guestbook", chart, "--values", "-"]
    ran = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert named_in_error in ran.stderr
