"""What GitHub says about rulesets: that each holds as declared, and whom it does not bind."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from components.github.api import GitHubApi
from manifests.rules import Actor, ActorKind, Rules, Ruleset

MEND = "`pulumi up --refresh` puts it back"


class Rulesets:
    """The rulesets of the repositories of one owner."""

    def __init__(self, owner: str, api: GitHubApi) -> None:
        self._owner = owner
        self._api = api
        self._numbers: dict[str, str] = {}
        """Of teams, by slug."""

    def differences(self, name: str, declared: Sequence[Ruleset]) -> Iterator[str]:
        """What is otherwise than declared in a repository; a ruleset that is not declared binds more, and is let be."""
        path = f"/repos/{self._owner}/{quote(name)}/rulesets"
        found = {str(one["name"]): int(one["id"]) for one in self._api.pages(f"{path}?includes_parents=false")}
        for ruleset in declared:
            where = f"GitHub: ruleset {ruleset.title!r} of {self._owner}/{name}"
            if ruleset.title not in found:
                yield f"{where}: it is not there; {MEND}, where the plan of GitHub has rulesets"
                continue
            shown: dict[str, Any] = self._api.get(f"{path}/{found[ruleset.title]}")
            for what in (*_scope(ruleset, shown), *_rules(ruleset.rules, shown)):
                yield f"{where}: {what}; {MEND}"
            if shown.get("bypass_actors") is None:
                yield f"{where}: whom it does not bind is not shown; let GITHUB_TOKEN be of who administers it"
            else:
                yield from (f"{where}: {what}; {MEND}" for what in self._actors(ruleset.actors, shown["bypass_actors"]))

    def _actors(self, actors: Sequence[Actor], shown: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        declared = {self._known(actor): str(actor) for actor in actors}
        # The owners have no id of their own; GitHub shows none, or 1.
        given = {
            (kind, "" if kind == ActorKind.OWNERS else str(one.get("actor_id") or "")): str(one["bypass_mode"])
            for one in shown
            for kind in [str(one["actor_type"])]
        }
        for kind, number in sorted(given.keys() - declared.keys()):
            yield f"{kind} {number or 'every owner'} is not bound by it and not declared"
        for actor, words in sorted(declared.items()):
            if actor not in given:
                yield f"it binds {words}, declared is that it does not"
            elif given[actor] != "always":
                yield f"it does not bind {words} by {given[actor]}, declared is always"

    def _known(self, actor: Actor) -> tuple[str, str]:
        """An actor as GitHub names it: kind and number."""
        if actor.kind is not ActorKind.TEAM:
            return actor.kind.value, actor.name
        if actor.name not in self._numbers:
            team: dict[str, Any] = self._api.find(f"/orgs/{self._owner}/teams/{actor.name}") or {}
            self._numbers[actor.name] = str(team.get("id", "missing"))
        return actor.kind.value, self._numbers[actor.name]


def _scope(ruleset: Ruleset, shown: Mapping[str, Any]) -> Iterator[str]:
    """Whether it holds at all, and where."""
    if shown["enforcement"] != "active":
        yield f"it is {shown['enforcement']}, declared is active"
    refs: dict[str, list[str]] = shown["conditions"]["ref_name"]
    held, wanted = (shown["target"], set(refs.get("include") or [])), (ruleset.target, set(ruleset.includes))
    if held != wanted:
        yield f"it holds for {_refs(*held)}, declared is {_refs(*wanted)}"
    if left_out := refs.get("exclude"):
        yield f"it leaves out {', '.join(left_out)}, declared is nothing"


def _refs(target: str, patterns: set[str]) -> str:
    return f"the {target} {', '.join(sorted(patterns)) or '(none)'}"


def _rules(declared: Rules, shown: Mapping[str, Any]) -> Iterator[str]:
    """What it demands. GitHub shows more parameters than are declared, each with its default."""
    found: dict[str, Mapping[str, Any]] = {str(rule["type"]): rule.get("parameters") or {} for rule in shown["rules"]}
    for kind in sorted(declared.keys() - found.keys()):
        yield f"it lacks the rule {kind}"
    for kind in sorted(found.keys() - declared.keys()):
        yield f"it has the rule {kind}, which is not declared"
    for kind in sorted(declared.keys() & found.keys()):
        for word, wanted in declared[kind].items():
            if (given := found[kind].get(word)) != wanted:
                yield f"its rule {kind} has {word} {json.dumps(given)}, declared is {json.dumps(wanted)}"
