"""The environment repository's own checks, on a repository as the platform writes it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifests.repository_files import environment_repository_files
from slipway_release import platform_file
from slipway_release.errors import RefusedError
from slipway_release.release_file import ReleaseFile
from slipway_release.validation import charts, check, comment, difference, secrets
from slipway_release.validation.comment import LIMIT, MARKER
from slipway_release.validation.dependencies import Builds
from slipway_release.validation.difference import Change, Section, markdown
from slipway_release.validation.files import Tree
from stacks.settings import settings_of
from tests.release.builders import Script, context, release
from tests.release.stage import find
from tests.stacks.builders import values

HELM = find("helm", "bin/helm-*/helm")
needs_helm = pytest.mark.skipif(HELM is None, reason="helm is not here yet; `make up` builds it")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository, with 1.0.0 of guestbook released to staging."""
    folder = tmp_path_factory.mktemp("repository")
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values().items()}
    files = environment_repository_files(settings_of("tests", texts))
    for path, text in {**files.seeded, **files.owned}.items():
        _write(folder / path, text)
    released = ReleaseFile(release("1.0.0", image="ghcr.io/acme/guestbook")).dump()
    _write(folder / "environments/staging/guestbook/release.yaml", released)
    return folder


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def tree(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    if HELM:
        monkeypatch.setenv("HELM", str(HELM))
    shutil.copytree(template, tmp_path / "head")
    return Tree(tmp_path / "head")


def told(tree: Tree) -> str:
    return "\n".join(map(str, check.problems(tree)))


def rendered(tree: Tree) -> charts.Rendered:
    """The first service in the first environment."""
    service, environment = next(iter(tree.placements()))
    with Builds() as builds:
        return charts.render(tree, service, environment, builds, sample=True)


@needs_helm
def test_a_repository_as_it_is_written_has_no_problems(tree: Tree) -> None:
    assert told(tree) == ""


@needs_helm
@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("environments/dev/guestbook/values.yaml", "replicas: [", "environments/dev/guestbook/values.yaml: line"),
        ("environments/dev/guestbook/values.yaml", "replicas: 1\nreplicas: 2\n", "is there twice"),
        ("environments/dev/guestbook/values.yaml", "repliccas: 2\n", "does not render"),
        ("environments/dev/unknown/values.yaml", "{}\n", "environments/dev/unknown: no service"),
        ("environments/qa/values.yaml", "{}\n", "environments/qa: no such environment"),
        ("environments/dev/extra.yaml", "{}\n", "not read by anything"),
        ("environments/dev/guestbook/values.yml", "replicas: 3\n", "not read by anything"),
        ("helm-charts/guestbook/templates/broken.yaml", "{{ .Values.x", "does not render"),
        (
            "helm-charts/guestbook/templates/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}\n",
            "namespace 'other'",
        ),
        (
            "helm-charts/guestbook/templates/a.yaml",
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\n",
            "belongs to the platform",
        ),
        (
            "helm-charts/guestbook/templates/a.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: hunter2}\n",
            "in clear text",
        ),
        (
            "infrastructure/dev/secret.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {password: aHVudGVyMg==}\n",
            "in clear text",
        ),
        ("infrastructure/dev/x.yaml", "apiVersion: v1\nmetadata: {name: a}\n", "without kind"),
        ("infrastructure/dev/x.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: A_b}\n", "no name"),
        ("apps/guestbook/key.txt", "-----BEGIN RSA PRIVATE KEY-----\n", "line 1: holds a credential"),
        ("environments/staging/guestbook/release.yaml", "release: {", "not JSON"),
        ("environments/dev/guestbook/values.yaml", "image: {{ .Values.image }}\n", "values.yaml: line 1: a mapping"),
        ("environments/dev/guestbook/values.yaml", "metrics:\n", "metrics has nothing below it"),
        ("environments/dev/guestbook/values.yaml", "release: {version: 9.9.9}\n", "remove it here"),
        ("environments/dev/guestbook/values.yaml/x", "", "a folder where a file must be"),
        ("infrastructure/dev/x.json", "[1]", "line 1: a document that is not an object"),
        ("infrastructure/dev/x.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: [1]\n", "metadata.name is missing"),
    ],
)
def test_a_mistake_is_named_with_its_place(tree: Tree, path: str, text: str, words: str) -> None:
    for above in (tree.folder / path).parents:
        if above.is_file():
            above.unlink()
    _write(tree.folder / path, text)
    found = told(tree)
    assert words in found
    assert "hunter2" not in found


