"""What a change of the platform is about, in a few sentences that come before all details."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from slipway_release import fields
from slipway_release.platform_file import PATH
from stacks.preview_changes import Change
from stacks.preview_words import at, code, some
from stacks.pull_request_comment import Api

Json = Mapping[str, Any]

_ENVIRONMENT = ("sync", "images", "branch", "delivery", "requires", "approvers", "rollback", "tagPrefix", "prereleases")
"""What a new environment is told by, and what is told of one that changes, in the names of the settings."""
_SERVICE = ("team", "environments", "maintenanceBranch")
_PLATFORM = (
    *("slipwayVersion", "registry.host", "registry.attestations", "registry.sbom"),
    *("argocd.url", "kubernetesVersion"),
)
_HARMLESS = ("docs/", "examples/", "tests/", "benchmarks/", "stacks/Pulumi.")
"""Where files lie that neither a preview nor a deployment runs."""
_SHOWN = 5
_MOST_LISTED = 3000
"""Files of a pull request that GitHub names at most."""


def headlines(changes: Sequence[Change], warnings: Sequence[str] = ()) -> list[str]:
    """What a change is about: which environments and services come, go or work otherwise, and what it warns of.

    Args:
        changes: what would change; one of them is the file by which the environment repository knows the platform.
        warnings: those of the preview. One that tells what becomes of a service that leaves stands for its headline.
    """
    return [*_headlines(changes, warnings), *warnings]


def _headlines(changes: Sequence[Change], warnings: Sequence[str]) -> list[str]:
    for change in changes:
        old, new = (_platform(one) for one in (change.old, change.new))
        if old and new:
            environments = _words("environment", _ENVIRONMENT, old, new, warnings)
            return [*_platform_words(old, new), *environments, *_words("service", _SERVICE, old, new, warnings)]
    return []


def machinery(api: Api, repository: str, number: int) -> str:
    """A warning where a pull request changes the programs that previews and deployments run; otherwise nothing.

    Raises:
        GitHubError: GitHub does not say which files it changes.
    """
    files = list(api.pages(f"/repos/{repository}/pulls/{number}/files"))
    paths = [str(path) for found in files for path in (found["filename"], found.get("previous_filename")) if path]
    run = [path for path in paths if not path.startswith(_HARMLESS) and not path.endswith(".md")]
    if not run and len(files) < _MOST_LISTED:
        return ""
    shown = some([*map(code, run)], _SHOWN) or "perhaps, for it changes more files than GitHub lists"
    return (
        f"> **This pull request changes what previews and deployments run**: {shown}. "
        "Read these files first: this comment was written by the code of this branch."
    )


def _platform(inputs: Json) -> Json:
    """What the environment repository's file says of the platform; empty where it is not among the inputs."""
    owned = inputs.get("owned")
    text = cast(Json, owned).get(PATH) if isinstance(owned, Mapping) else None
    try:
        found: object = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return {}
    return cast(Json, found) if isinstance(found, dict) else {}


def _platform_words(old: Json, new: Json) -> Iterator[str]:
    told = _differences(_PLATFORM, old, new)
    if told:
        yield f"the platform: {told}"


def _words(kind: str, keys: Sequence[str], old: Json, new: Json, warnings: Sequence[str]) -> Iterator[str]:
    """What is said of several in the same words is said once."""
    before, after = _named(old, f"{kind}s"), _named(new, f"{kind}s")
    alike: dict[tuple[str, str], list[str]] = {}
    for name, now in after.items():
        told = _differences(keys, before[name], now) if name in before else _all(keys, now)
        if told:
            alike.setdefault(("" if name in before else "new ", told), []).append(name)
    for (newly, told), names in alike.items():
        what = f"{newly}{kind}{'s' if len(names) > 1 else ''}"
        yield f"{f'**{what}**' if newly else what} {', '.join(map(code, names))}: {told}"
    told = tuple(f"{kind} {name} leaves" for name in before if name not in after)
    gone = [one.split()[1] for one in told if not any(text.startswith(one) for text in warnings)]
    if gone:
        listed = ", ".join(map(code, gone))
        yield f"**{kind}s {listed} leave**" if len(gone) > 1 else f"**{kind} {listed} leaves**"
    stay = [[name for name in names if name in before and name in after] for names in (before, after)]
    if kind == "environment" and stay[0] != stay[1]:
        yield f"the order of promotion is now {', '.join(map(code, after))}"


def _named(platform: Json, key: str) -> dict[str, Json]:
    return {str(one["name"]): one for one in fields.mappings(platform.get(key)) if "name" in one}


def _differences(keys: Sequence[str], old: Json, new: Json) -> str:
    return ", ".join(
        f"{code(key)} was {_value(was)} and is now {_value(now)}"
        for key in keys
        for was, now in [(at(old, *key.split(".")), at(new, *key.split(".")))]
        if was != now
    )


def _all(keys: Sequence[str], now: Json) -> str:
    return ", ".join(f"{code(key)} {_value(now.get(key))}" for key in keys if now.get(key) not in (None, []))


def _value(value: object) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(code, cast(list[object], value))) if isinstance(value, list) else code(value)
