"""The environment repository as the platform writes it, and what its own checks say of it."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from manifests.repository_files import environment_repository_files
from slipway_release.release_file import ReleaseFile
from slipway_release.validation import charts, check
from slipway_release.validation.dependencies import Builds
from slipway_release.validation.files import Tree
from stacks.settings import settings_of
from tests.release.builders import release
from tests.release.stage import find
from tests.stacks.builders import Values, texts, values

HELM = find("helm", "bin/helm-*/helm")
needs_helm = pytest.mark.skipif(HELM is None, reason="helm is not here yet; `make up` builds it")


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def write_repository(folder: Path, stack: Values) -> Path:
    """All files of the environment repository of a stack."""
    files = environment_repository_files(settings_of("tests", texts(stack)))
    for path, text in {**files.seeded, **files.owned}.items():
        write(folder / path, text)
    return folder


def write_released(folder: Path) -> Path:
    """The repository of the valid stack, with 1.0.0 of guestbook released to staging."""
    write_repository(folder, values())
    released = ReleaseFile(release("1.0.0", image="ghcr.io/acme/guestbook")).dump()
    write(folder / "environments/staging/guestbook/release.yaml", released)
    return folder


def settled(tree: Tree, **changes: Any) -> None:
    """Write what the platform owns, as after a change of the settings."""
    for path in ("infrastructure", ".slipway", ".github"):
        shutil.rmtree(tree.folder / path)
    for path, text in environment_repository_files(settings_of("tests", texts(values(**changes)))).owned.items():
        write(tree.folder / path, text)


def told(tree: Tree) -> str:
    """All that the checks say."""
    return "\n".join(map(str, check.problems(tree)))


def rendered(tree: Tree) -> charts.Rendered:
    """The first service in the first environment."""
    service, environment = next(iter(tree.placements()))
    with Builds() as builds:
        return charts.render(tree, service, environment, builds, sample=True)


def workload(kind: str, version: str, spec: str) -> str:
    """An object of a kind that runs pods, or of another one."""
    return f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {spec}\n"
