"""YAML as it is written into repositories: stable order, plain style, a head that says whose it is."""

from collections.abc import Iterable
from typing import Any

import yaml

# The C emitter writes thousands of documents in the time the Python one needs for a hundred.
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

OWNED_HEAD = "# Kept by Slipway from the stack's settings: change them there, not here.\n"


def documents(items: Iterable[dict[str, Any]], head: str = OWNED_HEAD) -> str:
    """Several objects as one YAML file."""
    return head + "---\n".join(_dump(item) for item in items)


def document(item: dict[str, Any], head: str = "") -> str:
    """One object as a YAML file."""
    return head + _dump(item)


def _dump(item: dict[str, Any]) -> str:
    return yaml.dump(item, Dumper=_Dumper, sort_keys=False, default_flow_style=False, width=120, allow_unicode=True)
