"""Refuses a backend of a variable that is not the one of `Pulumi.yaml`.

Who may push may set a variable, of an environment too; a file of main was reviewed. Pulumi's access token goes to the
backend, and the state comes from it.
"""

import sys
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path("Pulumi.yaml")


def problem(told: str, project: str) -> str:
    """Why a backend is not taken; empty where it is, or where the project names none.

    Args:
        told: what the variable says, or nothing.
        project: the text of `Pulumi.yaml`.
    """
    found: dict[str, Any] = yaml.safe_load(project) or {}
    backend: dict[str, Any] = found.get("backend") or {}
    written = backend.get("url")
    if not told or not written or told == written:
        return ""
    return (
        f"PULUMI_BACKEND_URL: the variable says {told!r}, and backend.url of {PROJECT} {written!r}; remove the"
        " variable, or find out who has changed it"
    )


def main() -> None:
    """Ends with 1 where the backend is not taken."""
    if text := problem(sys.argv[1], PROJECT.read_text(encoding="utf-8")):
        sys.exit(f"::error::{text}")


if __name__ == "__main__":
    main()
