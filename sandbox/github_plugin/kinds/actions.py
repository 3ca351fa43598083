"""Secrets of GitHub environments and of repositories, and variables of repositories.

Slipway has no secrets of repositories any more; an upgrade from 0.1.0 takes them out of the state.
"""

from collections.abc import Callable
from typing import Any

from sandbox.github_plugin.client import GitHub, PluginError
from sandbox.github_plugin.identity import go_time, joined, split
from sandbox.github_plugin.kinds.environments import environment_path
from sandbox.github_plugin.schema import Field, Kind
from sandbox.github_plugin.wire import Json
from sandbox.sealing import sealed

PLACE = {
    "repository": Field(str, required=True, kept=True),
    "repositoryId": Field(int, output=True),
    "createdAt": Field(str, output=True),
    "updatedAt": Field(str, output=True),
}
REPOSITORY_SECRET = {
    **PLACE,
    "secretName": Field(str, required=True, replaces=True, kept=True),
    "value": Field(str, kept=True),
    "plaintextValue": Field(str, kept=True),
    "valueEncrypted": Field(str, kept=True),
    "encryptedValue": Field(str, kept=True),
    "keyId": Field(str, computed=True, kept=True),
    "remoteUpdatedAt": Field(str, output=True),
}
SECRET = {**REPOSITORY_SECRET, "environment": Field(str, required=True, replaces=True, kept=True)}
VARIABLE = {
    **PLACE,
    "variableName": Field(str, required=True, replaces=True, kept=True),
    "value": Field(str, required=True),
}


def _secrets(github: GitHub, known: Json) -> str:
    """Of an environment, or of the repository."""
    if "environment" in known:
        return f"{environment_path(github, known['repository'], known['environment'])}/secrets"
    return f"{github.repository_path(known['repository'])}/actions/secrets"


def _variables(github: GitHub, known: Json) -> str:
    return f"{github.repository_path(known['repository'])}/actions/variables"


def _located(identity: str, known: Json, *names: str) -> Json:
    """Where the id says that it is; the state knows the repository's name after a renaming."""
    found: Json = dict(zip(names, split(identity, *names), strict=True))
    return found | {"repository": known.get("repository") or found["repository"]}


def _common(github: GitHub, found: Json, known: Json, document: Json) -> Json:
    repository = github.repository_path(found["repository"])
    return {
        "repositoryId": known.get("repositoryId") or github.require(repository)["id"],
        "createdAt": go_time(document["created_at"]),
    }


def _put_secret(github: GitHub, planned: Json) -> str:
    key = github.require(f"{_secrets(github, planned)}/public-key")
    plain = planned.get("value", planned.get("plaintextValue"))
    encrypted: Any = planned.get("valueEncrypted", planned.get("encryptedValue"))
    if plain is None and encrypted is None:
        raise PluginError("value: none of value, valueEncrypted, plaintextValue and encryptedValue is given; give one")
    content = {"encrypted_value": encrypted, "key_id": key["key_id"]} if plain is None else sealed(key, plain)
    if planned.get("keyId"):
        content["key_id"] = planned["keyId"]
    github.write("PUT", f"{_secrets(github, planned)}/{planned['secretName']}", content)
    return joined(*(planned[name] for name in ("repository", "environment", "secretName") if name in planned))


def _read_secret(github: GitHub, identity: str, known: Json) -> Json | None:
    return _found_secret(github, known, _located(identity, known, "repository", "environment", "secretName"))


def _read_repository_secret(github: GitHub, identity: str, known: Json) -> Json | None:
    return _found_secret(github, known, _located(identity, known, "repository", "secretName"))


def _found_secret(github: GitHub, known: Json, found: Json) -> Json | None:
    document = github.find(f"{_secrets(github, found)}/{found['secretName']}")
    if document is None:
        return None
    written = go_time(document["updated_at"])
    times = {"updatedAt": known.get("updatedAt") or written, "remoteUpdatedAt": written}
    return found | _common(github, found, known, document) | times


def _update_secret(github: GitHub, _identity: str, _before: Json, planned: Json) -> None:
    _put_secret(github, planned)


def _rewritten(state: Json) -> tuple[str, ...]:
    """The value cannot be read: that it was written again shows by the time."""
    remote = state.get("remoteUpdatedAt")
    return ("updatedAt",) if remote and state.get("updatedAt") != remote else ()


def _create_variable(github: GitHub, planned: Json) -> str:
    content = {"name": planned["variableName"], "value": planned["value"]}
    github.write("POST", _variables(github, planned), content)
    return joined(planned["repository"], planned["variableName"])


def _read_variable(github: GitHub, identity: str, known: Json) -> Json | None:
    found = _located(identity, known, "repository", "variableName")
    document = github.find(f"{_variables(github, found)}/{found['variableName']}")
    if document is None:
        return None
    told = {"value": document["value"], "updatedAt": go_time(document["updated_at"])}
    return found | _common(github, found, known, document) | told


def _update_variable(github: GitHub, _identity: str, before: Json, planned: Json) -> None:
    content = {"name": planned["variableName"], "value": planned["value"]}
    github.write("PATCH", f"{_variables(github, planned)}/{before['variableName']}", content)


def _secret(fields: dict[str, Field], read: Callable[[GitHub, str, Json], Json | None], *refused: str) -> Kind:
    return Kind(
        fields,
        create=_put_secret,
        read=read,
        update=_update_secret,
        delete=lambda github, _identity, before: github.remove(f"{_secrets(github, before)}/{before['secretName']}"),
        drifted=_rewritten,
        refused=frozenset(refused),
        follows_rename=True,
    )


KINDS = {
    "ActionsEnvironmentSecret": _secret(SECRET, _read_secret),
    "ActionsSecret": _secret(REPOSITORY_SECRET, _read_repository_secret, "destroyOnDrift"),
    "ActionsVariable": Kind(
        VARIABLE,
        create=_create_variable,
        read=_read_variable,
        update=_update_variable,
        delete=lambda github, _identity, before: github.remove(
            f"{_variables(github, before)}/{before['variableName']}"
        ),
        follows_rename=True,
    ),
}
