"""Helm releases against a real API server, with the real helm."""

import base64
import gzip
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from sandbox.engine.kubernetes import release
from sandbox.engine.kubernetes.api import KubernetesApi
from sandbox.engine.kubernetes.helm import Helm
from sandbox.engine.monitor import Registration
from sandbox.engine.outcome import ApplyError, Outcome


@pytest.fixture
def helm() -> Path:
    """The helm that the sandbox builds, or one on PATH."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway" / "bin"
    built = [*sorted(caches.glob("helm-*/helm")), *filter(None, [os.environ.get("SLIPWAY_HELM_BINARY")])]
    found = built[-1] if built else shutil.which("helm")
    if found is None:
        pytest.skip("no built helm in the cache; `make up` builds it")
    return Path(found)


@pytest.fixture
def releases(api: KubernetesApi, helm: Path, tmp_path: Path) -> release.Releases:
    return release.Releases(Helm(helm, tmp_path / "helm", api), api, lambda _text: None)


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A chart of one ConfigMap."""
    folder = tmp_path / "chart"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: chart\nversion: 1.0.0\n")
    (folder / "templates" / "map.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}-map}\n"
        "data: {text: {{ .Values.text | quote }}}\n"
    )
    return folder


def registration(chart: Path, name: str, text: str = "one", **more: Any) -> Registration:
    inputs = {"name": name, "namespace": "default", "chart": str(chart), "values": {"text": text}, **more}
    return Registration("urn", release.RELEASE_TYPE, name, "", custom=True, inputs=inputs)


def text_of(api: KubernetesApi, name: str) -> str:
    found = api.call("GET", f"/api/v1/namespaces/default/configmaps/{name}-map")
    assert found
    return found["data"]["text"]


def test_installed_once_and_then_left_alone(releases: release.Releases, chart: Path) -> None:
    first = releases.apply(registration(chart, "twice"))
    second = releases.apply(registration(chart, "twice"))
    assert (first.outcome, second.outcome) == (Outcome.CREATED, Outcome.UNCHANGED)
    assert second.outputs["status"]["revision"] == 1
    assert first.outputs["resourceNames"] == {"ConfigMap/v1": ["default/twice-map"]}


def test_other_values_or_another_chart_are_an_upgrade(
    releases: release.Releases, chart: Path, api: KubernetesApi
) -> None:
    releases.apply(registration(chart, "changed"))
    assert releases.apply(registration(chart, "changed", "two")).outcome is Outcome.UPDATED
    assert text_of(api, "changed") == "two"
    (chart / "values.yaml").write_text("unused: true\n")
    assert releases.apply(registration(chart, "changed", "two")).outcome is Outcome.UPDATED


def test_a_missing_object_is_put_back(releases: release.Releases, chart: Path, api: KubernetesApi) -> None:
    releases.apply(registration(chart, "mended"))
    api.call("DELETE", "/api/v1/namespaces/default/configmaps/mended-map")
    assert releases.apply(registration(chart, "mended")).outcome is Outcome.UPDATED
    assert text_of(api, "mended") == "one"


@pytest.mark.parametrize("installed_before", [False, True])
def test_an_operation_that_was_killed_is_taken_up_again(
    releases: release.Releases, chart: Path, api: KubernetesApi, installed_before: bool
) -> None:
    name = f"killed-{installed_before}".lower()
    if installed_before:
        releases.apply(registration(chart, name, "before"))
    releases.apply(registration(chart, name, "killed"))
    mark_pending(api, name)
    applied = releases.apply(registration(chart, name, "after"))
    assert applied.outputs["status"]["status"] == "deployed"
    assert text_of(api, name) == "after"


def test_the_reason_of_a_failure_is_helms_own(releases: release.Releases, chart: Path) -> None:
    (chart / "templates" / "broken.yaml").write_text('{{ fail "it cannot be" }}')
    with pytest.raises(ApplyError, match="it cannot be"):
        releases.apply(registration(chart, "broken"))


def test_an_unknown_input_is_refused(releases: release.Releases, chart: Path) -> None:
    with pytest.raises(ApplyError, match="postrender"):
        releases.apply(registration(chart, "unknown", postrender="x"))


def mark_pending(api: KubernetesApi, name: str) -> None:
    """Turns the newest record into what a killed helm leaves."""
    records = api.list("/api/v1/namespaces/default/secrets", labelSelector=f"owner=helm,name={name}")
    newest = max(records, key=lambda secret: int(secret["metadata"]["labels"]["version"]))
    record = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(newest["data"]["release"]))))
    status = "pending-install" if record["version"] == 1 else "pending-upgrade"
    record["info"]["status"] = status
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(record).encode()))).decode()
    api.call(
        "PATCH",
        f"/api/v1/namespaces/default/secrets/{newest['metadata']['name']}",
        {"data": {"release": packed}, "metadata": {"labels": {"status": status}}},
        content_type="application/merge-patch+json",
    )
