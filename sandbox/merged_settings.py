"""Settings that were merged in the sandbox's platform repository and not in this clone: `make up` takes them back."""

from collections.abc import Mapping
from typing import Any, cast

from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.github.credentials import PLATFORM as REPOSITORY
from sandbox.overlay import STACK
from sandbox.pulumi.settings import StackConfig, stack_file
from sandbox.pulumi.stack_yaml import load
from sandbox.rehearsal import Rehearsal

Json = Mapping[str, Any]


def taken_back(config: SandboxConfig, settings: StackConfig) -> str:
    """What `up` is about to take back, and what to do; empty where it takes nothing back.

    Raises:
        SandboxError: GitHub does not answer, or its repository has lost the stack file.
    """
    rehearsal = Rehearsal(config)
    found = rehearsal.github("GET", f"/orgs/{rehearsal.owner}/repos?per_page=100")
    if REPOSITORY not in {one["name"] for one in found}:
        return ""
    path = rehearsal.repository_path(REPOSITORY)
    file = stack_file(config.root, STACK).relative_to(config.root).as_posix()
    commits = rehearsal.github("GET", f"{path}/commits?per_page=100&path={file}")
    if len(commits) < 2:
        return ""
    first, now = (_config(rehearsal, file, commits[place]["sha"]) for place in (-1, 0))
    names = merged_only(first, now, settings)
    if not names:
        return ""
    return (
        f"{rehearsal.owner}/{REPOSITORY} has other values of {', '.join(names)} by now, and `make up` takes them back:"
        f" it deploys {file} of this clone; bring what was merged there into it, and run `make up` again"
    )


def merged_only(first: Json, now: Json, settings: StackConfig) -> list[str]:
    """The keys that were changed by merges and are otherwise here."""
    return [
        key
        for key in dict.fromkeys([*first, *now])
        if key not in settings.secrets and first.get(key) != now.get(key) != settings.values.get(key)
    ]


def _config(rehearsal: Rehearsal, file: str, commit: str) -> Json:
    text = rehearsal.file(REPOSITORY, file, commit)
    if text is None:
        raise SandboxError(f"{rehearsal.owner}/{REPOSITORY}: {file} is missing at {commit[:12]}; put it back there")
    return cast("dict[str, Json]", load(text))["config"]
