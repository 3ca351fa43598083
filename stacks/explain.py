"""Explains a setting in the terminal: `make explain SETTING=environments.sync`, from the schema that editors use."""

import argparse
import difflib
import json
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from slipway_release.output import ended
from stacks.problems import NAMESPACE, listed
from stacks.schema import resolved, stack_schema

Schema = Mapping[str, Any]


class UnknownSettingError(ValueError):
    """The schema has no setting of that path; the text names the nearest part that exists."""


def explain(path: str) -> str:
    """What a setting means, what it takes and what it is without an entry.

    Args:
        path: Names joined by dots, as in messages: `environments.sync`. Indexes and names of list items
            (`environments[dev].sync`, `environments.0.sync`) are left out. Empty: all settings.

    Returns:
        Lines of text, each at most one sentence, with the settings below it.

    Raises:
        UnknownSettingError: There is no such setting.
    """
    document = stack_schema()
    config = cast(Schema, document["properties"]["config"])
    root: Schema = {
        "properties": {key.removeprefix(f"{NAMESPACE}:"): value for key, value in config["properties"].items()},
        "required": [key.removeprefix(f"{NAMESPACE}:") for key in config["required"]],
    }
    found, required = root, False
    walked: list[str] = []
    for name in _names(path):
        below = _below(found, document)
        if walked and below.get("type") == "object" and not below.get("properties"):
            # It takes any names, such as values of a chart: what is below it is told by nothing but itself.
            break
        if name not in below.get("properties", {}):
            elsewhere = [path for path in _paths(root, document) if path.rpartition(".")[2].lower() == name.lower()]
            raise UnknownSettingError(_unknown(name, walked, sorted(below.get("properties", {})), elsewhere))
        required = name in below.get("required", [])
        found = cast(Schema, below["properties"][name])
        walked.append(name)
    if not walked:
        return "\n".join(_children(root, document))
    return "\n".join(
        [*_head(".".join(walked), found, document, required), *_children(_below(found, document), document)]
    )


def _names(path: str) -> list[str]:
    outside = "".join(part.partition("]")[2] if index else part for index, part in enumerate(path.split("[")))
    whole = re.sub(r"^config[.:]", "", outside).removeprefix(f"{NAMESPACE}:")
    return [name for name in whole.split(".") if name and not name.isdigit()]


def _paths(schema: Schema, document: Schema, above: str = "") -> Iterator[str]:
    """Every setting below one."""
    for name, child in cast(Mapping[str, Schema], _below(schema, document).get("properties", {})).items():
        yield f"{above}{name}"
        yield from _paths(child, document, f"{above}{name}.")


def _unknown(name: str, walked: list[str], known: list[str], elsewhere: list[str]) -> str:
    place = ".".join(walked) or "the stack file"
    if not known:
        return f"{'.'.join([*walked, name])}: {place} has no settings below it"
    near = difflib.get_close_matches(name, known, 1) or elsewhere[:3]
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return f"{'.'.join([*walked, name])}: there is no such setting; {hint}{place} has {listed(known)}"


def _resolved(schema: Schema, document: Schema) -> Schema:
    return resolved(schema, cast(Schema, document["$defs"]))


def _below(schema: Schema, document: Schema) -> Schema:
    """Where the settings below a setting stand: in the items of a list."""
    found = _resolved(schema, document)
    while found.get("type") == "array" and "items" in found:
        found = _resolved(cast(Schema, found["items"]), document)
    return found


def _about(schema: Schema, document: Schema) -> str:
    """The description of a setting, or of the items of its list."""
    return str(_resolved(schema, document).get("description") or _below(schema, document).get("description", ""))


def _takes(schema: Schema, document: Schema) -> str:
    found = _resolved(schema, document)
    if "enum" in found:
        return "one of " + listed([str(value) for value in found["enum"]])
    if "anyOf" in found:
        return " or ".join(_takes(option, document) for option in found["anyOf"] if option.get("type") != "null")
    if set(found.get("properties", {})) == {"secure"}:
        return "an encrypted value"
    match found.get("type"):
        case "array":
            return f"a list, each item {_takes(cast(Schema, found.get('items', {})), document)}"
        case "object":
            return "a mapping"
        case "string":
            return "text"
        case "integer":
            return "a whole number" + _bounds(found)
        case "number":
            return "a number" + _bounds(found)
        case "boolean":
            return "true or false"
        case _:
            return "any value"


def _bounds(schema: Schema) -> str:
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    parts = [f"at least {lowest}" if lowest is not None else "", f"at most {highest}" if highest is not None else ""]
    text = ", ".join(part for part in parts if part)
    return f" ({text})" if text else ""


def _head(path: str, schema: Schema, document: Schema, required: bool) -> list[str]:
    found = _resolved(schema, document)
    lines = [path, *(f"  {line}" for line in _about(schema, document).splitlines() if line.strip())]
    lines.append(f"  takes: {_takes(schema, document)}")
    if required:
        lines.append("  required")
    elif found.get("default") is not None:
        lines.append(f"  default: {json.dumps(found['default'], ensure_ascii=False)}")
    lines += [f"  example: {json.dumps(example, ensure_ascii=False)}" for example in found.get("examples", [])]
    return lines


def _children(schema: Schema, document: Schema) -> list[str]:
    properties = cast(Mapping[str, Schema], schema.get("properties", {}))
    if not properties or set(properties) == {"secure"}:
        return []
    width = max(map(len, properties))
    lines = ["", "Settings (* required):"]
    for name, child in properties.items():
        mark = "*" if name in schema.get("required", []) else " "
        about = _about(child, document).partition("\n")[0]
        lines.append(f"  {mark} {name.ljust(width)}  {about or _takes(child, document)}")
    return lines


def fitting(text: str, width: int) -> str:
    """Lines that a terminal does not break within a word; what goes on begins below the text of its setting."""
    return "\n".join(line for one in text.splitlines() for line in _wrapped(one, width))


def _wrapped(line: str, width: int) -> list[str]:
    found = re.match(r" {2}[ *] \S+ +| *(takes: |example: )?", line)
    indent = " " * (len(found[0]) if found else 0)
    # A path or an address that is longer stays whole, to be copied.
    return textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False) or [""]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the explanation of one setting; exit code 2 where there is no such setting."""
    parser = argparse.ArgumentParser(prog="python -m stacks.explain", description="Explain a setting of a stack file.")
    parser.add_argument("setting", nargs="?", default="", help="such as environments.sync; without one, all are listed")
    given = parser.parse_args(arguments)
    try:
        # Programs that read it take lines whole.
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
        sys.stdout.write(fitting(explain(given.setting).strip("\n"), width) + "\n")
    except UnknownSettingError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(ended(main))
