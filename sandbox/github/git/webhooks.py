"""REST of webhooks: who is told of what, and how the telling went."""

from collections.abc import Iterable
from typing import Any

from sandbox.github.core.clock import now
from sandbox.github.core.errors import GitHubError, invalid_field, not_found
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document, items
from sandbox.github.git import publishing
from sandbox.github.git.webhook_deliveries import send

HOOKS = "/repos/{owner}/{repo}/hooks"
MOST_OF_EVENT = 20
MASK = "********"

_NAMES = """
* branch_protection_configuration branch_protection_rule check_run check_suite code_scanning_alert
commit_comment create custom_property_values delete dependabot_alert deploy_key deployment
deployment_protection_rule deployment_review deployment_status discussion discussion_comment fork
github_app_authorization gollum issue_comment issue_dependencies issues label member membership merge_group
meta milestone org_block organization package page_build ping project project_card project_column public
pull_request pull_request_review pull_request_review_comment pull_request_review_thread push registry_package
release repository repository_advisory repository_dispatch repository_import repository_ruleset
repository_vulnerability_alert secret_scanning_alert secret_scanning_alert_location security_and_analysis star
status sub_issues team team_add watch workflow_dispatch workflow_job workflow_run
"""
EVENTS = frozenset(_NAMES.split())
"""Events that a repository's webhook may ask for."""


def _view(request: Request, hook: Document) -> dict[str, Any]:
    url = f"{request.repository_url}/hooks/{hook['id']}"
    config = {name: value for name, value in hook["config"].items() if name != "secret"}
    if hook["config"].get("secret"):
        config["secret"] = MASK
    return {
        "type": "Repository",
        "id": hook["id"],
        "name": "web",
        "active": hook["active"],
        "events": hook["events"],
        "config": config,
        "url": url,
        "test_url": f"{url}/test",
        "ping_url": f"{url}/pings",
        "deliveries_url": f"{url}/deliveries",
        "created_at": hook["created_at"],
        "updated_at": hook["updated_at"],
        "last_response": hook.get("last_response") or {"code": None, "status": "unused", "message": None},
    }


def _key(request: Request, number: int) -> str:
    return f"{request.repository['id']}/{number}"


def _find(request: Request) -> Document:
    hook = request.forge.store.table("hooks").get(_key(request, request.number("hook_id")))
    if hook is None:
        raise not_found()
    return hook


def _config(given: dict[str, Any], present: dict[str, Any]) -> dict[str, Any]:
    config = {name: value for name, value in given.items() if value is not None}
    if not str(config.get("url", "")).startswith(("http://", "https://")):
        raise invalid_field("Hook", "url", "custom", "url is missing a scheme or is not allowed")
    if config.get("content_type", "form") not in ("json", "form"):
        raise invalid_field("Hook", "content_type")
    # A client that read a hook sends the mask back; the secret stays what it was.
    if config.get("secret") == MASK:
        config["secret"] = present.get("secret", "")
    config["insecure_ssl"] = str(config.get("insecure_ssl", "0"))
    return {"content_type": "form"} | config


def _check_events(events: Iterable[str]) -> None:
    unknown = sorted(set(events) - EVENTS)
    if unknown:
        problem = f"The following events are not supported: {', '.join(unknown)}"
        raise invalid_field("Hook", "events", "custom", problem)


def _check_place(request: Request, config: dict[str, Any], events: set[str], own: int | None = None) -> None:
    """Refuses a webhook like another one, and one too many of an event.

    https://docs.github.com/webhooks/using-webhooks/creating-webhooks: "up to 20 webhooks for each event".
    """
    hooks = request.forge.store.table("hooks").all(f"{request.repository['id']}/")
    others = [hook for hook in hooks if hook["id"] != own]
    if any(hook["config"]["url"] == config["url"] and set(hook["events"]) & events for hook in others):
        raise _refused("Hook already exists on this repository")
    for event in sorted(events):
        if sum(event in hook["events"] for hook in others) >= MOST_OF_EVENT:
            raise _refused(f'The "{event}" event cannot have more than {MOST_OF_EVENT} hooks')


def _refused(message: str) -> GitHubError:
    return GitHubError(422, "Validation Failed", [{"resource": "Hook", "code": "custom", "message": message}])


