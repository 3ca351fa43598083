"""Rulesets of repositories."""

from typing import Any, cast

from sandbox.engine.github.api import GitHubApi
from sandbox.engine.github.kind import Context, Document, Kind, renamed, snake
from sandbox.engine.shape import Json, fields, items

SPELLED_OTHERWISE = {
    "requiredChecks": "required_status_checks",
    "requiredCodeScanningTools": "code_scanning_tools",
    "restrictedFileExtensions": "restricted_file_extensions",
}
"""Parameters of rules whose name in Pulumi is not GitHub's in camel case."""

NEEDED: dict[str, Json] = {
    "pullRequest": {
        "dismiss_stale_reviews_on_push": False,
        "require_code_owner_review": False,
        "require_last_push_approval": False,
        "required_approving_review_count": 0,
        "required_review_thread_resolution": False,
    },
    "requiredStatusChecks": {"strict_required_status_checks_policy": False},
}
"""Parameters that GitHub demands, as the provider sends them where nothing is declared."""


def rules(inputs: Json) -> list[Json]:
    """The `rules` of a ruleset as GitHub's list: switches have a type only, the others their parameters."""
    found: list[Json] = []
    for name, value in inputs.items():
        if isinstance(value, dict):
            given = _parameters(cast("Json", value))
            found.append({"type": snake(name), "parameters": NEEDED.get(name, {}) | given})
        elif value and name == "update":
            fetch = bool(inputs.get("updateAllowsFetchAndMerge"))
            found.append({"type": "update", "parameters": {"update_allows_fetch_and_merge": fetch}})
        elif value and name != "updateAllowsFetchAndMerge":
            found.append({"type": snake(name)})
    return sorted(found, key=lambda rule: rule["type"])


def _parameters(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            SPELLED_OTHERWISE.get(key) or snake(key): _parameters(item) for key, item in cast("Json", value).items()
        }
    return [_parameters(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def _wanted(_context: Context, inputs: Json) -> Json:
    wanted = renamed(inputs, ("name", "target", "enforcement"))
    names = fields(inputs, "conditions", "refName")
    wanted["conditions"] = {
        "ref_name": {"include": names.get("includes") or [], "exclude": names.get("excludes") or []}
    }
    actors = [renamed(actor, ("actorId", "actorType", "bypassMode")) for actor in items(inputs, "bypassActors")]
    wanted["bypass_actors"] = sorted(actors, key=_actor)
    wanted["rules"] = rules(fields(inputs, "rules"))
    return wanted


def _actor(actor: Json) -> tuple[str, int]:
    return actor.get("actor_type", ""), actor.get("actor_id") or 0


def _view(document: Json) -> Json:
    """What GitHub answers, in the order in which it is wanted."""
    actors = sorted(items(document, "bypass_actors"), key=_actor)
    return document | {
        "bypass_actors": actors,
        "rules": sorted(items(document, "rules"), key=lambda rule: rule["type"]),
    }


def _find(context: Context, inputs: Json) -> Json | None:
    path = f"{context.api.repository_path(inputs['repository'])}/rulesets"
    for listed in context.api.get_all(path, includes_parents="false"):
        if listed["name"] == inputs["name"]:
            return _comparable(context.api.get(f"{path}/{listed['id']}"), inputs)
    return None


def _comparable(document: Json | None, inputs: Json) -> Json | None:
    """Drops parameters that GitHub fills in by itself, so that only what was declared is compared."""
    if document is None:
        return None
    wanted = {rule["type"]: fields(rule, "parameters") for rule in rules(fields(inputs, "rules"))}
    kept: list[Json] = []
    for rule in items(document, "rules"):
        declared = wanted.get(rule["type"], {})
        parameters = {key: value for key, value in fields(rule, "parameters").items() if key in declared}
        kept.append({"type": rule["type"], "parameters": parameters} if declared else {"type": rule["type"]})
    # Organisation admins have no id of their own: GitHub answers null, which is as good as absent.
    actors = [
        {key: actor[key] for key in ("actor_id", "actor_type", "bypass_mode") if actor.get(key) is not None}
        for actor in items(document, "bypass_actors")
    ]
    return document | {"rules": kept, "bypass_actors": actors}


def _path(api: GitHubApi, inputs: Json) -> str:
    return f"{api.repository_path(inputs['repository'])}/rulesets"


repository_ruleset = Document(
    identity=lambda _inputs, document: str(document["id"]),
    find=_find,
    wanted=_wanted,
    create=lambda context, inputs, wanted: context.api.write("POST", _path(context.api, inputs), wanted),
    # The whole of it, as the provider does: GitHub replaces a ruleset.
    update=lambda context, inputs, document, _changes: context.api.write(
        "PUT", f"{_path(context.api, inputs)}/{document['id']}", _wanted(context, inputs)
    ),
    outputs=lambda document: {"rulesetId": document["id"], "nodeId": document.get("node_id", ""), "etag": ""},
    view=_view,
)

KINDS: dict[str, Kind] = {"RepositoryRuleset": repository_ruleset}
