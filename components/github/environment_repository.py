"""The environment repository: what runs where, the release program, and the gates in front of each environment."""

from collections.abc import Mapping
from typing import TypedDict

import pulumi
import pulumi_github as github

from components.github.branch_contents import WORKFLOWS
from components.github.committed_files import CommittedFiles
from components.github.guarded_environment import guarded_environment
from components.github.marks import marked
from components.github.release_branch import ReleaseBranch
from components.github.repository import repository
from components.github.rulesets import enforce
from components.github.teams import TeamAccess
from components.github.tree import blob_sha
from components.github.workflow_settings import (
    PROMOTER_KEY,
    announcing,
    environment_variables,
    reading,
    workflow_settings,
)
from components.secrets import PlatformSecrets
from manifests import rules
from manifests.access import repository_permission
from manifests.model import AUTOMATION, ActionsPolicy, Settings, Visibility
from manifests.repository_files import environment_repository_files
from slipway_release import layout
from slipway_release.platform_types import MAIN

LABELS = {
    "release": ("0e8a16", "Delivers a release to an environment"),
    "rollback": ("d93f0b", "Takes a bad release back"),
    "slipway": ("1d76db", "Changes files that the platform's settings own"),
}


class EnvironmentRepositoryArgs(TypedDict):
    """What the environment repository holds and who may change it."""

    settings: Settings
    """The stack's settings."""
    teams: Mapping[str, TeamAccess]
    """The teams, by name."""
    secrets: PlatformSecrets
    """The stack's secrets; no other repository gets the promoter's key."""


