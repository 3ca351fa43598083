"""REST of secrets and variables, of repositories and of their environments."""

import re
from typing import Any

from sandbox.github.access import plans
from sandbox.github.core.clock import now
from sandbox.github.core.errors import GitHubError, not_found, unprocessable
from sandbox.github.core.requests import Answer, Page, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document
from sandbox.github.deployments import environments
from sandbox.github.repositories import vault

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LARGEST = 48 * 1024
MOST_SECRETS, MOST_VARIABLES, MOST_OF_ENVIRONMENT = 100, 500, 100
"""https://docs.github.com/actions/reference/security/secrets and `variables`: of a repository and of an environment."""

REPOSITORY = "/repos/{owner}/{repo}/actions"
ENVIRONMENT = "/repos/{owner}/{repo}/environments/{environment}"
DEPENDABOT = "/repos/{owner}/{repo}/dependabot"

READ_SECRETS, WRITE_SECRETS = "secrets:read", "secrets:write"
READ_VARIABLES, WRITE_VARIABLES = "actions_variables:read", "actions_variables:write"
READ_ENVIRONMENT, WRITE_ENVIRONMENT = "environments:read|secrets:read", "environments:write|secrets:write"


def _owner(request: Request) -> str:
    """Prefix of the keys of whatever the path names: the repository or one of its environments."""
    name = request.params.get("environment")
    if name is not None:
        plans.check_environments(request.forge, request.repository)
    if name is not None and environments.find(request.forge, request.repository, name) is None:
        raise not_found()
    if "/dependabot/" in request.path:
        return f"{request.repository['id']}/dependabot/"
    return vault.owner_key(request.repository["id"], name)


def _checked_name(name: str) -> str:
    """A name as it is kept: in upper case.

    Raises:
        GitHubError: 422, it is not allowed.
    """
    if not NAME.fullmatch(name) or name.upper().startswith("GITHUB_"):
        raise unprocessable(
            "Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces are"
            " not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_), and not with GITHUB_."
        )
    return name.upper()


def _check_room(request: Request, table: str, most: int) -> None:
    if len(request.forge.store.table(table).keys(_owner(request))) >= most:
        raise unprocessable(f"You have reached the limit of {most} {table}.")


def _shown(document: Document, *names: str) -> dict[str, Any]:
    return {name: document[name] for name in (*names, "created_at", "updated_at")}


@route("GET", REPOSITORY + "/secrets/public-key", permission=READ_SECRETS)
@route("GET", DEPENDABOT + "/secrets/public-key", permission=READ_SECRETS)
@route("GET", ENVIRONMENT + "/secrets/public-key", permission=READ_ENVIRONMENT)
def read_public_key(request: Request) -> Answer:
    """The key that secrets are to be sealed with."""
    _owner(request)
    return vault.public_key(request.forge.store)


@route("GET", REPOSITORY + "/secrets", permission=READ_SECRETS)
@route("GET", DEPENDABOT + "/secrets", permission=READ_SECRETS)
@route("GET", ENVIRONMENT + "/secrets", permission=READ_ENVIRONMENT)
def list_secrets(request: Request) -> Answer:
    """Names of secrets; their values are never shown."""
    found = request.forge.store.table("secrets").all(_owner(request))
    return Page([_shown(secret, "name") for secret in found], "secrets")


@route("GET", REPOSITORY + "/secrets/{name}", permission=READ_SECRETS)
@route("GET", DEPENDABOT + "/secrets/{name}", permission=READ_SECRETS)
@route("GET", ENVIRONMENT + "/secrets/{name}", permission=READ_ENVIRONMENT)
def read_secret(request: Request) -> Answer:
    """When a secret was set."""
    found = request.forge.store.table("secrets").get(_owner(request) + request.params["name"].upper())
    if found is None:
        raise not_found()
    return _shown(found, "name")


