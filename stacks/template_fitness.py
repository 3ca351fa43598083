"""Whether a service can be made of a template of the platform's own: its workflows are workflows, its texts come again.

The templates that come with Slipway are tested for both.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from manifests.model import Service, Settings
from manifests.repository_files import offered_variables, service_repository_files
from templates.copier_runs import unsteady

WORKFLOWS = ".github/workflows/"
ACTIONLINT = Path(__file__).resolve().parents[1] / "sandbox/tools/actionlint"
"""The Go module that pins it."""
OPTIONS = (
    # shellcheck and pyflakes are pinned nowhere: what they find must not depend on the machine.
    "-no-color", "-shellcheck=", "-pyflakes=",
    # Newer than actionlint: https://docs.github.com/actions/reference/workflows-and-actions
    "-ignore", 'unexpected key "queue" for "concurrency" section',
)  # fmt: skip
_SECONDS = 300
"""For its build, the first time."""


def unfit(settings: Settings, service: Service) -> list[str]:
    """What is wrong with the template of a new service, one sentence each.

    Raises:
        TemplateProblem: it does not render.
    """
    if not any(own.name == service.template for own in settings.templates):
        return []
    where = f"services[{service.name}].template: {service.template}"
    template = settings.template(service)
    found = unsteady(template, service.answers, offered_variables(settings, service))
    problems = [
        f"{where}: {place}: `{word}` is another text each time, which every update would propose as a change;"
        " leave it out, or make it a question"
        for place, word in found
    ]
    problems += [f"{where}: {text}; mend the template" for text in _rejected(settings, service)]
    return problems


def _rejected(settings: Settings, service: Service) -> Iterator[str]:
    """What actionlint says of the workflows of a service's repository, if it has any that are not the platform's."""
    files = service_repository_files(settings, service)
    if not any(path.startswith(WORKFLOWS) for path in files.seeded):
        return
    command = _actionlint()
    if command is None:
        _say("The workflows of the template are not checked: that takes actionlint or Go. `make check` looks at them.")
        return
    with tempfile.TemporaryDirectory(prefix="slipway-workflows-") as folder:
        (Path(folder) / ".git").mkdir()  # where actionlint looks for the root of a repository
        for path, text in (files.seeded | files.owned).items():
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / path).write_text(text, encoding="utf-8")
        workflows = sorted(map(str, Path(folder).glob(f"{WORKFLOWS}*.y*ml")))
        _say("actionlint reads the workflows of the template; the first time it is built, which takes a minute")
        ran = subprocess.run(
            [*command, *OPTIONS, "-format", "{{json .}}", *workflows], cwd=folder, capture_output=True, text=True,
            timeout=_SECONDS, check=False, env={**os.environ, "CGO_ENABLED": "0"},
        )  # fmt: skip
        try:
            findings = cast(list[dict[str, object]], json.loads(ran.stdout))
        except ValueError:
            _say(f"They are not checked: {(ran.stderr.strip().splitlines() or ['it said nothing'])[-1]}")
            return
        for one in findings:
            path = os.path.relpath(str(one["filepath"]), folder)
            yield f"{path} line {one['line']}: {one['message']}"


def _actionlint() -> list[str] | None:
    if found := shutil.which("actionlint"):
        return [found]
    if go := shutil.which("go"):
        return [go, "run", "-C", str(ACTIONLINT), "github.com/rhysd/actionlint/cmd/actionlint"]
    return None


def _say(text: str) -> None:
    print(text, file=sys.stderr)
