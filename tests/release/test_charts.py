"""Charts are rendered as Argo CD renders them: its names and versions, and what a chart depends on."""

import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from slipway_release import platform_file
from slipway_release.choices import Delivery, Images, Rollback, Sync
from slipway_release.platform_types import Environment, Platform, Service
from slipway_release.validation import charts, dependencies, secrets
from slipway_release.validation.dependencies import Builds
from slipway_release.validation.files import Tree
from tests.release.repository import HELM, needs_helm

pytestmark = needs_helm

SERVICE = Service("guestbook", "acme/guestbook", "web", ("dev",), "ghcr.io/acme/guestbook")
ENVIRONMENT = Environment(
    "dev",
    Sync.AUTOMATED,
    Images.MAIN,
    "main",
    Delivery.COMMIT,
    "main",
    Rollback.AUTOMATIC,
    None,
    False,
    (),
    600,
    None,
    False,
)
PLATFORM = Platform(
    "acme", "environments", "https://api.github.com", "https://github.com", "ghcr.io", False, (ENVIRONMENT,), (SERVICE,)
)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """A repository with the chart `guestbook`, which says what Helm was told, and the chart `common` beside it."""
    monkeypatch.setenv("HELM", str(HELM))
    folder = tmp_path / "repository"
    _write(folder / ".slipway/platform.json", platform_file.dump(PLATFORM))
    _chart(folder / "helm-charts/guestbook", "guestbook", TOLD)
    _chart(folder / "helm-charts/common", "common", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-common}\n")
    return Tree(folder)


