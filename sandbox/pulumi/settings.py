"""A stack's settings as the program sees them: the project's defaults, the stack file, this machine's overlay."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from sandbox.errors import ExitCode, SandboxError
from sandbox.pulumi.stack_yaml import load
from sandbox.shape import fields

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
        SandboxError: A file is missing or broken, or a secret cannot be read here.
    """
    project = _document(root / "Pulumi.yaml")
    name = project.get("name")
    if not isinstance(name, str):
        raise SandboxError(f"{root / 'Pulumi.yaml'}: it has no name", exit_code=ExitCode.USAGE)
    values = _defaults(name, fields(project, "config"))
    path = stack_file(root, stack)
    if not path.exists():
        raise SandboxError(f"{path}: there is no such file; {_stacks(path.parent)}", exit_code=ExitCode.USAGE)
    for key, value in _section(path).items():
        full = key if ":" in key else f"{name}:{key}"
        values[full] = merged(values.get(full), value)
    for key, value in (overlay or {}).items():
        values[key] = merged(values.get(key), value)
    values |= secrets or {}
    locked = sorted(key for key, value in values.items() if _is_encrypted(value))
    if placeholder is not None:
        values |= dict.fromkeys(locked, placeholder)
    elif locked:
        raise SandboxError(
            f"{path}: {', '.join(locked)}: encrypted, and only the pulumi CLI can decrypt it; give it in the overlay",
            exit_code=ExitCode.USAGE,
        )
    return StackConfig(project=name, stack=stack, values=values, secrets=frozenset([*(secrets or {}), *locked]))


def _section(path: Path) -> Config:
    """The settings that a stack file gives, by their keys as text: a number can be a key in YAML, and is unknown."""
    given = _document(path).get("config", {})
    if not isinstance(given, dict):
        raise SandboxError(f"{path}: config: a mapping of keys to values is expected", exit_code=ExitCode.USAGE)
    return {str(key): value for key, value in cast(dict[object, Any], given).items()}


def _stacks(folder: Path) -> str:
    """What can be done about a stack that is not there."""
    found = sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml"))
    return f"copy one of {folder} or `examples/` to it, or name a stack that is there: {', '.join(found) or 'none'}"


def _document(path: Path) -> Config:
    try:
        loaded = load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise SandboxError(f"{path}: not valid YAML: {_told(error)}", exit_code=ExitCode.USAGE) from None
    except UnicodeDecodeError:
        raise SandboxError(f"{path}: no text in UTF-8; save it as such", exit_code=ExitCode.USAGE) from None
    except OSError as error:
        raise SandboxError(f"{path}: it cannot be read: {error.strerror}", exit_code=ExitCode.USAGE) from None
    if not isinstance(loaded, dict):
        raise SandboxError(f"{path}: a mapping is expected at the top", exit_code=ExitCode.USAGE)
    return cast(Config, loaded)


def _told(error: yaml.YAMLError) -> str:
    """A parser's complaint in one line, with its place."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem or error.context}"
    return " ".join(str(error).split())


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
