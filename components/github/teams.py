"""Teams of the organisation: who is in them; what they may do is said where the repositories are."""

from typing import TypedDict

import pulumi
import pulumi_github as github

from components.github.marks import marked
from manifests.model import Team


class TeamAccessArgs(TypedDict):
    """Whom a team consists of."""

    team: Team
    """The team; one that exists already is only looked up."""
    invited: frozenset[str]
    """Logins that have an invitation and have not accepted it: they are in the team, and not declared until then."""
    mark: str
    """What tells this stack's teams from others."""


class TeamAccess(pulumi.ComponentResource):
    """A team of the organisation with exactly its members."""

    team_id: pulumi.Output[str]
    """The numeric id, as text."""
    number: pulumi.Output[int]
    """The same as a number, as rulesets and reviewers want it."""

    def __init__(self, name: str, args: TeamAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:index:TeamAccess", name, {}, opts)
        team = args["team"]
        self.team_id = self._found(team) if team.existing else self._made(name, args)
        self.number = self.team_id.apply(int)
        self.register_outputs({"teamId": self.team_id})

    def _found(self, team: Team) -> pulumi.Output[str]:
        return github.get_team_output(slug=team.name, opts=pulumi.InvokeOutputOptions(parent=self)).id

    def _made(self, name: str, args: TeamAccessArgs) -> pulumi.Output[str]:
        team, mark = args["team"], args["mark"]
        child = pulumi.ResourceOptions(parent=self)
        made = github.Team(
            f"{name}-team",
            name=team.name,
            description=marked("Owns services of the platform", mark),
            privacy="closed",
            opts=child,
        )
        github.TeamMembers(
            f"{name}-members",
            team_id=made.id,
            members=[
                # GitHub's spelling of a login is not read back; the provider compares in lower case.
                github.TeamMembersMemberArgs(username=member.login.lower(), role=member.role.value)
                for member in team.members
                if member.login.lower() not in args["invited"]
            ],
            opts=child,
        )
        return made.id
