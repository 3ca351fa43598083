"""YAML as it is written into repositories: stable order, plain style, a head that says whose it is."""

from collections.abc import Iterable
from typing import Any, cast

import yaml

from slipway_release.yaml_scalars import is_plain_text

# The C emitter writes thousands of documents in the time the Python one needs for a hundred.
FAST_DUMPER = cast("type[yaml.SafeDumper]", getattr(yaml, "CSafeDumper", yaml.SafeDumper))


class _Dumper(FAST_DUMPER):
    """Puts each text into quotes that Helm or Kubernetes would read as something else: PyYAML knows YAML 1.1 alone."""

    def resolve(self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> str:
        tag = str(super().resolve(kind, value, implicit))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        plain = kind is yaml.ScalarNode and implicit[0]
        return "not text" if plain and tag == _TEXT and not is_plain_text(value) else tag


_TEXT = "tag:yaml.org,2002:str"

OWNED_HEAD = "# Kept by Slipway from the stack's settings: change them there, not here.\n"


def documents(items: Iterable[dict[str, Any]], head: str = OWNED_HEAD) -> str:
    """Several objects as one YAML file."""
    return head + "---\n".join(_dump(item) for item in items)


def document(item: dict[str, Any], head: str = "") -> str:
    """One object as a YAML file."""
    return head + _dump(item)


def _dump(item: dict[str, Any]) -> str:
    return yaml.dump(item, Dumper=_Dumper, sort_keys=False, default_flow_style=False, width=120, allow_unicode=True)
