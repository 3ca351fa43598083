"""Jobs that work at one release and not at another: told before somebody meets it in production."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slipway_release import fields
from slipway_release.fields import Document
from slipway_release.validation.files import Manifest, Problem

_HOOKS = ("argocd.argoproj.io/hook", "helm.sh/hook")
_TESTS = frozenset({"test", "test-success", "test-failure"})
"""Hooks that only `helm test` runs; Argo CD does not have this phase and does not apply them."""
_EARLY = frozenset({"PreSync", "pre-install", "pre-upgrade"})
_RUNNING = frozenset(
    {"CronJob", "DaemonSet", "Deployment", "ReplicaSet", "ReplicationController", "Rollout", "StatefulSet"}
)
"""What a release runs in, and not once."""
_UNSEEN = "argocd.argoproj.io/ignore-healthcheck"
_REPLACED = ("Replace=true", "Force=true")


def check(path: str, manifests: Sequence[Manifest]) -> Iterator[Problem]:
    """Warnings about the Jobs of one service in one environment."""
    accounts = {_name(item) for item in manifests if item.get("kind") == "ServiceAccount" and not hooks(item)}
    for job in (item for item in manifests if item.get("kind") == "Job"):
        where = f"Job {_name(job)!r}"
        kinds = hooks(job)
        if not kinds and not is_replaced(job):
            yield Problem(
                path,
                f"{where}: Kubernetes does not let a Job's pods change, so the next release cannot be synced; make it a"
                " hook (annotations `argocd.argoproj.io/hook: Sync` and `argocd.argoproj.io/hook-delete-policy:"
                " BeforeHookCreation`)",
                is_warning=True,
            )
        account = _account(job)
        if kinds & _EARLY and account in accounts:
            yield Problem(
                path,
                f"{where}: it runs before the ServiceAccount {account!r} is made, so the first release fails; give that"
                " the same hook and an earlier `argocd.argoproj.io/sync-wave`, or make the Job a `Sync` hook",
                is_warning=True,
            )


def check_seen(item: Manifest) -> Iterator[str]:
    """What takes a workload out of what Argo CD looks at: some of it would not even be applied."""
    if item.get("kind") not in _RUNNING:
        return
    taken = [key for key in _HOOKS if _annotation(item, key)]
    for key in [*taken, *([_UNSEEN] if _annotation(item, _UNSEEN) == "true" else [])]:
        yield f"annotation {key} has every release verified, also one that does not run; take it out"


def _name(item: Manifest) -> str:
    return str(_metadata(item).get("name", ""))


def hooks(item: Manifest) -> set[str]:
    """The phases that an object is a hook of."""
    return {word.strip() for key in _HOOKS for word in _annotation(item, key).split(",") if word.strip()}


def is_applied(item: Manifest) -> bool:
    """Whether Argo CD applies an object at all."""
    phases = hooks(item)
    return not phases or not phases <= _TESTS


def is_replaced(item: Manifest) -> bool:
    """Whether Argo CD makes an object again where it cannot be changed."""
    return any(option in _annotation(item, "argocd.argoproj.io/sync-options") for option in _REPLACED)


def _annotation(item: Manifest, key: str) -> str:
    return str((fields.optional_document(_metadata(item), "annotations") or {}).get(key) or "")


def _metadata(item: Manifest) -> Document:
    return fields.optional_document(item, "metadata") or {}


def _account(job: Manifest) -> str | None:
    here: Document = job
    for key in ("spec", "template", "spec"):
        here = fields.optional_document(here, key) or {}
    return fields.optional_text(here, "serviceAccountName")
