"""When Argo CD reports on a release: conditions on an Application, in the expression language of its notifications.

Each event of a release is reported exactly once, also when GitHub cannot be reached or a controller restarts. The
engine's own `oncePer` cannot do that: it keeps what it tried to send as sent, and one failed request loses the report
(`SetAlreadyNotified` in notifications-engine's pkg/controller/state.go). Without `oncePer` a failed report is tried
again, but each return of the condition is reported again. So a report is two conditions of one trigger:

- the event, without `oncePer`, for as long as the revision has no receipt;
- the receipt: once the annotation, in which the engine keeps its memory, says that the report went out, it writes the
  revision into the same memory with `oncePer`. It sends a template that does nothing, so that it cannot fail.

A sync window that begins while a sync runs holds it up: the operation stays Running, keeps its first `startedAt` and
says so in its message, which has no time. So the same memory keeps since when nothing is held up (`PERMITTED`), and
what is late is counted from there.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass

from manifests.argocd.labels import DEADLINE_ANNOTATION, SOAK_ANNOTATION, SYNC_WINDOWS_ANNOTATION
from slipway_release.blame import TRANSIENT

LEDGER = "github"
"""The service that keeps the ledger: GitHub's deployments."""
VERIFIED = "release-verified"
"""The trigger that reports good releases."""
INCIDENTS = "incident"
"""The trigger that reports what breaks after a release was verified, and that it is over."""
PERMITTED = "sync-permitted"
"""The trigger that notes since when no sync window holds a sync up; it reports nothing."""
RECEIPT = "receipt"
"""The template that does nothing."""

Condition = dict[str, str | list[str]]

_WORDS = {
    "status": "app.status ?? {}",
    "operation": "status.operationState",
    "phase": 'operation?.phase ?? ""',
    # Healing drift syncs the drifted resources only; if it fails, that is not the release's fault.
    "whole": "len(operation?.operation?.sync?.resources ?? []) == 0",
    "revision": 'operation?.syncResult?.revision ?? operation?.operation?.sync?.revision ?? ""',
    "health": 'status.health?.status ?? ""',
    "sync": 'status.sync?.status ?? ""',
    "automated": "app.spec.syncPolicy?.automated != nil and app.spec.syncPolicy.automated.enabled != false",
    "deadline": f'duration((app.metadata.annotations?.["{DEADLINE_ANNOTATION}"] ?? "600") + "s")',
    "soak": f'duration((app.metadata.annotations?.["{SOAK_ANNOTATION}"] ?? "0") + "s")',
    "message": 'operation?.message ?? ""',
    # Argo CD's own words, in `SyncAppState` of its controller/sync.go.
    "blocked": 'phase == "Running" and message startsWith "Sync operation blocked by sync window"',
    "windowed": f'app.metadata.annotations?.["{SYNC_WINDOWS_ANNOTATION}"] != nil',
    "memory": 'fromJSON(app.metadata.annotations?.["notified.notifications.argoproj.io"] ?? "{}")',
}
"""What the conditions speak of; none of it fails on an Application that has no status yet. Order matters."""


def _said(condition: str) -> str:
    """The condition with the words it uses, and those that these use, defined before it."""
    text = condition
    for word, meaning in reversed(_WORDS.items()):
        if re.search(rf"(?<![\w.\"]){word}\b", text):
            text = f"let {word} = {meaning};\n{text}"
    return text


def _all_of(*parts: str) -> str:
    """All parts must hold; the first that does not ends the evaluation."""
    return "\nand ".join(f"({part})" for part in parts)


def _any_of(*parts: str) -> str:
    return " or ".join(f"({part})" for part in parts)


# An automated sync that a window forbids leaves no word in the Application. Where it is permitted, Argo CD heals drift
# at least once a minute: `controller.self.heal.backoff.cap.seconds`.
_IDLE = _all_of(
    'windowed and automated and phase != "Running" and sync == "OutOfSync"',
    "operation?.finishedAt != nil",
    'now() - date(operation.finishedAt) > duration("2m")',
)
# Even a template that does nothing wants the revision of an operation.
_PERMITTED = _said(_all_of("operation != nil", "not blocked", f"not ({_IDLE})"))


