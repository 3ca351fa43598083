"""CODEOWNERS of the environment repository: who must agree to a change of what."""

from manifests.model import Settings
from manifests.yaml_text import OWNED_HEAD
from slipway_release import layout

PATH = "CODEOWNERS"
_GUARDS = ("/.github/", "/.slipway/", "/infrastructure/", f"/{PATH}")
"""Who changes these decides what everybody else may do."""


def code_owners(settings: Settings) -> str:
    """The file's text; the last line that fits a path decides."""
    owner = settings.github.owner
    platform = [settings.github.platform_team] if settings.github.platform_team else []
    lines: list[tuple[str, list[str]]] = []
    if platform:
        lines.append(("*", platform))
    for service in settings.services:
        lines.append((f"/{layout.chart_folder(service.name)}/", [service.team]))
        lines.append((f"/{layout.manifests_folder(service.name)}/", [service.team]))
    for environment in settings.environments:
        for service in settings.services_of(environment):
            teams = list(dict.fromkeys([service.team, *environment.approvers, *environment.operators]))
            lines.append((f"/{layout.service_folder(environment.name, service.name)}/", teams))
        if environment.approvers:
            lines.append((f"/{layout.shared_values(environment.name)}", list(environment.approvers)))
        # Where a pull request delivers, the review of its approvers is the approval; without them it waits for none.
        # That only the automation proposes one is what the required check sees to.
        lines.append((f"/{layout.release_path(environment.name, '*')}", list(environment.approvers)))
    # What guards the rest comes last, so that no line above takes it away.
    lines += [(path, platform) for path in _GUARDS if platform]
    text = "".join(f"{' '.join([path, *(f'@{owner}/{team}' for team in teams)])}\n" for path, teams in lines)
    return OWNED_HEAD + text
