"""actionlint and zizmor on every workflow: the project's own, and those that the product writes into repositories.

The product's are rendered as a whole repository each, because a workflow is only right beside the actions and the
reusable workflows that it names.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from sandbox import toolchain
from sandbox.config import SandboxConfig
from sandbox.progress import Progress

ROOT = Path(__file__).parent.parent
ZIZMOR_CONFIG = ROOT / "tools" / "zizmor.yml"
LIMIT_SECONDS = 300


def rendered() -> Mapping[str, Mapping[str, str]]:
    """The files of each repository that the product writes, by repository and path."""
    return {}


def problems() -> Iterator[str]:
    """What is wrong with any workflow, one text a tool and repository."""
    actionlint = toolchain.ensure(SandboxConfig.from_environment(), Progress(), {"actionlint"})["actionlint"]
    yield from check(actionlint, "this repository", ROOT)
    with tempfile.TemporaryDirectory(prefix="slipway-workflows-") as folder:
        for repository, files in rendered().items():
            directory = Path(folder) / repository
            (directory / ".git").mkdir(parents=True)  # where actionlint looks for the root of a repository
            for path, text in files.items():
                target = directory / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
            yield from check(actionlint, repository, directory)


def check(actionlint: Path, name: str, directory: Path) -> Iterator[str]:
    workflows = sorted(directory.glob(".github/workflows/*.y*ml"))
    if not workflows:
        yield f"{name}: no workflow was found; the check would have checked nothing"
        return
    # shellcheck and pyflakes are not locked here: what they find must not depend on the machine.
    lint = [str(actionlint), "-no-color", "-shellcheck=", "-pyflakes=", *map(str, workflows)]
    yield from run(name, lint, directory)
    audited = [str(path) for path in (directory / ".github", directory / "action.yml") if path.exists()]
    zizmor = shutil.which("zizmor", path=str(Path(sys.executable).parent)) or "zizmor"
    yield from run(
        name,
        [zizmor, "--offline", "--no-progress", "--color=never", "--quiet", "--config", str(ZIZMOR_CONFIG), *audited],
        directory,
    )


def run(name: str, command: list[str], directory: Path) -> Iterator[str]:
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
        yield f"{name}: {Path(command[0]).name}: {error}"
        return
    if ran.returncode:
        yield f"{name}: {Path(command[0]).name}:\n{ran.stdout}{ran.stderr}".rstrip()


if __name__ == "__main__":
    found = list(problems())
    print("\n".join(found) or "nothing found")
    sys.exit(bool(found))
