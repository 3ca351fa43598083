"""The rulesets of repositories: read by what makes them, and by what asks GitHub about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from manifests.model import App, Delivery, GitHub, OwnedFiles, Service, Settings
from slipway_release import maintenance, pulls, verdict
from slipway_release.tags import ruleset_patterns

Rules = Mapping[str, Mapping[str, Any]]
"""What holds: parameters by the kind of rule, both in the words of GitHub's API."""
BRANCHES = "environment branches"
"""The title of the ruleset of the branches that environments follow."""
_NONE: Mapping[str, Any] = MappingProxyType({})
_CLOSED: Rules = {"creation": _NONE, "update": _NONE, "deletion": _NONE, "non_fast_forward": _NONE}
_LINE: Rules = {"deletion": _NONE, "non_fast_forward": _NONE}
"""A branch that stays, and is never rewritten."""


class ActorKind(StrEnum):
    """GitHub's words for who a rule does not bind."""

    APP = "Integration"
    TEAM = "Team"
    OWNERS = "OrganizationAdmin"


@dataclass(frozen=True)
class Actor:
    """Somebody whom a rule does not bind."""

    kind: ActorKind
    name: str = ""
    """The id of an App, the slug of a team; nothing for the organisation's owners."""

    def __str__(self) -> str:
        words = {ActorKind.APP: f"App {self.name}", ActorKind.TEAM: f"team {self.name}"}
        return words.get(self.kind, "the organisation's owners")


OWNERS = Actor(ActorKind.OWNERS)


@dataclass(frozen=True)
class Ruleset:
    """Rules for some refs of a repository."""

    title: str
    """What people see."""
    name: str
    """What the resource is named by."""
    target: str
    """`branch` or `tag`."""
    includes: tuple[str, ...]
    """Patterns of the refs."""
    rules: Rules
    """What holds for them."""
    actors: tuple[Actor, ...] = ()
    """Those whom it does not bind."""


def environment_rules(settings: Settings) -> list[Ruleset]:
    """The rulesets of the environment repository."""
    github = settings.github
    promoter, platform = Actor(ActorKind.APP, github.promoter.id), _platform(github)
    rulesets = [
        _main(github, promoter, *_direct(github), check=github.promoter, code_owners=True),
        _proposals("automation", pulls.BRANCHES, promoter),
        _proposals("settings", _whole(pulls.SETTINGS_BRANCH), platform),
        # Of all tags: services call workflows of `@main`, and GitHub prefers a tag of that name to the branch.
        Ruleset("record of verified releases", "record", "tag", ("~ALL",), _CLOSED, (promoter,)),
    ]
    if any(environment.delivery is Delivery.BRANCH for environment in settings.environments):
        # They are the automation's, and the platform's own, which brings the charts of new services.
        includes = ("refs/heads/environment", "refs/heads/environment/**/*")
        branches = Ruleset(BRANCHES, "branch", "branch", includes, _CLOSED, (promoter, platform))
        rulesets.append(branches)
    return rulesets


def service_rules(settings: Settings, service: Service) -> list[Ruleset]:
    """The rulesets of a service's repository: no account moves a release tag."""
    github = settings.github
    rulesets = [_main(github, *_direct(github))]
    if service.maintenance_branch is not None:
        pattern = maintenance.ruleset_pattern(service.maintenance_branch)
        # Who makes such a branch decides what may be released from it.
        rules = {"creation": _NONE, **_LINE, "pull_request": _reviewed(github)}
        rulesets.append(Ruleset("maintenance branches", "maintenance", "branch", (pattern,), rules, (OWNERS,)))
    if patterns := tuple(ruleset_patterns(settings.environments_of(service))):
        makers = (Actor(ActorKind.TEAM, service.team), OWNERS)
        rulesets += [
            Ruleset("release tags", "release-tag", "tag", patterns, {"creation": _NONE}, makers),
            # A ruleset of its own, because those whom the other one lets create a tag could otherwise also move it.
            Ruleset("fixed release tags", "fixed-tag", "tag", patterns, {"update": _NONE, "deletion": _NONE}),
        ]
    return rulesets


def _main(github: GitHub, *actors: Actor, check: App | None = None, code_owners: bool = False) -> Ruleset:
    """Main changes by reviewed pull requests, in a line, and is never rewritten."""
    rules: dict[str, Mapping[str, Any]] = {
        **_LINE,
        "required_linear_history": _NONE,
        "pull_request": _reviewed(github, code_owners=code_owners),
    }
    if check is not None:
        # Jobs of all workflows report as one App, so the name of a job proves nothing.
        required = {"context": verdict.CHECK, "integration_id": int(check.id)}
        rules["required_status_checks"] = {"required_status_checks": [required]}
    return Ruleset("main", "main", "branch", ("~DEFAULT_BRANCH",), rules, actors)


def _reviewed(github: GitHub, *, code_owners: bool = False) -> Mapping[str, Any]:
    return {
        "required_approving_review_count": github.required_approvals,
        "dismiss_stale_reviews_on_push": True,
        "require_code_owner_review": code_owners,
        # Else who pushes to somebody else's pull request could approve what was pushed.
        "require_last_push_approval": github.required_approvals > 0,
    }


def _proposals(owner: str, patterns: list[str], actor: Actor) -> Ruleset:
    """Branches whose pull requests are judged by where they come from are their owner's alone."""
    # Anybody may delete one: that closes its pull request, as anybody may, and lets GitHub tidy up after a merge.
    rules: Rules = {"creation": _NONE, "update": _NONE}
    includes = tuple(f"refs/heads/{pattern}" for pattern in patterns)
    return Ruleset(f"proposals of the {owner}", f"{owner}-proposal", "branch", includes, rules, (actor,))


def _whole(branch: str) -> list[str]:
    """Patterns of a branch, and of those that would be in its way: Git makes none above or below another one."""
    return [branch.partition("/")[0], branch, f"{branch}/**/*"]


def _platform(github: GitHub) -> Actor:
    """The account that `pulumi up` acts as."""
    return Actor(ActorKind.APP, github.app.id) if github.app else OWNERS


def _direct(github: GitHub) -> tuple[Actor, ...]:
    """Who may write owned files to main directly: no account where they go through pull requests."""
    return () if github.owned_files is OwnedFiles.PULL_REQUEST else (_platform(github),)