@needs_helm
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("busybox", "not an image of ghcr.io/acme by its digest"),
        ("ghcr.io/acmeinc/tool", "not an image of ghcr.io/acme"),
        ("ghcr.io/acme/Tool", "not the name of an image"),
        ("ghcr.io/acme/tool:", "not the name of an image"),
        ("http://ghcr.io/acme/tool", "not the name of an image"),
        ("GHCR.io/acme/guestbook", "not that of the release"),
        ("ghcr.io:443/acme/guestbook", "not that of the release"),
    ],
)
def test_an_image_that_no_node_would_run_is_refused(tree: Tree, name: str, words: str) -> None:
    image = f"{name}@sha256:{'a' * 64}"
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{name: a, image: '{image}'}}]}}\n"
    _write(tree.folder / "helm-charts/guestbook/templates/a.yaml", text)
    assert words in told(tree)


@needs_helm
def test_a_dependency_of_a_templates_chart_is_permitted_by_a_line_in_its_schema(tree: Tree) -> None:
    chart = tree.folder / "helm-charts/guestbook"
    _write(tree.folder / "helm-charts/common/Chart.yaml", "apiVersion: v2\nname: common\nversion: 1.0.0\n")
    entry = "dependencies: [{name: common, version: 1.0.0, alias: shared, repository: 'file://../common'}]\n"
    _write(chart / "Chart.yaml", (chart / "Chart.yaml").read_text() + entry)
    found = told(tree)
    assert "helm-charts/guestbook/values.schema.json: values of the dependency shared are not permitted" in found
    assert 'add `"shared": {}` to its properties' in found
    assert str(tree.folder) not in found
    assert "/tmp" not in found
    schema = json.loads((chart / "values.schema.json").read_text())
    schema["properties"]["shared"] = {}
    _write(chart / "values.schema.json", json.dumps(schema))
    assert [problem for problem in check.problems(tree) if not problem.is_warning] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("replicas: 1\n---\nport: 9000\n", "line 2: a second document"),
        ("---\n---\nport: 9000\n", "line 2: a second document"),
        ("- replicas\n", "line 1: is a list"),
        ("replicas\n", "line 1: is a text"),
    ],
)
def test_values_are_one_mapping(tree: Tree, text: str, words: str) -> None:
    _write(tree.folder / "environments/dev/values.yaml", text)
    assert f"environments/dev/values.yaml: {words}" in told(tree)


@needs_helm
@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\nreplicas: 3\n---\n", "\ufeffreplicas: 3\n"])
def test_values_that_helm_reads_whole_are_fine(tree: Tree, text: str) -> None:
    _write(tree.folder / "environments/dev/values.yaml", text)
    assert told(tree) == ""


@needs_helm
def test_values_may_override_what_they_merge(tree: Tree) -> None:
    probe = "readinessProbe: &probe {httpGet: {path: /readyz, port: http}}\n"
    slower = "livenessProbe: {<<: *probe, periodSeconds: 20}\n"
    _write(tree.folder / "environments/dev/guestbook/values.yaml", probe + slower)
    assert told(tree) == ""


ODD = ["1", "[a]", "{a: [1]}", "{1: {2: 3}}", "null", "[{name: {a: b}}]", "true", "'x'"]


