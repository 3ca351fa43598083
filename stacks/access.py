"""`make access`: who may do what on a platform, as its stack file declares it; `--check` asks the systems."""

import argparse
import json
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from manifests.access import Action, Right, rights
from manifests.model import Settings, SignOnProvider, Visibility
from slipway_release.output import ended
from stacks.access_check import cases, differences
from stacks.addition import settings_in
from stacks.problems import SettingsError
from stacks.stack_text import StackText, StackTextError, unreadable

FOLDER = Path(__file__).parent
_WIDTH = 80


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints it; 1 if a system allows something else, 2 for a mistake in the settings."""
    parser = argparse.ArgumentParser(prog="make access", description=__doc__)
    parser.add_argument("--stack", default="sandbox", help="the stack (default: sandbox)")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    parser.add_argument("--check", action="store_true", help="ask GitHub (GITHUB_TOKEN), Argo CD and Kubernetes too")
    options = parser.parse_args(arguments)
    path = FOLDER / f"Pulumi.{options.stack}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.name.split(".")[1] for file in FOLDER.glob("Pulumi.*.yaml")))
        print(f"stack {options.stack!r}: there is no {path.name}; choose one of {known}", file=sys.stderr)
        return 2
    try:
        settings = stack_settings(path)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except (StackTextError, OSError, UnicodeDecodeError) as error:
        print(f"{path}: {unreadable(error)}", file=sys.stderr)
        return 2
    found = list(rights(settings))
    print(json.dumps([_document(right) for right in found], indent=2) if options.json else table(settings, found))
    if not options.check:
        return 0
    begun = time.monotonic()
    wrong = list(differences(settings))
    counted = ", ".join(f"{count} of {system}" for system, count in cases(settings).items())
    asked = f"{counted} asked in {time.monotonic() - begun:.1f} s"
    said = "\n".join(wrong) or "GitHub, Argo CD and Kubernetes allow what is declared"
    print(f"{said}\n{asked}", file=sys.stderr)
    return 1 if wrong else 0


def stack_settings(path: Path) -> Settings:
    """The settings of a stack file; secrets are not read, and none is needed.

    Raises:
        SettingsError: something is wrong with them; it names everything that is.
        StackTextError, OSError, UnicodeDecodeError: it cannot be read.
    """
    stack = path.stem.removeprefix("Pulumi.")
    text = StackText(path.read_text(encoding="utf-8"))
    settings, problems = settings_in(text, stack)
    if settings is None:
        raise SettingsError(stack, list(map(text.located, problems)))
    return settings


def table(settings: Settings, found: list[Right]) -> str:
    """Who is of each team, and what each may do where; what holds for several places is said once."""
    people = {team.name: ", ".join(member.login for member in team.members) for team in settings.teams}
    teams = list(dict.fromkeys(right.team for right in found))
    said: dict[tuple[str, str], list[str]] = {}
    for right in found:
        said.setdefault((right.environment.name, right.service.name), []).append(_line(right))
    services: dict[tuple[str, str], list[str]] = {}
    for (environment, service), lines in said.items():
        services.setdefault((environment, "\n".join(lines)), []).append(service)
    environments: dict[tuple[str, str], list[str]] = {}
    for (environment, lines), names in services.items():
        environments.setdefault((", ".join(names), lines), []).append(environment)
    texts = [_wrapped(f"team {team}: {people.get(team) or 'managed elsewhere'}") for team in teams]
    for (names, lines), where in environments.items():
        texts += ["", _wrapped(f"{names} in {', '.join(where)}"), lines]
    return "\n".join([*texts, "", *map(_wrapped, _notes(settings))])


def _line(right: Right) -> str:
    actions = ", ".join(action for action in Action if action in right.actions)
    return _wrapped(f"  {right.team} ({', '.join(right.roles)}): {actions}")


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def _notes(settings: Settings) -> Iterator[str]:
    yield "Who may propose may do so for every service, by pull request; code owners and the check decide."
    for environment in settings.environments:
        if windows := environment.sync_windows_in_words:
            yield f"Syncs of {environment.name} are {windows}."
    if not settings.github.platform_team:
        yield "There is no `github.platformTeam`: the organisation's owners stand in, with Argo CD's own `admin`."
    if settings.github.visibility is not Visibility.PUBLIC and (names := _reviewed(settings)):
        yield (
            f"Approvers of {', '.join(names)} are required reviewers of a GitHub environment, which"
            f" {settings.github.visibility} repositories have on GitHub Enterprise alone; on Team,"
            " `delivery: pull-request` stands in: the review of a code owner approves."
        )
    if (sso := settings.argocd.sso) is not None and sso.provider is SignOnProvider.OIDC:
        yield (
            f"Who logs in without the claim `{sso.groups_claim}` is of no team and sees nothing; let {sso.issuer} send"
            " it, or name another in `argocd.sso.groupsClaim`."
        )


def _reviewed(settings: Settings) -> list[str]:
    """The environments whose approvers GitHub asks before a job runs."""
    return [environment.name for environment in settings.environments if environment.reviewers]


def _document(right: Right) -> dict[str, Any]:
    return {
        "team": right.team,
        "service": right.service.name,
        "environment": right.environment.name,
        "roles": list(right.roles),
        "actions": [action for action in Action if action in right.actions],
    }


if __name__ == "__main__":
    sys.exit(ended(main))
