"""The sandbox's chart takes the values that the platform gives the official one, and makes what it depends on."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifests.argocd.values import helm_values, merged
from sandbox.argocd.chart import build_chart
from sandbox.errors import SandboxError
from tests.argocd.example import settings
from tests.argocd.rendering import Render, RenderText, named

SERVICE_MONITORS = ("--api-versions", "monitoring.coreos.com/v1")
QUICK = {"crds": {"install": False}}
NOT_IN_THE_SANDBOX = {"dex.enabled"}
"""Keys that the official chart alone can honour: there is no single sign-on in a sandbox."""


def everything() -> dict[str, Any]:
    """All values that the platform can come to set, the sandbox's own included."""
    argocd = {"url": "https://cd.example.com", "version": "v3.5.7", "image": "mirror.example.com/argocd"}
    stack = yaml.safe_load((Path(__file__).parents[2] / "stacks/Pulumi.sandbox.yaml").read_text())
    own = stack["config"]["slipway:argocd"].get("values", {})
    chat = {"slackChannel": "releases", "webhookUrl": "https://hooks.example.com/"}
    return merged(helm_values(settings(argocd=argocd, notifications=chat), webhook_secret="signed"), own)


def leaves(values: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(values, dict) and values:
        for name, value in values.items():
            yield from leaves(value, (*path, name))
    else:
        yield path, values


def changed(values: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The values with another value at the path."""
    head, *rest = path
    old = values[head]
    if rest:
        return {**values, head: changed(old, tuple(rest))}
    if isinstance(old, bool):
        new: Any = not old
    elif isinstance(old, int):
        new = old + 1
    elif isinstance(old, str):
        new = "LoadBalancer" if head == "type" else f"{old}9"
    else:
        new = [{"recipients": ["other:"], "triggers": ["other"]}]
    return {**values, head: new}


@pytest.mark.timeout(300)
def test_every_value_that_the_platform_sets_is_honoured(chart: Path, render_text: RenderText) -> None:
    values = merged(everything(), QUICK)
    before = render_text(chart, values, *SERVICE_MONITORS)
    paths = [path for path, _ in leaves(values) if path[0] != "crds" and ".".join(path) not in NOT_IN_THE_SANDBOX]
    assert len(paths) > 30
    ignored = [
        ".".join(path) for path in paths if render_text(chart, changed(values, path), *SERVICE_MONITORS) == before
    ]
    assert ignored == []


def test_what_the_platform_depends_on_has_its_official_name(chart: Path, render: Render) -> None:
    objects = render(chart, everything(), *SERVICE_MONITORS)
    counted = Counter((content["kind"], content["metadata"]["name"]) for content in objects)
    assert max(counted.values()) == 1
    expected = {
        ("StatefulSet", "argocd-application-controller"),
        ("Deployment", "argocd-server"),
        ("Deployment", "argocd-repo-server"),
        ("Deployment", "argocd-applicationset-controller"),
        ("Deployment", "argocd-notifications-controller"),
        ("Deployment", "argocd-redis"),
        ("Service", "argocd-server"),
        ("Service", "argocd-repo-server"),
        ("Service", "argocd-redis"),
        ("Service", "argocd-application-controller-metrics"),
        ("ServiceMonitor", "argocd-server"),
        ("ConfigMap", "argocd-cm"),
        ("ConfigMap", "argocd-cmd-params-cm"),
        ("ConfigMap", "argocd-rbac-cm"),
        ("ConfigMap", "argocd-notifications-cm"),
        ("Secret", "argocd-secret"),
        ("CustomResourceDefinition", "applications.argoproj.io"),
        ("CustomResourceDefinition", "appprojects.argoproj.io"),
    }
    assert expected - set(counted) == set()
    # The installation makes it, with keys that must not be in Helm's own Secret.
    assert ("Secret", "argocd-notifications-secret") not in counted


def test_pods_carry_the_labels_that_select_them(chart: Path, render: Render) -> None:
    objects = render(chart, QUICK)
    pods = [content["spec"]["template"] for content in objects if content["kind"] in {"Deployment", "StatefulSet"}]
    selectors = [content["spec"]["selector"] for content in objects if content["kind"] == "Service"]
    assert pods
    assert selectors
    for selector in selectors:
        assert any(selector.items() <= pod["metadata"]["labels"].items() for pod in pods), selector


def test_the_image_is_that_of_the_manifests_unless_set(chart: Path, render: Render) -> None:
    pod = named(render(chart, QUICK), "Deployment", "argocd-server")["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "quay.io/argoproj/argocd:v3.5.7"
    objects = render(chart, {**QUICK, "global": {"image": {"tag": "v3.5.8"}}, "redis": {"image": {"tag": 7}}})
    images = {
        container["image"]
        for content in objects
        if content["kind"] in {"Deployment", "StatefulSet", "Job"}
        for container in content["spec"]["template"]["spec"]["containers"]
    }
    assert images == {"quay.io/argoproj/argocd:v3.5.8", "public.ecr.aws/docker/library/redis:7"}


def test_resource_definitions_stay_when_the_release_goes(chart: Path, render: Render) -> None:
    def definitions(values: dict[str, Any]) -> list[dict[str, Any]]:
        return [content for content in render(chart, values) if content["kind"] == "CustomResourceDefinition"]

    kept = definitions({})
    assert len(kept) == 3
    assert {content["metadata"]["annotations"]["helm.sh/resource-policy"] for content in kept} == {"keep"}
    assert not any("annotations" in content["metadata"] for content in definitions({"crds": {"keep": False}}))
    assert definitions(QUICK) == []


def test_an_upgrade_never_empties_the_secret_that_argocd_writes_to(chart: Path, render: Render) -> None:
    """Helm would take `data: {}` for the wish to remove the admin's password."""
    assert "data" not in named(render(chart, QUICK), "Secret", "argocd-secret")


def test_the_redis_password_is_made_before_the_installation_or_by_someone_else(chart: Path, render: Render) -> None:
    job = named(render(chart, QUICK), "Job", "argocd-redis-secret-init")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    without = render(chart, {**QUICK, "redisSecretInit": {"enabled": False}})
    assert not [content for content in without if "secret-init" in content["metadata"]["name"]]


def test_pods_restart_when_configuration_that_is_read_at_start_changes(chart: Path, render: Render) -> None:
    def annotations(values: dict[str, Any], name: str) -> dict[str, str]:
        deployment = named(render(chart, {**QUICK, **values}), "Deployment", name)
        return deployment["spec"]["template"]["metadata"].get("annotations", {})

    faster = {"configs": {"cm": {"timeout.reconciliation": "10s"}}}
    assert annotations({}, "argocd-repo-server") != annotations(faster, "argocd-repo-server")
    assert annotations({}, "argocd-redis") == annotations(faster, "argocd-redis") == {}


def test_a_key_of_the_official_chart_that_is_not_honoured_is_ignored(chart: Path, render: Render) -> None:
    assert render(chart, {**QUICK, "server": {"ingress": {"enabled": True}}}) == render(chart, QUICK)


def test_a_second_build_is_the_same(chart: Path, manifests: Path, tmp_path: Path) -> None:
    again = build_chart(manifests, tmp_path, "v3.5.7")
    build_chart(manifests, tmp_path, "v3.5.7")
    files = sorted(path.relative_to(chart) for path in chart.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert all((chart / path).read_bytes() == (again / path).read_bytes() for path in files)


@pytest.mark.parametrize("version", ["3.5.7", "latest", ""])
def test_a_version_that_is_none_is_refused(version: str, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"v3\.5\.7"):
        build_chart(tmp_path, tmp_path, version)


def test_a_folder_without_manifests_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"install\.yaml"):
        build_chart(tmp_path, tmp_path, "v3.5.7")