@needs_helm
@pytest.mark.parametrize("odd", ODD)
def test_no_shape_of_an_object_ends_in_a_traceback(tree: Tree, odd: str) -> None:
    parts = [
        *(("v1", kind, key) for kind in ("Secret", "List", "Pod") for key in ("metadata", "spec", "data", "items")),
        *(("apps/v1", kind, "spec") for kind in ("Deployment", "CronJob")),
    ]
    within = {"metadata": ("name", "namespace", "labels"), "spec": ("selector", "template", "containers", "volumes")}
    objects = [f"apiVersion: {version}\nkind: {kind}\n{key}: {odd}\n" for version, kind, key in parts]
    objects += [
        f"apiVersion: {version}\nkind: {kind}\n{key}: {{{inner}: {odd}}}\n"
        for version, kind, key in parts
        for inner in within.get(key, ())
    ]
    _write(tree.folder / "infrastructure/dev/odd.yaml", "---\n".join(objects))
    _write(tree.folder / "helm-charts/guestbook/templates/odd.yaml", "---\n".join(objects))
    assert "odd.yaml" in told(tree)


@needs_helm
@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("environments/notes.md", b"x"),
        ("environments/dev/guestbook/values.yaml", b"\xff\xfe"),
        ("CODEOWNERS", b"\xe9 @acme/web"),
        ("environments/staging/guestbook/release.yaml", b"\xe9"),
        ("helm-charts/guestbook/Chart.yaml", b"\xe9: ["),
        ("helm-charts/guestbook/values.schema.json", b"{"),
        ("helm-charts/guestbook/templates/a.yaml", b"\xe9\x00"),
        ("infrastructure/dev/a.json", b"{"),
    ],
)
def test_no_content_of_a_file_ends_in_a_traceback(tree: Tree, path: str, content: bytes) -> None:
    _write(tree.folder / path, "")
    (tree.folder / path).write_bytes(content)
    assert told(tree)


@needs_helm
@pytest.mark.parametrize("path", ["environments/dev", "environments", "helm-charts/guestbook", "CODEOWNERS", ".github"])
def test_no_file_in_the_place_of_a_folder_ends_in_a_traceback(tree: Tree, path: str) -> None:
    here = tree.folder / path
    if here.is_dir():
        shutil.rmtree(here)
        here.write_text("x")
    else:
        here.unlink(missing_ok=True)
        here.mkdir()
    told(tree)


