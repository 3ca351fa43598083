"""The JSON Schema of stack files, made from the same types that read them: `python -m stacks.schema` writes it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from stacks.problems import NAMESPACE
from stacks.secrets import SECRETS
from stacks.settings import SECTIONS, SWITCHES

PATH = Path(__file__).parent / "schema.json"
EXAMPLES = Path(__file__).parent / "examples.yaml"


def stack_schema() -> dict[str, Any]:
    """What an editor completes and checks in `stacks/Pulumi.<stack>.yaml`."""
    inputs: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [
        (key, "validation", TypeAdapter[Any](kind)) for key, kind in SECTIONS.items()
    ]
    parts, definitions = TypeAdapter[Any].json_schemas(inputs, by_alias=True, ref_template="#/$defs/{model}")
    properties = {f"{NAMESPACE}:{key}": part for (key, _), part in parts.items()}
    for key, given in yaml.safe_load(EXAMPLES.read_text(encoding="utf-8")).items():
        _exemplify(properties[f"{NAMESPACE}:{key}"], given, definitions["$defs"])
    properties |= {f"{NAMESPACE}:{key}": _secret(secret.meaning) for key, secret in SECRETS.items()}
    properties |= {f"{NAMESPACE}:{key}": {"type": "boolean", "description": text} for key, text in SWITCHES.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Slipway stack",
        "type": "object",
        "required": ["config"],
        "properties": {
            "config": {
                "type": "object",
                "required": [f"{NAMESPACE}:{key}" for key in ("github", "cluster", "environments")],
                "properties": properties,
                # Other namespaces are Pulumi's and the providers' affair; in ours an unknown key is a mistake.
                "patternProperties": {f"^(?!{NAMESPACE}:)": True},
                "additionalProperties": False,
            }
        },
        **definitions,
    }


def schema_text() -> str:
    """The committed file's text."""
    return json.dumps(stack_schema(), indent=2, ensure_ascii=False) + "\n"


def resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema itself, without references and without the `null` of optional settings."""
    while True:
        if "$ref" in schema:
            target = cast(Mapping[str, Any], definitions[str(schema["$ref"]).rpartition("/")[2]])
            schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
            continue
        options = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
        if len(options) != 1:
            return schema
        schema = {**options[0], **{key: value for key, value in schema.items() if key != "anyOf"}}


def _exemplify(schema: dict[str, Any], given: Any, definitions: Mapping[str, Any]) -> None:
    """Puts examples to the settings that have none below them."""
    found = resolved(schema, definitions)
    items: Mapping[str, Any] = resolved(found["items"], definitions) if found.get("type") == "array" else {}
    if "properties" in items:
        found, given = items, given[0]
    if "properties" not in found:
        schema["examples"] = [given]
        return
    for key, value in given.items():
        _exemplify(found["properties"][key], value, definitions)


def _secret(meaning: str) -> dict[str, Any]:
    encrypted = {
        "type": "object",
        "properties": {"secure": {"type": "string"}},
        "required": ["secure"],
        "additionalProperties": False,
    }
    return {**encrypted, "description": f"Secret: {meaning}. Set it with `pulumi config set --secret`."}


if __name__ == "__main__":
    PATH.write_text(schema_text(), encoding="utf-8")
