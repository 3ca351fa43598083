"""Tells a chat what Argo CD does not know: an approval, which version is verified, and that a release is taken back.

The document has the shape of Argo CD's notifications (manifests/argocd/notifications.py), so that a receiver knows one.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from slipway_release import limits, workflow
from slipway_release.errors import ReleaseError
from slipway_release.exchange import Exchange, Response, exchange
from slipway_release.platform_types import Environment, Platform, Service, placement_name

WEBHOOK, SLACK_TOKEN, SLACK_CHANNEL = "NOTIFY_WEBHOOK_URL", "NOTIFY_SLACK_TOKEN", "NOTIFY_SLACK_CHANNEL"
"""Where a workflow is given the URL that is posted to, and Slack's token and channel; unset, no message is sent."""
_SLACK = "https://slack.com/api/chat.postMessage"
_ICONS = {"queued": ":hourglass:", "failure": ":rewind:", "success": ":white_check_mark:"}
WAITS_FOR_APPROVAL = "waiting-for-approval"
TAKEN_BACK = "rolled-back"
VERIFIED = "verified"
_LONGEST_WORD = 60
_PATIENCE = 10.0
"""Seconds that a chat is waited for in all, however slowly it answers."""


@dataclass(frozen=True)
class Place:
    """Whose release it is, and where; with the platform that says where its story is told."""

    platform: Platform
    service: Service
    environment: Environment


def waits_for_approval(place: Place, version: str, link: str, *, send: Exchange = exchange) -> None:
    """Say that a version waits for an approval. A chat that cannot be told stops no release."""
    _tell(place, WAITS_FOR_APPROVAL, "queued", f"{version} waits for an approval: {link}", send)


def taken_back(place: Place, what: str, why: str, link: str, *, send: Exchange = exchange) -> None:
    """Say that a release is taken back. A chat that cannot be told stops no rollback."""
    _tell(place, TAKEN_BACK, "failure", f"{what}: {why}; see {link}", send)


def verified(place: Place, what: str, commit: str, *, send: Exchange = exchange) -> None:
    """Say which version is verified: Argo CD knows a commit and an image alone."""
    _tell(place, VERIFIED, "success", what, send, commit)


def _tell(place: Place, event: str, state: str, text: str, send: Exchange, commit: str = "") -> None:
    service, environment, text = place.service, place.environment, limits.shortened(text, limits.MESSAGE)
    if url := workflow.optional(WEBHOOK):
        document = {
            "event": event,
            "state": state,
            "service": service.name,
            "environment": environment.name,
            "application": placement_name(service.name, environment.name),
            "revision": commit,
            "message": text,
            "url": place.platform.story_url(service),
        }
        _post("the webhook", url, {}, document, send)
    token, channel = workflow.optional(SLACK_TOKEN), workflow.optional(SLACK_CHANNEL)
    if token and channel:
        where = f"<{place.platform.story_url(service)}|{environment.name}/{service.name}>"
        message = {"channel": channel, "text": f"{_ICONS[state]} {where}: {_plain(text)}"}
        _post("Slack", _SLACK, {"Authorization": f"Bearer {token}"}, message, send)


def _plain(text: str) -> str:
    """A text that calls no one and links nowhere in Slack: a reason may be of a chart, or of a pod."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _post(who: str, url: str, headers: Mapping[str, str], document: Mapping[str, str], send: Exchange) -> None:
    """Send a document once. What it says of a failure never has the address, which may be a secret."""
    failure: list[str] = []

    def once() -> None:
        try:
            answer = send("POST", url, {"Content-Type": "application/json", **headers}, json.dumps(document).encode())
            failure.append(_refusal(answer))
        except (OSError, http.client.HTTPException, ReleaseError, ValueError) as error:
            failure.append(f"could not be told: {type(error).__name__}")

    # A server that sends a byte now and then would outlast every timeout of a connection.
    sender = threading.Thread(target=once, daemon=True)
    sender.start()
    sender.join(_PATIENCE)
    words = failure[0] if failure else f"did not answer within {_PATIENCE:g} seconds"
    if words:
        workflow.warning(f"{who} {words}")


def _refusal(answer: Response) -> str:
    """What a chat's answer says is wrong, or nothing. Slack refuses with HTTP 200 and a word for it."""
    if not answer.ok:
        return f"answered HTTP {answer.status}"
    try:
        content = answer.json()
    except ValueError:
        return ""
    found = cast("dict[str, object]", content) if isinstance(content, dict) else {}
    return f"refused the message: {str(found.get('error'))[:_LONGEST_WORD]}" if found.get("ok") is False else ""
