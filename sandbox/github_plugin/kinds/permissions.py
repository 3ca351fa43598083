"""What the workflows of a repository may do: settings that are always there, so that destroying sets them back."""

from collections.abc import Mapping

from sandbox.github_plugin.client import GitHub
from sandbox.github_plugin.schema import Block, Field, Kind, Many, body, state
from sandbox.github_plugin.wire import Json

REPOSITORY = {"repository": Field(str, required=True, replaces=True, kept=True)}
ALLOWED = Block(
    {
        "githubOwnedAllowed": Field(bool, required=True),
        "patternsAlloweds": Field(Many(str), github="patterns_allowed"),
        "verifiedAllowed": Field(bool),
    }
)
ACTIONS = {
    **REPOSITORY,
    "enabled": Field(bool, default=True),
    "allowedActions": Field(str, allowed=("all", "local_only", "selected")),
    "allowedActionsConfig": Field(ALLOWED, kept=True),
    "shaPinningRequired": Field(bool, computed=True),
}


def _path(github: GitHub, repository: str, section: str = "") -> str:
    return f"{github.repository_path(repository)}/actions/permissions{section}"


def _put_actions(github: GitHub, planned: Json) -> str:
    repository = planned["repository"]
    github.write("PUT", _path(github, repository), body(ACTIONS, planned))
    if planned.get("allowedActions") == "selected" and (chosen := planned.get("allowedActionsConfig")):
        content: Json = {"patterns_allowed": [], "verified_allowed": False, **body(ALLOWED.fields, chosen)}
        github.write("PUT", _path(github, repository, "/selected-actions"), content)
    return repository


def _read_actions(github: GitHub, identity: str, _known: Json) -> Json | None:
    document = github.find(_path(github, identity))
    if document is None:
        return None
    found = state(ACTIONS, document) | {"repository": identity, "allowedActionsConfig": None}
    if found["allowedActions"] == "selected":
        chosen = github.find(_path(github, identity, "/selected-actions"))
        found["allowedActionsConfig"] = state(ALLOWED.fields, chosen or {})
    return found


def _update_actions(github: GitHub, _identity: str, _before: Json, planned: Json) -> None:
    _put_actions(github, planned)


def _reset_actions(github: GitHub, identity: str, _before: Json) -> None:
    if github.find(_path(github, identity)) is not None:
        github.write("PUT", _path(github, identity), {"enabled": True, "allowed_actions": "all"})


def _section(section: str, shape: Mapping[str, Field], reset: Json) -> Kind:
    """Settings that are one flat document.

    Args:
        section: the end of their path.
        shape: the properties.
        reset: what destroying sets.
    """
    every = REPOSITORY | dict(shape)

    def put(github: GitHub, planned: Json) -> str:
        github.write("PUT", _path(github, planned["repository"], section), body(every, planned))
        return planned["repository"]

    def read(github: GitHub, identity: str, _known: Json) -> Json | None:
        document = github.find(_path(github, identity, section))
        return document and state(every, document) | {"repository": identity}

    def update(github: GitHub, _identity: str, _before: Json, planned: Json) -> None:
        put(github, planned)

    def delete(github: GitHub, identity: str, _before: Json) -> None:
        if github.find(_path(github, identity, section)) is not None:
            github.write("PUT", _path(github, identity, section), reset)

    return Kind(every, create=put, read=read, update=update, delete=delete)


KINDS = {
    "ActionsRepositoryPermissions": Kind(
        ACTIONS, create=_put_actions, read=_read_actions, update=_update_actions, delete=_reset_actions
    ),
    "ActionsRepositoryAccessLevel": _section(
        "/access",
        {"accessLevel": Field(str, required=True, allowed=("none", "user", "organization", "enterprise"))},
        {"access_level": "none"},
    ),
    "WorkflowRepositoryPermissions": _section(
        "/workflow",
        {
            "defaultWorkflowPermissions": Field(str, default="read", allowed=("read", "write")),
            "canApprovePullRequestReviews": Field(bool, default=False),
        },
        {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": False},
    ),
}