class EnvironmentRepository(pulumi.ComponentResource):
    """The repository that Argo CD follows."""

    repository: github.Repository
    """The repository."""
    files: CommittedFiles
    """Its files; Applications depend on them."""
    prerequisites: list[pulumi.Resource]
    """What must be there before workflows of services can call those of this repository."""
    branches: list[ReleaseBranch]
    """Where the releases of each environment are; its Applications depend on it."""

    def __init__(self, name: str, args: EnvironmentRepositoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:index:EnvironmentRepository", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        settings = args["settings"]
        self.repository = repository(
            f"{name}-repository",
            settings=settings.github,
            repository_name=settings.github.environment_repository,
            description=marked("What runs where: charts, values and releases", settings.mark),
            parent=self,
        )
        files = environment_repository_files(settings)
        self.files = CommittedFiles(
            f"{name}-files",
            {
                "repository": self.repository.name,
                "owned": files.owned,
                "seeded": files.seeded,
                "whole": [f"{layout.chart_folder(service.name)}/" for service in settings.services],
                "executable": sorted(files.executable),
                "message": "Describe the platform",
                "trailer": "[skip ci]",
                "changes": settings.github.owned_files,
            },
            child,
        )
        # Under the rules the first commit would be a pull request, so they come after it.
        guarded = pulumi.ResourceOptions(parent=self, depends_on=[self.files])
        ruled = self._rules(name, settings, guarded)
        workflows = {path: blob_sha(text) for path, text in files.owned.items() if path.startswith(WORKFLOWS)}
        self.branches = [
            ReleaseBranch(
                f"{name}-{environment.name}-branch",
                {
                    "repository": self.repository.name,
                    "environment": environment.name,
                    "branch": environment.target_branch,
                    "folders": [layout.chart_folder(service.name) for service in settings.services_of(environment)],
                    "workflows": {} if environment.target_branch == MAIN else workflows,
                },
                # Rules from before may keep out who brings main's workflows to the branches.
                pulumi.ResourceOptions.merge(guarded, pulumi.ResourceOptions(depends_on=ruled)),
            )
            for environment in settings.environments
        ]
        access = self._access(name, settings, args, child)
        self._gates(name, settings, args, access, guarded)
        self.prerequisites = [self.files, *self._actions(name, settings, child)]
        self.register_outputs({"url": self.repository.html_url})

    def _rules(self, name: str, settings: Settings, opts: pulumi.ResourceOptions) -> list[github.RepositoryRuleset]:
        return [
            enforce(name, ruleset, repository=self.repository.name, opts=opts)
            for ruleset in rules.environment_rules(settings)
        ]

    def _gates(
        self,
        name: str,
        settings: Settings,
        args: EnvironmentRepositoryArgs,
        access: Mapping[str, github.TeamRepository],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """The environments, each with the keys that a delivery needs, and the one of all other workflows."""
        # The program of any other branch could be a changed one, and would have the promoter's key.
        branches = ["main"]
        given = args["secrets"]
        secrets = {
            PROMOTER_KEY: given.promoter_private_key,
            **reading(given),
            **announcing(settings, given),
        }
        guarded_environment(
            f"{name}-{AUTOMATION}",
            self.repository.name,
            {"environment": AUTOMATION, "branches": branches, "secrets": secrets},
            opts,
        )
        for environment in settings.environments:
            # GitHub drops a reviewer who cannot read the repository, and does not say so.
            allowed = pulumi.ResourceOptions(depends_on=[access[team] for team in environment.reviewers])
            guarded_environment(
                f"{name}-{environment.name}",
                self.repository.name,
                {
                    "environment": environment.name,
                    "branches": branches,
                    "secrets": secrets,
                    "reviewers": [args["teams"][team].number for team in environment.reviewers],
                    "path": f"environments[{environment.name}].approvers",
                },
                pulumi.ResourceOptions.merge(opts, allowed),
            )

    def _actions(self, name: str, settings: Settings, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
        access: list[pulumi.Resource] = []
        if settings.github.visibility is not Visibility.PUBLIC:
            # Workflows of public repositories can be called by everybody; GitHub refuses the setting there.
            level = github.ActionsRepositoryAccessLevel(
                f"{name}-workflow-access", repository=self.repository.name, access_level="organization", opts=opts
            )
            access.append(level)
        if settings.github.actions_policy is ActionsPolicy.REPOSITORY:
            # This repository's workflows get the promoter's key: no action of a third party runs beside it.
            github.ActionsRepositoryPermissions(
                f"{name}-actions",
                repository=self.repository.name,
                enabled=True,
                allowed_actions="selected",
                allowed_actions_config=github.ActionsRepositoryPermissionsAllowedActionsConfigArgs(
                    github_owned_allowed=True, verified_allowed=False, patterns_alloweds=[f"{settings.github.owner}/*"]
                ),
                opts=opts,
            )
        workflow_settings(
            name,
            self.repository.name,
            variables=environment_variables(settings),
            opts=opts,
        )
        for label, (color, description) in LABELS.items():
            github.IssueLabel(
                f"{name}-{label}-label",
                repository=self.repository.name,
                name=label,
                color=color,
                description=description,
                opts=opts,
            )
        return access

    def _access(
        self, name: str, settings: Settings, args: EnvironmentRepositoryArgs, opts: pulumi.ResourceOptions
    ) -> dict[str, github.TeamRepository]:
        accesses = {
            team: github.TeamRepository(
                f"{name}-{team}-access",
                team_id=access.team_id,
                repository=self.repository.name,
                permission=repository_permission(settings, settings.team(team)),
                opts=opts,
            )
            for team, access in args["teams"].items()
        }
        url, secret = settings.argocd.url, args["secrets"].webhook_secret
        if settings.argocd.receives_webhooks and url is not None and secret is not None:
            github.RepositoryWebhook(
                f"{name}-argocd-webhook",
                repository=self.repository.name,
                active=True,
                events=["push"],
                configuration=github.RepositoryWebhookConfigurationArgs(
                    url=f"{url.rstrip('/')}/api/webhook", content_type="json", secret=secret, insecure_ssl=False
                ),
                opts=opts,
            )
        return accesses
