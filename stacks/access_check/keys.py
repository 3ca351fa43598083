"""What GitHub says about keys: who and what reaches the environments that hold them, and that they lie nowhere else."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from components.github.api import GitHubApi
from components.github.workflow_settings import KEYS, VARIABLES
from stacks.access_check.rulesets import MEND

_CHOSEN = {"protected_branches": False, "custom_branch_policies": True}


@dataclass(frozen=True)
class Environment:
    """A GitHub environment, as it is declared."""

    name: str
    branches: Sequence[str]
    """Whose workflows reach its keys."""
    tags: Sequence[str] = ()
    reviewers: frozenset[str] = frozenset()
    """The teams of which one approves each job."""


def differences(api: GitHubApi, owner: str, repository: str, declared: Environment) -> Iterator[str]:
    """What is otherwise than declared of an environment."""
    full_name = f"{owner}/{repository}"
    path = f"/repos/{owner}/{quote(repository)}/environments/{quote(declared.name, safe='')}"
    shown: Any = api.find(path)
    where = f"GitHub: environment {declared.name} of {full_name}"
    if shown is None:
        yield f"{where}: it is not there; {MEND}"
        return
    for what in _reviewers(shown, declared):
        yield f"{where}: {what}; {MEND}, where the plan of GitHub has reviewers"
    if shown.get("can_admins_bypass"):
        yield f"{where}: administrators may pass its rules, declared is that they may not; {MEND}"
    policies: Any = api.find(f"{path}/deployment-branch-policies") or {"branch_policies": []}
    found = [_shown(str(one["name"]), is_tag=one.get("type") == "tag") for one in policies["branch_policies"]]
    wanted = [*declared.branches, *(_shown(tag, is_tag=True) for tag in declared.tags)]
    chosen = shown.get("deployment_branch_policy")
    if chosen != _CHOSEN:
        found = ["every protected branch" if chosen else "every branch"]
    if set(found) != set(wanted):
        reached, meant = ", ".join(found) or "none", ", ".join(wanted) or "none"
        yield f"{where}: its keys are given to workflows of {reached}, declared is {meant}; {MEND}"


def _reviewers(shown: Any, declared: Environment) -> Iterator[str]:
    rules = {rule["type"]: rule for rule in shown["protection_rules"]}
    asked: Any = rules.get("required_reviewers", {})
    given = [(str(one["type"]), one["reviewer"]) for one in asked.get("reviewers", [])]
    reviewers = frozenset(str(one["slug"]) if kind == "Team" else f"the account {one['login']}" for kind, one in given)
    if reviewers != declared.reviewers:
        named, meant = ", ".join(sorted(reviewers)) or "no team", ", ".join(sorted(declared.reviewers)) or "no team"
        yield f"approved by {named}, declared is {meant}"
    elif reviewers and not asked.get("prevent_self_review"):
        yield "who starts a job may approve it, declared is that they may not"


def _shown(pattern: str, *, is_tag: bool) -> str:
    """What reaches an environment, for people. A tag may have a branch's name."""
    return f"tag {pattern}" if is_tag else pattern


def beside(api: GitHubApi, owner: str, repository: str) -> Iterator[str]:
    """Keys outside of environments: every workflow that somebody pushes is given those."""
    full_name, path = f"{owner}/{repository}", f"/repos/{owner}/{quote(repository)}/actions"
    for kind, of, mend in (
        ("secrets", full_name, f"`gh api --method DELETE repos/{full_name}/actions/secrets/{{name}}`"),
        ("organization-secrets", owner, f"take {full_name} out of the repositories that get it"),
    ):
        for secret in api.pages(f"{path}/{kind}", "secrets"):
            if (name := str(secret["name"])) in KEYS:
                what = f"secret {name} of {of} is given to workflows of every branch of {full_name}"
                yield f"GitHub: {what}, declared are environments alone; {mend.format(name=name)}"


def variables(
    api: GitHubApi, owner: str, repository: str, declared: Mapping[str, str], environments: Iterable[str]
) -> Iterator[str]:
    """What workflows with a key are told otherwise than declared: everybody who may push may change variables.

    One of an environment wins over the repository's, and none is declared there.
    """
    full_name, path = f"{owner}/{repository}", f"/repos/{owner}/{quote(repository)}"
    found = {str(one["name"]): str(one["value"]) for one in api.pages(f"{path}/actions/variables", "variables")}
    for name in sorted(VARIABLES):
        present, wanted = found.get(name), declared.get(name)
        if present != wanted:
            shown, meant = (repr(text) if text is not None else "none" for text in (present, wanted))
            mend = MEND if wanted else f"`gh api --method DELETE repos/{full_name}/actions/variables/{name}`"
            yield f"GitHub: variable {name} of {full_name} is {shown}, declared is {meant}; {mend}"
    for environment in environments:
        place = f"environments/{quote(environment, safe='')}/variables"
        if api.find(f"{path}/environments/{quote(environment, safe='')}") is None:
            continue
        for one in api.pages(f"{path}/{place}", "variables"):
            if (name := str(one["name"])) in VARIABLES:
                what = f"variable {name} of environment {environment} of {full_name} is {str(one['value'])!r}"
                yield f"GitHub: {what}, declared is none; `gh api --method DELETE repos/{full_name}/{place}/{name}`"
