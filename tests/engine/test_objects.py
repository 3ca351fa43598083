"""Kubernetes objects against a real API server."""

import base64
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from sandbox.engine.kubernetes import objects
from sandbox.engine.kubernetes.api import KubernetesApi
from sandbox.engine.monitor import Registration
from sandbox.engine.outcome import ApplyError, Outcome


def registration(manifest: dict[str, Any], **overrides: Any) -> Registration:
    """A registration of one object, as the SDK would send it."""
    given = Registration(
        urn=f"urn:pulumi:t::t::kubernetes:x:{manifest['kind']}::x",
        type=f"kubernetes:core/v1:{manifest['kind']}",
        name="x",
        parent="",
        custom=True,
        inputs=manifest,
    )
    return replace(given, **overrides)


def config_map(name: str, **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_the_first_apply_creates_and_the_second_writes_nothing(api: KubernetesApi) -> None:
    declared = registration(config_map("twice", a="1"))
    first = objects.apply_object(api, declared)
    second = objects.apply_object(api, declared)
    assert (first.outcome, second.outcome) == (Outcome.CREATED, Outcome.UNCHANGED)
    assert first.outputs["metadata"]["resourceVersion"] == second.outputs["metadata"]["resourceVersion"]
    assert first.id == "default/twice"


def test_a_changed_field_is_an_update_and_a_dropped_one_goes(api: KubernetesApi) -> None:
    objects.apply_object(api, registration(config_map("changed", a="1", b="2")))
    changed = objects.apply_object(api, registration(config_map("changed", a="3")))
    assert changed.outcome is Outcome.UPDATED
    assert changed.outputs["data"] == {"a": "3"}


def test_a_field_changed_by_hand_is_not_taken_silently(api: KubernetesApi) -> None:
    declared = registration(config_map("drift", a="1"))
    objects.apply_object(api, declared)
    path = "/api/v1/namespaces/default/configmaps/drift"
    patch = {"data": {"a": "by hand"}}
    api.call("PATCH", path, patch, content_type="application/merge-patch+json", fieldManager="kubectl-edit")
    with pytest.raises(ApplyError, match="kubectl-edit"):
        objects.apply_object(api, declared)


def test_a_field_that_somebody_else_owns_is_a_conflict_that_names_the_remedy(api: KubernetesApi) -> None:
    api.call("POST", "/api/v1/namespaces/default/configmaps", config_map("owned", a="theirs"), fieldManager="helm")
    with pytest.raises(ApplyError, match="patchForce"):
        objects.apply_object(api, registration(config_map("owned", a="ours")))
    forced = config_map("owned", a="ours")
    forced["metadata"]["annotations"] = {"pulumi.com/patchForce": "true"}
    assert objects.apply_object(api, registration(forced)).outputs["data"] == {"a": "ours"}


def test_string_data_of_a_secret_is_not_written_twice(api: KubernetesApi) -> None:
    metadata = {"name": "secret", "namespace": "default"}
    secret = registration({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"k": "hidden"}})
    objects.apply_object(api, secret)
    again = objects.apply_object(api, secret)
    assert again.outcome is Outcome.UNCHANGED
    assert base64.b64decode(again.outputs["data"]["k"]) == b"hidden"


def test_a_namespace_and_what_lives_in_it(api: KubernetesApi) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "inside"}}
    assert objects.apply_object(api, registration(namespace)).outcome is Outcome.CREATED
    inner = config_map("inner", a="1")
    inner["metadata"]["namespace"] = "inside"
    assert objects.apply_object(api, registration(inner)).id == "inside/inner"


def test_a_missing_namespace_is_named(api: KubernetesApi) -> None:
    lost = config_map("lost")
    lost["metadata"]["namespace"] = "nowhere"
    with pytest.raises(ApplyError, match="nowhere"):
        objects.apply_object(api, registration(lost))


def test_ignored_changes_keep_what_is_there(api: KubernetesApi) -> None:
    objects.apply_object(api, registration(config_map("ignored", a="1")))
    ignoring = registration(config_map("ignored", a="2"), ignore_changes=("data.a",))
    assert objects.apply_object(api, ignoring).outcome is Outcome.UNCHANGED


def test_an_unready_object_is_waited_for_and_then_named(api: KubernetesApi) -> None:
    late = config_map("late")
    late["metadata"]["annotations"] = {"pulumi.com/waitFor": "jsonpath={.data.ready}=yes"}
    with pytest.raises(ApplyError, match=r"data\.ready"):
        objects.apply_object(api, registration(late, create_timeout=0.6))


def test_a_condition_that_comes_true_ends_the_wait(api: KubernetesApi) -> None:
    late = config_map("soon")
    late["metadata"]["annotations"] = {"pulumi.com/waitFor": '["jsonpath={.data.ready}=yes"]'}

    def make_ready() -> None:
        while api.get(late) is None:
            time.sleep(0.1)
        path = "/api/v1/namespaces/default/configmaps/soon"
        api.call("PATCH", path, {"data": {"ready": "yes"}}, content_type="application/merge-patch+json")

    helper = threading.Thread(target=make_ready)
    helper.start()
    applied = objects.apply_object(api, registration(late, create_timeout=30))
    helper.join()
    assert applied.outputs["data"] == {"ready": "yes"}


def test_an_object_can_be_looked_up(api: KubernetesApi) -> None:
    objects.apply_object(api, registration(config_map("found", a="1")))
    wanted = registration(config_map("found"), type="kubernetes:core/v1:ConfigMap", existing_id="default/found")
    assert objects.read_object(api, wanted).outputs["data"] == {"a": "1"}
