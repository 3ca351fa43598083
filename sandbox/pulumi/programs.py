"""The `pulumi` of the sandbox and its plugins: what this machine has of them where it fits, else what is built.

The engine finds plugins on PATH by itself. All others lie in a folder of the sandbox that looks like the one that
`pulumi plugin install` fills, in the versions that the program's SDKs ask for.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import semver
import yaml

from sandbox import toolchain
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.progress import Progress

CLI = "pulumi"
LANGUAGE_HOST = "pulumi-language-python"
DYNAMIC = "pulumi-resource-pulumi-python"
PLUGINS = {"github": "pulumi-github", "kubernetes": "pulumi-kubernetes"}
"""The plugins of resources, and the packages whose versions they have."""
_PYTHON_PLUGIN = """#!/bin/sh
# {what}
exec {python} -u -m {module} "$@"
"""


@dataclass(frozen=True)
class Home:
    """A folder that `pulumi` takes for its own: plugins, and what it remembers between two commands."""

    folder: Path

    def plugin(self, name: str) -> Path:
        """Where the program of a plugin lies."""
        version = metadata.version(PLUGINS[name])
        return self.folder / "plugins" / f"resource-{name}-v{version}" / f"pulumi-resource-{name}"


def ensure(config: SandboxConfig, progress: Progress, home: Home) -> Path:
    """Finds or builds the CLI and its plugins, and puts into `home` what PATH has not.

    Returns:
        The CLI.

    Raises:
        SandboxError: Something does not build.
    """
    cli = _ensure_cli(config, progress)
    ensure_plugins(config, progress, home)
    return cli


def ensure_plugins(config: SandboxConfig, progress: Progress, home: Home) -> None:
    """Puts plugins into `home`: those of the user where their versions are the SDKs', else what is built."""
    for name in PLUGINS:
        if shutil.which(f"pulumi-resource-{name}", path=search_path(config)) is None:
            _ensure_plugin(config, progress, home, name)


def ensure_plan(config: SandboxConfig, progress: Progress, home: Home) -> Path:
    """The same with plugins that reach nothing."""
    what = "Takes every resource as it is declared: for plans."
    for name, package in PLUGINS.items():
        module = f"sandbox.pulumi.plan_provider {metadata.version(package)}"
        _write_python_plugin(home.plugin(name), what, module)
    return _ensure_cli(config, progress)


def search_path(config: SandboxConfig, environ: Mapping[str, str] = os.environ) -> str:
    """PATH without the commands of this sandbox, among which is a `pulumi` that calls the real one."""
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if Path(folder) != config.commands)


def required_version(root: Path) -> str:
    """What the project asks for, such as `>=3.200.0`; the CLI refuses a program that it is too old for."""
    project = yaml.safe_load((root / "Pulumi.yaml").read_text(encoding="utf-8"))
    return str(project.get("requiredPulumiVersion", ">=3.0.0"))


def unfit(cli: Path, root: Path, path: str) -> str:
    """Why a `pulumi` of this machine cannot be used; empty if it can."""
    try:
        ran = subprocess.run(
            [cli, "version"], capture_output=True, text=True, timeout=60, check=True,
            env=os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"},
        )  # fmt: skip
        version = semver.VersionInfo.parse(ran.stdout.strip().removeprefix("v"))
    except (OSError, subprocess.SubprocessError):
        return "it does not run"
    except ValueError:
        return "it does not say its version"
    required = required_version(root)
    if version.major != 3 or not version.match(required):
        return f"it is {version}, and the project asks for {required}"
    for program in (LANGUAGE_HOST, DYNAMIC):
        if not cli.resolve().with_name(program).exists() and shutil.which(program, path=path) is None:
            return f"it came without {program}"
    return ""


def _ensure_cli(config: SandboxConfig, progress: Progress) -> Path:
    path = search_path(config)
    found = shutil.which(CLI, path=path)
    if found:
        reason = unfit(Path(found), config.root, path)
        if not reason:
            return Path(found)
        progress.say(f"{found} is left alone: {reason}; pulumi {toolchain.PULUMI_VERSION} is used instead")
    return toolchain.ensure(config, progress, [CLI])[CLI]


def _ensure_plugin(config: SandboxConfig, progress: Progress, home: Home, name: str) -> None:
    ours = home.plugin(name)
    installed = _users_plugins() / ours.parent.name / ours.name
    if installed.exists():
        _link(ours, installed)
    elif name == "kubernetes":
        tool = f"pulumi-resource-{name}"
        _link(ours, toolchain.ensure(config, progress, [tool])[tool])
    else:
        what = "Stands in for the plugin of GitHub, which no package registry has."
        _write_python_plugin(ours, what, "sandbox.github_plugin")


def _users_plugins() -> Path:
    """Where `pulumi plugin install` of this user puts plugins."""
    home = os.environ.get("PULUMI_HOME")
    return (Path(home) if home else Path("~/.pulumi").expanduser()) / "plugins"


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _write_python_plugin(path: Path, what: str, module: str) -> None:
    write_script(path, _PYTHON_PLUGIN.format(what=what, python=sys.executable, module=module))


def write_script(path: Path, text: str) -> None:
    """Writes a script that can be run, in one step, and only where it says something else than before."""
    if path.is_file() and not path.is_symlink() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.chmod(0o755)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise SandboxError(f"{path}: {error.strerror}") from error
