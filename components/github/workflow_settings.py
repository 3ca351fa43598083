"""What the workflows of a repository may do and are given: little."""

from collections.abc import Mapping

import pulumi
import pulumi_github as github

from manifests.model import Registry


def workflow_settings(
    name: str,
    repository: pulumi.Input[str],
    *,
    secrets: Mapping[str, pulumi.Input[str]],
    variables: Mapping[str, str],
    registry: tuple[Registry, pulumi.Input[str] | None],
    opts: pulumi.ResourceOptions,
) -> None:
    """Read-only tokens by default, and the secrets and variables that the release workflows name.

    Args:
        name: what the resources' names begin with.
        repository: the repository's name.
        secrets: values by name.
        variables: values by name.
        registry: where images are pushed, and the password where it does not take the workflows' own token.
        opts: of each resource.
    """
    settings, password = registry
    if settings.username is not None and password is not None:
        secrets = {**secrets, "REGISTRY_PASSWORD": password}
        variables = {**variables, "REGISTRY_USERNAME": settings.username}
    github.WorkflowRepositoryPermissions(
        f"{name}-workflow-permissions",
        repository=repository,
        default_workflow_permissions="read",
        can_approve_pull_request_reviews=False,
        opts=opts,
    )
    for secret, value in secrets.items():
        github.ActionsSecret(
            f"{name}-{_slug(secret)}", repository=repository, secret_name=secret, value=value, opts=opts
        )
    for variable, text in variables.items():
        github.ActionsVariable(
            f"{name}-{_slug(variable)}", repository=repository, variable_name=variable, value=text, opts=opts
        )


def _slug(name: str) -> str:
    return name.lower().replace("_", "-")
