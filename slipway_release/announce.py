"""Tells a chat what Argo CD does not see, and so cannot tell: an approval, and that a release is taken back.

The document has the shape of Argo CD's notifications (manifests/argocd/notifications.py), so that a receiver knows one.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping

from slipway_release import workflow
from slipway_release.errors import ReleaseError
from slipway_release.exchange import Exchange, exchange
from slipway_release.platform_file import Environment, Service, placement_name

WEBHOOK, SLACK_TOKEN, SLACK_CHANNEL = "NOTIFY_WEBHOOK_URL", "NOTIFY_SLACK_TOKEN", "NOTIFY_SLACK_CHANNEL"
"""Where a workflow is given the URL that is posted to, and Slack's token and channel; unset, no message is sent."""
_SLACK = "https://slack.com/api/chat.postMessage"
_ICONS = {"queued": ":hourglass:", "failure": ":rewind:"}
WAITS_FOR_APPROVAL = "waiting-for-approval"
TAKEN_BACK = "rolled-back"


def waits_for_approval(
    service: Service, environment: Environment, version: str, link: str, *, send: Exchange = exchange
) -> None:
    """Say that a version waits for an approval. A chat that cannot be told stops no release."""
    text = f"{version} waits for an approval: {link}"
    _tell(service, environment, WAITS_FOR_APPROVAL, "queued", text, send)


def taken_back(
    service: Service, environment: Environment, what: str, why: str, link: str, *, send: Exchange = exchange
) -> None:
    """Say that a release is taken back. A chat that cannot be told stops no rollback."""
    _tell(service, environment, TAKEN_BACK, "failure", f"{what}: {why}; see {link}", send)


def _tell(service: Service, environment: Environment, event: str, state: str, text: str, send: Exchange) -> None:
    if url := workflow.optional(WEBHOOK):
        document = {
            "event": event,
            "state": state,
            "service": service.name,
            "environment": environment.name,
            "application": placement_name(service.name, environment.name),
            "revision": "",
            "message": text,
        }
        _post("the webhook", url, {}, document, send)
    token, channel = workflow.optional(SLACK_TOKEN), workflow.optional(SLACK_CHANNEL)
    if token and channel:
        message = {"channel": channel, "text": f"{_ICONS[state]} {environment.name}/{service.name}: {_plain(text)}"}
        _post("Slack", _SLACK, {"Authorization": f"Bearer {token}"}, message, send)


def _plain(text: str) -> str:
    """A text that calls no one and links nowhere in Slack: a reason may be of a chart, or of a pod."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _post(who: str, url: str, headers: Mapping[str, str], document: Mapping[str, str], send: Exchange) -> None:
    try:
        answer = send("POST", url, {"Content-Type": "application/json", **headers}, json.dumps(document).encode())
    except (OSError, http.client.HTTPException, ReleaseError) as error:
        # The address may be a secret, and is in no message of these.
        workflow.warning(f"{who} could not be told: {type(error).__name__}")
        return
    if not answer.ok:
        workflow.warning(f"{who} answered HTTP {answer.status}")
