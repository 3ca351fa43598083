"""What a preview would change, for people: one line a resource, with the inputs that differ."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from sandbox.pulumi.events import STACK_TYPE, UNCHANGED, Step

STYLES = {"create": "green", "update": "yellow", "replace": "magenta", "delete": "red"}
PARTS = ("create-replacement", "delete-replaced", "discard-replaced")
"""Steps of a replacement, which has one of its own."""
SHOWN = 5
"""How many differing inputs are named; `pulumi preview --diff` shows all, with their values."""


def changes(steps: Sequence[Step]) -> list[Step]:
    """The steps that change something a person declares, each resource once."""
    return [
        step
        for step in steps
        if step.operation not in UNCHANGED and step.operation not in PARTS and step.type != STACK_TYPE
    ]


def table(steps: Sequence[Step]) -> Table:
    """The changes as a table."""
    shown = Table.grid(padding=(0, 2))
    for step in changes(steps):
        more = f" and {len(step.differing) - SHOWN} more" if len(step.differing) > SHOWN else ""
        shown.add_row(
            Text(step.operation, STYLES.get(step.operation, "")),
            Text(step.name, overflow="fold"),
            Text(step.type.rpartition(":")[2], "dim", overflow="fold"),
            Text(", ".join(step.differing[:SHOWN]) + more, overflow="fold"),
        )
    return shown
