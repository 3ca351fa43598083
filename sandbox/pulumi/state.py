"""The state of the sandbox's stack as a file: whether it is one, and what an interrupted run has left in it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sandbox.errors import SandboxError
from sandbox.pulumi.events import name_of, type_of
from sandbox.pulumi.settings import StackConfig
from sandbox.shape import at, fields, items

Json = dict[str, Any]


@dataclass(frozen=True)
class Pending:
    """An operation that began and of which nothing says how it ended."""

    operation: str
    """`creating`, `updating`, `deleting`, …"""
    urn: str

    @property
    def is_creation(self) -> bool:
        """Whether it may have made something that the state does not know."""
        return self.operation == "creating"

    def __str__(self) -> str:
        return f"{self.operation} {name_of(self.urn)} ({type_of(self.urn)})"


def read_pending(path: Path, settings: StackConfig) -> list[Pending]:
    """Looks whether the state is one of this stack; none is as good.

    Returns:
        What an interrupted run has left pending.

    Raises:
        SandboxError: It is broken, or that of another stack.
    """
    if not path.exists():
        return []
    latest = fields(_document(path), "checkpoint", "latest")
    prefix = f"urn:pulumi:{settings.stack}::{settings.project}::"
    for resource in items(latest, "resources"):
        urn = str(resource.get("urn"))
        if not urn.startswith(prefix):
            _, _, stack, _, project, *_ = urn.replace("::", ":x:").split(":") + [""] * 5
            raise SandboxError(
                f"{path}: it is the state of stack {stack or '?'} of project {project or '?'}, not of stack "
                f"{settings.stack} of project {settings.project}; {_remedy(path)}"
            )
    return [
        Pending(str(item.get("type")), str(at(item, "resource", "urn"))) for item in items(latest, "pending_operations")
    ]


def _document(path: Path) -> Json:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise SandboxError(f"{path}: the state is broken: it is not JSON; {_remedy(path)}") from None
    except OSError as error:
        raise SandboxError(f"{path}: the state cannot be read: {error.strerror}") from None
    if not isinstance(document, dict) or "checkpoint" not in document:
        raise SandboxError(f"{path}: the state is broken: it has no checkpoint; {_remedy(path)}")
    return cast(Json, document)


def _remedy(path: Path) -> str:
    backup = path.with_name(f"{path.name}.bak")
    back = f"put the one before back with `cp {backup} {path}`, or " if backup.exists() else ""
    return f"{back}start again with `make down` and `make up`"
