"""The settings about people: teams of the GitHub organisation."""

from manifests.model.base import Choice, model
from manifests.model.names import ClusterGroup, Login, SsoGroup, TeamSlug


class MemberRole(Choice):
    """What a member may do in its team."""

    MEMBER = "member"
    MAINTAINER = "maintainer"


@model
class Member:
    """A person in a team."""

    login: Login
    """The account on GitHub."""
    role: MemberRole = MemberRole.MEMBER
    """Maintainers may add and remove members on GitHub; `pulumi up --refresh` puts the list back."""


@model
class Team:
    """A team of the organisation."""

    name: TeamSlug
    """Its slug."""
    members: tuple[Member, ...] = ()
    """Everybody in it. The list is kept: who is not in it is removed."""
    sso_group: SsoGroup | None = None
    """Its group as the provider of `argocd.sso` names it. Unset: `<owner>:<name>`, as Dex names GitHub's teams."""
    cluster_group: ClusterGroup | None = None
    """Its group in the clusters. Unset: `cluster.groupPrefix` and its name."""
    existing: bool = False
    """Whether the team and its members are managed elsewhere, by an identity provider for example."""