def test_a_link_out_of_the_repository_is_refused_and_not_followed(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("password: hunter2\n")
    for name, target in (("values.yaml", "../../../../secret.yaml"), ("more.yaml", str(tmp_path / "secret.yaml"))):
        link = tree.folder / "environments/dev/guestbook" / name
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    found = told(tree)
    assert found.count("a link out of the repository") == 2
    assert "hunter2" not in found


POD = "{containers: [{name: a, image: '%s'}]}"
PINNED = f"docker.io/library/busybox@sha256:{'a' * 64}"


def _workload(kind: str, version: str, spec: str) -> str:
    return f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {spec}\n"


def _template(pod: str) -> str:
    return f"{{selector: {{matchLabels: {{a: b}}}}, template: {{metadata: {{labels: {{a: b}}}}, spec: {pod}}}}}"


@needs_helm
@pytest.mark.parametrize(
    ("kind", "version", "spec"),
    [
        ("Pod", "v1", POD),
        ("Deployment", "apps/v1", _template(POD)),
        ("StatefulSet", "apps/v1", _template(POD)),
        ("ReplicaSet", "apps/v1", _template(POD)),
        ("Job", "batch/v1", _template(POD)),
        ("CronJob", "batch/v1", f"{{schedule: '@daily', jobTemplate: {{spec: {{template: {{spec: {POD}}}}}}}}}"),
        ("Rollout", "rollouts.example.com/v1", _template(POD)),
        (
            "Deployment",
            "apps/v1",
            _template("{containers: [{name: b, image: '%s'}], initContainers: [{name: a, image: x:1}]}"),
        ),
        ("Pod", "v1", "{containers: [{name: b, image: '%s'}], ephemeralContainers: [{name: a, image: x@sha256:beef}]}"),
        ("Pod", "v1", "{containers: [{name: b, image: '%s'}], volumes: [{name: a, image: {reference: x:1}}]}"),
    ],
)
def test_every_image_of_every_workload_is_pinned(tree: Tree, kind: str, version: str, spec: str) -> None:
    file = tree.folder / "helm-charts/guestbook/templates/a.yaml"
    is_first = "x:1" not in spec and "beef" not in spec
    _write(file, _workload(kind, version, spec % ("busybox:latest" if is_first else PINNED)))
    found = told(tree)
    assert "'a': image" in found
    assert "is not pinned by digest" in found
    if is_first:
        _write(file, _workload(kind, version, spec % PINNED))
        assert "pinned" not in told(tree)


@needs_helm
@pytest.mark.parametrize(
    ("file", "version", "kind"),
    [
        ("templates/a.yaml", "rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("templates/a.yaml", "rbac.authorization.k8s.io/v1", "Role"),
        ("templates/a.yaml", "networking.k8s.io/v1", "NetworkPolicy"),
        ("templates/a.yaml", "monitoring.coreos.com/v1", "PodMonitor"),
        ("templates/a.yaml", "cert-manager.io/v1", "Certificate"),
        ("templates/a.yaml", "v1", "Namespace"),
        ("crds/a.yaml", "apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ],
)
def test_a_kind_that_the_project_does_not_permit_is_refused(tree: Tree, file: str, version: str, kind: str) -> None:
    _write(tree.folder / "helm-charts/guestbook" / file, _workload(kind, version, "{}"))
    group = version.rpartition("/")[0]
    assert f"does not permit {group}/{kind}".replace("permit /", "permit ") in told(tree)


@needs_helm
def test_one_more_kind_is_permitted_by_the_settings(tree: Tree) -> None:
    more = [{**item, "kinds": ["cert-manager.io/Certificate"]} for item in values()["environments"]]
    settled(tree, environments=more)
    _write(tree.folder / "helm-charts/guestbook/templates/a.yaml", _workload("Certificate", "cert-manager.io/v1", "{}"))
    assert told(tree) == ""


@needs_helm
def test_kinds_in_a_list_are_kinds_too(tree: Tree) -> None:
    item = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: a}}"
    _write(tree.folder / "helm-charts/guestbook/templates/a.yaml", f"apiVersion: v1\nkind: List\nitems: [{item}]\n")
    _write(tree.folder / "infrastructure/dev/a.yaml", f"apiVersion: v1\nkind: List\nitems: [{item}]\n")
    assert told(tree).count("does not permit rbac.authorization.k8s.io/Role") == 4


@needs_helm
def test_a_chart_that_renders_nothing_any_more_is_refused(tree: Tree) -> None:
    shutil.rmtree(tree.folder / "helm-charts/guestbook/templates")
    assert "environments/staging/guestbook (rendered): renders nothing" in told(tree)


@needs_helm
@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1.10", "1.1"),
        ("on", "true"),
        ("True", "true"),
        ("0123", "83"),
        ("1e3", "1000"),
        ("0x1F", "31"),
        ("1_000", "1000"),
    ],
)
def test_a_value_that_is_not_what_it_looks_like_is_refused(tree: Tree, written: str, read: str) -> None:
    file = tree.folder / "environments/dev/guestbook/values.yaml"
    _write(file, f"config:\n  VALUE: {written}\n")
    assert f"values.yaml: line 2: VALUE: {written} becomes the text '{read}'; quote it" in told(tree)
    _write(file, f"config:\n  VALUE: '{written}'\n")
    assert told(tree) == ""


@needs_helm
@pytest.mark.parametrize("written", ["1048576", "880444307210", "-5", "1.5", "true", "false", "9007199254740991"])
def test_a_value_that_stays_what_it_is_needs_no_quotes(tree: Tree, written: str) -> None:
    _write(tree.folder / "environments/dev/guestbook/values.yaml", f"config:\n  VALUE: {written}\n")
    assert told(tree) == ""
    assert [item["data"] for item in rendered(tree).manifests if item["kind"] == "ConfigMap"] == [{"VALUE": written}]


