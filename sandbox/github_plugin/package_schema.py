"""The package's schema in Pulumi's form, made of the descriptions of the kinds."""

import json
from collections.abc import Mapping

from sandbox.github_plugin.functions import FUNCTIONS
from sandbox.github_plugin.kinds import KINDS
from sandbox.github_plugin.schema import Block, Field, Many, Shape
from sandbox.github_plugin.wire import Json

NAMES = {str: "string", int: "integer", bool: "boolean"}


def package_schema(version: str) -> str:
    """The schema as JSON."""
    return json.dumps(
        {
            "name": "github",
            "version": version,
            "resources": {
                token: {
                    "properties": _properties(kind.fields),
                    "inputProperties": _properties(
                        {name: field for name, field in kind.fields.items() if not field.output}
                    ),
                    "requiredInputs": sorted(
                        name
                        for name, field in kind.fields.items()
                        if field.required and not (kind.named and name == "name")
                    ),
                }
                for token, kind in KINDS.items()
            },
            "functions": {
                token: {"inputs": {"properties": {name: {"type": "string"} for name in sorted(arguments)}}}
                for token, (arguments, _) in FUNCTIONS.items()
            },
        }
    )


def _properties(shape: Mapping[str, Field]) -> Json:
    return {name: _type(field.shape) for name, field in shape.items()}


def _type(shape: Shape) -> Json:
    if isinstance(shape, Many):
        return {"type": "array", "items": _type(shape.of)}
    if isinstance(shape, Block):
        return {"type": "object", "additionalProperties": {"$ref": "pulumi.json#/Any"}}
    return {"type": NAMES[shape]}
