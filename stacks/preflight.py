"""Looks at GitHub and the cluster before the first write; `slipway:preflight: false` leaves it out."""

import os
from concurrent.futures import ThreadPoolExecutor

import pulumi

from components.github.api import GitHubApi
from components.github.credentials import AppKey, Credentials, Token
from components.github.preflight import github_problems
from manifests.model import GitHub, Settings
from stacks.problems import NAMESPACE
from stacks.secrets import secret_text

PATIENCE_SECONDS = 20
"""How long GitHub may stay silent until it counts as unreachable."""


class SurroundingsError(pulumi.RunError):
    """All that is in the way on GitHub and in the cluster; Pulumi prints it without a traceback."""

    def __init__(self, problems: list[str]) -> None:
        self.problems: list[str] = problems
        lines = ["GitHub and the cluster are not ready; nothing was changed", *(f"  {problem}" for problem in problems)]
        super().__init__("\n".join(lines))


def check_surroundings(settings: Settings) -> None:
    """Finds what exists and is not ours, and what is not allowed.

    Raises:
        SurroundingsError: something is in the way; it names everything that is.
    """
    config = pulumi.Config(NAMESPACE)
    if config.get_bool("preflight") is False:
        return
    # The Kubernetes client takes longer to import than a plan without it takes.
    from components.argocd.preflight import cluster_problems  # noqa: PLC0415

    credentials = _credentials(settings.github)
    api = GitHubApi(settings.github.api_url, credentials, deadline_seconds=PATIENCE_SECONDS)
    with ThreadPoolExecutor(1) as aside:
        cluster = aside.submit(cluster_problems, settings)
        problems = [*_ambient(settings.github), *github_problems(settings, api, credentials), *cluster.result()]
    if problems:
        raise SurroundingsError(problems)


def _ambient(github: GitHub) -> list[str]:
    """The GitHub provider lets GITHUB_OWNER win over what it is told."""
    owner = os.environ.get("GITHUB_OWNER", github.owner)
    return [] if owner == github.owner else [f"GITHUB_OWNER: it is {owner} and would win over github.owner; unset it"]


def _credentials(github: GitHub) -> Credentials:
    if github.app is None:
        return Token(secret_text("githubToken"))
    return AppKey(github.app.id, github.app.installation_id, secret_text("githubAppPrivateKey"))
