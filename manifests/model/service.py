"""The settings about services: what a team owns and where it runs."""

from pydantic import Field, JsonValue

from manifests.model.base import Description, DnsLabel, RepositoryName, ServiceName, TeamSlug, model
from manifests.model.environment import IgnoredDifference


@model
class Service:
    """What a team owns: a repository, a chart, and an Application per environment."""

    name: ServiceName
    """Its name; namespaces are <service>-<environment>."""
    template: DnsLabel
    """The folder of `templates/services/` that its repository and chart start from."""
    team: TeamSlug
    """The team that owns it."""
    environments: tuple[DnsLabel, ...] | None = None
    """Where it runs. Unset: in every environment."""
    repository: RepositoryName | None = None
    """Its repository. Unset: its name."""
    description: Description | None = None
    """One line for the repository's page."""
    ignore_differences: tuple[IgnoredDifference, ...] = ()
    """Fields of this service that others write, in every environment."""
    overrides: dict[DnsLabel, dict[str, JsonValue]] = Field(default_factory=dict)
    """Chart values per environment that its values.yaml starts with; the file is the team's afterwards."""

    @property
    def repository_name(self) -> str:
        """The repository's name."""
        return self.repository or self.name
