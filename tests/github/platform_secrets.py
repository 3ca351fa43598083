"""The secrets of a platform of which only GitHub is made."""

import pulumi

from components.secrets import PlatformSecrets


def platform_secrets(*, token: str | None = None, app_key: str | None = None) -> PlatformSecrets:
    """As `stacks.secrets` reads them, with the token or the App's key that `pulumi up` acts with."""
    secret = pulumi.Output.secret("x")
    return PlatformSecrets(
        github_token=None if token is None else pulumi.Output.secret(token),
        github_app_private_key=None if app_key is None else pulumi.Output.secret(app_key),
        promoter_private_key=secret,
        requester_private_key=secret,
        argocd_private_key=secret,
        webhook_secret=None,
        registry_password=None,
        packages_token=None,
        slack_token=None,
        argocd_values={},
    )
