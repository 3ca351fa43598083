"""GitHub environments: the only place of a key, because a workflow reaches one from chosen branches and tags alone.

A secret of the repository is given to every workflow that somebody pushes on some branch. A secret of an environment
is given to jobs that name it, and GitHub refuses those of any other ref before they start.
"""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_github as github


class GuardedEnvironment(TypedDict):
    """Who reaches an environment and what it holds."""

    environment: str
    """Its name."""
    branches: NotRequired[Sequence[str]]
    """Patterns of the branches whose workflows reach it."""
    tags: NotRequired[Sequence[str]]
    """Patterns of the tags whose workflows reach it."""
    secrets: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Values by name."""
    reviewers: NotRequired[Sequence[pulumi.Input[int]]]
    """Teams; one of their members approves each job. Unset: jobs need no approval."""
    path: NotRequired[str]
    """Where the settings name the reviewers, for errors."""


def guarded_environment(
    name: str, repository: pulumi.Input[str], guarded: GuardedEnvironment, opts: pulumi.ResourceOptions
) -> github.RepositoryEnvironment:
    """Makes an environment, says what reaches it, and only then puts its secrets into it.

    Args:
        name: what the resources' names begin with.
        repository: the repository's name.
        guarded: who reaches it and what it holds.
        opts: of each resource.
    """
    numbers = list(guarded.get("reviewers", ()))
    gate = github.RepositoryEnvironment(
        f"{name}-environment",
        environment=guarded["environment"],
        repository=repository,
        reviewers=[github.RepositoryEnvironmentReviewerArgs(teams=numbers)] if numbers else None,
        prevent_self_review=bool(numbers),
        can_admins_bypass=False,
        deployment_branch_policy=github.RepositoryEnvironmentDeploymentBranchPolicyArgs(
            protected_branches=False, custom_branch_policies=True
        ),
        opts=opts,
    )
    # A preview does not know reviewers of which there are none, and would show what depends on them as replaced.
    reviewed = gate.environment
    if numbers:
        reviewed = pulumi.Output.all(
            path=guarded.get("path", name), name=gate.environment, wanted=numbers, reviewers=gate.reviewers
        ).apply(lambda found: _kept(**found))
    policies = [
        github.RepositoryEnvironmentDeploymentPolicy(
            f"{name}-from-{_slug(pattern)}",
            repository=repository,
            environment=reviewed,
            branch_pattern=pattern if kind == "branch" else None,
            tag_pattern=pattern if kind == "tag" else None,
            opts=opts,
        )
        for kind, patterns in (("branch", guarded.get("branches", ())), ("tag", guarded.get("tags", ())))
        for pattern in patterns
    ]
    for secret, value in guarded.get("secrets", {}).items():
        github.ActionsEnvironmentSecret(
            f"{name}-{_slug(secret)}",
            repository=repository,
            environment=gate.environment,
            secret_name=secret,
            value=value,
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=policies)),
        )
    return gate


def _slug(text: str) -> str:
    return text.lower().replace("_", "-").replace("/", "-").replace("*", "any")


def _kept(path: str, name: str, wanted: list[int], reviewers: Sequence[Mapping[str, Sequence[int]]] | None) -> str:
    """The name of a GitHub environment, once GitHub has kept its reviewers."""
    kept = {int(team) for reviewer in reviewers or [] for team in reviewer.get("teams") or []}
    if missing := [str(int(number)) for number in wanted if int(number) not in kept]:
        raise pulumi.RunError(
            f"{path}: GitHub did not keep the teams with the ids {', '.join(missing)} as reviewers of {name};"
            " see that they can read the environment repository, and run `pulumi up` again"
        )
    return name
