"""When a Kubernetes object counts as ready: the same rules as Pulumi's, or the ones that its annotation names."""

import json
import re
from typing import Any, cast

from sandbox.engine.kubernetes.api import Object
from sandbox.engine.outcome import ApplyError
from sandbox.engine.shape import at, fields, items, number

WAIT_FOR = "pulumi.com/waitFor"
SKIP_AWAIT = "pulumi.com/skipAwait"
TIMEOUT = "pulumi.com/timeoutSeconds"
PATCH_FORCE = "pulumi.com/patchForce"

BUILT_IN = {"v1", "apps/v1", "batch/v1", "apiextensions.k8s.io/v1"}
DEFAULT_TIMEOUT = 600.0


class NeverReadyError(ApplyError):
    """It will not become ready any more."""


def annotation(manifest: Object, key: str) -> str:
    return str(fields(manifest, "metadata", "annotations").get(key, ""))


def timeout(manifest: Object, given: float | None) -> float:
    """Seconds to wait: the resource's own option, its annotation, or ten minutes."""
    text = annotation(manifest, TIMEOUT)
    return given or (float(text) if text.isdigit() else DEFAULT_TIMEOUT)


def not_ready(live: Object, declared: Object) -> str:
    """Why the live object is not ready yet; empty once it is.

    Raises:
        NeverReadyError: It has failed for good.
    """
    if annotation(declared, SKIP_AWAIT).lower() == "true":
        return ""
    conditions = wait_conditions(annotation(declared, WAIT_FOR))
    if conditions:
        reasons = [reason for condition in conditions if (reason := _unmet(condition, live))]
        return "; ".join(reasons)
    if live["apiVersion"] not in BUILT_IN:
        return ""
    rule = _RULES.get(live["kind"])
    return rule(live) if rule else ""


def wait_conditions(text: str) -> list[tuple[str, str, str | None]]:
    """The conditions of a `pulumi.com/waitFor` annotation: (`condition` or `jsonpath`, subject, wanted value).

    Raises:
        ApplyError: One of them cannot be read.
    """
    if not text:
        return []
    try:
        expressions = cast(list[str], json.loads(text)) if text.startswith("[") else [text]
    except json.JSONDecodeError:
        raise ApplyError(f"{WAIT_FOR}: {text!r} is not a JSON list") from None
    found: list[tuple[str, str, str | None]] = []
    for expression in expressions:
        if match := re.fullmatch(r"condition=([^=]+)(?:=(.+))?", expression):
            found.append(("condition", match[1], match[2] or "True"))
        elif match := re.fullmatch(r"jsonpath=\{\s*\$?((?:\.[\w-]+|\[\d+\])+)\s*\}(?:=(.+))?", expression):
            found.append(("jsonpath", match[1], match[2]))
        else:
            raise ApplyError(
                f"{WAIT_FOR}: {expression!r}; allowed are condition=Type[=status] and jsonpath={{.field[0]}}[=value]"
            )
    return found


def _unmet(condition: tuple[str, str, str | None], live: Object) -> str:
    how, subject, wanted = condition
    if how == "condition":
        found = next((item.get("status") for item in _conditions(live) if item.get("type") == subject), None)
    else:
        found = _value(live, subject)
    text = str(found).lower() if isinstance(found, bool) else str(found)
    if found is None or (wanted is not None and text != wanted):
        return f"{subject.lstrip('.')} is {'not there' if found is None else text}" + (
            f", not {wanted}" if wanted else ""
        )
    return ""


def _value(live: Object, path: str) -> Any:
    steps = cast("list[tuple[str, str]]", re.findall(r"\.([\w-]+)|\[(\d+)\]", path))
    return at(live, *(int(index) if index else name for name, index in steps))


def _conditions(live: Object) -> list[Object]:
    return items(live, "status", "conditions")


def _true(live: Object, kind: str) -> bool:
    return any(item.get("type") == kind and item.get("status") == "True" for item in _conditions(live))


def _stale(live: Object) -> bool:
    return number(live, "status", "observedGeneration") < number(live, "metadata", "generation")


def _namespace(live: Object) -> str:
    phase = at(live, "status", "phase")
    return "" if phase == "Active" else f"its phase is {phase}"


def _rollout(live: Object) -> str:
    """A Deployment or StatefulSet."""
    if _stale(live):
        return "its controller has not seen the latest change"
    status, wanted = fields(live, "status"), live["spec"].get("replicas", 1)
    for item in _conditions(live):
        if item.get("type") == "Progressing" and item.get("reason") == "ProgressDeadlineExceeded":
            raise NeverReadyError(f"the rollout did not finish in time: {item.get('message')}")
    deployment = live["kind"] == "Deployment"
    updated = number(status, "updatedReplicas")
    ready = number(status, "availableReplicas" if deployment else "readyReplicas")
    if min(updated, ready) < wanted or (deployment and number(status, "replicas") > updated):
        return f"{updated} updated and {ready} ready of {wanted} replicas"
    return ""


def _daemon_set(live: Object) -> str:
    if _stale(live):
        return "its controller has not seen the latest change"
    status = fields(live, "status")
    wanted, ready = number(status, "desiredNumberScheduled"), number(status, "numberReady")
    updated = number(status, "updatedNumberScheduled")
    return "" if min(ready, updated) >= wanted else f"{updated} updated and {ready} ready of {wanted} pods"


def _job(live: Object) -> str:
    if _true(live, "Failed"):
        raise NeverReadyError("the Job failed: " + "; ".join(str(item.get("message")) for item in _conditions(live)))
    return "" if _true(live, "Complete") else "the Job is not complete"


def _definition(live: Object) -> str:
    return "" if _true(live, "Established") else "it is not established"


def _pod(live: Object) -> str:
    phase = at(live, "status", "phase")
    if phase == "Failed":
        raise NeverReadyError("the Pod failed")
    return "" if phase == "Succeeded" or _true(live, "Ready") else f"the Pod is {phase}"


def _claim(live: Object) -> str:
    phase = at(live, "status", "phase")
    return "" if phase == "Bound" else f"the claim is {phase}"


def _service(live: Object) -> str:
    waiting = live["spec"].get("type") == "LoadBalancer" and not items(live, "status", "loadBalancer", "ingress")
    return "it was given no load balancer address" if waiting else ""


_RULES = {
    "Namespace": _namespace,
    "Deployment": _rollout,
    "StatefulSet": _rollout,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "CustomResourceDefinition": _definition,
    "Pod": _pod,
    "PersistentVolumeClaim": _claim,
    "Service": _service,
}
