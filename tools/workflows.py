"""actionlint and zizmor on every workflow: the project's own, and those that the product writes into repositories.

The product's are rendered as a whole repository each, because a workflow is only right beside the actions and the
reusable workflows that it names.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import yaml

from manifests.model import Settings
from manifests.repository_files import RepositoryFiles, environment_repository_files, service_repository_files
from sandbox import toolchain
from sandbox.config import SandboxConfig
from sandbox.progress import Progress
from stacks.problems import NAMESPACE
from stacks.secrets import SECRETS
from stacks.settings import settings_of
from stacks.template_fitness import OPTIONS as ACTIONLINT_OPTIONS

Json = dict[str, Any]

ROOT = Path(__file__).parent.parent
LIMIT_SECONDS = 300

EXAMPLE = "Pulumi.example"
_SERVICES = [{"name": "guestbook", "template": "python-web", "team": "web"}]
OPTIONS: dict[str, Json] = {
    "no service yet": {"services": []},
    "images of branches alone": {
        "environments": [{"name": "dev", "images": "branch", "branch": "trunk"}],
        "services": _SERVICES,
    },
    "releases alone": {"environments": [{"name": "staging"}], "services": _SERVICES},
    "pinned actions": {"github": {"pinnedActions": True}},
    "a server, runners and a registry of one's own": {
        "github": {
            "baseUrl": "https://github.example.com/",
            "runners": {"build": ["self-hosted", "linux"], "automation": ["self-hosted"]},
        },
        "registry": {
            "host": "harbor.example.com",
            "username": "robot",
            "platforms": ["linux/amd64", "linux/arm64"],
            "attestations": "none",
            "sbom": "none",
        },
    },
}
"""What changes workflows, tried on the example one after the other; the stack files have the rest."""


def stack_settings(path: Path, options: Json | None = None) -> Settings:
    """The settings of a stack file, with a word in place of each secret, and with some options on top."""
    config = cast(Json, yaml.safe_load(path.read_text())["config"])
    for section, given in (options or {}).items():
        present = config[f"{NAMESPACE}:{section}"]
        config[f"{NAMESPACE}:{section}"] = {**present, **given} if isinstance(given, dict) else given
    texts = {
        key.removeprefix(f"{NAMESPACE}:"): value if isinstance(value, str) else json.dumps(value)
        for key, value in config.items()
    }
    secrets = {name: "placeholder" for name in SECRETS if name != "githubToken" or '"app":' not in texts["github"]}
    return settings_of(path.stem.removeprefix("Pulumi."), secrets | texts)


def repositories(settings: Settings) -> Iterator[tuple[str, RepositoryFiles]]:
    """Each repository that the product writes, with its files."""
    yield settings.github.environment_repository, environment_repository_files(settings)
    for service in settings.services:
        yield service.repository_name, service_repository_files(settings, service)


def problems() -> Iterator[str]:
    """What is wrong with any workflow, one text a tool and repository."""
    actionlint = toolchain.ensure(SandboxConfig.from_environment(), Progress(), {"actionlint"})["actionlint"]
    yield from check(actionlint, "this repository", ROOT)
    for name, settings in variants():
        yield from _rendered(actionlint, name, settings)


def variants() -> Iterator[tuple[str, Settings]]:
    """Platforms of which every part of a workflow's template is in one, and is missing in another."""
    for stack_file in sorted(ROOT.glob("stacks/Pulumi.*.yaml")):
        yield stack_file.stem, stack_settings(stack_file)
        for name, options in OPTIONS.items() if stack_file.stem == EXAMPLE else ():
            yield name, stack_settings(stack_file, options)


def _rendered(actionlint: Path, name: str, settings: Settings) -> Iterator[str]:
    """What is wrong with the workflows of a platform."""
    with tempfile.TemporaryDirectory(prefix="slipway-workflows-") as folder:
        for repository, files in repositories(settings):
            directory = Path(folder) / repository
            (directory / ".git").mkdir(parents=True)  # where actionlint looks for the root of a repository
            write(directory, files)
            yield from check(actionlint, f"{name}: {repository}", directory)


def write(directory: Path, files: RepositoryFiles) -> None:
    """Writes the files of a repository into a folder."""
    for path, text in (files.owned | files.seeded).items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def check(actionlint: Path, name: str, directory: Path) -> Iterator[str]:
    """What both tools say about one repository."""
    workflows = sorted(directory.glob(".github/workflows/*.y*ml"))
    if not workflows:
        yield f"{name}: no workflow was found; the check would have checked nothing"
        return
    yield from run(name, [str(actionlint), *ACTIONLINT_OPTIONS, *map(str, workflows)], directory)
    zizmor = shutil.which("zizmor", path=str(Path(sys.executable).parent)) or "zizmor"
    # Its one exception, workflows that follow a protected main, is written where they are called:
    # docs/adr/0004-workflows-follow-a-protected-main.md.
    audit = ["--offline", "--no-progress", "--color=never", "--quiet", str(directory / ".github")]
    yield from run(name, [zizmor, *audit], directory)


def run(name: str, command: list[str], directory: Path) -> Iterator[str]:
    tool = Path(command[0]).name
    try:
        ran = subprocess.run(
            command,
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield f"{name}: {tool}: {error}"
        return
    if ran.returncode:
        yield f"{name}: {tool}:\n{ran.stdout}{ran.stderr}".rstrip()


if __name__ == "__main__":
    found = list(problems())
    print("\n".join(found) or "nothing found")
    sys.exit(bool(found))
