"""What every kind of GitHub resource has in common: read, compare, write what differs."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.engine.github.api import GitHubApi
from sandbox.engine.memory import Memory
from sandbox.engine.outcome import Applied, Outcome
from sandbox.engine.shape import Json


@dataclass(frozen=True)
class Context:
    """What a kind needs beside its inputs."""

    api: GitHubApi
    memory: Memory
    ignored: frozenset[str] = frozenset()
    """Inputs whose changes are ignored, once the resource is there."""


Kind = Callable[[Context, Json], Applied]
"""Makes one resource be as its inputs say."""

LookUp = Callable[[Context, str], Applied]
"""Finds an existing resource by its id."""


@dataclass(frozen=True)
class Document:
    """A kind whose resource is one JSON document: found, created, and updated where a wanted field differs."""

    identity: Callable[[Json, Json], str]
    """The id that the provider gives, from inputs and document."""
    find: Callable[[Context, Json], Json | None]
    wanted: Callable[[Context, Json], Json]
    """The inputs as GitHub spells them."""
    create: Callable[[Context, Json, Json], Json]
    """Takes the inputs and what is wanted; returns the document."""
    update: Callable[[Context, Json, Json, Json], Json]
    """Takes the inputs, the document and the fields that differ; returns the document."""
    outputs: Callable[[Json], Json] = field(default=lambda _document: {})
    """What the provider computes, from the document."""
    view: Callable[[Json], Json] = field(default=lambda document: document)
    """The document in the form of `wanted`, to compare the two."""

    def __call__(self, context: Context, inputs: Json) -> Applied:
        document = self.find(context, inputs)
        if document is None:
            wanted = self.wanted(context, inputs)
            document = self.create(context, inputs, wanted)
            outcome = Outcome.CREATED
        else:
            kept = {key: value for key, value in inputs.items() if key not in context.ignored}
            changes = differing(self.view(document), self.wanted(context, kept))
            outcome = Outcome.UPDATED if changes else Outcome.UNCHANGED
            if changes:
                document = self.update(context, inputs, document, changes)
        outputs = {**inputs, **self.outputs(document)}
        return Applied(id=self.identity(inputs, document), outputs=outputs, outcome=outcome)


@dataclass(frozen=True)
class Setting:
    """A kind that always is there, such as one section of a repository's settings."""

    identity: Callable[[Json], str]
    read: Callable[[Context, Json], Json]
    wanted: Callable[[Context, Json], Json]
    write: Callable[[Context, Json, Json], None]

    def __call__(self, context: Context, inputs: Json) -> Applied:
        wanted = self.wanted(context, inputs)
        changes = differing(self.read(context, inputs), wanted)
        if changes:
            self.write(context, inputs, wanted)
        outcome = Outcome.UPDATED if changes else Outcome.UNCHANGED
        return Applied(id=self.identity(inputs), outputs=dict(inputs), outcome=outcome)


def differing(live: Json, wanted: Json) -> Json:
    """The wanted fields that are not so yet; what is not wanted is not looked at."""
    return {key: value for key, value in wanted.items() if not _holds(live.get(key), value)}


def _holds(live: object, wanted: object) -> bool:
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        return not differing(dict(live), dict(wanted))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(wanted, str) and live is None:
        return not wanted  # GitHub answers null for an empty text
    return live == wanted


def snake(name: str) -> str:
    """`allowMergeCommit` as GitHub spells it: `allow_merge_commit`."""
    return re.sub(r"([A-Z])", lambda match: f"_{match[1].lower()}", name)


def camel(name: str) -> str:
    """`allow_merge_commit` as Pulumi spells it: `allowMergeCommit`."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def renamed(inputs: Json, names: tuple[str, ...], **other: str) -> Json:
    """The inputs of those names that are given, as GitHub spells them; `other` maps those it spells differently."""
    spelled = {name: snake(name) for name in names} | other
    return {theirs: inputs[ours] for ours, theirs in spelled.items() if ours in inputs}
