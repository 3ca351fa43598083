"""Whom Argo CD notifies of what: GitHub's deployments, which are the ledger of releases, and a chat where one is set.

The ledger is kept on the environment repository: environment `<environment>/<service>`, ref the commit that was synced,
state `success` or `failure`, and a description that says why. Drift and incidents add a `success` whose description
begins with one of `slipway_release.ledger.ASIDE`, so that the deployment stays what it is and yet shows it.
"""

import json
from collections.abc import Callable
from typing import Any, cast

import yaml

from manifests.argocd import triggers
from manifests.argocd.labels import ENVIRONMENT_LABEL, SERVICE_LABEL, URL_ANNOTATION
from manifests.argocd.triggers import LEDGER, RECEIPT, VERIFIED, Condition, reported, reported_once
from manifests.model import GitHub, Settings
from manifests.yaml_text import FAST_DUMPER
from templates import rendered_files

NOTIFICATIONS_SECRET = "argocd-notifications-secret"
"""The Secret that holds what notifications are sent with; the chart's own name for it."""
GITHUB_KEY = "github-private-key"
"""Key in that Secret: the private key of Argo CD's GitHub App."""
SLACK_KEY = "slack-token"
"""Key in that Secret: the Slack app's token; needed where there is a channel."""
WEBHOOK_KEY = "webhook-url"
"""Key in that Secret: where the chat's webhook posts to; needed where there is one."""

_CHAT_WEBHOOK = "events"
_FAILED = "release-failed"
_REVISION = (
    '{{ dig "syncResult" "revision" (dig "operation" "sync" "revision" "" .app.status.operationState)'
    " .app.status.operationState }}"
)
_REVISIONS = {
    "restored": "{{ .app.status.sync.revision }}",
    "waiting": "{{ .app.status.sync.revision }}",
    # A commit that cannot be rendered has no revision in the Application. The engine looks for a deployment of this
    # ref, finds none, and makes one for the branch's head.
    "unrenderable": "unrendered",
}
"""The revision that a report of a template is about, where it is not the operation's."""
_BRANCH = '{{ .app.spec.source.targetRevision | trimPrefix "refs/heads/" }}'
_STATES = {
    "verified": "success",
    "restored": "success",
    "drift-healed": "success",
    "drift-found": "success",
    "incident-over": "success",
    "waiting": "queued",
}
"""The state that a report of a template sets, where it is not `failure`."""
_LEDGER_ONLY = {"verified", "restored"}
"""Templates that no chat gets: the workflow that records a release tells its version, which Argo CD does not know."""
_LEDGER_STATES = _STATES | {"incident": "success"}
"""The same in the ledger, where a failure of a release that was verified would take it back."""


def notification_values(settings: Settings) -> dict[str, Any]:
    """The values of `notifications`. The Secret they refer to is the installation's to make."""
    return {
        "enabled": True,
        "argocdUrl": settings.argocd.url or "",
        "secret": {"create": False},
        "notifiers": _yaml_values({f"service.{name}": options for name, options in _services(settings).items()}),
        "templates": _yaml_values({f"template.{name}": body for name, body in _templates(settings).items()}),
        "triggers": _yaml_values({f"trigger.{name}": conditions for name, conditions in _triggers(settings).items()}),
        "subscriptions": _subscriptions(settings),
    }


_NO_BREAKS = 2**31 - 1
"""The width of lines, which are not broken."""


