"""Where the sandbox's stack lives: its state, its passphrase, its settings, all in one folder of the sandbox.

Nothing is asked of Pulumi Cloud, and nothing is written to the work tree or to the user's own `~/.pulumi`. It goes with
the sandbox, and so does everything that it speaks of: `down` needs no `destroy`.
"""

import os
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from pulumi import automation
from pulumi.automation._stack import StackInitMode

from sandbox.config import SandboxConfig
from sandbox.errors import ExitCode, SandboxError
from sandbox.progress import Progress
from sandbox.pulumi import programs
from sandbox.pulumi.command import Command, Tell, clean_environment
from sandbox.pulumi.encryption import encrypted
from sandbox.pulumi.programs import Home, search_path, write_script
from sandbox.pulumi.project import linked_project, read_sealed, write_sealed, write_settings
from sandbox.pulumi.seals import Seals
from sandbox.pulumi.settings import StackConfig, stack_file

PACKAGES = Path(__file__).parent.parent.parent
"""Where the plugins that are written in Python import the sandbox from."""
UNSAVED = {"PULUMI_SKIP_CHECKPOINTS": "true"}
"""For previews, in workflows too: a state that is written after each step takes time that grows with the square of the
resources."""
_CHANGING = {"cp", "refresh", "rm", "rm-all", "set", "set-all"}
"""What `pulumi config` does to settings, other than to show them."""
_WRAPPER = """#!/bin/sh
# `pulumi` with the state, the settings and the plugins of this sandbox.
export SLIPWAY_SANDBOX_DIR={directory} SLIPWAY_SANDBOX_NETWORK={network}
PYTHONPATH={root}${{PYTHONPATH:+:$PYTHONPATH}} exec {python} -m sandbox pulumi -- "$@"
"""


class _Stack(automation.Stack):
    """The Automation API's, without the three commands that it runs after each operation.

    They would say what the events of the operation have said already (`sandbox.pulumi.events.Watch`): the stack's
    outputs, with secrets and without, and how many resources there were.
    """

    def __init__(self, name: str, workspace: automation.Workspace, *, is_there: bool) -> None:
        """Selects a stack or makes it.

        Args:
            name: Of the stack.
            workspace: Where its commands are run.
            is_there: Whether it is known to be there: all of these commands name it, so that none has to select it.
        """
        if is_there:
            self.name, self.workspace, self._mode = name, workspace, StackInitMode.SELECT
        else:
            super().__init__(name, workspace, StackInitMode.CREATE_OR_SELECT)

    def outputs(self) -> automation.OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:  # noqa: ARG002  # as there
        return automation.UpdateSummary("", datetime.now(UTC), "", {}, {}, "succeeded")


