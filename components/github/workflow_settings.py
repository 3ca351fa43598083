"""What the workflows of a repository may do and are told: little. Their keys are in environments."""

from collections.abc import Mapping

import pulumi
import pulumi_github as github

from manifests.model import Registry


def workflow_settings(
    name: str,
    repository: pulumi.Input[str],
    *,
    variables: Mapping[str, str],
    registry: Registry,
    opts: pulumi.ResourceOptions,
) -> None:
    """Read-only tokens by default, and the variables that the release workflows name.

    Args:
        name: what the resources' names begin with.
        repository: the repository's name.
        variables: values by name.
        registry: where images are pushed.
        opts: of each resource.
    """
    if registry.username is not None:
        variables = {**variables, "REGISTRY_USERNAME": registry.username}
    github.WorkflowRepositoryPermissions(
        f"{name}-workflow-permissions",
        repository=repository,
        default_workflow_permissions="read",
        can_approve_pull_request_reviews=False,
        # In a renamed repository, deleting the old setting last would reset the new one.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True)),
    )
    for variable, text in variables.items():
        github.ActionsVariable(
            f"{name}-{variable.lower().replace('_', '-')}",
            repository=repository,
            variable_name=variable,
            value=text,
            opts=opts,
        )


def registry_secrets(registry: Registry, password: pulumi.Input[str] | None) -> dict[str, pulumi.Input[str]]:
    """The password that images are pushed and read with; none where the registry takes the workflow's own token."""
    return {"REGISTRY_PASSWORD": password} if registry.username is not None and password is not None else {}
