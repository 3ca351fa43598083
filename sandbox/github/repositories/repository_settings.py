"""REST of smaller things that a repository has: Actions settings and deploy keys."""

import re
from typing import Any

from sandbox.github.core.clock import now
from sandbox.github.core.errors import GitHubError, invalid_field, not_found, unprocessable
from sandbox.github.core.requests import Answer, Page, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document
from sandbox.github.repositories import settings

APPROVALS = ("first_time_contributors_new_to_github", "first_time_contributors", "all_external_contributors")

ALLOWED: dict[tuple[str, str], tuple[str, ...]] = {
    ("permissions", "allowed_actions"): ("all", "local_only", "selected"),
    ("access", "access_level"): ("none", "user", "organization", "enterprise"),
    ("workflow", "default_workflow_permissions"): ("read", "write"),
    ("fork-pr-contributor-approval", "approval_policy"): APPROVALS,
}

PERMISSIONS = "/repos/{owner}/{repo}/actions/permissions"


def _section(request: Request) -> str:
    last = request.path.rstrip("/").rsplit("/", 1)[1]
    return {"permissions": "permissions", "sub": "oidc"}.get(last, last)


FORKS = {"fork-pr-contributor-approval": "public", "fork-pr-workflows-private-repos": "internal and private"}
"""Sections about pull requests of forks, and the repositories that have them."""


def _check_kind(request: Request, section: str) -> None:
    kind = FORKS.get(section)
    if kind and (kind == "public") != (request.repository["visibility"] == "public"):
        raise unprocessable(f"This setting only applies to {kind} repositories.")


@route("GET", PERMISSIONS, permission="administration:read")
@route("GET", PERMISSIONS + "/selected-actions", permission="administration:read")
@route("GET", PERMISSIONS + "/access", permission="administration:read")
@route("GET", PERMISSIONS + "/workflow", permission="administration:read")
@route("GET", PERMISSIONS + "/fork-pr-contributor-approval", permission="administration:read")
@route("GET", PERMISSIONS + "/fork-pr-workflows-private-repos", permission="administration:read")
@route("GET", "/repos/{owner}/{repo}/actions/oidc/customization/sub", permission="actions:read")
def read_settings(request: Request) -> Answer:
    """One section of what Actions may do in the repository."""
    section = _section(request)
    number = request.repository["id"]
    holds = settings.of(request.forge, request.repository["full_name"])
    chosen = holds.allowed_actions
    settings.check_selected(section, chosen)
    if section in FORKS:
        _check_kind(request, section)
        return settings.section_of(request.forge, request.repository, section)
    values = settings.read(request.forge.store, number, section)
    if section == "permissions":
        values |= {
            "enabled": holds.enabled,
            "allowed_actions": chosen,
            "sha_pinning_required": holds.sha_pinning_required,
        }
    if section == "selected-actions":
        values = holds.selected_actions
    if section == "permissions" and not values["enabled"]:
        # Which actions may run is a question only where Actions run at all.
        del values["allowed_actions"]
    if section == "permissions" and chosen == "selected":
        values["selected_actions_url"] = f"{request.repository_url}/actions/permissions/selected-actions"
    return values


@route("PUT", PERMISSIONS, permission="administration:write")
@route("PUT", PERMISSIONS + "/selected-actions", permission="administration:write")
@route("PUT", PERMISSIONS + "/access", permission="administration:write")
@route("PUT", PERMISSIONS + "/workflow", permission="administration:write")
@route("PUT", PERMISSIONS + "/fork-pr-contributor-approval", permission="administration:write")
@route("PUT", PERMISSIONS + "/fork-pr-workflows-private-repos", permission="administration:write")
@route("PUT", "/repos/{owner}/{repo}/actions/oidc/customization/sub", permission="actions:write")
def write_settings(request: Request) -> Answer:
    """Changes one section."""
    section, given = _section(request), request.data()
    number, store = request.repository["id"], request.forge.store
    _check_kind(request, section)
    for name, value in given.items():
        allowed = ALLOWED.get((section, name))
        if allowed is not None and value not in allowed:
            raise unprocessable(f"{name} must be one of {', '.join(allowed)}")
    chosen = settings.read(store, number, "permissions")["allowed_actions"]
    settings.check_selected(section, chosen)
    if settings.conflict(request.forge, request.repository["owner"]["login"], section, given):
        raise GitHubError(409, "Conflict")
    known = {name: given[name] for name in settings.DEFAULTS[section] if name in given}
    known |= {"include_claim_keys": given["include_claim_keys"]} if "include_claim_keys" in given else {}
    settings.write(store, number, section, known)
    return (201, {}) if section == "oidc" else None


@route("GET", "/repos/{owner}/{repo}/actions/organization-secrets", permission="secrets:read")
def list_organization_secrets(request: Request) -> Answer:
    """The organisation has no secrets."""
    del request
    return Page([], "secrets")


@route("GET", "/repos/{owner}/{repo}/actions/organization-variables", permission="actions_variables:read")
def list_organization_variables(request: Request) -> Answer:
    """The organisation has no variables."""
    del request
    return Page([], "variables")


def _key_view(request: Request, key: Document) -> dict[str, Any]:
    return key | {"url": f"{request.repository_url}/keys/{key['id']}", "verified": True, "enabled": True}


@route("GET", "/repos/{owner}/{repo}/keys", permission="administration:read")
def list_keys(request: Request) -> Answer:
    """Deploy keys."""
    return [
        _key_view(request, key) for key in request.forge.store.table("deploy_keys").all(f"{request.repository['id']}/")
    ]


@route("POST", "/repos/{owner}/{repo}/keys", permission="administration:write")
def add_key(request: Request) -> Answer:
    """Adds a deploy key. There is no SSH here, so that it opens nothing."""
    given, table = request.data(), request.forge.store.table("deploy_keys")
    key = " ".join(str(request.required("key")).split()[:2])
    if not re.fullmatch(r"(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+", key):
        raise invalid_field(
            "PublicKey", "key", "custom", "key is invalid. You must supply a key in OpenSSH public key format"
        )
    if any(found["key"] == key for found in table):
        raise invalid_field("PublicKey", "key", "custom", "key is already in use")
    document: Document = {
        "id": table.next_id(),
        "key": key,
        "title": given.get("title") or "",
        "read_only": bool(given.get("read_only", False)),
        "added_by": request.principal.login,
        "created_at": now(),
    }
    table.put(f"{request.repository['id']}/{document['id']}", document)
    return 201, _key_view(request, document)


@route("GET", "/repos/{owner}/{repo}/keys/{key_id}", permission="administration:read")
def read_key(request: Request) -> Answer:
    """One deploy key."""
    key = request.forge.store.table("deploy_keys").get(f"{request.repository['id']}/{request.number('key_id')}")
    if key is None:
        raise not_found()
    return _key_view(request, key)


@route("DELETE", "/repos/{owner}/{repo}/keys/{key_id}", permission="administration:write")
def delete_key(request: Request) -> Answer:
    """Removes a deploy key."""
    if not request.forge.store.table("deploy_keys").delete(f"{request.repository['id']}/{request.number('key_id')}"):
        raise not_found()
    return None
