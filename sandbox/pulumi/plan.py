"""What the program would make where there is nothing yet, as a tree; touches neither cluster nor GitHub."""

import contextlib
import subprocess
import tempfile
from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path

from rich.text import Text
from rich.tree import Tree

from sandbox.access import check_settings
from sandbox.config import SandboxConfig
from sandbox.progress import Progress
from sandbox.pulumi import programs
from sandbox.pulumi.command import clean_environment
from sandbox.pulumi.events import STACK_TYPE, Step
from sandbox.pulumi.operations import Run, preview
from sandbox.pulumi.settings import StackConfig
from sandbox.pulumi.workspace import UNSAVED, Workspace


def plan(config: SandboxConfig, settings: StackConfig, progress: Progress) -> Run:
    """A preview against an empty state, with providers that reach nothing.

    Raises:
        SandboxError: Something is wrong with the settings.
        PulumiError: The program cannot be deployed like this.
    """
    check_settings(config, settings.stack)
    with _nowhere(config, progress) as place:
        return preview(place, settings, progress.teller())


def plan_document(config: SandboxConfig, settings: StackConfig, progress: Progress) -> tuple[str, int]:
    """The same as `pulumi preview --json` writes it, and its exit code; what it says besides goes to standard error."""
    with _nowhere(config, progress) as place:
        place.open(settings, changing=False)
        ran = subprocess.run(
            [place.cli, "preview", "--json", "--non-interactive", "--stack", settings.stack],
            cwd=place.project, env=clean_environment() | place.environment() | UNSAVED, stdout=subprocess.PIPE,
            text=True, check=False,
        )  # fmt: skip
        return ran.stdout, ran.returncode


@contextlib.contextmanager
def _nowhere(config: SandboxConfig, progress: Progress) -> Generator[Workspace]:
    """A workspace that is gone afterwards, with providers that reach nothing."""
    with tempfile.TemporaryDirectory(prefix="slipway-plan-") as folder:
        home = programs.Home(Path(folder) / "home")
        cli = programs.ensure_plan(config, progress, home)
        yield Workspace(config, Path(folder), cli, hermetic=True)


def resources(run: Run) -> list[Step]:
    """The resources of a plan, without the stack itself and without providers."""
    return [step for step in run.steps if step.type != STACK_TYPE and not step.type.startswith("pulumi:providers:")]


def tree(settings: StackConfig, steps: Sequence[Step]) -> Tree:
    """The resources under their parents, by name: the engine takes them in another order every time."""
    root = Tree(Text.assemble((settings.stack, "bold"), f"  {settings.project}"), guide_style="dim")
    urns = {step.urn for step in steps}
    children: dict[str, list[Step]] = {}
    for step in sorted(steps, key=lambda step: step.name):
        children.setdefault(step.parent if step.parent in urns else "", []).append(step)
    pending = [("", root)]
    while pending:
        urn, node = pending.pop()
        pending += [(child.urn, node.add(_label(child))) for child in children.get(urn, [])]
    return root


def summary(steps: Sequence[Step]) -> str:
    """How many resources of which package."""
    packages = Counter(_package(step) for step in steps)
    listed = ", ".join(f"{count} {package}" for package, count in sorted(packages.items()))
    return f"{len(steps)} resources: {listed}"


def _package(step: Step) -> str:
    package = step.type.partition(":")[0]
    return "components" if package == "slipway" else package


def _label(step: Step) -> Text:
    notes = [note for note, given in (("protected", step.protect), ("retained", step.retain_on_delete)) if given]
    return Text.assemble(
        (step.name, "bold cyan" if _package(step) == "components" else ""),
        ("  " + step.type, "dim"),
        (f"  [{', '.join(notes)}]" if notes else "", "yellow"),
    )
