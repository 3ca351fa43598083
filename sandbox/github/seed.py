"""The accounts, tokens and Apps that a server starts with. Applying a seed again changes only what differs."""

import json
from pathlib import Path
from typing import Any

from sandbox.github.access import accounts, plans
from sandbox.github.core.forge import Forge
from sandbox.github.identity.clients import Client, Clients
from sandbox.github.organizations import apps

ALL_SCOPES = ["admin:org", "admin:repo_hook", "delete_repo", "repo", "user", "workflow", "write:packages"]


def apply(forge: Forge, seed: dict[str, Any]) -> None:
    """Brings accounts, memberships, tokens and Apps into being.

    Args:
        forge: The server.
        seed: `users` (`login`, `name`, `admin`, `token`, `scopes`), `organizations` (`login`, `plan`, `members`: login
            → role), `apps` as `apps.add` takes them, and `clients` (`id`, `redirect_uris`, `secret`) of the provider of
            OpenID Connect. A token ends the one that an earlier seed gave the user.
    """
    for user in seed.get("users", []):
        accounts.add_user(
            forge, user["login"], name=user.get("name"), email=user.get("email"), admin=bool(user.get("admin"))
        )
        if user.get("token"):
            forge.tokens.replace_user_token(user["token"], user["login"], user.get("scopes", ALL_SCOPES))
    for given in seed.get("organizations", []):
        organization = accounts.add_organization(forge, given["login"], name=given.get("name"))
        # A plan that someone changed later stays changed, and so does a role.
        if "plan" in given and "plan" not in organization:
            plans.change(forge, organization, plans.Plan(given["plan"]))
        for login, role in given.get("members", {}).items():
            if accounts.membership(forge, organization, login) is None:
                accounts.set_membership(forge, organization, login, role)
    for app in seed.get("apps", []):
        apps.add(forge, app)
    for client in seed.get("clients", []):
        redirect_uris = tuple(client["redirect_uris"])
        Clients(forge.store).register(Client(client["id"], redirect_uris, client.get("secret")))


def apply_file(forge: Forge, path: Path) -> None:
    """Applies the seed of a JSON file."""
    apply(forge, json.loads(path.read_text()))
