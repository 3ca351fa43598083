"""Actions: secrets, variables and settings of repositories and their environments."""

import base64
from urllib.parse import quote

from nacl.public import PublicKey, SealedBox

from sandbox.engine.github.kind import Context, Document, Kind, Setting, renamed
from sandbox.engine.outcome import Applied, ApplyError, Outcome
from sandbox.engine.shape import Json


def _scope(context: Context, inputs: Json) -> str:
    """The path that a repository's or an environment's secrets and variables lie under."""
    path = context.api.repository_path(inputs["repository"])
    if "environment" in inputs:
        return f"{path}/environments/{quote(inputs['environment'], safe='')}"
    return f"{path}/actions"


def secret(context: Context, inputs: Json) -> Applied:
    """A secret, sealed with the repository's key; written again only if the value or somebody else changed it."""
    scope, name = _scope(context, inputs), inputs["secretName"]
    value = inputs.get("value", inputs.get("plaintextValue"))
    if not isinstance(value, str):
        raise ApplyError("value: only a plain value can be written here, not one that is already encrypted")
    path = f"{scope}/secrets/{name}"
    document = context.api.get(path)
    place = f"{context.api.owner}{path}"
    if document is not None and context.memory.is_written(place, value, document["updated_at"]):
        outcome = Outcome.UNCHANGED
    else:
        outcome = Outcome.UPDATED if document else Outcome.CREATED
        key = context.api.get(f"{scope}/secrets/public-key") or {}
        box = SealedBox(PublicKey(base64.b64decode(key["key"])))
        sealed = base64.b64encode(box.encrypt(value.encode())).decode()
        context.api.write("PUT", path, {"encrypted_value": sealed, "key_id": key["key_id"]})
        document = context.api.get(path) or {}
        context.memory.written(place, value, document["updated_at"])
    outputs = {**inputs, "createdAt": document["created_at"], "updatedAt": document["updated_at"]}
    return Applied(_identity(inputs, name), outputs, outcome)


def _identity(inputs: Json, name: str) -> str:
    return ":".join(filter(None, (inputs["repository"], inputs.get("environment"), name)))


def _variable_path(context: Context, inputs: Json) -> str:
    return f"{_scope(context, inputs)}/variables"


def _create_variable(context: Context, inputs: Json, wanted: Json) -> Json:
    path = _variable_path(context, inputs)
    context.api.write("POST", path, wanted)
    return context.api.get(f"{path}/{inputs['variableName']}") or {}


def _update_variable(context: Context, inputs: Json, _document: Json, _changes: Json) -> Json:
    path = f"{_variable_path(context, inputs)}/{inputs['variableName']}"
    context.api.write("PATCH", path, {"name": inputs["variableName"], "value": inputs["value"]})
    return context.api.get(path) or {}


variable = Document(
    identity=lambda inputs, _document: _identity(inputs, inputs["variableName"]),
    find=lambda context, inputs: context.api.get(f"{_variable_path(context, inputs)}/{inputs['variableName']}"),
    # GitHub keeps names of variables in capitals.
    wanted=lambda _context, inputs: {"name": inputs["variableName"].upper(), "value": str(inputs["value"])},
    create=_create_variable,
    update=_update_variable,
    outputs=lambda document: {"createdAt": document.get("created_at"), "updatedAt": document.get("updated_at")},
    view=lambda document: {"name": document["name"], "value": document["value"]},
)


def _settings_path(context: Context, inputs: Json, section: str = "") -> str:
    return f"{context.api.repository_path(inputs['repository'])}/actions/permissions{section}"


def _read_permissions(context: Context, inputs: Json) -> Json:
    live = dict(context.api.get(_settings_path(context, inputs)) or {})
    if "allowedActionsConfig" in inputs and live.get("allowed_actions") == "selected":
        chosen = context.api.get(_settings_path(context, inputs, "/selected-actions")) or {}
        live["selected"] = chosen | {"patterns_allowed": sorted(chosen.get("patterns_allowed") or [])}
    return live


def _wanted_permissions(_context: Context, inputs: Json) -> Json:
    wanted = {"enabled": inputs.get("enabled", True)} | renamed(inputs, ("allowedActions", "shaPinningRequired"))
    if chosen := inputs.get("allowedActionsConfig"):
        wanted["selected"] = renamed(chosen, ("githubOwnedAllowed", "verifiedAllowed"))
        wanted["selected"]["patterns_allowed"] = sorted(chosen.get("patternsAlloweds") or [])
    return wanted


def _write_permissions(context: Context, inputs: Json, wanted: Json) -> None:
    chosen = wanted.get("selected")
    body = {key: value for key, value in wanted.items() if key != "selected"}
    context.api.write("PUT", _settings_path(context, inputs), body)
    if chosen is not None:
        context.api.write("PUT", _settings_path(context, inputs, "/selected-actions"), chosen)


repository_permissions = Setting(
    identity=lambda inputs: inputs["repository"],
    read=_read_permissions,
    wanted=_wanted_permissions,
    write=_write_permissions,
)


def _section(section: str, *names: str) -> Setting:
    """Settings that are one flat document."""

    def write(context: Context, inputs: Json, wanted: Json) -> None:
        context.api.write("PUT", _settings_path(context, inputs, section), wanted)

    return Setting(
        identity=lambda inputs: inputs["repository"],
        read=lambda context, inputs: context.api.get(_settings_path(context, inputs, section)) or {},
        wanted=lambda _context, inputs: renamed(inputs, names),
        write=write,
    )


KINDS: dict[str, Kind] = {
    "ActionsSecret": secret,
    "ActionsEnvironmentSecret": secret,
    "ActionsVariable": variable,
    "ActionsEnvironmentVariable": variable,
    "ActionsRepositoryPermissions": repository_permissions,
    "ActionsRepositoryAccessLevel": _section("/access", "accessLevel"),
    "WorkflowRepositoryPermissions": _section(
        "/workflow", "defaultWorkflowPermissions", "canApprovePullRequestReviews"
    ),
}
