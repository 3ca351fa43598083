"""The secrets of a stack, as the components take them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi


@dataclass(frozen=True, kw_only=True)
class PlatformSecrets:
    """Secret outputs; what is None is not needed by this stack's settings."""

    github_token: pulumi.Output[str] | None
    """The token `pulumi up` acts with, where it is not an App."""
    github_app_private_key: pulumi.Output[str] | None
    """The key of the App `pulumi up` acts as."""
    promoter_private_key: pulumi.Output[str]
    """The key that the environment repository writes releases with."""
    requester_private_key: pulumi.Output[str]
    """The key that service repositories ask for promotions with."""
    argocd_private_key: pulumi.Output[str]
    """The key Argo CD reads the environment repository and reports with."""
    webhook_secret: pulumi.Output[str] | None
    """What GitHub signs its webhook with."""
    registry_password: pulumi.Output[str] | None
    """What workflows push images with, where the registry does not take their own token."""
    packages_token: pulumi.Output[str] | None
    """What packages are read with."""
    slack_token: pulumi.Output[str] | None
    """The token of the Slack app that posts."""
    argocd_values: Mapping[str, Any]
    """What `argocd.values` of the settings leaves out: values of the chart, whose leaves are secret outputs."""
    sso_client_secret: pulumi.Output[str] | None = None
    """What Argo CD proves itself with to the provider of single sign-on."""
