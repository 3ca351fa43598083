"""Values as the engine sends them, and as Python has them.

The plugin tells the engine that it takes no secrets. The engine then sends plain values, and marks as secret whatever
comes back under the name of a secret, as it does for the real plugin.
"""

from collections.abc import Iterable
from typing import Any, cast

from google.protobuf import struct_pb2
from google.protobuf.json_format import MessageToDict

Json = dict[str, Any]

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands for a value that is not known yet; the SDK's own, which is not imported for it."""


def decoded(message: struct_pb2.Struct) -> Json:
    """The properties of a message, without those that are null; whole numbers are `int`.

    What the engine does not know yet, in a preview, is the text `UNKNOWN`.
    """
    return _known(MessageToDict(message))


def encoded(properties: Json) -> struct_pb2.Struct:
    """Properties as a message; those that are None are left out."""
    message = struct_pb2.Struct()
    message.update(_known(properties))
    return message


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(item) for key, item in cast("Json", value).items() if item is not None}
    if isinstance(value, list | tuple):
        return [_known(item) for item in cast("Iterable[Any]", value)]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def contains_unknown(value: object) -> bool:
    """Whether a value, or anything in it, is not known yet."""
    if isinstance(value, dict):
        return any(contains_unknown(item) for item in cast("Json", value).values())
    if isinstance(value, list):
        return any(contains_unknown(item) for item in cast("list[Any]", value))
    return value == UNKNOWN


def fields(document: object, *path: str) -> Json:
    """The mapping at a path of a document; empty if there is none."""
    value: Any = document
    for step in path:
        value = cast("Json", value).get(step) if isinstance(value, dict) else None
    return cast("Json", value) if isinstance(value, dict) else {}


def items(document: object, *path: str) -> list[Json]:
    """The list at a path of a document; empty if there is none."""
    value = fields(document, *path[:-1]).get(path[-1])
    return cast("list[Json]", value) if isinstance(value, list) else []
