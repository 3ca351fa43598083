"""Values files: what Helm would read otherwise than it is written, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from slipway_release.validation import reading
from slipway_release.validation.files import Manifest, Problem, read_text
from slipway_release.validation.reading import Place, Reading
from slipway_release.yaml_scalars import resolved

NAME = "values.yaml"
_EXPONENT = re.compile(r"-?[0-9](\.[0-9]+)?e\+[0-9]{2}", re.ASCII)


def is_values(path: str) -> bool:
    """Whether a file of the environment repository holds values: of an environment, a service in it, or a chart."""
    parts = path.split("/")
    return parts[-1] == NAME and (parts[0] == "helm-charts" or (parts[0] == "environments" and len(parts) in {3, 4}))


def check(path: str, found: Reading) -> list[Problem]:
    """One document, and a mapping whose keys are what they look like: Helm reads no second one, and `no` as false."""
    problems = [
        Problem(path, "a second document begins here, and Helm reads the first alone; put all values into one", line)
        for document, line in list(zip(found.documents, found.lines, strict=True))[1:2]
        if document is not None
    ]
    first = found.documents[0] if found.documents else None
    if first is not None and not isinstance(first, dict):
        kind = "list" if isinstance(first, list) else "text or number"
        problems.append(Problem(path, f"is a {kind}; values are `name: value`", found.lines[0]))
    if isinstance(first, dict) and "release" in first and path.startswith("environments/"):
        text = "release is what the automation writes into release.yaml; remove it here"
        problems.append(Problem(path, text))
    return problems + [
        Problem(path, f"the key {changed.source} is read as {changed.value}; quote it", changed.line)
        for changed in found.changed
        if changed.is_key
    ]


def check_texts(files: list[tuple[str, Path]], manifests: list[Manifest]) -> list[Problem]:
    """Values that become a text, such as an environment variable, with other characters than they are written with.

    Args:
        files: the values files in the order in which Helm reads them, by path.
        manifests: what is rendered with them.
    """
    sources = [(path, read_text(file, path)[0]) for path, file in files if file.is_file() and not file.is_symlink()]
    found = [(path, reading.read(text)) for path, text in sources]
    texts = {text for manifest in manifests for text in _texts(manifest, "")}
    problems: list[Problem] = []
    for index, (path, content) in enumerate(found):
        later = [document for _, other in found[index + 1 :] for document in other.documents[:1]]
        for changed in content.changed:
            name = str(changed.place[-1]) if changed.place else ""
            overridden = any(_has(document, changed.place) for document in later)
            if changed.is_key or overridden or (name, changed.value) not in texts:
                continue
            text = f"{name}: {changed.source} becomes the text {changed.value!r}; quote it"
            problems.append(Problem(path, text, changed.line))
    for name, text in sorted(texts):
        if _EXPONENT.fullmatch(text) and not any(text in source for _, source in sources):
            reason = f"{name} becomes the text {text!r}; quote the number in the values"
            # A template may call it otherwise than the values do.
            names = (re.escape(name), r"[\w.-]+")
            found_at = ([place for item in sources if (place := _written(item, each, text))] for each in names)
            written = next((places for places in found_at if places), list[tuple[str, int]]())
            path, line = written[-1] if written else (files[-1][0], 0)
            problems.append(Problem(path, reason, line))
    return problems


def _texts(value: object, key: str) -> Iterator[tuple[str, str]]:
    """Every text of an object with the name it goes by: its key, or the `name` beside a `value`."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _texts(item, key)
    elif isinstance(value, dict):
        items = cast("dict[str, object]", value)
        name = items.get("name")
        for inner, item in items.items():
            yield from _texts(item, name if inner == "value" and isinstance(name, str) else inner)


def _has(document: object, place: Place) -> bool:
    """Whether a document says something at a place, or above it."""
    here = document
    for key in place:
        if not isinstance(here, dict):
            return True
        if key not in here:
            return False
        here = cast("dict[str | int, object]", here)[key]
    return True


def _written(source: tuple[str, str], name: str, text: str) -> tuple[str, int] | None:
    """The line in which a number is written that became that text."""
    path, content = source
    for number, line in enumerate(content.splitlines(), 1):
        written = re.search(rf"\b{name}\b\s*:\s*([-+0-9._eExX]+)", line)
        if written and resolved(written[1]) == resolved(text):
            return path, number
    return None