class _Dumper(FAST_DUMPER):
    """Writes texts of several lines as they are, for those who read the ConfigMap."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    represent = cast(Callable[..., yaml.ScalarNode], dumper.represent_scalar)  # pyright: ignore[reportUnknownMemberType]
    return represent("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _yaml_values(values: dict[str, Any]) -> dict[str, str]:
    """Each value as the YAML text that the chart copies into the ConfigMap."""
    return {name: yaml.dump(value, Dumper=_Dumper, width=_NO_BREAKS) for name, value in sorted(values.items())}


def _chats(settings: Settings) -> list[str]:
    """The recipients beside the ledger."""
    notifications = settings.notifications
    slack = [f"slack:{notifications.slack_channel.removeprefix('#')}"] if notifications.slack_channel else []
    return slack + ([f"{_CHAT_WEBHOOK}:"] if notifications.webhook_url else [])


def _services(settings: Settings) -> dict[str, Any]:
    services: dict[str, Any] = {LEDGER: _github_service(settings.github)}
    if settings.notifications.slack_channel:
        services["slack"] = {"token": f"${SLACK_KEY}"}
    if settings.notifications.webhook_url:
        services[f"webhook.{_CHAT_WEBHOOK}"] = {
            "url": f"${WEBHOOK_KEY}",
            "headers": [{"name": "Content-Type", "value": "application/json"}],
        }
    return services


def _github_service(github: GitHub) -> dict[str, Any]:
    service: dict[str, Any] = {
        "appID": int(github.argocd.id),
        "installationID": int(github.argocd.installation_id),
        "privateKey": f"${GITHUB_KEY}",
    }
    if github.api_url != "https://api.github.com":
        service["enterpriseBaseURL"] = github.api_url
    return service


def _triggers(settings: Settings) -> dict[str, list[Condition]]:
    unrenderable = [reported(triggers.UNRENDERABLE)]
    drift = [
        reported(triggers.DRIFT_HEALED, once_per="operation.finishedAt"),
        reported(triggers.DRIFT_FOUND),
    ]
    incident = [reported(event) for event in (triggers.INCIDENT, triggers.INCIDENT_OVER)]
    made = {
        VERIFIED: reported_once(VERIFIED, *triggers.VERIFICATIONS),
        _FAILED: reported_once(_FAILED, *triggers.FAILURES, unless=VERIFIED),
        "unrenderable": unrenderable,
        "drift": drift,
        triggers.INCIDENTS: triggers.incidents(),
        triggers.PERMITTED: triggers.permitted(),
    }
    if _chats(settings):
        # A chat may miss a message; a trigger of its own keeps its memory apart from the ledger's. That a release is
        # verified is told by the workflow that records it: Argo CD does not know which version it is.
        failures = [reported(event, once_per="revision") for event in triggers.CHAT_FAILURES]
        aside = [reported(triggers.UNREACHABLE), *drift, *incident]
        waiting = reported(triggers.WAITING, once_per="revision")
        made["chat"] = [*failures, *unrenderable, *aside, waiting]
    return made


def _subscriptions(settings: Settings) -> list[dict[str, Any]]:
    """Applications of services only: infrastructure is not a release."""
    selector = f"{SERVICE_LABEL},{ENVIRONMENT_LABEL}"
    ledger = {
        "recipients": [f"{LEDGER}:"],
        "selector": selector,
        "triggers": [VERIFIED, _FAILED, "unrenderable", "drift", triggers.INCIDENTS, triggers.PERMITTED],
    }
    chats = _chats(settings)
    return [ledger, *([{"recipients": chats, "selector": selector, "triggers": ["chat"]}] if chats else [])]


def _templates(settings: Settings) -> dict[str, Any]:
    messages = {
        path.removesuffix(".gotmpl"): text
        for path, text in rendered_files("argocd/messages", {}).items()
        if path.endswith(".gotmpl")
    }
    templates = {name: _template(settings, name, text) for name, text in messages.items()}
    # A section for GitHub that asks for nothing: the engine sends it, successfully, without a request.
    return {**templates, RECEIPT: {"message": RECEIPT, "github": {"revisionPath": _REVISION}}}


def _template(settings: Settings, name: str, text: str) -> dict[str, Any]:
    """One template for every recipient; each takes the section of its own."""
    placement = f"{_label(ENVIRONMENT_LABEL)}/{_label(SERVICE_LABEL)}"
    page = "{{ .context.argocdUrl }}/applications/{{ .app.metadata.namespace }}/{{ .app.metadata.name }}"
    text += '{{- $text = regexReplaceAll "\\\\s+" $text " " | trim -}}\n'
    state = _STATES.get(name, "failure")
    deployment: dict[str, Any] = {
        "state": _LEDGER_STATES.get(name, "failure"),
        "environment": placement,
        "environmentURL": f'{{{{ dig "metadata" "annotations" "{URL_ANNOTATION}" "" .app }}}}',
        # Never merge the default branch into what is deployed, and let no check of a commit stand in the way.
        "autoMerge": False,
        "requiredContexts": [],
        "transientEnvironment": False,
    }
    if settings.argocd.url:
        deployment["logURL"] = page
    if name == "unrenderable":
        deployment["reference"] = _BRANCH
    template: dict[str, Any] = {
        "message": text + "{{ $text }}",
        "github": {"revisionPath": _REVISIONS.get(name, _REVISION), "deployment": deployment},
    }
    if name in _LEDGER_ONLY:
        return template
    if settings.notifications.slack_channel:
        icon = {"success": ":white_check_mark:", "failure": ":x:", "queued": ":hourglass:"}[state]
        where = f"<{page}|{placement}>" if settings.argocd.url else placement
        slack = f"{icon} {where}: {{{{ $text | {_PLAIN} }}}}"
        template["message"] = (
            text + f'{{{{ if eq .serviceType "slack" }}}}{slack}{{{{ else }}}}{{{{ $text }}}}{{{{ end }}}}'
        )
    if settings.notifications.webhook_url:
        body = text + _webhook_body(settings, name, state)
        template["webhook"] = {_CHAT_WEBHOOK: {"method": "POST", "body": body}}
    return template


_PLAIN = 'replace "&" "&amp;" | replace "<" "&lt;" | replace ">" "&gt;"'
"""What keeps a text from calling people and from links in Slack: reasons name what charts and pods say."""


def _label(name: str, *filters: str) -> str:
    """The Go template of a label of the Application."""
    return f"{{{{ {' | '.join((f'index .app.metadata.labels {json.dumps(name)}', *filters))} }}}}"


def _story(settings: Settings) -> str:
    """Where the releases of a service are told, as the release program says it (`Platform.story_url`)."""
    names = {service.name: service.repository_name for service in settings.services}
    renamed = {name: repository for name, repository in names.items() if name != repository}
    repository = _label(SERVICE_LABEL)
    if renamed:
        pairs = " ".join(json.dumps(word) for pair in sorted(renamed.items()) for word in pair)
        label = f"(index .app.metadata.labels {json.dumps(SERVICE_LABEL)})"
        repository = f"{{{{ dig {label} {label} (dict {pairs}) }}}}"
    return f"{settings.github.owner_url}/{repository}/deployments"


def _webhook_body(settings: Settings, name: str, state: str) -> str:
    fields = {
        "event": json.dumps(name),
        "state": json.dumps(state),
        "service": _label(SERVICE_LABEL, "toJson"),
        "environment": _label(ENVIRONMENT_LABEL, "toJson"),
        "application": "{{ .app.metadata.name | toJson }}",
        "revision": '{{ dig "sync" "revision" "" .app.status | toJson }}',
        "message": "{{ $text | toJson }}",
        "url": f'"{_story(settings)}"',
    }
    return "{" + ", ".join(f'"{key}": {value}' for key, value in fields.items()) + "}"
