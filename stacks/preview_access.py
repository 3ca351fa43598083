"""What a preview means for people: who may do what afterwards, and which changes have to be meant."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from stacks.preview_changes import Change
from stacks.preview_rules import opened_rules
from stacks.preview_windows import changed_windows, opened_windows, windows_of
from stacks.preview_words import UNKNOWN, at, code, some

Json = Mapping[str, Any]

Words = str | tuple[str, str]
"""A sentence; or its beginning and what it is about, which several may share."""
_OPENS = "opens the "
_MOST_NAMED = 12
_PROJECT_LISTS = {"destinations": "namespace", "namespaceResourceWhitelist": "kind", "clusterResourceWhitelist": "kind"}
_MAY = {
    "pull": "read",
    "triage": "triage",
    "push": "push to",
    "maintain": "maintain",
    "admin": "administer",
}


def access_words(changes: Sequence[Change], teams: Mapping[str, str]) -> list[str]:
    """Who may do what after this that they may not now, and the other way round, one sentence each.

    What is said of several things in the same words is said once. Teams come first, in the order of their names.

    Args:
        changes: what would change.
        teams: the team of each service, by its name.
    """
    found: dict[str, list[str]] = {}
    team_of: dict[str, str] = {}
    for change in changes:
        for words in _WORDS[change.type](change, teams) if change.type in _WORDS else ():
            said, about = words if isinstance(words, tuple) else (words, "")
            found.setdefault(said, []).append(about)
            team_of.setdefault(said, _team_of(change, teams))
    ordered = sorted(found, key=lambda said: (not team_of[said], team_of[said]))
    return [f"{said} {', '.join(found[said])}".rstrip() for said in ordered]


def guarded(changes: Sequence[Change]) -> list[str]:
    """What has to be meant: repositories that go, guards that open, an Argo CD that is replaced.

    What opens in the same way is named together.
    """
    worst_first = sorted(changes, key=lambda change: change.type != "Repository")
    found: dict[str, list[str]] = {}
    for words in (words for change in worst_first if change.type in _GUARDS for words in _GUARDS[change.type](change)):
        what, _, how = words.partition(": ") if words.startswith(_OPENS) else (words, "", "")
        found.setdefault(how or what, []).extend([what.removeprefix(_OPENS)] if how else [])
    return [f"{_OPENS}{some(names, _MOST_NAMED)}: {how}" if names else how for how, names in found.items()]


def _team_of(change: Change, teams: Mapping[str, str]) -> str:
    """The team whose access changes; empty where it is not that of one team."""
    kind, _, name = change.owner.partition(" ")
    if kind == "team":
        return name
    return teams.get(name, "") if change.type == "TeamRepository" else ""


def _team(change: Change, teams: Mapping[str, str]) -> Iterator[Words]:
    state = change.old if change.operation == "delete" else change.new
    service = change.owner.removeprefix("service ")
    # The environment repository has one for each team, and their names say of which.
    named = re.fullmatch(rf"{re.escape(str(state.get('repository')))}-(.+)-access", change.name)
    known = teams.get(service) or (named and named[1] if service == change.owner else None)
    team = f"team {known}" if known else f"the team of {service}"
    may = "may no longer" if change.operation == "delete" else "may now"
    yield f"{team} {may} {_MAY.get(str(state.get('permission')), 'use')}", code(state.get("repository"))


def _ways_in(change: Change, _teams: Mapping[str, str]) -> Iterator[Words]:
    state = change.new or change.old
    branch, tags = state.get("branchPattern"), state.get("tagPattern")
    pattern = f"the branch {code(branch)}" if branch else f"tags {code(tags)}"
    may = "may now" if change.operation == "create" else "may no longer"
    environment, repository = state.get("environment"), code(state.get("repository"))
    if change.operation not in {"create", "delete"}:
        return
    if environment == UNKNOWN:
        yield f"workflow runs on {pattern} of {repository} {may} use its environment ({code(change.name)})"
    else:
        yield f"workflow runs on {pattern} {may} use the environment {code(environment)} of", repository


def _secrets(change: Change, _teams: Mapping[str, str]) -> Iterator[Words]:
    state = change.new or change.old
    now = "is now" if change.operation == "create" else "is no longer"
    where = f"in the environment {code(state.get('environment'))} of"
    if change.operation in {"create", "delete"}:
        yield f"the secret {code(state.get('secretName'))} {now} {where}", code(state.get("repository"))


def _role_bindings(change: Change, _teams: Mapping[str, str]) -> Iterator[Words]:
    names = [
        path.split("/")[1]
        for path in _differing(change, "owned")
        if path.startswith("infrastructure/") and path.endswith("/role-bindings.yaml")
    ]
    if names and change.old:
        yield f"access to namespaces of {', '.join(map(code, names))} changes: see `role-bindings.yaml` of each below"


def _argocd_policy(change: Change, _teams: Mapping[str, str]) -> Iterator[Words]:
    """Lines of the policy, those together that say the same of several objects."""
    verbs: dict[tuple[str, str, str], list[str]] = {}
    groups: dict[tuple[str, str, str], str] = {}
    for line in _lines(_policy(change.old), _policy(change.new)):
        parts = [part.strip() for part in line[1:].split(",")]
        if parts[0] == "p" and len(parts) == 6 and parts[5] == "allow":
            verbs.setdefault((line[0], parts[1], parts[4]), []).append(f"{parts[3]} {parts[2]}")
        elif parts[0] == "g" and len(parts) == 3:
            # A group of a directory stands there in every spelling; the last one is in lower case.
            groups[line[0], parts[1].casefold(), parts[2]] = parts[1]
        else:
            yield f"Argo CD's policy {'has now' if line[0] == '+' else 'no longer has'} {code(line[1:])}"
    for (sign, _, role), group in groups.items():
        has = "has now" if sign == "+" else "no longer has"
        yield f"in Argo CD the group {code(group)} {has} the rights of {code(role.removeprefix('role:'))}"
    objects: dict[tuple[str, str, str], list[str]] = {}
    for (sign, role, what), found in verbs.items():
        objects.setdefault((sign, role, ", ".join(sorted(found))), []).append(what)
    for (sign, role, found), names in objects.items():
        may = "may now" if sign == "+" else "may no longer"
        yield f"in Argo CD {code(role.removeprefix('role:'))} {may} {found}: {', '.join(map(code, names))}"


def _members(change: Change, _teams: Mapping[str, str]) -> Iterator[Words]:
    team = change.owner
    before, after = (
        {str(member.get("username")): str(member.get("role")) for member in cast(list[Json], part.get("members") or [])}
        for part in (change.old, change.new)
    )
    for login in [*after, *(login for login in before if login not in after)]:
        if login not in before:
            yield f"{code(login)} joins {team} as {after[login]}"
        elif login not in after:
            yield f"{code(login)} leaves {team}"
        elif before[login] != after[login]:
            yield f"{code(login)} becomes {after[login]} of {team}"


def _reviewers(change: Change, _teams: Mapping[str, str]) -> Iterator[Words]:
    before, after = (_approvals(part) for part in (change.old, change.new))
    name = code((change.new or change.old).get("environment"))
    if after and not before:
        yield f"releases to {name} now wait for an approval"
    if before and not after and change.operation != "delete":
        yield f"releases to {name} no longer wait for an approval"
    if before and after and before != after:
        yield f"other teams approve releases to {name}"


def _approvals(state: Json) -> list[Any]:
    reviewers = cast(list[Json], state.get("reviewers") or [])
    return [team for one in reviewers for team in cast(list[Any], one.get("teams") or [])]


def _project(change: Change, _teams: Mapping[str, str]) -> Iterator[Words]:
    name = code(at(change.new or change.old, "metadata", "name"))
    for key, what in _PROJECT_LISTS.items():
        before, after = (_members_of(part, key, what) for part in (change.old, change.new))
        if change.operation == "create" and what == "kind":
            continue  # those of every environment
        for verb, found in (("now takes", after - before), ("no longer takes", before - after)):
            if found and change.operation != "delete":
                yield f"AppProject {name} {verb} the {what}s {', '.join(map(code, sorted(found)))}"

    if change.operation != "delete":
        for words in changed_windows(windows_of(change.old), windows_of(change.new)):
            yield f"syncs of {name} are {code(words)}"


def _windows_open(change: Change) -> Iterator[str]:
    if change.operation == "update":
        for words in opened_windows(windows_of(change.old), windows_of(change.new)):
            yield f"opens the {_named(change)}: syncs are {code(words)}"


def _members_of(state: Json, key: str, what: str) -> set[str]:
    listed = at(state, "spec", key)
    items = cast(list[object], listed) if isinstance(listed, list) else []
    return {str(cast(Json, one).get(what)) for one in items if isinstance(one, Mapping)}


def _repository_goes(change: Change) -> Iterator[str]:
    stays = "; it stays on GitHub" if change.kept and change.operation != "replace" else ""
    if change.removes:
        yield f"{change.operation}s the {_named(change)}{stays}"


def _ruleset_opens(change: Change) -> Iterator[str]:
    if change.operation == "delete" and not change.kept:
        yield f"deletes the {_named(change)}"
    if change.operation == "update":
        yield from (f"opens the {_named(change)}: {text}" for text in opened_rules(change.old, change.new))


def _environment_opens(change: Change) -> Iterator[str]:
    if change.operation != "update":
        return
    what, old, new = _named(change), change.old, change.new
    if _approvals(old) and not _approvals(new):
        yield f"opens the {what}: it waits for no approval any more"
    if old.get("deploymentBranchPolicy") and not new.get("deploymentBranchPolicy"):
        yield f"opens the {what}: every branch reaches it"
    for key, safe, permits in (
        ("canAdminsBypass", False, "administrators need no approval"),
        ("preventSelfReview", True, "the person who starts a deployment may approve it"),
    ):
        if old.get(key) is safe and new.get(key) is not safe and _approvals(new):
            yield f"opens the {what}: {permits} ({code(key)})"


def _workflows_open(change: Change) -> Iterator[str]:
    if [part.get("defaultWorkflowPermissions") for part in (change.old, change.new)] == ["read", "write"]:
        yield f"opens the {_named(change)}: every workflow may write"


def _argocd_goes(change: Change) -> Iterator[str]:
    if change.removes and (change.type == "Release" or change.owner == "Argo CD"):
        yield f"{change.operation}s Argo CD: {_named(change)}"


def _named(change: Change) -> str:
    return f"{change.type} {code(change.name)} ({change.owner})"


def _policy(state: Json) -> str:
    found = at(state, "values", "configs", "rbac", "policy.csv")
    return found if isinstance(found, str) else ""


def _lines(old: str, new: str) -> list[str]:
    """The lines that come and go, each with its sign; none where there was no text before."""
    if not old:
        return []
    shown = difflib.unified_diff(sorted(old.splitlines()), sorted(new.splitlines()), lineterm="", n=0)
    return [line for line in shown if line[:1] in "+-" and not line.startswith(("+++", "---"))]


def _differing(change: Change, key: str) -> list[str]:
    old, new = (cast(object, part.get(key) or {}) for part in (change.old, change.new))
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return []  # not known before it is made
    before, after = cast(Mapping[str, str], old), cast(Mapping[str, str], new)
    return [path for path in {**before, **after} if before.get(path) != after.get(path)]


_WORDS: dict[str, Callable[[Change, Mapping[str, str]], Iterator[Words]]] = {
    "TeamRepository": _team,
    "TeamMembers": _members,
    "RepositoryEnvironment": _reviewers,
    "RepositoryEnvironmentDeploymentPolicy": _ways_in,
    "ActionsEnvironmentSecret": _secrets,
    "AppProject": _project,
    "Release": _argocd_policy,
    "CommittedFiles": _role_bindings,
}
_GUARDS: dict[str, Callable[[Change], Iterator[str]]] = {
    "Repository": _repository_goes,
    "RepositoryRuleset": _ruleset_opens,
    "OrganizationRuleset": _ruleset_opens,
    "RepositoryEnvironment": _environment_opens,
    "WorkflowRepositoryPermissions": _workflows_open,
    "AppProject": _windows_open,
    "Release": _argocd_goes,
    "Namespace": _argocd_goes,
    "CustomResourceDefinition": _argocd_goes,
}
