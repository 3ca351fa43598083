"""Apps that are made from a manifest in the browser: the form, the code that comes back, and the installation.

A browser brings no session here: everybody who reaches this server is an owner who agrees.
"""

import html
import json
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.responses import RedirectResponse

from sandbox.github.core.clock import now
from sandbox.github.core.errors import GitHubError, not_found, unprocessable
from sandbox.github.core.forge import Forge
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document
from sandbox.github.organizations import apps
from sandbox.github.repositories.pages import page

CODE_SECONDS = 3600
_KEY_BITS = 2048


@route("POST", "/organizations/{account}/settings/apps/new", permission="public", root=True)
def make(request: Request) -> Answer:
    """Takes a manifest, and sends the browser back with a code."""
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    try:
        manifest: Document = json.loads(form.get("manifest", ""))
        back = str(manifest["redirect_url"])
        name, permissions = str(manifest["name"]), dict(manifest["default_permissions"])
    except (ValueError, KeyError, TypeError):
        raise unprocessable("Invalid GitHub App configuration") from None
    slug = name.lower()
    if any(app["slug"] == slug for app in request.forge.store.table("apps")):
        raise unprocessable("Name is already in use")
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    number = _next(request.forge, "apps")
    app = {"id": str(number), "slug": slug, "owner": request.params["account"], "public_key": public.decode()}
    apps.describe(request.forge, app, permissions)
    code = secrets.token_hex(20)
    request.forge.store.table("app_codes").put(
        code, {"id": number, "pem": private.decode(), "ends": time.time() + CODE_SECONDS}
    )
    answer = {"code": code, "state": request.query.get("state", "")}
    joint = "&" if urlsplit(back).query else "?"
    return RedirectResponse(f"{back}{joint}{urlencode(answer)}", 302)


@route("POST", "/app-manifests/{code}/conversions", permission="public")
def convert(request: Request) -> Answer:
    """The App with its key, once."""
    codes = request.forge.store.table("app_codes")
    kept = codes.get(request.params["code"])
    if kept is None or kept["ends"] < time.time():
        raise not_found()
    codes.delete(request.params["code"])
    app = request.forge.store.table("apps").get(kept["id"])
    if app is None:
        raise not_found()
    made: dict[str, Any] = apps.view(request.forge, app)
    return 201, made | {"pem": kept["pem"], "webhook_secret": None, "client_secret": secrets.token_hex(20)}


@route("GET", "/apps/{slug}/installations/new", permission="public", root=True)
def install(request: Request) -> Answer:
    """Installs an App on all repositories of its owner."""
    forge, slug = request.forge, request.params["slug"]
    app = next((app for app in forge.store.table("apps") if app["slug"] == slug), None)
    if app is None:
        raise GitHubError(404, "Not Found")
    installed = {found["app_id"] for found in forge.store.table("installations")}
    if app["id"] not in installed:
        given = {"id": _next(forge, "installations"), "permissions": app["permissions"], "repositories": None}
        apps.install(forge, app | {"created_at": now()}, given)
    return page(request, f"{slug} is installed", f"<p>on all repositories of {html.escape(app['owner'])}</p>")


def _next(forge: Forge, table: str) -> int:
    return max((int(kept["id"]) for kept in forge.store.table(table)), default=0) + 1