@route("GET", HOOKS, permission="repository_hooks:read")
def list_hooks(request: Request) -> Answer:
    """All webhooks."""
    return [_view(request, hook) for hook in request.forge.store.table("hooks").all(f"{request.repository['id']}/")]


@route("POST", HOOKS, permission="repository_hooks:write")
def create_hook(request: Request) -> Answer:
    """Adds a webhook and pings it."""
    given, table = request.data(), request.forge.store.table("hooks")
    config = _config(request.required("config"), {})
    events = given.get("events") or ["push"]
    _check_events(events)
    _check_place(request, config, set(events))
    hook: Document = {
        "id": table.next_id(),
        "config": config,
        "events": events,
        "active": bool(given.get("active", True)),
        "created_at": now(),
        "updated_at": now(),
    }
    table.put(_key(request, hook["id"]), hook)
    _ping(request, hook)
    return 201, _view(request, hook)


def _ping(request: Request, hook: Document) -> None:
    shown = _view(request, hook)
    payload = publishing.common(request.forge, request.repository, request.principal)
    payload |= {"zen": "Keep it logically awesome.", "hook_id": hook["id"], "hook": shown}
    send(request.forge, request.repository["id"], hook, "ping", None, payload)


@route("GET", HOOKS + "/{hook_id}", permission="repository_hooks:read")
def read_hook(request: Request) -> Answer:
    """One webhook; its secret is masked."""
    return _view(request, _find(request))


@route("PATCH", HOOKS + "/{hook_id}", permission="repository_hooks:write")
def change_hook(request: Request) -> Answer:
    """Changes a webhook."""
    hook, given = _find(request), request.data()
    if given.get("config") is not None:
        hook["config"] = _config(given["config"], hook["config"])
    events = set(given.get("events") or hook["events"])
    events = (events | set(items(given, "add_events"))) - set(items(given, "remove_events"))
    _check_events(events)
    _check_place(request, hook["config"], events, hook["id"])
    hook |= {"events": sorted(events), "active": bool(given.get("active", hook["active"])), "updated_at": now()}
    request.forge.store.table("hooks").put(_key(request, hook["id"]), hook)
    return _view(request, hook)


@route("DELETE", HOOKS + "/{hook_id}", permission="repository_hooks:write")
def delete_hook(request: Request) -> Answer:
    """Removes a webhook and what is known of its deliveries."""
    hook = _find(request)
    request.forge.store.table("hook_deliveries").delete_all(f"{_key(request, hook['id'])}/")
    request.forge.store.table("hooks").delete(_key(request, hook["id"]))
    return None


@route("POST", HOOKS + "/{hook_id}/pings", permission="repository_hooks:read")
def ping_hook(request: Request) -> Answer:
    """Sends a ping."""
    _ping(request, _find(request))
    return None


def _delivery_view(delivery: Document, *, full: bool) -> dict[str, Any]:
    hidden = () if full else ("request", "response", "url")
    return {name: value for name, value in delivery.items() if name not in hidden}


@route("GET", HOOKS + "/{hook_id}/deliveries", permission="repository_hooks:read")
def list_deliveries(request: Request) -> Answer:
    """Deliveries, newest first."""
    found = request.forge.store.table("hook_deliveries").all(f"{_key(request, _find(request)['id'])}/")
    return [_delivery_view(delivery, full=False) for delivery in found[::-1]]


def _delivery(request: Request) -> Document:
    key = f"{_key(request, _find(request)['id'])}/{request.number('delivery_id')}"
    delivery = request.forge.store.table("hook_deliveries").get(key)
    if delivery is None:
        raise not_found()
    return delivery


@route("GET", HOOKS + "/{hook_id}/deliveries/{delivery_id}", permission="repository_hooks:read")
def read_delivery(request: Request) -> Answer:
    """One delivery with request and response."""
    return _delivery_view(_delivery(request), full=True)


@route("POST", HOOKS + "/{hook_id}/deliveries/{delivery_id}/attempts", permission="repository_hooks:write")
def redeliver(request: Request) -> Answer:
    """Sends a delivery once more."""
    delivery = _delivery(request)
    send(
        request.forge,
        request.repository["id"],
        _find(request),
        delivery["event"],
        delivery["action"],
        delivery["request"]["payload"],
        redelivered=delivery["guid"],
    )
    return 202, {}
