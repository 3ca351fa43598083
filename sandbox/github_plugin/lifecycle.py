"""One resource's life: made, read, compared, changed, removed. What is special of a kind is in its description."""

from dataclasses import dataclass

from sandbox.github_plugin import differences
from sandbox.github_plugin.client import GitHub, PluginError
from sandbox.github_plugin.differences import Change, planned
from sandbox.github_plugin.schema import Kind
from sandbox.github_plugin.wire import UNKNOWN, Json


@dataclass(frozen=True)
class Resource:
    """A resource as it is."""

    id: str
    state: Json
    inputs: Json
    """What a program has to declare for this state."""


class UnfinishedError(Exception):
    """A resource was made, and something that belongs to it was not."""

    def __init__(self, identity: str, state: Json, reason: str) -> None:
        super().__init__(reason)
        self.id: str = identity
        self.state: Json = state


def create(github: GitHub, kind: Kind, inputs: Json) -> Resource:
    """Makes a resource.

    Raises:
        PluginError: GitHub refused, as where it exists already; nothing was made.
        UnfinishedError: it was made, and its settings are not all there.
    """
    after = planned(kind, inputs)
    identity = kind.create(github, after)
    try:
        kind.finish(github, identity, after)
        state = _read(github, kind, identity, after)
    except PluginError as error:
        raise UnfinishedError(identity, after, str(error)) from error
    if state is None:
        raise UnfinishedError(identity, after, f"{identity} was created, and GitHub does not show it")
    return Resource(identity, state, inputs)


def read(github: GitHub, kind: Kind, identity: str, known: Json, inputs: Json) -> Resource | None:
    """The resource as GitHub has it now; None if it is gone.

    Args:
        github: where it is.
        kind: what it is.
        identity: its id; the id of an import where nothing is known.
        known: the state; empty for an import.
        inputs: what was declared; empty for an import.
    """
    if known:
        state = _read(github, kind, identity, known)
        return Resource(identity, state, _seen_inputs(kind, state, inputs)) if state else None
    imported = kind.imported(github, identity)
    state = _read(github, kind, imported.id, imported.known)
    return Resource(imported.id, state, _imported_inputs(kind, state)) if state else None


def changes(github: GitHub, kind: Kind, state: Json, inputs: Json, ignored: list[str]) -> list[Change]:
    """What differs from what is declared, and what of it takes another resource."""
    found = differences.changes(kind, state, inputs, ignored)
    if not kind.follows_rename:
        return found
    return [
        Change(change.path, had=change.had, has=change.has, replaces=_is_another(github, state, inputs["repository"]))
        if change.path == "repository"
        else change
        for change in found
    ]


def update(github: GitHub, kind: Kind, identity: str, state: Json, inputs: Json) -> Json:
    """Makes a resource be as declared; returns its state."""
    after = planned(kind, inputs)
    if kind.update is not None:
        kind.update(github, identity, state, after)
    # What GitHub chose stays; what it says of a write, as the time of a secret, has to be read again.
    chosen = {name: state.get(name) for name, field in kind.fields.items() if field.computed and name not in after}
    found = _read(github, kind, identity, chosen | after)
    if found is None:
        raise PluginError(f"{identity} is gone; run a refresh, and then the update again")
    return found


def _read(github: GitHub, kind: Kind, identity: str, known: Json) -> Json | None:
    found = kind.read(github, identity, known)
    if found is None:
        return None
    return {name: known.get(name) for name, field in kind.fields.items() if field.kept} | found


def _is_another(github: GitHub, state: Json, repository: str) -> bool:
    """Whether a repository of a new name is not the renamed old one."""
    if repository == UNKNOWN:
        return False
    found = github.find(github.repository_path(repository))
    # Where there is none of the new name yet, it is about to be renamed.
    return found is not None and found["id"] != state.get("repositoryId")


def _seen_inputs(kind: Kind, state: Json, inputs: Json) -> Json:
    """What was declared, with what GitHub has instead where that differs."""
    changed = {
        change.path.partition(".")[0].partition("[")[0] for change in differences.changes(kind, state, inputs, [])
    }
    return {
        name: state.get(name) if name in changed and name in kind.fields else value for name, value in inputs.items()
    }


def _imported_inputs(kind: Kind, state: Json) -> Json:
    return {
        name: state[name]
        for name, field in kind.fields.items()
        if not field.output
        and name != "etag"
        and (field.required or not field.computed)
        and (state.get(name) or field.default) not in (None, "", [], {}, False, 0)
        and state[name] != field.default
    }
