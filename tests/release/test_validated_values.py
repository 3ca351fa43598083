"""What people may write into values: what Helm reads otherwise, or a chart would change, is named with its line."""

import pytest

from slipway_release.validation.files import Tree
from tests.release.repository import needs_helm, rendered, told, write


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
    write(tree.folder / "environments/dev/values.yaml", text)
    assert f"environments/dev/values.yaml: {words}" in told(tree)


@needs_helm
def test_values_that_helm_reads_whole_are_fine(tree: Tree) -> None:
    """Nothing, a remark, lines between documents, and a byte order mark."""
    texts = {"dev": "", "staging": "# nothing yet\n", "production": "---\nreplicas: 3\n---\n"}
    for environment, text in texts.items():
        write(tree.folder / f"environments/{environment}/values.yaml", text)
    write(tree.folder / "environments/dev/guestbook/values.yaml", "\ufeffreplicas: 3\n")
    assert told(tree) == ""


@needs_helm
def test_values_may_override_what_they_merge(tree: Tree) -> None:
    probe = "readinessProbe: &probe {httpGet: {path: /readyz, port: http}}\n"
    slower = "livenessProbe: {<<: *probe, periodSeconds: 20}\n"
    write(tree.folder / "environments/dev/guestbook/values.yaml", probe + slower)
    assert told(tree) == ""


@needs_helm
def test_a_value_that_is_not_what_it_looks_like_is_refused(tree: Tree) -> None:
    read = {"1.10": "1.1", "on": "true", "True": "true", "0123": "83", "1e3": "1000", "0x1F": "31", "1_000": "1000"}
    file = tree.folder / "environments/dev/guestbook/values.yaml"
    write(file, "config:\n" + "".join(f"  V{number}: {text}\n" for number, text in enumerate(read)))
    found = told(tree)
    for number, (text, becomes) in enumerate(read.items()):
        words = f"values.yaml: line {number + 2}: V{number}: {text} becomes the text '{becomes}'; quote it"
        assert words in found
    write(file, "config:\n" + "".join(f"  V{number}: '{text}'\n" for number, text in enumerate(read)))
    assert told(tree) == ""


@needs_helm
def test_a_value_that_stays_what_it_is_needs_no_quotes(tree: Tree) -> None:
    texts = ("1048576", "880444307210", "-5", "1.5", "true", "false", "9007199254740991")
    written = {f"V{number}": text for number, text in enumerate(texts)}
    lines = "".join(f"  {key}: {text}\n" for key, text in written.items())
    write(tree.folder / "environments/dev/guestbook/values.yaml", f"config:\n{lines}")
    assert told(tree) == ""
    assert [item["data"] for item in rendered(tree).manifests if item["kind"] == "ConfigMap"] == [written]


@needs_helm
def test_digits_that_a_chart_loses_are_named_with_their_line(tree: Tree) -> None:
    """A chart of a team, or one from before, may write numbers with `toString`."""
    template = tree.folder / "helm-charts/guestbook/templates/configuration.yaml"
    write(
        template,
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {SIZE: {{ .Values.config.SIZE | quote }}}\n",
    )
    file = tree.folder / "environments/dev/values.yaml"
    write(file, "config:\n  SIZE: 1048576\n")
    assert "environments/dev/values.yaml: line 2: SIZE becomes the text '1.048576e+06'; quote" in told(tree)
    write(file, "config:\n  SIZE: '1048576'\n")
    assert "SIZE" not in told(tree)
    write(template, template.read_text().replace("{SIZE:", "{BYTES:"))
    write(file, "config:\n  SIZE: 1048576\n")
    assert "environments/dev/values.yaml: line 2: BYTES becomes the text '1.048576e+06'" in told(tree)


@needs_helm
def test_a_key_that_is_read_as_a_truth_value_is_refused(tree: Tree) -> None:
    write(tree.folder / "environments/dev/values.yaml", "config:\n  no: fjord\n")
    assert "environments/dev/values.yaml: line 2: the key no is read as false; quote it" in told(tree)


@needs_helm
def test_a_value_that_is_overridden_is_not_looked_at(tree: Tree) -> None:
    write(tree.folder / "environments/dev/values.yaml", "config: {VERSION: 1.10}\n")
    write(tree.folder / "environments/dev/guestbook/values.yaml", "config: {VERSION: '1.10'}\n")
    assert told(tree) == ""