def _key(trigger: str, when: str) -> str:
    """Where the engine remembers that a trigger's first condition holds (`hash` in its pkg/triggers/service.go)."""
    digest = hashlib.sha1(when.encode(), usedforsecurity=False).digest()
    return f"{trigger}:[0].{base64.urlsafe_b64encode(digest).decode().rstrip('=')}:{LEDGER}:"


PERMITTED_KEY = _key(PERMITTED, _PERMITTED)
"""Under this the memory has since when nothing is held up, as Unix time. While a window holds a sync up it is absent,
and it comes back one evaluation after the window: until then nothing is late."""
_WORDS["permitted"] = f"memory[{json.dumps(PERMITTED_KEY)}]"


def _late(since: str, now: str = "now()") -> str:
    """Whether more than the deadline has passed in which syncs were permitted."""
    return _all_of("permitted != nil", f"{now}.Unix() - max({since}.Unix(), permitted) > deadline.Seconds()")


# When this revision was synced as a whole: healing drift starts operations too, and must not start the deadline again.
_HISTORY = 'map(filter(status.history ?? [], #.revision == revision), #.deployedAt ?? "")'
_SYNCED = f"date(last([operation.finishedAt] | concat({_HISTORY})))"
_BEGAN = "date(operation.startedAt).Unix()"
_SUCCEEDED = 'phase == "Succeeded"'
# What is known of sync and health is of the wanted revision: either it was compared at the operation's revision, or it
# was compared after the operation, when a commit for another service had moved the branch on. Times are whole seconds.
_FRESH = _any_of("status.sync.revision == revision", "date(status.reconciledAt) > date(operation.finishedAt)")
# What is suspended in Git runs nothing, and is as it should be; a paused Deployment does not run its release.
_AT_REST = (
    'health == "Suspended" and none(status.resources ?? [], '
    '(#.health?.status ?? "") == "Suspended" and not (#.kind in ["CronJob", "Job"]))'
)
_GOOD = _all_of('sync == "Synced"', _any_of('health == "Healthy"', _AT_REST), "len(status.resources ?? []) > 0")
# A crash just after the first healthy moment is the release's: it has to stay healthy for a while.
_SOAKED = _any_of(
    'soak == duration("0s")',
    "now() - date(status.health?.lastTransitionTime ?? operation.finishedAt) >= soak and now() - "
    + _SYNCED
    + " >= soak",
)
_VERIFIED = _all_of(_SUCCEEDED, _GOOD, _FRESH, _SOAKED)
# A sync failed before it changed anything, and a later commit took back what it would have changed: there is nothing to
# sync, so that nothing else would say that all is well.
_RESTORED = _all_of(
    'phase in ["Failed", "Error"]',
    _GOOD,
    "status.sync.revision != revision",
    "date(status.reconciledAt) > date(operation.finishedAt)",
)
# The health turned bad after the sync began: just after a rollback's sync it is still that of the bad release. The
# pause lets a Deployment, which may say once more that it is overdue, see that it is complete.
_DEGRADED = _all_of(
    _SUCCEEDED,
    'sync == "Synced"',
    'health in ["Degraded", "Missing"]',
    "date(status.health.lastTransitionTime) > date(operation.startedAt)",
    'now() - date(operation.finishedAt) > duration("3s")',
    _FRESH,
)
# A failed check is the release's at once. Argo CD would try it again with the whole sync, and until then the release
# would serve users; how often a check is tried is the chart's to say. Between two tries a running operation has an end.
_CHECK_FAILED = _all_of(
    'phase == "Running"',
    "operation.finishedAt != nil",
    "any(operation.syncResult?.resources ?? [], "
    '(#.hookType ?? "") == "PostSync" and (#.hookPhase ?? "") in ["Failed", "Error"])',
)
# A webhook, an API server or a network that does not answer is not a fault of the release: it gets the whole deadline.
_OPERATION_FAILED = _all_of(
    _any_of('phase in ["Failed", "Error"]', _CHECK_FAILED),
    "whole",
    f"not (message matches {TRANSIENT!r}) or {_late('date(operation.startedAt)')}",
)
_LATE_HEALTH = _all_of(
    _SUCCEEDED,
    f"now() - {_SYNCED} > deadline",
    f'health != "Healthy" and not ({_AT_REST})',
    f"not ({_DEGRADED})",
)
# It never became what Git says, although it waits for no person: something keeps changing it. Where windows may forbid
# that Argo CD heals, only what it still heals after the deadline is late.
_LATE_SYNC = _all_of(
    _SUCCEEDED,
    f"windowed ? {_late(_SYNCED, 'date(operation.finishedAt)')} : now() - {_SYNCED} > deadline",
    'health in ["Healthy", "Suspended"] and sync == "OutOfSync" and automated',
    "status.sync.revision == revision",
    # Just after Argo CD healed it, the comparison may still be the one that asked for it.
    "not windowed or date(status.reconciledAt) > date(operation.finishedAt)",
)
_LATE_OPERATION = _all_of(
    'phase == "Running" and not blocked', "whole", _late("date(operation.startedAt)"), f"not ({_CHECK_FAILED})"
)


