"""What Kubernetes refuses of workloads and of what serves them, beyond single fields and their pods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import cast

from slipway_release import fields
from slipway_release.fields import Document
from slipway_release.validation.files import Manifest
from slipway_release.validation.formats import amount, is_whole

_DEADLINE = 600
"""Seconds that a Deployment has to come forward, if nothing is said."""
_NOTHING = (0, "0%")


def check(manifest: Manifest) -> Iterator[str]:
    """What is wrong with an object of one of these kinds."""
    rule = _RULES.get(str(manifest.get("kind")))
    if rule is not None:
        yield from rule(fields.optional_document(manifest, "spec") or {})


def _deployment(spec: Document) -> Iterator[str]:
    yield from _selects(spec)
    deadline, ready = spec.get("progressDeadlineSeconds", _DEADLINE), spec.get("minReadySeconds") or 0
    if is_whole(deadline) and is_whole(ready) and cast("int", deadline) <= cast("int", ready):
        yield f"spec.progressDeadlineSeconds {deadline} must be above minReadySeconds, {ready}"
    rolling = fields.below(spec, "strategy", "rollingUpdate")
    if rolling.get("maxSurge") in _NOTHING and rolling.get("maxUnavailable") in _NOTHING:
        yield "spec.strategy.rollingUpdate: maxSurge and maxUnavailable are both 0, so no pod could be replaced"


def _daemon_set(spec: Document) -> Iterator[str]:
    yield from _selects(spec)
    rolling = fields.below(spec, "updateStrategy", "rollingUpdate")
    surge, unavailable = rolling.get("maxSurge", 0), rolling.get("maxUnavailable", 1)
    if fields.below(spec, "updateStrategy").get("type") != "OnDelete" and (surge in _NOTHING) == (
        unavailable in _NOTHING
    ):
        yield "spec.updateStrategy.rollingUpdate: one of maxSurge and maxUnavailable must be 0, and the other not"


def _stateful_set(spec: Document) -> Iterator[str]:
    yield from _selects(spec)
    for claim in fields.mappings(spec.get("volumeClaimTemplates")):
        name = fields.below(claim, "metadata").get("name")
        for text in _claim(fields.below(claim, "spec")):
            yield f"volumeClaimTemplate {name!r}: {text}"


def _selects(spec: Document) -> Iterator[str]:
    select = fields.below(spec, "selector")
    selector, labels = fields.below(select, "matchLabels"), fields.below(spec, "template", "metadata", "labels")
    wanted = list(fields.mappings(select.get("matchExpressions")))
    differs = any(labels.get(key) != value for key, value in selector.items())
    if differs or not (selector or wanted):
        yield "spec.selector.matchLabels does not select its own pods"
    elif not all(_matches(expression, labels) for expression in wanted):
        yield "spec.selector.matchExpressions do not select its own pods"


def _matches(expression: Document, labels: Document) -> bool:
    key, values = str(expression.get("key")), expression.get("values")
    is_among = key in labels and isinstance(values, list) and labels[key] in values
    found = {"In": is_among, "NotIn": not is_among, "Exists": key in labels, "DoesNotExist": key not in labels}
    return found.get(str(expression.get("operator")), True)


def _job(spec: Document) -> Iterator[str]:
    if spec.get("selector") is not None and spec.get("manualSelector") is not True:
        yield "spec.selector is Kubernetes' own to write for a Job; take it out"
    if spec.get("podFailurePolicy") and fields.below(spec, "template", "spec").get("restartPolicy") != "Never":
        yield "spec.podFailurePolicy wants restartPolicy: Never of the pods"


def _cron_job(spec: Document) -> Iterator[str]:
    inner = fields.below(spec, "jobTemplate", "spec")
    if inner.get("selector") is not None or inner.get("manualSelector") is True:
        yield "spec.jobTemplate.spec.selector is Kubernetes' own to write for a CronJob; take it out"


def _claim(spec: Document) -> Iterator[str]:
    storage = fields.below(spec, "resources", "requests").get("storage")
    size = amount(storage)
    if size is None or size <= 0:
        yield f"resources.requests.storage {storage!r} is not a size; use one such as 10Gi"
    modes = spec.get("accessModes")
    if isinstance(modes, list) and len(cast("list[object]", modes)) > 1 and "ReadWriteOncePod" in modes:
        yield "accessModes: ReadWriteOncePod stands alone; take the other ones out"


def _scaling(spec: Document) -> Iterator[str]:
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas")
    if is_whole(least) and is_whole(most) and cast("int", least) > cast("int", most):
        yield f"spec.maxReplicas {most} is below minReplicas {least}"
    for metric in fields.mappings(spec.get("metrics")):
        for source, targets in _TARGETS.items():
            target = fields.optional_document(fields.optional_document(metric, source) or {}, "target")
            given = sum(target.get(key) is not None for key in targets) if target is not None else 1
            if given == 0 or (given > 1 and source != "object"):
                yield f"spec.metrics: {source}.target has one of {' and '.join(targets)}, and not more"


_TARGETS: Mapping[str, tuple[str, ...]] = {
    "containerResource": ("averageUtilization", "averageValue"),
    "external": ("averageValue", "value"),
    "object": ("averageValue", "value"),
    "pods": ("averageValue",),
    "resource": ("averageUtilization", "averageValue"),
}


_RULES: Mapping[str, Callable[[Document], Iterator[str]]] = {
    "CronJob": _cron_job,
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "HorizontalPodAutoscaler": _scaling,
    "Job": _job,
    "PersistentVolumeClaim": _claim,
    "ReplicaSet": _selects,
    "StatefulSet": _stateful_set,
}