@route("PUT", REPOSITORY + "/secrets/{name}", permission=WRITE_SECRETS)
@route("PUT", DEPENDABOT + "/secrets/{name}", permission=WRITE_SECRETS)
@route("PUT", ENVIRONMENT + "/secrets/{name}", permission=WRITE_ENVIRONMENT)
def set_secret(request: Request) -> Answer:
    """Sets a secret from a value sealed for the public key."""
    name, store = _checked_name(request.params["name"]), request.forge.store
    sealed = str(request.required("encrypted_value"))
    if str(request.required("key_id")) != vault.public_key(store)["key_id"]:
        raise unprocessable("The key_id does not match the public key of this repository.")
    try:
        clear = vault.unseal(store, sealed)
    except ValueError as error:
        raise GitHubError(422, "Invalid encrypted_value: it was not sealed with the public key.") from error
    if len(clear.encode()) > LARGEST:
        raise unprocessable("Secret value is too large (maximum is 48 KB).")
    key = _owner(request) + name
    with store.lock:
        present = store.table("secrets").get(key)
        if present is None:
            _check_room(request, "secrets", MOST_SECRETS)
        created = present["created_at"] if present else now()
        store.table("secrets").put(key, {"name": name, "sealed": sealed, "created_at": created, "updated_at": now()})
    return None if present else (201, {})


@route("DELETE", REPOSITORY + "/secrets/{name}", permission=WRITE_SECRETS)
@route("DELETE", DEPENDABOT + "/secrets/{name}", permission=WRITE_SECRETS)
@route("DELETE", ENVIRONMENT + "/secrets/{name}", permission=WRITE_ENVIRONMENT)
def delete_secret(request: Request) -> Answer:
    """Removes a secret."""
    if not request.forge.store.table("secrets").delete(_owner(request) + request.params["name"].upper()):
        raise not_found()
    return None


@route("GET", REPOSITORY + "/variables", permission=READ_VARIABLES)
@route("GET", ENVIRONMENT + "/variables", permission="environments:read|actions_variables:read")
def list_variables(request: Request) -> Answer:
    """Variables with their values."""
    found = request.forge.store.table("variables").all(_owner(request))
    return Page([_shown(variable, "name", "value") for variable in found], "variables")


@route("POST", REPOSITORY + "/variables", permission=WRITE_VARIABLES)
@route("POST", ENVIRONMENT + "/variables", permission="environments:write|actions_variables:write")
def create_variable(request: Request) -> Answer:
    """Creates a variable."""
    name, table = _checked_name(str(request.required("name"))), request.forge.store.table("variables")
    value = _value(request)
    key = _owner(request) + name
    with request.forge.store.lock:
        if table.get(key) is not None:
            raise GitHubError(409, "Already exists - Variable already exists")
        _check_room(request, "variables", MOST_OF_ENVIRONMENT if "environment" in request.params else MOST_VARIABLES)
        table.put(key, {"name": name, "value": value, "created_at": now(), "updated_at": now()})
    return 201, {}


def _value(request: Request) -> str:
    value = str(request.required("value"))
    if len(value.encode()) > LARGEST:
        raise unprocessable("Variable value is too large (maximum is 48 KB).")
    return value


@route("GET", REPOSITORY + "/variables/{name}", permission=READ_VARIABLES)
@route("GET", ENVIRONMENT + "/variables/{name}", permission="environments:read|actions_variables:read")
def read_variable(request: Request) -> Answer:
    """One variable."""
    found = request.forge.store.table("variables").get(_owner(request) + request.params["name"].upper())
    if found is None:
        raise not_found()
    return _shown(found, "name", "value")


@route("PATCH", REPOSITORY + "/variables/{name}", permission=WRITE_VARIABLES)
@route("PATCH", ENVIRONMENT + "/variables/{name}", permission="environments:write|actions_variables:write")
def change_variable(request: Request) -> Answer:
    """Changes a variable's value or name."""
    given, table, owner = request.data(), request.forge.store.table("variables"), _owner(request)
    old = owner + request.params["name"].upper()
    with request.forge.store.lock:
        present = table.get(old)
        if present is None:
            raise not_found()
        name = _checked_name(str(given.get("name") or present["name"]))
        value = _value(request) if "value" in given else present["value"]
        if owner + name != old:
            table.delete(old)
        table.put(owner + name, present | {"name": name, "value": value, "updated_at": now()})
    return None


@route("DELETE", REPOSITORY + "/variables/{name}", permission=WRITE_VARIABLES)
@route("DELETE", ENVIRONMENT + "/variables/{name}", permission="environments:write|actions_variables:write")
def delete_variable(request: Request) -> Answer:
    """Removes a variable."""
    if not request.forge.store.table("variables").delete(_owner(request) + request.params["name"].upper()):
        raise not_found()
    return None