@needs_helm
def test_digits_that_a_chart_loses_are_named_with_their_line(tree: Tree) -> None:
    """A chart of a team, or one from before, may write numbers with `toString`."""
    template = tree.folder / "helm-charts/guestbook/templates/configuration.yaml"
    _write(
        template,
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {SIZE: {{ .Values.config.SIZE | quote }}}\n",
    )
    file = tree.folder / "environments/dev/values.yaml"
    _write(file, "config:\n  SIZE: 1048576\n")
    assert "environments/dev/values.yaml: line 2: SIZE becomes the text '1.048576e+06'; quote" in told(tree)
    _write(file, "config:\n  SIZE: '1048576'\n")
    assert "SIZE" not in told(tree)
    _write(template, template.read_text().replace("{SIZE:", "{BYTES:"))
    _write(file, "config:\n  SIZE: 1048576\n")
    assert "environments/dev/values.yaml: line 2: BYTES becomes the text '1.048576e+06'" in told(tree)


@needs_helm
def test_a_key_that_is_read_as_a_truth_value_is_refused(tree: Tree) -> None:
    _write(tree.folder / "environments/dev/values.yaml", "config:\n  no: fjord\n")
    assert "environments/dev/values.yaml: line 2: the key no is read as false; quote it" in told(tree)


@needs_helm
def test_a_value_that_is_overridden_is_not_looked_at(tree: Tree) -> None:
    _write(tree.folder / "environments/dev/values.yaml", "config: {VERSION: 1.10}\n")
    _write(tree.folder / "environments/dev/guestbook/values.yaml", "config: {VERSION: '1.10'}\n")
    assert told(tree) == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tag": None, "version": "main-aaaaaaaaaaaa"}, "versioned tags only"),
        ({"tag": "v1.0.0-rc.1", "version": "1.0.0-rc.1"}, "takes none"),
        ({"tag": "v9.9.9"}, "not a tag of version 1.0.0"),
        ({"tag": "latest"}, "not a release tag"),
        ({"image": "docker.io/mallory/guestbook"}, "is not that of guestbook"),
        ({"digest": "latest"}, "not an image digest"),
    ],
)
def test_production_takes_versioned_tags_of_its_own_image_only(tree: Tree, changes: dict[str, Any], words: str) -> None:
    wanted = release(**({"version": "1.0.0", "image": "ghcr.io/acme/guestbook"} | changes))
    _write(tree.folder / "environments/production/guestbook/release.yaml", ReleaseFile(wanted).dump())
    assert words in told(tree)


@needs_helm
def test_what_was_wrong_before_is_shown_but_does_not_fail_the_change(tree: Tree, tmp_path: Path) -> None:
    _write(tree.folder / "environments/qa/values.yaml", "{}\n")
    shutil.copytree(tree.folder, tmp_path / "base")
    check.run(tree.folder, tmp_path / "base")
    _write(tree.folder / "environments/qb/values.yaml", "{}\n")
    with pytest.raises(RefusedError, match="1 problem"):
        check.run(tree.folder, tmp_path / "base")


@needs_helm
def test_lines_above_an_old_problem_do_not_make_it_new(tree: Tree, tmp_path: Path) -> None:
    file = tree.folder / "apps/guestbook/key.txt"
    _write(file, "-----BEGIN RSA PRIVATE KEY-----\n")
    shutil.copytree(tree.folder, tmp_path / "base")
    _write(file, "a line\n" + file.read_text())
    check.run(tree.folder, tmp_path / "base")


def settled(tree: Tree, **changes: Any) -> None:
    """Write what the platform owns, as after a change of the settings."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values(**changes).items()}
    for path in ("infrastructure", ".slipway", ".github"):
        shutil.rmtree(tree.folder / path)
    for path, text in environment_repository_files(settings_of("tests", texts)).owned.items():
        _write(tree.folder / path, text)


def said(head: Tree, base: Tree, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says, as far as it passes."""
    check.run(head.folder, base.folder)
    return capsys.readouterr().err


