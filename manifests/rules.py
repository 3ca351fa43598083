"""Whom the rules of repositories do not bind: read by what makes the rulesets, and by what asks GitHub about them."""

from dataclasses import dataclass
from enum import StrEnum

from manifests.model import Delivery, GitHub, OwnedFiles, Service, Settings
from slipway_release.tags import ruleset_patterns

MAIN = "main"
AUTOMATION, SETTINGS = "automation", "settings"
BRANCHES = "environment branches"
RECORD = "record of verified releases"
MAINTENANCE = "maintenance branches"
TAGS, FIXED_TAGS = "release tags", "fixed release tags"


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


def proposals(owner: str) -> str:
    """The title of the ruleset of an owner's branches: `AUTOMATION` or `SETTINGS`."""
    return f"proposals of the {owner}"


def environment_rules(settings: Settings) -> dict[str, tuple[Actor, ...]]:
    """The rulesets of the environment repository by title, each with whom it does not bind."""
    github = settings.github
    promoter, platform = Actor(ActorKind.APP, github.promoter.id), _platform(github)
    by_branch = any(environment.delivery is Delivery.BRANCH for environment in settings.environments)
    return {
        MAIN: (promoter, *_direct(github)),
        proposals(AUTOMATION): (promoter,),
        proposals(SETTINGS): (platform,),
        RECORD: (promoter,),
        **({BRANCHES: (promoter, platform)} if by_branch else {}),
    }


def service_rules(settings: Settings, service: Service) -> dict[str, tuple[Actor, ...]]:
    """The same of a service's repository; no account moves a release tag."""
    tagged = bool(ruleset_patterns(settings.environments_of(service)))
    tags = {TAGS: (Actor(ActorKind.TEAM, service.team), OWNERS), FIXED_TAGS: ()}
    # Who makes such a branch decides what may be released from it.
    older = {MAINTENANCE: (OWNERS,)} if service.maintenance_branch else {}
    return {MAIN: _direct(settings.github), **older, **(tags if tagged else {})}


def _platform(github: GitHub) -> Actor:
    """The account that `pulumi up` acts as."""
    return Actor(ActorKind.APP, github.app.id) if github.app else OWNERS


def _direct(github: GitHub) -> tuple[Actor, ...]:
    """Who may write owned files to main directly: no account where they go through pull requests."""
    return () if github.owned_files is OwnedFiles.PULL_REQUEST else (_platform(github),)
