"""Deploys the program with the real `pulumi`, where the CLI and its plugins answer, through the Automation API.

The state is a file backend inside the sandbox; nothing is asked of Pulumi Cloud or written to the work tree.
"""

import json
import os
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any, cast

from pulumi import automation
from pulumi.automation import OpType

from sandbox.config import SandboxConfig
from sandbox.engine.deploy import Deployed, Tell
from sandbox.engine.outcome import Outcome, ProgramError, Tally
from sandbox.engine.stackfile import StackConfig, stack_file

PLUGINS = ("github", "kubernetes")
OUTCOMES = {OpType.CREATE: Outcome.CREATED, OpType.UPDATE: Outcome.UPDATED, OpType.SAME: Outcome.UNCHANGED}
NEVER_LINKED = {".git", ".pulumi", "Pulumi.yaml"}


def is_available() -> bool:
    """Whether `pulumi` and every plugin that the program needs are on this machine."""
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        return False
    listed = _json_of([pulumi, "plugin", "ls", "--json"])
    names = {str(item.get("name")) for item in listed}
    return all(name in names or shutil.which(f"pulumi-resource-{name}") for name in PLUGINS)


def up(config: SandboxConfig, settings: StackConfig, tell: Tell) -> Deployed:
    """`pulumi up` with a refresh, so that drift is mended as the in-process deployment mends it.

    Raises:
        ProgramError: pulumi failed; its own words say which resource.
    """
    stack = select_stack(config, settings)
    try:
        result = stack.up(refresh=True, on_output=lambda line: tell(line.strip()), color="never")
    except automation.CommandError as error:
        raise ProgramError(f"pulumi up failed:\n{_diagnostics(str(error))}") from error
    tally = Tally()
    for operation, count in (result.summary.resource_changes or {}).items():
        tally.counts[OUTCOMES.get(operation, Outcome.UPDATED)] += count
    exports = {name: "[secret]" if output.secret else output.value for name, output in result.outputs.items()}
    return Deployed(tally, exports)


def preview(config: SandboxConfig, settings: StackConfig) -> dict[str, int]:
    """What `pulumi up` would do, as counts by operation."""
    changes = select_stack(config, settings).preview(color="never").change_summary
    return {operation.value: count for operation, count in changes.items()}


def destroy(config: SandboxConfig, settings: StackConfig) -> None:
    """Removes what the stack may remove: repositories stay, by their own options."""
    select_stack(config, settings).destroy(color="never")


def select_stack(config: SandboxConfig, settings: StackConfig) -> automation.Stack:
    """The stack in the sandbox's own backend, with these settings."""
    home = config.directory / "pulumi"
    project = mirrored_project(config.root, home / "project", settings.stack)
    (home / "state").mkdir(parents=True, exist_ok=True)
    stack = automation.create_or_select_stack(
        stack_name=settings.stack,
        work_dir=str(project),
        opts=automation.LocalWorkspaceOptions(
            env_vars={
                "PULUMI_BACKEND_URL": f"file://{home / 'state'}",
                "PULUMI_CONFIG_PASSPHRASE": _passphrase(home / "passphrase"),
                "PULUMI_SKIP_UPDATE_CHECK": "true",
            },
        ),
    )
    for key, value in settings.values.items():
        if not key.startswith("pulumi:"):
            text = value if isinstance(value, str) else json.dumps(value)
            stack.set_config(key, automation.ConfigValue(text, secret=key in settings.secrets))
    return stack


def mirrored_project(root: Path, folder: Path, stack: str) -> Path:
    """A folder that looks like the work tree but has a stack file of its own.

    `pulumi` writes the encryption salt and every setting into the stack file, and the one of the work tree is
    committed. Everything else is a link, so that the program is the same.
    """
    folder.mkdir(parents=True, exist_ok=True)
    own = stack_file(root, stack)
    for entry in root.iterdir():
        if entry.name in NEVER_LINKED or entry in folder.parents:
            continue
        if entry == own.parent:
            (folder / entry.name).mkdir(exist_ok=True)
            for inner in entry.iterdir():
                if inner.name != own.name:
                    _link(folder / entry.name / inner.name, inner)
        else:
            _link(folder / entry.name, entry)
    shutil.copyfile(root / "Pulumi.yaml", folder / "Pulumi.yaml")
    return folder


def _link(link: Path, target: Path) -> None:
    if not link.is_symlink():
        link.symlink_to(target)


def _passphrase(path: Path) -> str:
    """Made once; it encrypts secrets of a sandbox that can be thrown away."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
    return path.read_text()


def _diagnostics(text: str) -> str:
    """The part of pulumi's output that says what is wrong."""
    _, found, rest = text.partition("Diagnostics:")
    return (rest if found else text).strip()


def _json_of(command: list[str]) -> list[dict[str, Any]]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
        return cast("list[dict[str, Any]]", json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, json.JSONDecodeError):
        return []
