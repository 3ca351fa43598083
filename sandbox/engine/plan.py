"""What the program would declare, as a tree; touches neither cluster nor GitHub."""

from collections import Counter
from pathlib import Path
from typing import Any

from rich.text import Text
from rich.tree import Tree

from sandbox.engine.monitor import Handler, Monitor, Registration
from sandbox.engine.outcome import Applied
from sandbox.engine.program import run_program
from sandbox.engine.stackfile import StackConfig


class Recorder(Handler):
    """Answers every registration with its inputs; outputs that only a provider knows stay unknown."""

    def register(self, registration: Registration) -> Applied:
        outputs = {key: value for key, value in registration.inputs.items() if key != "__provider"}
        return Applied(id="", outputs=outputs)

    def read(self, registration: Registration) -> Applied:
        return Applied(id=registration.existing_id, outputs=registration.inputs)

    def invoke(self, token: str, arguments: dict[str, Any], provider: str) -> dict[str, Any]:
        del token, provider
        # An answer has no unknowns, so there has to be something; 0 can be read as a text and as a number.
        return {**arguments, "id": "0"}


def record(root: Path, config: StackConfig) -> Monitor:
    """Runs the program without applying anything."""
    return run_program(root, config, Recorder(), preview=True)


def tree(config: StackConfig, registrations: dict[str, Registration]) -> Tree:
    """The resources under their parents, in the order in which the program declares them."""
    root = Tree(Text.assemble((config.stack, "bold"), f"  {config.project}"), guide_style="dim")
    nodes: dict[str, Tree] = {}
    children: dict[str, list[Registration]] = {}
    for registration in registrations.values():
        parent = registration.parent if registration.parent in registrations else ""
        children.setdefault(parent, []).append(registration)
    pending = [("", root)]
    while pending:
        urn, node = pending.pop()
        for child in children.get(urn, []):
            nodes[child.urn] = node.add(_label(child))
            pending.append((child.urn, nodes[child.urn]))
    return root


def summary(registrations: dict[str, Registration]) -> str:
    """How many resources of which package."""
    packages = Counter("components" if not item.custom else _package(item) for item in registrations.values())
    listed = ", ".join(f"{count} {package}" for package, count in sorted(packages.items()))
    return f"{len(registrations)} resources: {listed}"


def _package(item: Registration) -> str:
    return "providers" if item.package == "pulumi" else item.package


def _label(item: Registration) -> Text:
    style = "bold cyan" if not item.custom else ""
    notes = [note for note, given in (("protected", item.protect), ("retained", item.retain_on_delete)) if given]
    return Text.assemble(
        (item.name, style), ("  " + item.type, "dim"), (f"  [{', '.join(notes)}]" if notes else "", "yellow")
    )
