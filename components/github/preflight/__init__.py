"""Checks of GitHub before the first write; each problem has its remedy."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from components.github.api import GitHubApi
from components.github.errors import GitHubError
from components.github.preflight.credential import lifetime_advice, reviewer_problems, token_problems
from components.github.preflight.findings import PARALLEL, Adoptable, Advice, Check, Findings, later, side_by_side
from components.github.preflight.installed_apps import app_checks
from components.github.preflight.leaving import leaving_advice
from components.github.preflight.names import (
    environment_repository_problems,
    find_repository,
    member_problems,
    repository_problems,
    team_problems,
)
from components.github.preflight.organisation import actions_problems, find_organisation, plan_problems
from components.github.preflight.rulesets import ruleset_problems
from components.state import State
from manifests.model import Settings, Visibility
from manifests.model.argocd import GHCR

__all__ = ["Adoptable", "Advice", "Findings", "github_findings"]


def github_findings(
    settings: Settings, api: GitHubApi, keys: Mapping[str, str], state: State | None = None
) -> Findings:
    """Everything that is in the way, in the order in which a person would mend it; nothing is written.

    Args:
        settings: the stack's settings.
        api: GitHub, as the account that `pulumi up` acts as.
        keys: the private keys of the Apps, by the name of their setting, such as `promoterPrivateKey`.
        state: what Pulumi knows; None where that cannot be asked, and then what carries the stack's mark is ours.
    """
    findings = Findings()
    try:
        organisation = find_organisation(settings.github, api)
    except GitHubError as error:
        # An App that acts and whose own key or installation is wrong is the likely reason, and says more.
        acts_as_app = settings.github.app is not None and error.status
        findings.add(side_by_side(app_checks(settings, api, keys, set())) if acts_as_app else [])
        findings.problems = findings.problems or [f"{settings.github.base_url}: {error}"]
        return findings
    if isinstance(organisation, str):
        findings.problems.append(organisation)
        return findings
    names: list[str] = [
        settings.github.environment_repository,
        *(service.repository_name for service in settings.services),
    ]
    with ThreadPoolExecutor(PARALLEL) as pool:
        found = dict(zip(names, pool.map(partial(find_repository, settings, api), names), strict=True))
    there = {name for name, repository in found.items() if isinstance(repository, dict)}
    checks: list[Check] = [
        *([later(token_problems, settings, api)] if settings.github.app is None else []),
        lambda: plan_problems(settings, organisation),
        lambda: actions_problems(settings, api, there),
        lambda: ruleset_problems(settings, api),
        *app_checks(settings, api, keys, there),
        lambda: reviewer_problems(settings, api),
        lambda: lifetime_advice(settings, there),
        later(environment_repository_problems, settings, state),
        *(later(team_problems, settings, state, api, team) for team in settings.teams),
        *(later(member_problems, settings, api, login) for login in sorted(_logins(settings))),
        *(later(repository_problems, settings, state, api, name, repository) for name, repository in found.items()),
        later(leaving_advice, settings, api)
        if settings.github.environment_repository in there
        else lambda: _first_release_advice(settings),
    ]
    findings.add(side_by_side(checks))
    return findings


def _first_release_advice(settings: Settings) -> list[str]:
    """What surprises people at their first release; once the platform is there, they know."""
    registry = settings.registry
    hidden = registry.server == GHCR and settings.github.visibility is not Visibility.PUBLIC
    found: list[str] = []
    if registry.lacks_account:
        text = f"registry.username: {registry.server} takes no image without an account; set it and registryPassword"
        found.append(Advice(f"{text} before the first release (docs/registries.md)"))
    if hidden and registry.pull_username is None:
        text = f"registry.pullUsername: packages of {GHCR} are private at first, and neither the environment repository"
        remedy = "set it and packagesToken before the first release (docs/registries.md)"
        found.append(Advice(f"{text} nor the cluster may read them; {remedy}"))
    return found


def _logins(settings: Settings) -> set[str]:
    return {member.login for team in settings.teams for member in team.members}