@dataclass(frozen=True)
class Event:
    """Something that is reported."""

    when: str
    template: str


VERIFICATIONS = (Event(_VERIFIED, "verified"), Event(_RESTORED, "restored"))
FAILURES = (
    Event(_DEGRADED, "degraded"),
    Event(_OPERATION_FAILED, "operation-failed"),
    Event(_LATE_HEALTH, "overdue"),
    Event(_LATE_SYNC, "overdue"),
    Event(_LATE_OPERATION, "overdue"),
)
"""They exclude each other, so that a revision fails for one reason at a time."""
# The memory has the receipt of that report.
_WAS_VERIFIED = f'any(keys(memory), # startsWith (revision + ":{VERIFIED}:["))'
# What breaks after a release was verified is not its fault. A pod that starts again, on another node for example, is no
# incident, unless it takes longer than a release may.
INCIDENT = Event(
    _all_of(
        _WAS_VERIFIED,
        "status.health?.lastTransitionTime != nil",
        _any_of(
            'health in ["Degraded", "Missing"]',
            f'health != "Healthy" and not ({_AT_REST}) and now() - date(status.health.lastTransitionTime) > deadline',
        ),
    ),
    "incident",
)
# The engine forgets a report as soon as its condition ends, and an end that GitHub did not take is to be tried again:
# the trigger's second condition is remembered from the report of an incident to that of its end.
_REPORTED, _OPEN, _OVER = (
    f'any(keys(memory), # startsWith "{INCIDENTS}:[{number}]." and # endsWith ":{LEDGER}:")' for number in range(3)
)
_INCIDENT_OPEN = Event(
    _all_of(
        "operation != nil",
        _any_of(_REPORTED, f"{_OPEN} and not {_OVER}"),
    ),
    RECEIPT,
)
# What crashes again and again is Healthy in between.
INCIDENT_OVER = Event(
    _all_of(
        _OPEN,
        _WAS_VERIFIED,
        _any_of('health == "Healthy"', _AT_REST),
        'now() - date(status.health?.lastTransitionTime ?? operation.finishedAt) > duration("30s")',
    ),
    "incident-over",
)
CHAT_FAILURES = tuple(Event(_all_of(event.when, f"not ({_WAS_VERIFIED})"), event.template) for event in FAILURES)
"""As the ledger is told of them: a release that was verified cannot fail any more."""
_RENDERING = (
    '(#.message matches "helm template|unmarshal" and not '
    '(#.message matches "timeout after|signal: killed|deadline exceeded|DeadlineExceeded|code = Unavailable"))'
)
UNRENDERABLE = Event(
    f'any(status.conditions ?? [], #.type == "ComparisonError" and {_RENDERING})',
    "unrenderable",
)
# A GitHub, repo-server or cluster that does not answer is not a fault of a commit; what waits goes on when it is back.
UNREACHABLE = Event(
    f'any(status.conditions ?? [], #.type == "ComparisonError" and not {_RENDERING} '
    "and now() - date(#.lastTransitionTime) > deadline)",
    "unreachable",
)
DRIFT_HEALED = Event(
    _all_of(
        _SUCCEEDED,
        'sync == "Synced"',
        "(operation.operation?.sync?.autoHealAttemptsCount ?? 0) > 0",
        # Argo CD takes the first sync after a commit that could not be rendered for healing, too.
        f'any(toPairs(memory), #[0] startsWith (revision + ":{VERIFIED}:[") and #[1] < {_BEGAN})',
    ),
    "drift-healed",
)
# Once for each revision that was synced: commits of other services move the branch on while it waits.
WAITING = Event(
    _all_of(
        # What Argo CD may sync has its operation before the comparison is written.
        "not automated or (windowed and app.operation == nil)",
        'sync == "OutOfSync"',
        'phase != "Running"',
        "status.sync.revision != revision",
        # A first release has no operation before it; a later one is compared after the last sync.
        "operation == nil or date(status.reconciledAt) > date(operation.finishedAt)",
    ),
    "waiting",
)
DRIFT_FOUND = Event(
    _all_of(
        _SUCCEEDED,
        'sync == "OutOfSync"',
        "not automated",
        # Another service's commit moves the branch on and would hide drift; one that waits for its sync looks the same.
        "status.sync.revision == revision or now() - date(operation.finishedAt) > deadline",
        # Just after a sync, the comparison may still be the one that asked for it.
        "date(status.reconciledAt) > date(operation.finishedAt)",
        _WAS_VERIFIED,
    ),
    "drift-found",
)


