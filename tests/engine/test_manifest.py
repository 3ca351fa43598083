"""Which objects a manifest declares, however it is written."""

import pytest

from sandbox.engine.kubernetes.manifest import declared

WANTED = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": "here"}}


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\n",
        "---\n# Source: x.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  labels: {name: x}\n  name: 'one'\n",
        '---\n# Source: x.yaml\n{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}}\n',
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n",
        '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}}\n',
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: one}}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  namespace: here\n  name: one\ndata:\n  x: |\n    kind: Pod\n",
    ],
)
def test_an_object_is_found(text: str) -> None:
    assert declared(text, "here") == [WANTED]


def test_every_document_counts_and_empty_ones_do_not() -> None:
    first, second = "{kind: A, apiVersion: v1, metadata: {name: a}}", "kind: B\napiVersion: v1\nmetadata: {name: b}"
    text = f"---\n---\n# nothing\n---\n{first}\n---\n{second}\n"
    assert [item["kind"] for item in declared(text, "x")] == ["A", "B"]
    assert declared("", "x") == []
