"""Webhooks and deploy keys of repositories."""

from sandbox.engine.github.kind import Context, Document, Kind, differing, renamed
from sandbox.engine.outcome import Applied, Outcome
from sandbox.engine.shape import Json, at, fields


def _wanted(inputs: Json) -> Json:
    given = fields(inputs, "configuration")
    return {
        "active": inputs.get("active", True),
        "events": sorted(inputs["events"]),
        "config": {
            "url": given["url"],
            "content_type": given.get("contentType") or "form",
            "insecure_ssl": "1" if given.get("insecureSsl") else "0",
        },
    }


def webhook(context: Context, inputs: Json) -> Applied:
    """A webhook, known by its URL; its secret is written again only if it or somebody else changed it."""
    path = f"{context.api.repository_path(inputs['repository'])}/hooks"
    wanted = _wanted(inputs)
    secret = str(fields(inputs, "configuration").get("secret") or "")
    url = wanted["config"]["url"]
    found = next((hook for hook in context.api.get_all(path) if at(hook, "config", "url") == url), None)
    place = f"{context.api.owner}{path}/{url}"
    body = wanted | {"config": wanted["config"] | ({"secret": secret} if secret else {})}
    if found is None:
        found = context.api.write("POST", path, {"name": "web"} | body)
        outcome = Outcome.CREATED
    elif differing(_view(found), wanted) or not context.memory.is_written(place, secret, _stamp(found)):
        found = context.api.write("PATCH", f"{path}/{found['id']}", body)
        outcome = Outcome.UPDATED
    else:
        outcome = Outcome.UNCHANGED
    if outcome is not Outcome.UNCHANGED:
        found = context.api.get(f"{path}/{found['id']}") or found
        context.memory.written(place, secret, _stamp(found))
    return Applied(str(found["id"]), {**inputs, "url": found["url"], "etag": ""}, outcome)


def _stamp(hook: Json) -> str:
    return f"{hook['id']} {hook.get('updated_at')}"


def _view(hook: Json) -> Json:
    config = {**fields(hook, "config")}
    config["insecure_ssl"] = str(config.get("insecure_ssl", "0"))
    return {"active": hook["active"], "events": sorted(hook["events"]), "config": config}


def _keys(context: Context, inputs: Json) -> str:
    return f"{context.api.repository_path(inputs['repository'])}/keys"


def _material(key: str) -> list[str]:
    """Algorithm and key, without the comment, which GitHub drops."""
    return key.split()[:2]


deploy_key = Document(
    identity=lambda _inputs, document: str(document["id"]),
    find=lambda context, inputs: next(
        (
            key
            for key in context.api.get_all(_keys(context, inputs))
            if _material(key["key"]) == _material(inputs["key"]) and key["read_only"] == inputs.get("readOnly", True)
        ),
        None,
    ),
    # GitHub cannot change a key: its material decides, and the title alone is not worth a new one.
    wanted=lambda _context, inputs: {"read_only": inputs.get("readOnly", True)},
    create=lambda context, inputs, wanted: context.api.write(
        "POST", _keys(context, inputs), renamed(inputs, ("title", "key")) | wanted
    ),
    update=lambda _context, _inputs, document, _changes: document,
    outputs=lambda _document: {"etag": ""},
)


KINDS: dict[str, Kind] = {"RepositoryWebhook": webhook, "RepositoryDeployKey": deploy_key}
