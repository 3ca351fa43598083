"""A cluster that the settings register is one that `argocd` itself would have written."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.components.builders import platform
from tests.recorder import plain
from tests.stacks.builders import values

SERVER = "https://edge.example:6443"
LABEL = "argocd.argoproj.io/secret-type"

pytestmark = pytest.mark.parts


def test_the_secret_of_a_cluster_is_the_one_that_argocd_writes(argocd: Path, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": SERVER, "certificate-authority-data": "Y2E="}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "edge", "context": {"cluster": "c", "user": "u"}}],
    }
    kubeconfig.write_text(json.dumps(content))
    command = [argocd, "admin", "cluster", "generate-spec", "edge", "--bearer-token", "tok", "--output", "json"]
    ran = subprocess.run(
        [*command, "--kubeconfig", kubeconfig], env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    theirs = json.loads(ran.stdout)

    stack = values()
    stack["environments"][0] |= {"cluster": "edge", "context": "edge", "server": SERVER}
    ours = plain(platform(stack).one("edge-secret").inputs)
    assert ours["metadata"]["labels"][LABEL] == theirs["metadata"]["labels"][LABEL]
    given, wanted = ours["stringData"], theirs["stringData"]
    assert {key: given[key] for key in ("name", "server")} == {key: wanted[key] for key in ("name", "server")}
    assert set(given) == set(wanted)
    assert json.loads(given["config"]) == json.loads(wanted["config"])
