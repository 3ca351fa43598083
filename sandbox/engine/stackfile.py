"""A stack's settings as the program sees them: the project's defaults, the stack file, this machine's overlay."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from sandbox.engine.outcome import ProgramError
from sandbox.engine.shape import fields
from sandbox.errors import ExitCode

Config = dict[str, Any]


@dataclass(frozen=True)
class StackConfig:
    """The merged settings of one stack."""

    project: str
    stack: str
    values: Config
    """Every key with its namespace, values as plain data."""
    secrets: frozenset[str]
    """The keys whose values are secret."""

    def as_text(self) -> dict[str, str]:
        """The settings the way the SDK takes them: objects as JSON."""
        return {key: value if isinstance(value, str) else json.dumps(value) for key, value in self.values.items()}


def merged(base: Any, overlay: Any) -> Any:
    """`base` with the overlay's fields on top; mappings are merged, anything else is replaced."""
    if isinstance(base, Mapping) and isinstance(overlay, Mapping):
        result = dict(cast(Mapping[str, Any], base))
        for key, value in cast(Mapping[str, Any], overlay).items():
            result[key] = merged(result[key], value) if key in result else value
        return result
    return overlay


def stack_file(root: Path, stack: str) -> Path:
    """Where the settings of a stack lie."""
    folder = _document(root / "Pulumi.yaml").get("stackConfigDir", "")
    return root / folder / f"Pulumi.{stack}.yaml"


def read_stack(
    root: Path,
    stack: str,
    overlay: Config | None = None,
    secrets: Config | None = None,
    *,
    placeholder: str | None = None,
) -> StackConfig:
    """Reads a stack's settings and lays this machine's values over them.

    Args:
        root: The work tree.
        stack: The stack's name.
        overlay: Values that are merged into those of the file.
        secrets: Values that replace those of the file, and are secret.
        placeholder: What stands for values that only the pulumi CLI can decrypt; without it they are an error.

    Raises:
        ProgramError: A file is missing or broken, or a secret cannot be read here.
    """
    project = _document(root / "Pulumi.yaml")
    name = project.get("name")
    if not isinstance(name, str):
        raise ProgramError(f"{root / 'Pulumi.yaml'}: it has no name", exit_code=ExitCode.USAGE)
    values = _defaults(name, fields(project, "config"))
    path = stack_file(root, stack)
    for key, value in fields(_document(path), "config").items():
        full = key if ":" in key else f"{name}:{key}"
        values[full] = merged(values.get(full), value)
    for key, value in (overlay or {}).items():
        values[key] = merged(values.get(key), value)
    values |= secrets or {}
    locked = sorted(key for key, value in values.items() if _is_encrypted(value))
    if placeholder is not None:
        values |= dict.fromkeys(locked, placeholder)
    elif locked:
        raise ProgramError(
            f"{path}: {', '.join(locked)}: encrypted, and only the pulumi CLI can decrypt it; give it in the overlay",
            exit_code=ExitCode.USAGE,
        )
    return StackConfig(project=name, stack=stack, values=values, secrets=frozenset([*(secrets or {}), *locked]))


def _document(path: Path) -> Config:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProgramError(f"{path}: there is no such file", exit_code=ExitCode.USAGE) from None
    except yaml.YAMLError as error:
        raise ProgramError(f"{path}: not valid YAML: {error}", exit_code=ExitCode.USAGE) from None
    if not isinstance(loaded, dict):
        raise ProgramError(f"{path}: a mapping is expected at the top", exit_code=ExitCode.USAGE)
    return cast(Config, loaded)


def _defaults(name: str, declared: Config) -> Config:
    """What `config:` of Pulumi.yaml gives by itself: `value` of any key, `default` of the project's own."""
    values: Config = {}
    for key, entry in declared.items():
        full = key if ":" in key else f"{name}:{key}"
        if not isinstance(entry, dict):
            values[full] = entry
        elif "value" in entry or "default" in entry:
            fields = cast(Config, entry)
            values[full] = fields.get("value", fields.get("default"))
    return values


def _is_encrypted(value: Any) -> bool:
    return isinstance(value, dict) and set(cast(Config, value)) == {"secure"}
