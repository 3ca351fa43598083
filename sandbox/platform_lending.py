"""What jobs of the platform repository are lent of this machine: the sandbox's `pulumi`, with its plugins and state."""

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox.github.actions.lending import Lent
from sandbox.overlay import chart_directory
from sandbox.pulumi.processes import OF_JOB
from sandbox.pulumi.programs import write_script
from sandbox.pulumi.workspace import PACKAGES, Workspace
from sandbox.runner import lent_file

_PULUMI = """#!/bin/sh
# `pulumi` for jobs of the platform repository: the sandbox's, with its plugins. The program is the job's own.
export PULUMI_HOME="${{PULUMI_HOME:-$HOME/.pulumi}}"
mkdir -p "$PULUMI_HOME"
[ -e "$PULUMI_HOME/plugins" ] || ln -s {plugins} "$PULUMI_HOME/plugins"
export {of_job}={home} PULUMI_SKIP_UPDATE_CHECK=true PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true
export PATH="$PWD/.venv/bin:$PATH" PYTHONPATH="$PWD:"{packages}
exec {cli} "$@"
"""


def lend(place: Workspace, owner: str, repository: str, environments: Mapping[str, str]) -> None:
    """Gives jobs of a repository's environments the state of the sandbox's stack, and a `pulumi` to work on it with.

    Args:
        place: where the stack lives.
        owner: the organisation.
        repository: the repository's name.
        environments: name → `reader` or `writer` of the state.
    """
    config, home, tools = place.config, place.home.folder, place.config.directory / "runner" / repository
    plugins = home / "plugins"
    values = {"plugins": plugins, "home": home, "packages": PACKAGES, "cli": place.cli.resolve()}
    write_script(tools / "pulumi", _PULUMI.format(of_job=OF_JOB, **{k: shlex.quote(str(v)) for k, v in values.items()}))
    programs = [path.resolve().parent for path in plugins.glob("*/pulumi-resource-*") if path.is_symlink()]
    folders = [PACKAGES / "sandbox", Path(chart_directory(config)), plugins]
    lent = Lent(
        repository=f"{owner}/{repository}",
        environments=dict(environments),
        state=place.folder / "state",
        folders=(*folders, *programs),
        tools=tools,
        packages=Path(sys.prefix).resolve(),
        programs=place.cli.resolve().parent,
    )
    lent_file(config).write_text(json.dumps(lent.document()), encoding="utf-8")
