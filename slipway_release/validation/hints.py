"""Why a chart may not render, where Helm's own words do not say it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from slipway_release import layout
from slipway_release.fields import Document
from slipway_release.platform_types import Service
from slipway_release.validation import dependencies, reading
from slipway_release.validation.files import Problem, Tree, read_text


def hints(tree: Tree, service: Service, files: list[tuple[str, Path]], reason: str) -> Iterator[Problem]:
    """What a team is likely to have overlooked.

    Args:
        tree: the work tree.
        service: the one whose chart does not render.
        files: its values files in the order in which Helm reads them, the chart's own first.
        reason: Helm's words.
    """
    chart = _values(files[0][1])
    for path, file in files[1:]:
        for key, value in _values(file).items():
            if value is None and isinstance(chart.get(key), dict):
                text = f"{key} has nothing below it, and Helm takes away what the chart has there; write `{key}: {{}}`"
                yield Problem(path, f"{text}, or remove the line")
    folder = layout.chart_folder(service.name)
    for found in dependencies.declared(tree.folder / folder):
        name = found.alias or found.name
        if f"additional properties '{name}' not allowed" in reason:
            text = f'values of the dependency {name} are not permitted; add `"{name}": {{}}` to its properties'
            yield Problem(f"{folder}/values.schema.json", text)


def _values(file: Path) -> Document:
    if not file.is_file() or file.is_symlink():
        return {}
    documents = reading.read(read_text(file, "")[0]).documents
    return cast("Document", documents[0]) if documents and isinstance(documents[0], dict) else {}
