"""The JSON Schema of stack files, made from the same types that read them: `python -m stacks.schema` writes it."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from stacks.problems import NAMESPACE
from stacks.secrets import SECRETS
from stacks.settings import SECTIONS, SWITCHES

PATH = Path(__file__).parent / "schema.json"


def stack_schema() -> dict[str, Any]:
    """What an editor completes and checks in `stacks/Pulumi.<stack>.yaml`."""
    inputs: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [
        (key, "validation", TypeAdapter[Any](kind)) for key, kind in SECTIONS.items()
    ]
    parts, definitions = TypeAdapter[Any].json_schemas(inputs, by_alias=True, ref_template="#/$defs/{model}")
    properties = {f"{NAMESPACE}:{key}": part for (key, _), part in parts.items()}
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