@needs_helm
@pytest.mark.parametrize("deleted", [[], ["environments/dev/guestbook", "helm-charts/guestbook"]])
def test_the_platforms_own_removal_of_a_service_passes(
    tree: Tree, template: Path, capsys: pytest.CaptureFixture[str], deleted: list[str]
) -> None:
    settled(tree, services=[])
    for path in deleted:
        shutil.rmtree(tree.folder / path)
    text = said(tree, Tree(template), capsys)
    assert "environments/staging/guestbook: no service of that name runs in staging" in text
    assert "git rm -r environments/staging/guestbook" in text
    # And so does the next change of anything else, and the deletion of what is left over.
    assert "left over" in said(tree, tree, capsys)
    left = Tree(shutil.copytree(tree.folder, tree.folder.parent / "left"))
    for folder in ("dev", "staging", "production"):
        shutil.rmtree(tree.folder / "environments" / folder / "guestbook", ignore_errors=True)
    shutil.rmtree(tree.folder / "helm-charts", ignore_errors=True)
    assert "left over" not in said(tree, left, capsys)


@needs_helm
def test_the_platforms_own_removal_of_an_environment_passes(
    tree: Tree, template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settled(tree, environments=[{"name": "dev", "images": "main"}, {"name": "production", "sync": "manual"}])
    assert "git rm -r environments/staging" in said(tree, Tree(template), capsys)


@needs_helm
def test_the_folders_of_a_service_may_go_before_its_settings(
    tree: Tree, template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in ("helm-charts", "environments/dev", "environments/staging", "environments/production"):
        shutil.rmtree(tree.folder / path / "guestbook")
    assert "take it out of them and run `pulumi up`" in said(tree, Tree(template), capsys)


@pytest.mark.parametrize("how", ["deleted", "moved", "emptied", "with its folder", "with its environment"])
def test_a_release_is_not_taken_away(tree: Tree, template: Path, how: str) -> None:
    file = tree.folder / "environments/staging/guestbook/release.yaml"
    match how:
        case "deleted":
            file.unlink()
        case "moved":
            file.rename(file.parent.parent / "release.yaml")
        case "emptied":
            file.write_text("{}\n")
        case "with its folder":
            shutil.rmtree(file.parent)
        case _:
            shutil.rmtree(file.parent.parent)
    found = "\n".join(map(str, check.problems(tree, Tree(template))))
    assert "environments/staging/guestbook/release.yaml: the release is taken away" in found


def test_encrypted_secrets_are_no_clear_text() -> None:
    manifest = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "ENC[AES256_GCM,data:x]"}, "sops": {"mac": "x"}}
    assert not secrets.is_clear_text(manifest)
    assert secrets.is_clear_text(manifest | {"data": {"a": "ENC[x]", "b": "plain"}})
    assert not secrets.is_clear_text(
        {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "data": {"a": 1}}
    )


@needs_helm
def test_the_difference_names_each_environment_that_changes(tree: Tree, template: Path) -> None:
    _write(tree.folder / "environments/staging/guestbook/values.yaml", "replicas: 7\n")
    (section,) = difference.sections(Tree(template), tree)
    assert (section.environment, section.subject) == ("staging", "guestbook")
    text = markdown([section], "")
    assert text.startswith(MARKER)
    assert "| staging | guestbook | 0 |" in text
    assert "+  replicas: 7" in text


@needs_helm
def test_nothing_changed_is_said(tree: Tree, template: Path) -> None:
    assert "Nothing that runs anywhere changes" in markdown(difference.sections(Tree(template), tree), "")


