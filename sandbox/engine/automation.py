"""Deploys the program with the real `pulumi`, where the CLI and its plugins answer, through the Automation API.

The state is a file backend inside the sandbox; nothing is asked of Pulumi Cloud or written to the work tree. It goes
with the sandbox, and so does everything that it speaks of: `down` needs no `destroy`.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeVar, cast

from pulumi import automation

from sandbox.config import SandboxConfig
from sandbox.engine.deploy import Deployed, Tell
from sandbox.engine.mirrored import mirrored_project, write_settings
from sandbox.engine.outcome import Outcome, ProgramError, Tally
from sandbox.engine.stackfile import StackConfig
from sandbox.engine.watch import Watch

T = TypeVar("T")
Counts = dict[str, int]

PLUGINS = ("github", "kubernetes")
DYNAMIC = "pulumi-python"
"""The plugin of dynamic resources, which comes with the CLI."""
OUTCOMES = {"create": Outcome.CREATED, "same": Outcome.UNCHANGED, "read": Outcome.UNCHANGED}


def missing() -> list[str]:
    """What this machine lacks for a deployment with the real `pulumi`."""
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        return ["the pulumi CLI"]
    names = {str(item.get("name")) for item in _json_of([pulumi, "plugin", "ls", "--json"])}
    lacking = [f"the pulumi plugin {name}" for name in PLUGINS if name not in names and not _on_path(name)]
    if not _on_path(DYNAMIC) and not Path(pulumi).resolve().with_name(f"pulumi-resource-{DYNAMIC}").exists():
        lacking.append(f"the pulumi plugin {DYNAMIC}")
    return lacking


def is_available() -> bool:
    """Whether `pulumi` and every plugin that the program needs are on this machine."""
    return not missing()


def up(config: SandboxConfig, settings: StackConfig, tell: Tell) -> Deployed:
    """`pulumi up` with a refresh, so that drift is mended as the in-process deployment mends it.

    Raises:
        ProgramError: pulumi failed; its own words say which resource.
    """
    watch = Watch(tell)
    with _explained("up", watch):
        stack = select_stack(config, settings)
        result = _locked(stack, lambda: stack.up(refresh=True, on_event=watch.event, color="never"))
    tally = Tally()
    for operation, count in _counts(result.summary.resource_changes).items():
        tally.counts[OUTCOMES.get(operation, Outcome.UPDATED)] += count
    exports = {name: "[secret]" if output.secret else output.value for name, output in result.outputs.items()}
    return Deployed(tally, exports)


def preview(config: SandboxConfig, settings: StackConfig, *, refresh: bool = False) -> Counts:
    """What `pulumi up` would do, as counts by operation.

    Raises:
        ProgramError: The program cannot be deployed like this.
    """
    watch = Watch()
    with _explained("preview", watch):
        stack = select_stack(config, settings)
        found = stack.preview(refresh=refresh, on_event=watch.event, color="never").change_summary
    return _counts(found)


def refresh(config: SandboxConfig, settings: StackConfig) -> Counts:
    """Looks at everything as it is now; counts by what has become of it.

    Raises:
        ProgramError: Something could not be looked at.
    """
    watch = Watch()
    with _explained("refresh", watch):
        stack = select_stack(config, settings)
        done = _locked(stack, lambda: stack.refresh(on_event=watch.event, color="never"))
    return _counts(done.summary.resource_changes)


def destroy(config: SandboxConfig, settings: StackConfig) -> None:
    """Removes what the stack may remove: repositories stay, by their own options.

    Raises:
        ProgramError: Something could not be removed.
    """
    watch = Watch()
    with _explained("destroy", watch):
        stack = select_stack(config, settings)
        _locked(stack, lambda: stack.destroy(on_event=watch.event, color="never"))


def select_stack(config: SandboxConfig, settings: StackConfig) -> automation.Stack:
    """The stack in the sandbox's own backend, with these settings and no others."""
    home = config.directory / "pulumi"
    file = mirrored_project(config.root, home / "project", settings.stack)
    (home / "state").mkdir(parents=True, exist_ok=True)
    # Plugins may call helm, and those that are written in Python want the packages that the program has.
    folders = [str(config.commands), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    stack = automation.create_or_select_stack(
        stack_name=settings.stack,
        work_dir=str(home / "project"),
        opts=automation.LocalWorkspaceOptions(
            env_vars={
                "PATH": os.pathsep.join(folders),
                "PULUMI_BACKEND_URL": f"file://{home / 'state'}",
                "PULUMI_CONFIG_PASSPHRASE": _passphrase(home / "passphrase"),
                "PULUMI_SKIP_UPDATE_CHECK": "true",
            },
            secrets_provider="passphrase",
        ),
    )
    write_settings(file, settings)
    given = {key: automation.ConfigValue(str(settings.values[key]), secret=True) for key in sorted(settings.secrets)}
    if given:
        stack.set_all_config(given)
    return stack


def _counts(changes: object) -> Counts:
    """Counts by operation; the Automation API hands out plain words where it declares members of an enum."""
    given = cast("dict[Any, int]", changes or {})
    return {str(getattr(operation, "value", operation)): count for operation, count in given.items()}


def _locked(stack: automation.Stack, act: Callable[[], T]) -> T:
    """Does something with the stack's lock, and takes the lock from a process that was killed while it had it."""
    try:
        return act()
    except automation.ConcurrentUpdateError as error:
        holders = re.findall(r"\(pid (\d+)\)", str(error))
        if not holders or any(Path("/proc", holder).exists() for holder in holders):
            raise
        stack.cancel()
        return act()


@contextlib.contextmanager
def _explained(what: str, watch: Watch) -> Generator[None]:
    """Makes a sentence of whatever goes wrong."""
    try:
        yield
    except automation.InvalidVersionError as error:
        raise ProgramError(f"pulumi {what}: {error}; install a newer pulumi CLI") from error
    except automation.CommandError as error:
        raise ProgramError(f"pulumi {what} failed:\n{watch.failure(str(error))}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise ProgramError(f"pulumi {what}: the command could not be run: {error}") from error


def _passphrase(path: Path) -> str:
    """Made once; it encrypts secrets of a sandbox that can be thrown away."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
    return path.read_text()


def _on_path(plugin: str) -> bool:
    return shutil.which(f"pulumi-resource-{plugin}") is not None


def _json_of(command: list[str]) -> list[dict[str, Any]]:
    try:
        environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30, env=environment)
        return cast("list[dict[str, Any]]", json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, json.JSONDecodeError):
        return []