def permitted() -> list[Condition]:
    """The conditions of `PERMITTED`."""
    return [{"when": _PERMITTED, "send": [RECEIPT]}]


def reported(event: Event, *, once_per: str | None = None) -> Condition:
    """A condition that reports an event each time it comes, or once for each value of an expression."""
    condition: Condition = {"when": _said(event.when), "send": [event.template]}
    return {**condition, "oncePer": _said(once_per)} if once_per else condition


def incidents() -> list[Condition]:
    """The conditions of `INCIDENTS`; the memory knows them by their order."""
    return [reported(event) for event in (INCIDENT, _INCIDENT_OPEN, INCIDENT_OVER)]


def reported_once(name: str, *events: Event, unless: str | None = None) -> list[Condition]:
    """The conditions of a trigger that reports one event of each revision, the first to come, exactly once.

    Args:
        name: the trigger's name.
        events: what is reported.
        unless: another such trigger; what it has reported is not contradicted by this one.
    """
    # Keys of the memory: `<trigger>:[<n>].<hash>:github:` of a report that is out, and with the revision in front of a
    # receipt. The time of the report tells one of this operation from one whose receipt was never written.
    sent = f'toPairs(memory), #[0] startsWith "{name}:[" and #[0] endsWith ":{LEDGER}:"'
    settled = _any_of(*(f'# startsWith (revision + ":{trigger}:[")' for trigger in (name, unless) if trigger))
    guard = _all_of(f"none(keys(memory), {settled})", f"none({sent} and #[1] < {_BEGAN})")
    receipt = _all_of("operation != nil", f"any({sent} and #[1] >= {_BEGAN})")
    return [
        *(reported(Event(_all_of(event.when, guard), event.template)) for event in events),
        reported(Event(receipt, RECEIPT), once_per="revision"),
    ]
