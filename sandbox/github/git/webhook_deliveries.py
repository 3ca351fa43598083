"""Webhook deliveries: signed, on a few threads of its own, once, with the outcome kept."""

import hashlib
import hmac
import json
import ssl
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any
from urllib.parse import urlencode

import httpx

from sandbox.github.core.clock import now
from sandbox.github.core.events import Event
from sandbox.github.core.forge import Forge
from sandbox.github.core.store import Document

THREADS = 8
PATIENCE_SECONDS = 10
KEPT_PER_HOOK = 100

# What GitHub offers to Apps and workflows, but not to a repository's webhooks.
NOT_FOR_HOOKS = frozenset({"schedule"})

_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="webhook")


def install(forge: Forge) -> None:
    """Has every event sent to the webhooks that want it."""

    def tell(event: Event) -> None:
        repository = forge.repository(event.repository)
        if repository is None or event.name in NOT_FOR_HOOKS:
            return
        for hook in forge.store.table("hooks").all(f"{repository['id']}/"):
            if hook["active"] and (event.name in hook["events"] or "*" in hook["events"]):
                send(forge, repository["id"], hook, event.name, event.action, event.payload)

    forge.events.subscribe(tell)


def send(
    forge: Forge,
    repository_id: int,
    hook: Document,
    event: str,
    action: str | None,
    payload: dict[str, Any],
    *,
    redelivered: str | None = None,
) -> None:
    """Sends one event to one webhook in the background."""
    _pool.submit(_send, forge, repository_id, hook, event, action, payload, redelivered)


def _send(
    forge: Forge,
    repository_id: int,
    hook: Document,
    event: str,
    action: str | None,
    payload: dict[str, Any],
    redelivered: str | None,
) -> None:
    config = hook["config"]
    text = json.dumps(payload)
    as_json = config["content_type"] == "json"
    body = (text if as_json else urlencode({"payload": text})).encode()
    guid = redelivered or str(uuid.uuid4())
    headers = {
        "Content-Type": "application/json" if as_json else "application/x-www-form-urlencoded",
        "User-Agent": f"GitHub-Hookshot/{hook['id']}",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid,
        "X-GitHub-Hook-ID": str(hook["id"]),
        "X-GitHub-Hook-Installation-Target-ID": str(repository_id),
        "X-GitHub-Hook-Installation-Target-Type": "repository",
        "X-GitHub-Enterprise-Host": forge.url.partition("://")[2],
    }
    if config.get("secret"):
        secret = str(config["secret"]).encode()
        headers["X-Hub-Signature"] = "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest()
        headers["X-Hub-Signature-256"] = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    started = time.monotonic()
    code, answer = _post(config, body, headers)
    outcome = "OK" if 200 <= code < 300 else answer if code == 0 else f"Invalid HTTP Response: {code}"
    record: Document = {
        "guid": guid,
        "delivered_at": now(),
        "redelivery": redelivered is not None,
        "duration": round(time.monotonic() - started, 3),
        "status": outcome,
        "status_code": code,
        "event": event,
        "action": action,
        "installation_id": None,
        "repository_id": repository_id,
        "url": config["url"],
        "request": {"headers": headers, "payload": payload},
        "response": {"headers": {}, "payload": answer},
    }
    _keep(forge, f"{repository_id}/{hook['id']}", record)


@cache
def _certificates() -> ssl.SSLContext:
    """Those of this machine. To read them takes longer than a delivery, so it is done once."""
    return ssl.create_default_context()


def _post(config: dict[str, Any], body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    try:
        # Everything a webhook of the sandbox reaches is on this machine: a proxy must not see it.
        verify = config.get("insecure_ssl") != "1" and _certificates()
        with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False, verify=verify) as client:
            response = client.post(str(config["url"]), content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return 0, f"failed to connect to host: {error}"
    return response.status_code, response.text[:10_000]


def _keep(forge: Forge, key: str, record: Document) -> None:
    table = forge.store.table("hook_deliveries")
    with forge.store.lock:
        if forge.closed or forge.store.table("hooks").get(key) is None:
            return
        record = {"id": table.next_id(), **record}
        table.put(f"{key}/{record['id']}", record)
        for old in table.keys(f"{key}/")[:-KEPT_PER_HOOK]:
            table.delete(old)
        ok = record["status"] == "OK"
        last = {"code": record["status_code"], "status": "active" if ok else "error", "message": record["status"]}
        forge.store.table("hooks").update(key, lambda hook: hook.update(last_response=last))