TOLD = """
apiVersion: v1
kind: ConfigMap
metadata: {name: told, namespace: {{ .Release.Namespace }}}
data:
  name: {{ .Release.Name }}
  kubernetes: {{ .Capabilities.KubeVersion.Version }}
  monitored: {{ .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" | quote }}
  order: {{ .Values.order }}
"""


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def _chart(folder: Path, name: str, template: str) -> None:
    _write(folder / "Chart.yaml", f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n")
    _write(folder / "values.yaml", "order: chart\n")
    _write(folder / "templates/a.yaml", template)


def _depend(tree: Tree, repository: str, name: str = "common") -> None:
    file = tree.folder / "helm-charts/guestbook/Chart.yaml"
    dependency = json.dumps([{"name": name, "version": "1.0.0", "repository": repository}])
    _write(file, f"apiVersion: v2\nname: guestbook\nversion: 1.0.0\ndependencies: {dependency}\n")


def rendered(tree: Tree) -> charts.Rendered:
    with Builds() as builds:
        return charts.render(tree, SERVICE, ENVIRONMENT, builds)


def names(tree: Tree) -> set[str]:
    return {secrets.name_of(manifest) for manifest in rendered(tree).manifests}


def problem(tree: Tree) -> str:
    (found,) = rendered(tree).problems
    return str(found)


def test_helm_is_told_what_argocd_tells_it(tree: Tree) -> None:
    platform = json.loads((tree.folder / ".slipway/platform.json").read_text())
    told = {"kubernetesVersion": "1.31.2", "apiVersions": ["monitoring.coreos.com/v1"]}
    _write(tree.folder / ".slipway/platform.json", json.dumps(platform | told))
    (manifest,) = rendered(tree).manifests
    assert manifest["metadata"] == {"name": "told", "namespace": "guestbook-dev"}
    assert manifest["data"] == {"name": "guestbook", "kubernetes": "v1.31.2", "monitored": "true", "order": "chart"}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_later_values_file_wins(tree: Tree, count: int) -> None:
    names = ["values.yaml", "guestbook/values.yaml", "guestbook/release.yaml"][:count]
    for name in names:
        _write(tree.folder / "environments/dev" / name, json.dumps({"order": name}))
    (manifest,) = rendered(tree).manifests
    data = manifest["data"]
    assert isinstance(data, dict)
    assert data["order"] == names[-1]


def test_a_chart_of_the_same_repository_is_built_in(tree: Tree) -> None:
    _depend(tree, "file://../common")
    before = charts.inputs(tree, SERVICE, ENVIRONMENT)
    assert names(tree) == {"told", "from-common"}
    assert not (tree.folder / "helm-charts/guestbook/charts").exists()
    _write(tree.folder / "helm-charts/common/values.yaml", "order: other\n")
    assert charts.inputs(tree, SERVICE, ENVIRONMENT) != before


def test_a_chart_beside_the_services_own_is_a_warning_until_it_is_vendored(tree: Tree) -> None:
    """Argo CD renders again what changes below the service's own folders."""
    _depend(tree, "file://../common")
    with dependencies.Builds() as builds:
        (warning,) = charts.lint(tree, SERVICE, builds)
    assert warning.is_warning
    assert "a change of file://../common alone reaches no cluster" in warning.text
    shutil.copytree(tree.folder / "helm-charts/common", tree.folder / "helm-charts/guestbook/charts/common")
    with dependencies.Builds() as builds:
        assert charts.lint(tree, SERVICE, builds) == []


@pytest.fixture
def repository(tree: Tree, tmp_path: Path) -> Iterator[str]:
    """A chart repository that has `common`, over HTTP."""
    folder = tmp_path / "charts"
    folder.mkdir()
    subprocess.run([str(HELM), "package", tree.folder / "helm-charts/common", "-d", folder], check=True)
    subprocess.run([str(HELM), "repo", "index", folder], check=True)
    handler = partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass


def test_a_chart_of_a_chart_repository_is_fetched(tree: Tree, repository: str) -> None:
    _depend(tree, repository)
    assert names(tree) == {"told", "from-common"}


def _require(tree: Tree, repository: str, name: str = "common") -> None:
    """The dependency as charts of Helm 2 name it."""
    chart = tree.folder / "helm-charts/guestbook"
    _write(chart / "Chart.yaml", "apiVersion: v1\nname: guestbook\nversion: 1.0.0\n")
    dependency = {"name": name, "version": "1.0.0", "repository": repository}
    _write(chart / "requirements.yaml", json.dumps({"dependencies": [dependency]}))


def test_a_chart_with_requirements_is_built_as_argo_cd_builds_it(tree: Tree, repository: str) -> None:
    _require(tree, repository)
    assert names(tree) == {"told", "from-common"}
    _require(tree, "file://../common")
    assert names(tree) == {"told", "from-common"}
    _require(tree, "file://../nothing")
    assert problem(tree).startswith("helm-charts/guestbook/requirements.yaml: dependency common: there is no chart")


def test_requirements_are_read_before_the_chart_file(tree: Tree) -> None:
    """Helm does so whatever the chart's `apiVersion` is."""
    _require(tree, "file://../common")
    _depend(tree, "https://charts.invalid", name="other")
    assert names(tree) == {"told", "from-common"}


@pytest.mark.parametrize("name", ["requirements", "chart"])
def test_a_repository_that_argo_cd_does_not_add_is_named(tree: Tree, repository: str, name: str) -> None:
    """With a lock file Helm wants each repository added, and Argo CD adds those with https in Chart.yaml."""
    chart = tree.folder / "helm-charts/guestbook"
    (_require if name == "requirements" else _depend)(tree, repository)
    subprocess.run([str(HELM), "dependency", "update", chart], check=True, capture_output=True)
    assert names(tree) == {"told", "from-common"}
    shutil.rmtree(chart / "charts")
    assert list(chart.glob("*.lock"))
    assert "cannot be built by Argo CD, which adds repositories of Chart.yaml with https alone" in problem(tree)


def test_what_a_dependency_lacks_is_named(tree: Tree) -> None:
    """Helm leaves it out, and says nothing."""
    _depend(tree, "file://../common")
    common = tree.folder / "helm-charts/common"
    dependency = json.dumps([{"name": "inner", "version": "1.0.0", "repository": "https://charts.invalid"}])
    _write(common / "Chart.yaml", f"apiVersion: v2\nname: common\nversion: 1.0.0\ndependencies: {dependency}\n")
    assert names(tree) == {"told", "from-common"}
    with Builds() as builds:
        found = [str(found) for found in charts.lint(tree, SERVICE, builds) if not found.is_warning]
    assert [text.partition(": is not")[0] for text in found] == ["helm-charts/common/Chart.yaml: dependency inner"]
    _chart(common / "charts/inner", "inner", "# nothing")
    with Builds() as builds:
        assert all(found.is_warning for found in charts.lint(tree, SERVICE, builds))


def test_a_vendored_chart_goes_by_its_name_and_not_by_its_folder(tree: Tree) -> None:
    _depend(tree, "https://charts.invalid")
    _chart(tree.folder / "helm-charts/guestbook/charts/common-1.0", "common", "# nothing")
    assert rendered(tree).problems == []


def test_a_chart_that_the_repository_does_not_have_is_named(tree: Tree, repository: str) -> None:
    _depend(tree, repository, name="missing")
    found = problem(tree)
    assert found.startswith(f"helm-charts/guestbook/Chart.yaml: the dependencies (missing from {repository}) cannot be")


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/charts", "oci://127.0.0.1:9/charts"])
def test_a_repository_that_does_not_answer_is_named_with_the_remedy(tree: Tree, address: str) -> None:
    _depend(tree, address)
    found = problem(tree)
    assert address in found
    assert "cannot be reached from here" in found
    assert "commit the chart's `charts/` folder" in found


def test_what_is_vendored_is_not_fetched(tree: Tree) -> None:
    _depend(tree, "https://charts.invalid")
    _chart(tree.folder / "helm-charts/guestbook/charts/common", "common", "# nothing")
    assert rendered(tree).problems == []


def test_what_is_vendored_in_another_version_than_is_wanted_is_refused(tree: Tree) -> None:
    """Helm renders what lies in `charts/`: a raised version in Chart.yaml alone changes nothing."""
    _depend(tree, "https://charts.invalid")
    _chart(tree.folder / "helm-charts/guestbook/charts/common", "common", "# nothing")
    with dependencies.Builds() as builds:
        assert charts.lint(tree, SERVICE, builds) == []
    file = tree.folder / "helm-charts/guestbook/Chart.yaml"
    _write(file, file.read_text().replace('"version": "1.0.0"', '"version": "1.1.0"'))
    with dependencies.Builds() as builds:
        (found,) = charts.lint(tree, SERVICE, builds)
    assert "dependency common: 1.1.0 is wanted" in found.text


def test_a_credential_in_an_address_is_refused_and_never_shown(tree: Tree) -> None:
    _depend(tree, "https://dana:hunter2@127.0.0.1:9/charts")
    found = problem(tree)
    assert "has a credential in it" in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("line", "warned"),
    [
        ("data: {a: {{ randAlphaNum 8 | quote }}}", True),
        ("data: {a: {{ genCA `a` 365 | toJson | quote }}}", True),
        ("data: {a: {{ now | date `2006` | quote }}}", True),
        ("# from now on {{ .Values.now }}", False),
        ("data: {a: {{ .Values.order | quote }}}", False),
    ],
)
def test_what_renders_otherwise_each_time_is_a_warning(tree: Tree, line: str, warned: bool) -> None:
    _write(tree.folder / "helm-charts/guestbook/templates/b.yaml", f"kind: ConfigMap\n{line}\n")
    with dependencies.Builds() as builds:
        found = charts.lint(tree, SERVICE, builds)
    assert [problem.line for problem in found if "each rendering" in problem.text and problem.is_warning] == [
        2
    ] * warned