@dataclass(frozen=True)
class Workspace:
    """The folder of a stack, and the CLI that works in it."""

    config: SandboxConfig
    folder: Path
    cli: Path
    hermetic: bool = False
    """Whether plugins on PATH are left aside."""

    @property
    def home(self) -> Home:
        return Home(self.folder / "home")

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def passphrase(self) -> Path:
        """Encrypts the secrets of a sandbox that can be thrown away; made once."""
        return self.folder / "passphrase"

    @property
    def interrupted(self) -> Path:
        """Is there from an `up` that was cut off while it created something until one that comes to its end."""
        return self.folder / "interrupted"

    def state_file(self, settings: StackConfig) -> Path:
        """Where the backend keeps the state of a stack."""
        return self.folder / "state" / ".pulumi" / "stacks" / settings.project / f"{settings.stack}.json"

    def environment(self) -> dict[str, str]:
        """What the CLI and its plugins need to know."""
        folders = [str(Path(sys.executable).parent), str(self.config.commands), search_path(self.config)]
        return {
            # Plugins call helm, and those that are written in Python want the packages that the program has.
            "PATH": os.pathsep.join(folders),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(PACKAGES), os.environ.get("PYTHONPATH")])),
            "PULUMI_HOME": str(self.home.folder),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.passphrase),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            **({"PULUMI_IGNORE_AMBIENT_PLUGINS": "true"} if self.hermetic else {}),
        }

    def prepare(self, settings: StackConfig) -> Path:
        """Writes the project with what is not secret; returns the stack file."""
        (self.folder / "state").mkdir(parents=True, exist_ok=True)
        if not self.passphrase.exists():
            descriptor = os.open(self.passphrase, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(24))
        self.project.mkdir(parents=True, exist_ok=True)
        file = linked_project(self.config.root, self.project, settings.stack)
        kubeconfig = self.project / self.config.kubeconfig.name
        if not kubeconfig.is_symlink() or kubeconfig.readlink() != self.config.kubeconfig:
            kubeconfig.unlink(missing_ok=True)
            kubeconfig.symlink_to(self.config.kubeconfig)
        write_settings(file, settings, keep_sealed=self._seals().fitting(settings, file))
        return file

    def open(
        self,
        settings: StackConfig,
        tell: Tell = lambda _text: None,
        *,
        changing: bool = True,
        selecting: bool = False,
    ) -> automation.Stack:
        """The stack, with these settings and no others.

        Args:
            settings: The settings.
            tell: Is told why a command goes on after Ctrl-C.
            changing: Whether anything but previews is to be done with it.
            selecting: Whether commands that do not name a stack are to be of this one.

        Raises:
            CommandError: The CLI refused.
        """
        file = self.prepare(settings)
        command = Command(self.cli, tell)
        workspace = automation.LocalWorkspace(
            work_dir=str(self.project),
            env_vars={**self.environment(), **({} if changing else UNSAVED)},
            secrets_provider="passphrase",
            pulumi_command=command,
        )
        stack = _Stack(settings.stack, workspace, is_there=not selecting and self.state_file(settings).exists())
        salt, sealed = read_sealed(file)
        if missing := sorted(settings.secrets - sealed.keys()):
            texts = settings.as_text()
            made = encrypted({key: texts[key] for key in missing}, salt, self.passphrase.read_bytes())
            if made is None:
                for key in missing:
                    self._encrypt(command, settings, key)
            else:
                write_sealed(file, made)
            self._seals().remember(settings, file)
        return stack

    def execute(self, settings: StackConfig, words: Sequence[str]) -> NoReturn:
        """Becomes the CLI, with these settings, in the folder of the project.

        Raises:
            SandboxError: The words would change settings, which are written again from the stack file every time.
            CommandError: The CLI refused.
            OSError: It cannot be started.
        """
        if _changes_settings(words):
            file = stack_file(self.config.root, settings.stack)
            raise SandboxError(
                f"the settings of this stack are those of {file} with the addresses and keys of this sandbox on top; "
                "change them in that file, because what `pulumi config` sets would be written over",
                exit_code=ExitCode.USAGE,
            )
        self.open(settings, selecting=True)
        os.chdir(self.project)
        more = UNSAVED if "preview" in words else {}
        os.execve(self.cli, [str(self.cli), *words], {**clean_environment(), **self.environment(), **more})  # noqa: S606  # it is to be this process

    def _encrypt(self, command: Command, settings: StackConfig, key: str) -> None:
        """Puts a secret into the stack file, however the CLI writes it.

        It goes by standard input: everybody can read the arguments of a process, which is how the Automation API and
        `pulumi config set-all` would take it.
        """
        words = ["config", "set", key, "--secret", "--raw", "--stack", settings.stack]
        command.run(words, str(self.project), self.environment(), given=settings.as_text()[key])

    def write_wrapper(self) -> None:
        """Puts a `pulumi` for people among the sandbox's commands."""
        text = _WRAPPER.format(
            directory=self.config.directory, network=self.config.network, root=self.config.root, python=sys.executable
        )
        write_script(self.config.commands / "pulumi", text)

    def _seals(self) -> Seals:
        return Seals(self.folder / "sealed", self.passphrase.read_bytes())


def find_workspace(config: SandboxConfig, progress: Progress) -> Workspace:
    """Where the sandbox's stack lives, with a `pulumi` that works on it.

    Raises:
        SandboxError: There is none, and none can be built.
    """
    folder = config.pulumi_directory
    return Workspace(config, folder, programs.ensure(config, progress, Home(folder / "home")))


def _changes_settings(words: Sequence[str]) -> bool:
    said = [word for word in words if not word.startswith("-")]
    return "config" in said[:1] and bool(_CHANGING & set(said[1:2]))
