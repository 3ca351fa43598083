"""What the workflows of a repository may do and are told: little. Their keys are in environments."""

from collections.abc import Mapping

import pulumi
import pulumi_github as github

from components.secrets import PlatformSecrets
from manifests.model import Settings
from slipway_release import announce

_PASSWORD = "REGISTRY_PASSWORD"
PROMOTER_KEY, REQUESTER_KEY = "PROMOTER_PRIVATE_KEY", "REQUESTER_PRIVATE_KEY"
KEYS = frozenset({PROMOTER_KEY, REQUESTER_KEY, _PASSWORD, announce.WEBHOOK, announce.SLACK_TOKEN})
"""The secrets of the environments."""


PROMOTER_ID, REGISTRY_ACCOUNT = "PROMOTER_APP_ID", "REGISTRY_USERNAME"
VARIABLES = frozenset({PROMOTER_ID, REGISTRY_ACCOUNT, announce.SLACK_CHANNEL})
"""What workflows with a key take from variables, which everybody may change who may push."""


def workflow_settings(
    name: str,
    repository: pulumi.Input[str],
    *,
    variables: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> None:
    """Read-only tokens by default, and the variables that the release workflows name.

    Args:
        name: what the resources' names begin with.
        repository: the repository's name.
        variables: values by name.
        opts: of each resource.
    """
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


def pushing(secrets: PlatformSecrets) -> dict[str, pulumi.Input[str]]:
    """The secrets that images are pushed with; none where the registry takes the workflow's own token."""
    return {} if secrets.registry_password is None else {_PASSWORD: secrets.registry_password}


def reading(secrets: PlatformSecrets) -> dict[str, pulumi.Input[str]]:
    """The secrets that images are looked for with: of the account that only reads, if there is one."""
    return pushing(secrets) if secrets.packages_token is None else {_PASSWORD: secrets.packages_token}


def announcing(settings: Settings, secrets: PlatformSecrets) -> dict[str, pulumi.Input[str]]:
    """The secrets that a chat is told with; none where there is no chat."""
    notifications = settings.notifications
    url, token = notifications.webhook_url, secrets.slack_token
    return {
        **({announce.WEBHOOK: pulumi.Output.secret(url)} if url is not None else {}),
        **({announce.SLACK_TOKEN: token} if token is not None and notifications.slack_channel else {}),
    }


def environment_variables(settings: Settings) -> dict[str, str]:
    """Those of the environment repository: the App that acts, the channel that is told, and who reads the registry."""
    channel, registry = settings.notifications.slack_channel, settings.registry
    return {
        PROMOTER_ID: settings.github.promoter.id,
        **({announce.SLACK_CHANNEL: channel.removeprefix("#")} if channel else {}),
        **_account(registry.pull_username or registry.username),
    }


def service_variables(settings: Settings) -> dict[str, str]:
    """Those of a service's repository. What else its workflows must know is written into them: each costs a call."""
    return _account(settings.registry.username)


def _account(name: str | None) -> dict[str, str]:
    """Who logs in to the registry; none where it takes the workflow's own token."""
    return {} if name is None else {REGISTRY_ACCOUNT: name}
