"""Looks at GitHub, the cluster and the provider of logins before the first write.

`slipway:preflight: false` leaves it out.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pulumi

from components.adoption import Adoption
from components.argocd.provider import provider_problems
from components.github.api import GitHubApi
from components.github.apps import OPERATOR, ROLES
from components.github.credentials import AppKey, Credentials, Token
from components.github.invitations import invited
from components.github.kept_connections import KeptConnections
from components.github.preflight import Findings, github_findings
from components.github.preflight.leaving import leaving_namespaces
from components.state import State, read_state
from manifests.model import GitHub, OwnedFiles, Settings
from slipway_release.exchange import Exchange, exchange
from slipway_release.version import VERSION, numbers
from stacks.clone import commit_of, missing_commit, older_commit
from stacks.override_checks import override_findings
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
    state = read_state()
    downgrade, clone = config.get_bool("downgrade") is True, Path.cwd()
    version, commit = (state.version, state.commit) if state else ("", "")
    if older := older_than(version, allowed=downgrade) or older_commit(commit, clone, allowed=downgrade):
        raise SurroundingsError([older])
    if missing := missing_commit(commit, clone):
        pulumi.log.warn(missing)
    with ThreadPoolExecutor(2) as aside, KeptConnections() as kept:
        api = _api(settings.github, kept)
        cluster = aside.submit(_cluster_problems, settings, state)
        provider = aside.submit(lambda: list(provider_problems(settings)))
        findings = Findings(problems=_ambient(settings.github))
        found = github_findings(settings, api, _app_keys(settings.github), state)
        findings.add(
            [*override_findings(settings), *found.problems, *found.advice, *cluster.result(), *provider.result()]
        )
    for advice in findings.advice:
        pulumi.log.warn(advice)
    if adoptable := findings.adoptable:
        findings.problems.append(
            f"adopt: to take over what exists, set `{NAMESPACE}:adopt: [{', '.join(adoptable)}]` in the stack file;"
            " docs/adopt.md goes through it"
        )
    if findings.problems:
        raise SurroundingsError(findings.problems)


def recorded_commit() -> str:
    """The commit that is deployed: that of this clone, and outside of one the last that is known of."""
    here = commit_of(Path.cwd())
    state = None if here else read_state()
    return state.commit if state else here


def _cluster_problems(settings: Settings, state: State | None) -> list[str]:
    """Looks at the cluster; GitHub is asked meanwhile."""
    # The Kubernetes client takes longer to import than a plan without it takes.
    from components.argocd.preflight import cluster_problems  # noqa: PLC0415

    return cluster_problems(settings, state)


def older_than(last: str, *, allowed: bool) -> str:
    """Why this Slipway may not change what another one has made; empty where it may.

    Args:
        last: the version that last changed the platform; empty where that is not known.
        allowed: whether the settings permit an older one.
    """
    try:
        newer = bool(last) and numbers(last) > numbers(VERSION)
    except ValueError:
        newer = False
    if not newer or allowed:
        return ""
    return (
        f"slipwayVersion: Slipway {last} was here last, and this is {VERSION}, which does not know all that it made;"
        f" merge {last} or a newer one, or set `{NAMESPACE}:downgrade: true` for one `pulumi up`"
    )


def adopting(settings: Settings) -> list[pulumi.ResourceTransformation]:
    """What imports the resources that `slipway:adopt` names; nothing where it names none."""
    if not settings.adopt:
        return []
    from components.argocd.preflight import has_release  # noqa: PLC0415 - as above

    return [Adoption(settings, _api(settings.github), read_state(), has_release=has_release(settings))]


def waited_for(settings: Settings) -> Mapping[str, frozenset[str]]:
    """The logins that each team waits for, by the team's name; none where GitHub is not looked at."""
    if pulumi.Config(NAMESPACE).get_bool("preflight") is False:
        return {}
    return invited(settings, _api(settings.github))


def still_in_git(settings: Settings) -> Mapping[str, Sequence[str]]:
    """The namespaces that Git keeps until a pull request takes them out, by environment.

    Argo CD syncs what Git has as a whole or not at all, so they stay permitted that long. None where GitHub is not
    looked at.
    """
    if settings.github.owned_files is OwnedFiles.COMMIT or pulumi.Config(NAMESPACE).get_bool("preflight") is False:
        return {}
    return leaving_namespaces(settings, _api(settings.github))


def _api(github: GitHub, exchange: Exchange = exchange) -> GitHubApi:
    return GitHubApi(github.api_url, _credentials(github), deadline_seconds=PATIENCE_SECONDS, exchange=exchange)


def _ambient(github: GitHub) -> list[str]:
    """What the GitHub provider takes from the environment although it is told otherwise."""
    problems = [
        f"{name}: it is {value!r} in the environment and would win over github.owner; unset it"
        for name in ("GITHUB_ORGANIZATION", "GITHUB_OWNER")
        if (value := os.environ.get(name, "")) and value.lower() != github.owner.lower()
    ]
    if github.app is not None and os.environ.get("GITHUB_TOKEN"):
        problems.append("GITHUB_TOKEN: it is set in the environment and would win over github.app; unset it")
    return problems


def _app_keys(github: GitHub) -> dict[str, str]:
    return {role.secret: secret_text(role.secret) for role in (OPERATOR, *ROLES) if role.of(github) is not None}


def _credentials(github: GitHub) -> Credentials:
    if github.app is None:
        return Token(secret_text("githubToken"))
    return AppKey(github.app.id, github.app.installation_id, secret_text("githubAppPrivateKey"))
