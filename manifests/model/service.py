"""The settings about services: what a team owns and where it runs."""

from pydantic import Field, JsonValue

from manifests.model.base import Description, Line, model
from manifests.model.kinds import IgnoredDifference
from manifests.model.names import DnsLabel, MaintenanceBranch, RepositoryName, ServiceName, TeamSlug
from manifests.model.pull_requests import PullRequests


@model
class Template:
    """A service template of the platform's own, beside those of `templates/services/`."""

    name: DnsLabel
    """What services call it."""
    source: Line
    """Where it is: a folder of the platform repository, such as ./our-templates/web, or a Git address."""
    version: Line | None = None
    """With a Git address: its tag or branch. A version that was fetched is kept on the machine."""


@model
class Service:
    """What a team owns: a repository, a chart, and an Application per environment."""

    name: ServiceName
    """Its name; namespaces are <service>-<environment>."""
    template: DnsLabel
    """What its repository and chart start from: a folder of `templates/services/`, or a name of `templates`."""
    team: TeamSlug
    """The team that owns it."""
    environments: tuple[DnsLabel, ...] | None = None
    """Where it runs. Unset: in every environment."""
    repository: RepositoryName | None = None
    """Its repository. Unset: its name."""
    description: Description | None = None
    """One line for the repository's page."""
    maintenance_branch: MaintenanceBranch | None = None
    """The protected branches that older versions are released from beside main, such as release/{major}.{minor}: then
    v1.2.4 may be tagged on release/1.2. Unset: versions come from main alone."""
    ignore_differences: tuple[IgnoredDifference, ...] = ()
    """Fields of this service that others write, in every environment."""
    answers: dict[str, JsonValue] = Field(default_factory=dict)
    """Answers to the questions of its template, by name. Unset: their defaults."""
    pull_requests: PullRequests | None = None
    """Runs labelled pull requests of it. Unset: none."""
    overrides: dict[DnsLabel, dict[str, JsonValue]] = Field(default_factory=dict)
    """Chart values per environment that its values.yaml starts with; the file is the team's afterwards."""

    @property
    def repository_name(self) -> str:
        """The repository's name."""
        return self.repository or self.name

    def runs_in(self, environment: str) -> bool:
        """Whether it runs in an environment."""
        return self.environments is None or environment in self.environments
