"""An upgrade from v0.1.0 restarts nothing: what Argo CD renders of a running service is the same text as before."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.first_version import ROOT
from tests.program.record_first_version import RECORDED, STACKS, declared

RELEASE = {
    "version": "1.0.0",
    "tag": "v1.0.0",
    "image": "registry.test/acme/guestbook",
    "digest": f"sha256:{'a' * 64}",
    "commit": "b" * 40,
    "run": "",
    "rollback": None,
}


def rendered(helm: Path, files: Path, source: dict[str, Any]) -> str:
    """The manifests as Argo CD has Helm render them."""
    chart, values = files / source["path"], files / "application.yaml"
    values.write_text(yaml.safe_dump(source["helm"].get("valuesObject", {})))
    given = [chart / path for path in source["helm"]["valueFiles"]] + [values]
    options = [word for path in given if path.exists() for word in ("--values", str(path))]
    command = [
        str(helm),
        "template",
        source["helm"]["releaseName"],
        str(chart),
        "--namespace",
        "guestbook-dev",
        *options,
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("stack", STACKS)
def test_a_running_service_is_rendered_as_it_was(helm: Path, tmp_path: Path, stack: str) -> None:
    first = json.loads(RECORDED.read_text())[stack]
    file = tmp_path / f"Pulumi.{stack}.yaml"
    file.write_text(first["file"])
    (repository,) = [one for one in first["declared"].values() if "seeded" in one]
    release = {"environments/dev/guestbook/release.yaml": json.dumps({"release": RELEASE, "held": []})}
    for path, text in (repository["seeded"] | release).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    now = declared(ROOT, file)
    (urn,) = [urn for urn in first["declared"] if urn.endswith("::guestbook-dev-application")]
    before = rendered(helm, tmp_path, first["declared"][urn]["source"])
    assert "kind: Deployment" in before
    assert f"{RELEASE['image']}@{RELEASE['digest']}" in before
    assert rendered(helm, tmp_path, now[urn]["source"]) == before
