"""Whether somebody is there for what only people may do: approve for production, and run the platform."""

from collections.abc import Iterator, Mapping, Sequence

from manifests.model import Environment, GitHub, Sync, Team
from stacks.problems import Problem
from stacks.reading import Found


def check_people(
    github: Found[GitHub] | None, teams: Sequence[Found[Team]], environments: Sequence[Found[Environment]]
) -> Iterator[Problem]:
    """Rights that no person would have, and rights that one person would have alone."""
    yield from _check_groups(teams)
    by_name = {team.value.name: team for team in teams}
    for found in environments:
        yield from _check_production(found)
        yield from _check_approvers(found, by_name)
    platform = github.value.platform_team if github is not None else None
    if github is not None and platform is not None and _is_empty(by_name.get(platform)):
        text = f"{platform!r} has no members, so no person would run the platform; {_remedy(platform)}"
        yield Problem(github.at("platformTeam"), text)


def _check_groups(teams: Sequence[Found[Team]]) -> Iterator[Problem]:
    """A group of two teams: who is in it would release as one of them, and approve that as one of the other."""
    for key, group in (("ssoGroup", "sso_group"), ("clusterGroup", "cluster_group")):
        known: dict[str, Found[Team]] = {}
        for team in teams:
            name: str | None = getattr(team.value, group)
            if name is not None and (first := known.setdefault(name.lower(), team)) is not team:
                text = f"{name!r} is also that of {first.value.name}, so who is in it has the rights of both"
                yield Problem(team.at(key), f"{text}; name one group for each team")


def _check_production(found: Found[Environment]) -> Iterator[Problem]:
    environment = found.value
    alone = environment.sync is Sync.AUTOMATED and not environment.approvers
    if environment.name.startswith("prod") and alone and not found.broken & {"approvers", "sync"}:
        text = "missing, so each tag would go live by itself; name teams that approve, or set `sync: manual`"
        yield Problem(found.at("approvers"), text)


def _check_approvers(found: Found[Environment], teams: Mapping[str, Found[Team]]) -> Iterator[Problem]:
    """One team with people is enough: one of all approvers approves."""
    approvers = found.value.approvers
    if approvers and all(_is_empty(teams.get(name)) for name in approvers):
        text = f"{approvers[0]!r} has no members, so no person could approve a release; {_remedy(approvers[0])}"
        yield Problem(found.at("approvers", 0), text)


def _is_empty(team: Found[Team] | None) -> bool:
    """Whether a team is made by the settings without people; one that is not known is another problem's."""
    return team is not None and not (team.value.existing or team.value.members or "members" in team.broken)


def _remedy(team: str) -> str:
    return f"add `members` to teams[{team}], or set `existing: true` there if they are managed elsewhere"
