"""The repository of a service: its code, its release workflow, and rules under which its tags can be trusted."""

from collections.abc import Sequence
from typing import TypedDict

import pulumi
import pulumi_github as github

from components.github.committed_files import CommittedFiles
from components.github.guarded_environment import guarded_environment
from components.github.marks import marked
from components.github.repository import repository
from components.github.rulesets import enforce
from components.github.teams import TeamAccess
from components.github.workflow_settings import REQUESTER_KEY, pushing, service_variables, workflow_settings
from components.secrets import PlatformSecrets
from manifests import rules
from manifests.model import AUTOMATION, Service, Settings
from manifests.repository_files import service_repository_files, tracked_branches
from slipway_release.tags import tag_patterns


class ServiceRepositoryArgs(TypedDict):
    """Whose repository it is and what it may ask for."""

    settings: Settings
    """The stack's settings."""
    service: Service
    """The service."""
    team: TeamAccess
    """The team that owns it."""
    prerequisites: Sequence[pulumi.Resource]
    """What its workflows call; a commit whose workflows call what is not there starts a failing run."""
    secrets: PlatformSecrets
    """The stack's secrets; the repository gets the requester's key and no other App's."""


class ServiceRepository(pulumi.ComponentResource):
    """A repository that a team owns and that can ask for promotions of itself."""

    repository: github.Repository
    """The repository."""
    files: CommittedFiles
    """Its files."""

    def __init__(self, name: str, args: ServiceRepositoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:index:ServiceRepository", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        settings, service = args["settings"], args["service"]
        description = service.description or f"{service.name}, a {service.template} service of {service.team}"
        self.repository = repository(
            f"{name}-repository",
            settings=settings.github,
            repository_name=service.repository_name,
            description=marked(description, settings.mark),
            parent=self,
        )
        files = service_repository_files(settings, service)
        self.files = CommittedFiles(
            f"{name}-files",
            {
                "repository": self.repository.name,
                "owned": files.owned,
                "seeded": files.seeded,
                "whole": [""],
                "executable": sorted(files.executable),
                "message": f"Start from the {service.template} template",
                # Not `[skip ci]`, which would also silence a release tag on this commit.
                "trailer": f"Slipway-Files: {settings.stack}",
                "changes": settings.github.owned_files,
            },
            pulumi.ResourceOptions(parent=self, depends_on=list(args["prerequisites"])),
        )
        # Under the rules the first commit would be a pull request, so they come after it.
        guarded = pulumi.ResourceOptions(parent=self, depends_on=[self.files])
        self._rules(name, settings, service, args["team"], guarded)
        self._access(name, settings, args, child)
        self.register_outputs({"url": self.repository.html_url})

    def _rules(
        self, name: str, settings: Settings, service: Service, team: TeamAccess, opts: pulumi.ResourceOptions
    ) -> None:
        for ruleset in rules.service_rules(settings, service):
            teams = {service.team: team.number}
            enforce(name, ruleset, repository=self.repository.name, opts=opts, teams=teams)

    def _access(self, name: str, settings: Settings, args: ServiceRepositoryArgs, opts: pulumi.ResourceOptions) -> None:
        github.TeamRepository(
            f"{name}-team-access",
            team_id=args["team"].team_id,
            repository=self.repository.name,
            permission="push",
            # In a renamed repository the old access is the new one: deleted last, it would take both away.
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True)),
        )
        service = args["service"]
        guarded_environment(
            f"{name}-{AUTOMATION}",
            self.repository.name,
            {
                "environment": AUTOMATION,
                "branches": tracked_branches(settings, service),
                "tags": tag_patterns(settings.environments_of(service)),
                "secrets": {REQUESTER_KEY: args["secrets"].requester_private_key} | pushing(args["secrets"]),
            },
            opts,
        )
        workflow_settings(
            name,
            self.repository.name,
            variables=service_variables(settings),
            opts=opts,
        )
