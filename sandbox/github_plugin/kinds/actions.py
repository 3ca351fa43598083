"""Secrets and variables of repositories and of their environments."""

import base64
from typing import Any

from nacl.public import PublicKey, SealedBox

from sandbox.github_plugin.client import GitHub, PluginError
from sandbox.github_plugin.identity import go_time, joined, split
from sandbox.github_plugin.kinds.environments import environment_path
from sandbox.github_plugin.schema import Field, Kind
from sandbox.github_plugin.wire import Json

PLACE = {
    "repository": Field(str, required=True, kept=True),
    "repositoryId": Field(int, output=True),
    "createdAt": Field(str, output=True),
    "updatedAt": Field(str, output=True),
}
ENVIRONMENT = {"environment": Field(str, required=True, replaces=True, kept=True)}
SECRET = {
    **PLACE,
    "secretName": Field(str, required=True, replaces=True, kept=True),
    "value": Field(str, kept=True),
    "plaintextValue": Field(str, kept=True),
    "valueEncrypted": Field(str, kept=True),
    "encryptedValue": Field(str, kept=True),
    "keyId": Field(str, computed=True, kept=True),
    "remoteUpdatedAt": Field(str, output=True),
}
VARIABLE = {
    **PLACE,
    "variableName": Field(str, required=True, replaces=True, kept=True),
    "value": Field(str, required=True),
}


def _place(github: GitHub, known: Json) -> str:
    """What a repository's or an environment's secrets and variables lie under."""
    if environment := known.get("environment"):
        return environment_path(github, known["repository"], environment)
    return f"{github.repository_path(known['repository'])}/actions"


def _identity(known: Json, name: str) -> str:
    return joined(*(part for part in (known["repository"], known.get("environment"), name) if part))


def _located(identity: str, known: Json, name: str, *, in_environment: bool) -> Json:
    """Where the id says that it is; the state knows the repository's name after a renaming."""
    names = ("repository", "environment", name) if in_environment else ("repository", name)
    found: Json = dict(zip(names, split(identity, *names), strict=True))
    return found | {"repository": known.get("repository") or found["repository"]}


def _common(github: GitHub, found: Json, known: Json, document: Json) -> Json:
    repository = github.repository_path(found["repository"])
    return {
        "repositoryId": known.get("repositoryId") or github.require(repository)["id"],
        "createdAt": go_time(document["created_at"]),
    }


def _put_secret(github: GitHub, planned: Json) -> str:
    key = github.require(f"{_place(github, planned)}/secrets/public-key")
    plain = planned.get("value", planned.get("plaintextValue"))
    sealed: Any = planned.get("valueEncrypted", planned.get("encryptedValue"))
    if plain is None and sealed is None:
        raise PluginError("value: none of value, valueEncrypted, plaintextValue and encryptedValue is given; give one")
    if plain is not None:
        box = SealedBox(PublicKey(base64.b64decode(key["key"])))
        sealed = base64.b64encode(box.encrypt(plain.encode())).decode()
    content = {"encrypted_value": sealed, "key_id": planned.get("keyId") or key["key_id"]}
    github.write("PUT", f"{_place(github, planned)}/secrets/{planned['secretName']}", content)
    return _identity(planned, planned["secretName"])


def _update_secret(github: GitHub, _identity: str, _before: Json, planned: Json) -> None:
    _put_secret(github, planned)


def _secret(*, in_environment: bool) -> Kind:
    def read(github: GitHub, identity: str, known: Json) -> Json | None:
        found = _located(identity, known, "secretName", in_environment=in_environment)
        document = github.find(f"{_place(github, found)}/secrets/{found['secretName']}")
        if document is None:
            return None
        written = go_time(document["updated_at"])
        kept = {"updatedAt": known.get("updatedAt") or written, "remoteUpdatedAt": written}
        return found | _common(github, found, known, document) | kept

    own = ENVIRONMENT if in_environment else {"destroyOnDrift": Field(bool, kept=True)}
    return Kind(
        SECRET | own,
        create=_put_secret,
        read=read,
        update=_update_secret,
        delete=lambda github, _identity, before: github.remove(
            f"{_place(github, before)}/secrets/{before['secretName']}"
        ),
        drifted=_rewritten,
        follows_rename=True,
    )


def _rewritten(state: Json) -> tuple[str, ...]:
    """The value cannot be read: that it was written again shows by the time."""
    remote = state.get("remoteUpdatedAt")
    return ("updatedAt",) if remote and state.get("updatedAt") != remote else ()


def _create_variable(github: GitHub, planned: Json) -> str:
    content = {"name": planned["variableName"], "value": planned["value"]}
    github.write("POST", f"{_place(github, planned)}/variables", content)
    return _identity(planned, planned["variableName"])


def _update_variable(github: GitHub, _identity: str, before: Json, planned: Json) -> None:
    content = {"name": planned["variableName"], "value": planned["value"]}
    github.write("PATCH", f"{_place(github, planned)}/variables/{before['variableName']}", content)


def _variable(*, in_environment: bool) -> Kind:
    def read(github: GitHub, identity: str, known: Json) -> Json | None:
        found = _located(identity, known, "variableName", in_environment=in_environment)
        document = github.find(f"{_place(github, found)}/variables/{found['variableName']}")
        if document is None:
            return None
        told = {"value": document["value"], "updatedAt": go_time(document["updated_at"])}
        return found | _common(github, found, known, document) | told

    return Kind(
        VARIABLE | (ENVIRONMENT if in_environment else {}),
        create=_create_variable,
        read=read,
        update=_update_variable,
        delete=lambda github, _identity, before: github.remove(
            f"{_place(github, before)}/variables/{before['variableName']}"
        ),
        follows_rename=True,
    )


KINDS = {
    "ActionsSecret": _secret(in_environment=False),
    "ActionsEnvironmentSecret": _secret(in_environment=True),
    "ActionsVariable": _variable(in_environment=False),
    "ActionsEnvironmentVariable": _variable(in_environment=True),
}
