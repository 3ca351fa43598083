"""Makes the Helm chart `argo-cd` for the sandbox from the release manifests of the pinned Argo CD.

The official chart is published outside the package registries that a sandbox may use, so this one stands in for it:
the same chart name, the same names of what it creates (for a release called `argocd`), and the same keys for the values
that the platform sets. A key that only the official chart knows is ignored, as Helm does; the tests see to it that the
platform's own values are not among those.

The templates are in `chart/`; this module only puts them, and Argo CD's objects as JSON, into one folder.
"""

import json
import re
import shutil
from pathlib import Path

from sandbox.argocd.upstream import upstream_objects
from sandbox.errors import SandboxError

CHART_NAME = "argo-cd"
TEMPLATES = Path(__file__).parent / "chart"


def build_chart(manifests: Path, destination: Path, app_version: str) -> Path:
    """Writes the chart, replacing one that is there.

    Args:
        manifests: `manifests` of Argo CD's module.
        destination: where the chart's folder is put.
        app_version: version of Argo CD, `v3.5.7`; the default tag of its image.

    Returns:
        The chart's folder.

    Raises:
        SandboxError: the manifests or the version are not what they should be.
    """
    if not re.fullmatch(r"v\d+\.\d+\.\d+", app_version):
        raise SandboxError(f"{app_version!r} is not a version of Argo CD; give it as its tag has it, such as v3.5.7")
    chart = destination / CHART_NAME
    fresh = destination / f".{CHART_NAME}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(TEMPLATES, fresh)
    (fresh / "Chart.yaml").write_text(_chart_yaml(app_version))
    for upstream in upstream_objects(manifests):
        path = fresh / "objects" / upstream.group / upstream.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        # Without spaces: Helm keeps the whole chart in one Secret, whose size is limited.
        path.write_text(json.dumps(upstream.content, separators=(",", ":"), sort_keys=True))
    shutil.rmtree(chart, ignore_errors=True)
    return fresh.rename(chart)


def _chart_yaml(app_version: str) -> str:
    return "\n".join(
        (
            "apiVersion: v2",
            f"name: {CHART_NAME}",
            "description: Argo CD for the sandbox, made from its own release manifests",
            f"version: {app_version.removeprefix('v')}",
            f"appVersion: {app_version}",
            "",
        )
    )
