"""A pod that names a key that its ConfigMap does not have never starts, and the release would be rolled back."""

from typing import Any

import pytest

from slipway_release.validation import references

MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "b"}}


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}


def variable(key: str, name: str = "settings", **more: Any) -> dict[str, Any]:
    source = {"configMapKeyRef": {"name": name, "key": key, **more}}
    return pod(containers=[{"name": "web", "env": [{"name": "A", "valueFrom": source}]}])


def volume(key: str, **more: Any) -> dict[str, Any]:
    return {"configMap": {"name": "settings", "items": [{"key": key, "path": "x"}], **more}}


@pytest.mark.parametrize(
    "wants",
    [
        variable("missing"),
        pod(volumes=[{"name": "v", **volume("missing")}]),
        pod(volumes=[{"name": "v", "projected": {"sources": [volume("missing")]}}]),
    ],
)
def test_a_key_that_is_not_there_is_named(wants: dict[str, Any]) -> None:
    (found,) = references.check("x", [wants, MAP])
    assert "Pod 'web': ConfigMap 'settings' has no key 'missing'" in found.text


@pytest.mark.parametrize(
    "wants",
    [
        variable("a"),
        variable("missing", optional=True),
        variable("missing", name="of-somebody-else"),
        pod(volumes=[{"name": "v", **volume("a")}, {"name": "w", **volume("missing", optional=True)}]),
        pod(volumes=[{"name": "v", "configMap": {"name": "settings"}}]),
        MAP,
    ],
)
def test_what_is_there_or_may_be_missing_is_let_be(wants: dict[str, Any]) -> None:
    assert list(references.check("x", [wants, MAP])) == []
