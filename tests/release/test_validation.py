"""The environment repository's own checks, on a repository as the platform writes it."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from slipway_release import platform_file
from slipway_release.errors import RefusedError
from slipway_release.validation import check, rules, secrets
from slipway_release.validation.files import Tree
from tests.release.repository import needs_helm, told, write


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
    write(tree.folder / path, text)
    found = told(tree)
    assert words in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "CODEOWNERS: missing; the platform's `pulumi up` writes it"),
        ("", "CODEOWNERS: no team owns helm-charts/guestbook"),
        ("# /helm-charts/ @acme/web\n", "CODEOWNERS: no team owns helm-charts/guestbook"),
        ("/helm-charts/guestbook/templates/ @acme/web\n", "CODEOWNERS: no team owns helm-charts/guestbook"),
        ("/helm-charts/guest @acme/web\n", "CODEOWNERS: no team owns helm-charts/guestbook"),
        ("/helm-charts/guestbook/ @acme/web\n", None),
        ("/helm-charts/ @acme/web\n", None),
        ("* @acme/web\n", None),
    ],
)
def test_each_chart_has_an_owner(tree: Tree, text: str | None, said: str | None) -> None:
    file = tree.folder / "CODEOWNERS"
    file.unlink()
    if text is not None:
        file.write_text(text)
    found = [str(problem) for problem in rules.check_owners(tree) if problem.path == "CODEOWNERS"]
    assert found == ([said] if said else [])


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
    pod = f"{{containers: [{{name: x, ports: {odd}, volumeMounts: {odd}}}], volumes: {odd}}}"
    objects.append(f"apiVersion: v1\nkind: Pod\nspec: {pod}\n")
    write(tree.folder / "infrastructure/dev/odd.yaml", "---\n".join(objects))
    write(tree.folder / "helm-charts/guestbook/templates/odd.yaml", "---\n".join(objects))
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
    write(tree.folder / path, "")
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


@needs_helm
def test_what_was_wrong_before_is_shown_but_does_not_fail_the_change(tree: Tree, tmp_path: Path) -> None:
    write(tree.folder / "environments/qa/values.yaml", "{}\n")
    shutil.copytree(tree.folder, tmp_path / "base")
    check.run(tree.folder, tmp_path / "base")
    write(tree.folder / "environments/qb/values.yaml", "{}\n")
    with pytest.raises(RefusedError, match="1 problem"):
        check.run(tree.folder, tmp_path / "base")


@needs_helm
def test_what_was_wrong_with_values_before_hides_nothing_of_a_chart(tree: Tree, tmp_path: Path) -> None:
    """Else each later proposal could put anything into a chart."""
    write(tree.folder / "environments/dev/values.yaml", "metrics: {}\nmetrics: {}\n")
    shutil.copytree(tree.folder, tmp_path / "base")
    check.run(tree.folder, tmp_path / "base")
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}\nrules: []\n"
    write(tree.folder / "helm-charts/guestbook/templates/a.yaml", role)
    with pytest.raises(RefusedError, match="3 problems"):
        check.run(tree.folder, tmp_path / "base")


@needs_helm
def test_a_runner_without_helm_lets_nothing_through(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tree.folder, tmp_path / "base")
    monkeypatch.delenv("HELM")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RefusedError, match="1 problem"):
        check.run(tree.folder, tmp_path / "base")


@needs_helm
def test_lines_above_an_old_problem_do_not_make_it_new(tree: Tree, tmp_path: Path) -> None:
    file = tree.folder / "apps/guestbook/key.txt"
    write(file, "-----BEGIN RSA PRIVATE KEY-----\n")
    shutil.copytree(tree.folder, tmp_path / "base")
    write(file, "a line\n" + file.read_text())
    check.run(tree.folder, tmp_path / "base")


def test_encrypted_secrets_are_not_clear_text() -> None:
    manifest = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "ENC[AES256_GCM,data:x]"}, "sops": {"mac": "x"}}
    assert not secrets.is_clear_text(manifest)
    assert secrets.is_clear_text(manifest | {"data": {"a": "ENC[x]", "b": "plain"}})
    assert not secrets.is_clear_text(
        {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "data": {"a": 1}}
    )


def test_the_requirements_are_pinned_by_hash(template: Path) -> None:
    text = (template / ".slipway/requirements.txt").read_text()
    assert f"pyyaml=={yaml.__version__}" in text
    assert "--hash=sha256:" in text


@pytest.mark.parametrize("name", ["../guestbook", "a|b", "a\nb", "Ab", "-a", ""])
def test_a_proposed_name_is_not_a_path_or_a_cell_of_a_table(tree: Tree, name: str) -> None:
    file = tree.folder / ".slipway/platform.json"
    for key in ("services", "environments"):
        found = json.loads(file.read_text())
        found[key][0]["name"] = name
        with pytest.raises(RefusedError, match=rf"platform.json.{key}\[0\].name"):
            platform_file.parse(found)