def test_what_renders_otherwise_is_found_in_longer_calls_and_in_vendored_charts(tree: Tree) -> None:
    chart = tree.folder / "helm-charts/guestbook"
    _write(chart / "templates/b.yaml", "kind: ConfigMap\ndata: {a: {{\n  uuidv4 }}}\n")
    _chart(chart / "charts/inner", "inner", "kind: ConfigMap\ndata: {a: {{ randAlpha 3 }}}\n")
    _write(chart / "charts/inner/templates/_x.tpl", "{{ define `x` }}{{ now }}{{ end }}")
    with dependencies.Builds() as builds:
        found = [problem for problem in charts.lint(tree, SERVICE, builds) if "each rendering" in problem.text]
    places = [(problem.path.removeprefix("helm-charts/guestbook/"), problem.line) for problem in found]
    assert places == [("charts/inner/templates/a.yaml", 2), ("templates/b.yaml", 3)]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("file://../../../outside", "leads out of this repository"),
        ("file:///etc", "leads out of this repository"),
        ("file://../nothing", "there is no chart at file://../nothing"),
        ("@bitnami", "on your machine only"),
        ("alias:bitnami", "on your machine only"),
        ("", "has no repository"),
    ],
)
def test_an_address_that_argocd_could_not_follow_is_refused(tree: Tree, address: str, words: str) -> None:
    _depend(tree, address)
    assert words in problem(tree)


def test_a_link_out_of_the_repository_is_not_rendered(tree: Tree, tmp_path: Path) -> None:
    _write(tmp_path / "secret.txt", "hunter2")
    (tree.folder / "helm-charts/guestbook/secret.txt").symlink_to(tmp_path / "secret.txt")
    _write(tree.folder / "helm-charts/guestbook/templates/b.yaml", 'a: {{ .Files.Get "secret.txt" }}')
    assert "not rendered because of this link" in problem(tree)


@pytest.mark.parametrize("text", ["", "dependencies: 3\n", "dependencies: [3, {name: [a]}]\n", "a: [\n", "- 1\n"])
def test_a_broken_chart_file_is_for_helm_to_name(tree: Tree, text: str) -> None:
    _write(tree.folder / "helm-charts/guestbook/Chart.yaml", text)
    assert dependencies.declared(tree.folder / "helm-charts/guestbook") is not None
    assert rendered(tree).problems
