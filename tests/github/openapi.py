"""GitHub's own description of its REST API, and what an answer lacks of it."""

import json
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

VERSION = "23.0.2"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway" / "openapi"
DEEPEST = 12

Json = dict[str, Any]


@cache
def description() -> Json:
    """The description, fetched once into the cache; the test is skipped where it cannot be had."""
    kept = CACHE / f"{VERSION}.json"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        package = f"@octokit/openapi@{VERSION}"
        try:
            subprocess.run(["npm", "pack", package], cwd=CACHE, capture_output=True, check=True, timeout=110)
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"GitHub's OpenAPI description cannot be had: npm pack {package}: {error}")
        packed = CACHE / f"octokit-openapi-{VERSION}.tgz"
        with tarfile.open(packed) as archive:
            member = archive.extractfile("package/generated/api.github.com.json")
            assert member
            kept.with_suffix(".new").write_bytes(member.read())
        kept.with_suffix(".new").replace(kept)
        packed.unlink()
    return json.loads(kept.read_text())


@cache
def _operations() -> list[tuple[re.Pattern[str], int, Json]]:
    found: list[tuple[re.Pattern[str], int, Json]] = []
    for path, operations in description()["paths"].items():
        pattern = re.sub(r"\\\{(path|ref|basehead)\\\}", r".+", re.escape(path))
        literal = len(re.sub(r"\{\w+\}", "", path))
        found.append((re.compile(re.sub(r"\\\{\w+\\\}", r"[^/]+", pattern)), literal, operations))
    return sorted(found, key=lambda entry: -entry[1])


def operation(method: str, path: str) -> Json:
    """The operation of a request."""
    for pattern, _, operations in _operations():
        if pattern.fullmatch(path) and method.lower() in operations:
            return operations[method.lower()]
    raise LookupError(f"{method} {path} is not in GitHub's description")


def problems(method: str, path: str, status: int, body: Any) -> list[str]:
    """What an answer has that the description does not know, or lacks of what it demands."""
    responses = operation(method, path)["responses"]
    if str(status) not in responses:
        return [f"status {status}, described are {', '.join(responses)}"]
    content = _resolved(responses[str(status)]).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return [] if schema is None else sorted(set(missing(schema, body, "")))


def _resolved(schema: Json) -> Json:
    while "$ref" in schema:
        found: Any = description()
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def missing(schema: Json, value: Any, place: str, depth: int = 0) -> Iterator[str]:
    """Places of keys that the schema demands and the value lacks."""
    schema = _resolved(schema)
    if depth > DEEPEST or value is None:
        return
    for part in schema.get("allOf", []):
        yield from missing(part, value, place, depth)
    if choices := schema.get("oneOf") or schema.get("anyOf"):
        yield from min((list(missing(choice, value, place, depth)) for choice in choices), key=len)
    if isinstance(value, list):
        for item in value:
            yield from missing(schema.get("items", {}), item, f"{place}[]", depth + 1)
    elif isinstance(value, dict):
        yield from (f"{place}.{name}" for name in schema.get("required", []) if name not in value)
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                yield from missing(inner, value[name], f"{place}.{name}", depth + 1)
