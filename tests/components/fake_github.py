"""A GitHub on which everything is as it should be, but for the answers that a case gives."""

from typing import Any

import httpx
import jwt

from components.github.api import GitHubApi
from components.github.apps import OPERATOR, ROLES
from components.github.credentials import Credentials
from tests.components.wire import api
from tests.keys import rsa_key

Answers = dict[str, Any]
APPS = {role.name: role for role in (OPERATOR, *ROLES)}
IDS = {"promoter": ("11", "101"), "requester": ("12", "102"), "argocd": ("13", "103"), "app": ("14", "104")}


def app(name: str, **changes: Any) -> Answers:
    """The answers about one App; `changes` are those of its installation."""
    installation = IDS[name][1]
    page = f"https://github.com/apps/acme-{name}"
    return {
        f"{name} /app": {"html_url": page, "permissions": APPS[name].permissions},
        f"{name} /app/installations/{installation}": {
            "id": int(installation),
            "account": {"login": "acme"},
            "html_url": f"https://github.com/organizations/acme/settings/installations/{installation}",
            "permissions": APPS[name].permissions,
            "repository_selection": "all",
            **changes,
        },
    }


def healthy() -> Answers:
    """The answers of a fresh organisation."""
    return {
        "/orgs/acme": {"login": "acme", "plan": {"name": "enterprise"}},
        "/user": {"login": "boss"},
        "/user/memberships/orgs/acme": {"role": "admin"},
        "/orgs/acme/actions/permissions": {"enabled_repositories": "all", "allowed_actions": "all"},
        "/orgs/acme/rulesets": [],
        **{
            f"/orgs/acme/memberships/{login}": {"state": "active", "role": "member"} for login in ("pat", "dana", "sam")
        },
        **{path: found for name in APPS for path, found in app(name).items()},
    }


def fake_github(
    answers: Answers, headers: dict[str, str] | None = None, credentials: Credentials | None = None
) -> GitHubApi:
    """Paths after the name of an App are what that App is answered; None is 404."""
    everything = healthy() | answers

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/access_tokens"):
            return httpx.Response(201, json={"token": "ghs_x", "expires_at": "2099-01-01T00:00:00Z"})
        assert request.method == "GET", "nothing is written"
        token = request.headers["authorization"].removeprefix("Bearer ")
        path = request.url.path
        if token.count(".") == 2:
            number = jwt.decode(token, options={"verify_signature": False})["iss"]
            name = next((name for name, ids in IDS.items() if ids[0] == number), None)
            if name is None:
                return httpx.Response(404, json={"message": "Integration not found"})
            try:
                jwt.decode(token, rsa_key(name).public_key(), ["RS256"])
            except jwt.InvalidSignatureError:
                return httpx.Response(401, json={"message": "A JSON web token could not be decoded"})
            path = f"{name} {path}"
        found = everything.get(path)
        if isinstance(found, httpx.Response):
            return found
        if found is None:
            return httpx.Response(404, json={"message": "Not Found"})
        return httpx.Response(200, json=found, headers=headers)

    naps: list[float] = []
    return api(answer, credentials, "https://api.github.com", sleep=naps.append)
