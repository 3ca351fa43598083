"""What runs pull requests is what Argo CD and Helm take."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifests.repository_files import environment_repository_files
from tests.manifests.test_pull_requests import made, settings

pytestmark = pytest.mark.parts

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def unknown(value: Any, schema: Any, path: str) -> list[str]:
    """The fields of a value that its schema does not have; the API server would drop them."""
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return []
    if isinstance(value, list):
        return [found for item in value for found in unknown(item, schema["items"], path)]
    if not isinstance(value, dict):
        return []
    known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    missing = [f"{path}.{key} is missing" for key in schema.get("required", []) if key not in value]
    lost = [f"{path}.{key}" for key in value if key not in known and not others]
    inner = [found for key in value for found in unknown(value[key], known.get(key, others), f"{path}.{key}")]
    return missing + lost + inner


def test_the_application_set_has_no_field_that_argo_cd_does_not_know(manifests: Path) -> None:
    definition = yaml.load((manifests / "crds/applicationset-crd.yaml").read_text(), yaml.CSafeLoader)
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec, _ = made(settings())
    assert unknown(spec, schema, "spec") == []
    assert unknown(spec | {"surprise": 1}, schema, "spec") == ["spec.surprise"]


def rendered(helm: Path, folder: Path, number: str) -> list[dict[str, Any]]:
    """What a pull request of the service runs, by the chart of its template."""
    found = settings()
    for path, text in environment_repository_files(found).seeded.items():
        if path.startswith("helm-charts/guestbook/"):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
    given = json.dumps(made(found)[1]["source"]["helm"]["valuesObject"])
    (folder / "values.json").write_text(given.replace("{{.number}}", number).replace("{{.head_sha}}", COMMIT))
    command = [helm, "template", f"guestbook-{number}", folder / "helm-charts/guestbook"]
    ran = subprocess.run([*command, "--values", folder / "values.json"], capture_output=True, text=True, check=True)
    return [item for item in yaml.safe_load_all(ran.stdout) if item]


def test_two_pull_requests_run_beside_each_other(helm: Path, tmp_path: Path) -> None:
    one, other = (rendered(helm, tmp_path, number) for number in ("41", "42"))
    names = [{(item["kind"], item["metadata"]["name"]) for item in items} for items in (one, other)]
    assert ("Deployment", "guestbook-41") in names[0]
    assert not names[0] & names[1]
    selectors = [item["spec"]["selector"] for items in (one, other) for item in items if item["kind"] == "Service"]
    assert selectors[0] != selectors[1]


def test_the_image_of_the_commit_runs(helm: Path, tmp_path: Path) -> None:
    (deployment,) = [item for item in rendered(helm, tmp_path, "42") if item["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"ghcr.io/acme/guestbook:pr-42-{COMMIT}"
