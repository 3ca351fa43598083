"""Values files: what Helm would read otherwise than it is written, or not at all."""

from __future__ import annotations

from slipway_release.validation.files import Problem
from slipway_release.validation.reading import Reading

NAME = "values.yaml"


def is_values(path: str) -> bool:
    """Whether a file of the environment repository holds values: of an environment, a service in it, or a chart."""
    parts = path.split("/")
    return parts[-1] == NAME and (parts[0] == "helm-charts" or (parts[0] == "environments" and len(parts) in {3, 4}))


def check(path: str, found: Reading) -> list[Problem]:
    """One document, and a mapping: Helm reads no second one."""
    problems = [
        Problem(path, "a second document begins here, and Helm reads the first alone; put all values into one", line)
        for document, line in list(zip(found.documents, found.lines, strict=True))[1:2]
        if document is not None
    ]
    first = found.documents[0] if found.documents else None
    if first is not None and not isinstance(first, dict):
        kind = "list" if isinstance(first, list) else "text or number"
        problems.append(Problem(path, f"is a {kind}; values are `name: value`", found.lines[0]))
    return problems