def test_secrets_are_masked_in_the_difference() -> None:
    old = {"kind": "Secret", "metadata": {"name": "a"}, "data": {"password": "b2xkLXNlY3JldA=="}}
    new = old | {"data": {"password": "bmV3LXNlY3JldA=="}}
    deployment = {
        "kind": "Deployment",
        "metadata": {"name": "b"},
        "spec": {
            "env": [{"name": "DATABASE_PASSWORD", "value": "hunter2"}, {"name": "COLOUR", "value": "blue"}],
            "apiToken": "topsecret",
            "secretName": "shown",
            "note": "ghp_" + "a" * 36,
        },
    }
    changes = difference.compare({("Secret", "a"): old}, {("Secret", "a"): new, ("Deployment", "b"): deployment})
    text = markdown([Section("dev", "guestbook", changes)], "")
    for secret in ("b2xk", "bmV3", "hunter2", "topsecret", "ghp_"):
        assert secret not in text
    for shown in ("Secret a (changed)", "blue", "shown"):
        assert shown in text


@pytest.mark.parametrize("size", [1, 10, 400])
def test_the_comment_stays_below_the_limit_and_says_what_it_leaves_out(size: int) -> None:
    sections = [
        Section(f"environment-{number}", "guestbook", [Change("Deployment", "x", "changed", "+a\n" * 3000)])
        for number in range(size)
    ]
    text = markdown(sections, "https://run")
    assert len(text) < LIMIT
    assert ("too long to show" in text) == (size > 6)
    assert text.count("<details>") == text.count("</details>") > 0


def test_a_difference_cannot_end_its_own_fence() -> None:
    change = Change("ConfigMap", "a", "changed", "+```\n+</details>\n+````")
    text = markdown([Section("dev", "guestbook", [change])], "")
    assert "`````diff" in text


def test_losing_what_holds_data_is_said_first() -> None:
    change = Change("PersistentVolumeClaim", "data", "removed", "-a")
    text = markdown([Section("dev", "guestbook", [change])], "")
    assert text.index("Removes what holds data") < text.index("<details>")


def test_there_is_one_comment_and_it_is_kept_up_to_date() -> None:
    base = "/repos/acme/environments/issues"
    old = {"id": 5, "body": f"{MARKER}\nold", "user": {"type": "Bot"}}
    others = [{"id": 3, "body": f"{MARKER} forged", "user": {"type": "User"}}, {"id": 4, "body": "hello", "user": {}}]
    cases: list[tuple[list[dict[str, Any]], str]] = [
        (others, f"POST {base}/7/comments"),
        ([*others, old], f"PATCH {base}/comments/5"),
    ]
    for comments, expected in cases:
        around = context(
            {f"GET {base}/7/comments": comments, f"POST {base}/7/comments": {}, f"PATCH {base}/comments/5": {}}
        )
        comment.keep(around, "7", f"{MARKER}\nnew")
        asked = _asked(around)
        assert asked[-1] == expected
        assert len([key for key in asked if not key.startswith("GET")]) == 1


def _asked(around: Any) -> list[str]:
    assert isinstance(around.own.transport, Script)
    return around.own.transport.asked


@pytest.mark.parametrize("number", ["", "7/../8", "x"])
def test_a_comment_goes_to_a_pull_request_only(number: str) -> None:
    with pytest.raises(RefusedError):
        comment.keep(context({}), number, f"{MARKER}\n")


def test_the_requirements_are_pinned_by_hash(template: Path) -> None:
    text = (template / ".slipway/requirements.txt").read_text()
    assert f"pyyaml=={yaml.__version__}" in text
    assert "--hash=sha256:" in text


def test_a_chart_that_fails_chooses_no_markdown_of_the_comment() -> None:
    words = "does not render: **Approved** by @acme/platform, ``` [here](https://example.com)"
    shown = markdown([Section("dev", "guestbook", [], words)], "")
    assert f"\n````\n{words}\n````\n" in shown


@pytest.mark.parametrize("name", ["../guestbook", "a|b", "a\nb", "Ab", "-a", ""])
def test_a_proposed_name_is_no_path_and_no_cell_of_a_table(tree: Tree, name: str) -> None:
    file = tree.folder / ".slipway/platform.json"
    for key in ("services", "environments"):
        found = json.loads(file.read_text())
        found[key][0]["name"] = name
        with pytest.raises(RefusedError, match=rf"platform.json.{key}\[0\].name"):
            platform_file.parse(found)
