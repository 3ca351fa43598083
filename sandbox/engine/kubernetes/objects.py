"""Makes one Kubernetes object be as declared, and waits until it is ready."""

import base64
import copy
import time
from collections.abc import Callable
from typing import Any, cast

from sandbox.engine.kubernetes import readiness
from sandbox.engine.kubernetes.api import FIELD_MANAGER, ApiError, KubernetesApi, Object
from sandbox.engine.monitor import Registration
from sandbox.engine.outcome import Applied, ApplyError, Outcome
from sandbox.engine.shape import at, fields, items

Tell = Callable[[str], None]

LOOK_EVERY = 0.5
UNKNOWN_KIND_PATIENCE = 30.0
"""Seconds for a kind to appear whose definition was applied just before."""


def apply_object(api: KubernetesApi, registration: Registration, tell: Tell = lambda _text: None) -> Applied:
    """Applies by server-side apply; an object that is as declared is not written. `tell` hears what is waited for."""
    manifest = declared(registration.inputs)
    name = manifest["metadata"].get("name")
    if not name:
        raise ApplyError("metadata.name: it has none; the in-process deployment makes up no names, give one")
    before = _wait_for_kind(api, manifest)
    if before is not None:
        _keep_ignored(manifest, before, registration.ignore_changes)
    force = readiness.annotation(manifest, readiness.PATCH_FORCE).lower() == "true"
    try:
        live = api.apply(manifest, force=force)
    except ApiError as error:
        raise _explained(error, manifest) from error
    live = _await_ready(api, manifest, live, registration.create_timeout, tell)
    if before is None:
        outcome = Outcome.CREATED
    else:
        # An apply that changes nothing leaves the version alone; a controller may have moved it since we looked.
        outcome = Outcome.UNCHANGED if _content(before) == _content(live) else Outcome.UPDATED
    return Applied(id=_identity(manifest), outputs=_outputs(live), outcome=outcome)


def read_object(api: KubernetesApi, registration: Registration) -> Applied:
    """Looks up an existing object by the id `namespace/name`."""
    api_version, kind = _type_parts(registration.type)
    namespace, _, name = registration.existing_id.rpartition("/")
    manifest: Object = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}
    if namespace:
        manifest["metadata"]["namespace"] = namespace
    live = api.get(manifest)
    if live is None:
        raise ApplyError(f"{kind} {registration.existing_id}: it is not in the cluster")
    return Applied(id=registration.existing_id, outputs=_outputs(live))


def declared(inputs: dict[str, Any]) -> Object:
    """The manifest of a resource's inputs, in the form in which the API server keeps it."""
    manifest = copy.deepcopy(inputs)
    for key in ("apiVersion", "kind", "metadata"):
        if key not in manifest:
            raise ApplyError(f"{key}: it has none")
    if manifest["kind"] == "Secret" and "stringData" in manifest:
        # The server turns stringData into data and forgets the former, so every apply of it would be a write.
        data = {key: base64.b64encode(str(text).encode()).decode() for key, text in manifest.pop("stringData").items()}
        manifest["data"] = {**fields(manifest, "data"), **data}
    return manifest


def _wait_for_kind(api: KubernetesApi, manifest: Object) -> Object | None:
    """The live object; a kind that is just being defined gets some time to appear."""
    deadline = time.monotonic() + UNKNOWN_KIND_PATIENCE
    while api.kind(manifest["apiVersion"], manifest["kind"]) is None:
        if time.monotonic() > deadline:
            raise ApplyError(
                f"the cluster knows no {manifest['kind']} in {manifest['apiVersion']}; "
                "let the resource depend on what installs its definition"
            )
        time.sleep(LOOK_EVERY)
    return api.get(manifest)


def _await_ready(api: KubernetesApi, manifest: Object, live: Object, given: float | None, tell: Tell) -> Object:
    seconds = readiness.timeout(manifest, given)
    deadline = time.monotonic() + seconds
    while reason := readiness.not_ready(live, manifest):
        if time.monotonic() > deadline:
            raise ApplyError(f"not ready after {seconds:.0f} s: {reason}{_complaints(live)}{_troubles(api, live)}")
        tell(f"({reason})")
        time.sleep(LOOK_EVERY)
        current = api.get(manifest)
        if current is None:
            raise ApplyError("somebody deleted it while it was waited for")
        live = current
    return live


def _complaints(live: Object) -> str:
    """What the controller of an object says is wrong, such as the conditions of an Application."""
    told = [str(item.get("message") or "") for item in items(live, "status", "conditions")]
    return "".join(f"; {text}" for text in told if text)


def _troubles(api: KubernetesApi, live: Object) -> str:
    """What the containers of a workload complain about."""
    labels = fields(live, "spec", "selector", "matchLabels")
    if not labels:
        return ""
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    pods = api.list(f"/api/v1/namespaces/{live['metadata']['namespace']}/pods", labelSelector=selector)
    found = [
        f"pod {pod['metadata']['name']}, container {status['name']}: {waiting['reason']} {waiting.get('message', '')}"
        for pod in pods
        for status in items(pod, "status", "containerStatuses")
        if (waiting := fields(status, "state", "waiting"))
    ]
    return "".join(f"; {text.strip()}" for text in found[:3])


def _explained(error: ApiError, manifest: Object) -> ApplyError:
    what = f"{manifest['kind']} {_identity(manifest)}"
    if error.status == 409:
        return ApplyError(
            f"{what}: {error}; somebody else owns these fields: leave them out, or let go of them there, "
            f'or take them with the annotation {readiness.PATCH_FORCE}: "true"'
        )
    if error.status == 422 and "immutable" in str(error):
        return ApplyError(f"{what}: {error}; delete the object, then run it again")
    if error.status == 404 and "namespaces" in str(error):
        return ApplyError(f"{what}: {error}; create the namespace first and depend on it")
    return ApplyError(f"{what}: {error}")


def _keep_ignored(manifest: Object, live: Object, paths: tuple[str, ...]) -> None:
    """Fields whose changes are ignored keep the value that is there."""
    for path in paths:
        *parents, last = path.split(".")
        target, source = at(manifest, *parents), fields(live, *parents)
        if isinstance(target, dict):
            kept = {last: source[last]} if last in source else {}
            others = {key: value for key, value in cast("Object", target).items() if key != last}
            cast("Object", target).clear()
            cast("Object", target).update(others | kept)


def _content(live: Object) -> Object:
    """The object without what changes by itself."""
    metadata = {
        key: value
        for key, value in live["metadata"].items()
        if key not in ("resourceVersion", "managedFields", "generation")
    }
    owned = [entry.get("fieldsV1") for entry in items(live, "metadata", "managedFields") if _is_ours(entry)]
    return {**{k: v for k, v in live.items() if k not in ("status", "metadata")}, "metadata": metadata, "owned": owned}


def _is_ours(entry: Object) -> bool:
    return entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"


def _outputs(live: Object) -> dict[str, Any]:
    metadata = {key: value for key, value in live["metadata"].items() if key != "managedFields"}
    return {**live, "metadata": metadata}


def _identity(manifest: Object) -> str:
    metadata = manifest["metadata"]
    return "/".join(filter(None, (metadata.get("namespace"), metadata.get("name"))))


def _type_parts(token: str) -> tuple[str, str]:
    """ApiVersion and kind of a token such as `kubernetes:apps/v1:Deployment` or `kubernetes:core/v1:Secret`."""
    _, api_version, kind = token.split(":")
    return api_version.removeprefix("core/"), kind
