"""Refuses a backend of a variable that `Pulumi.yaml` does not name.

Who may push may set a variable, of an environment too; a file of main was reviewed. Pulumi's access token goes to the
backend, and the state comes from it.
"""

import sys
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path("Pulumi.yaml")
_CLOUD = "https://api.pulumi.com"
"""Where Pulumi goes by itself."""


def problem(told: str, project: str) -> str:
    """Why a backend is not taken; empty where it is.

    Args:
        told: what the variable says, or nothing.
        project: the text of `Pulumi.yaml`.
    """
    found: dict[str, Any] = yaml.safe_load(project) or {}
    backend: dict[str, Any] = found.get("backend") or {}
    written = backend.get("url")
    if not told or told == (written or _CLOUD):
        return ""
    if not written:
        return (
            f"PULUMI_BACKEND_URL: the variable says {told!r}, and {PROJECT} names no backend. Everybody who may push"
            f" can set a variable: write your backend into {PROJECT} (`backend: {{url: …}}`), or remove the variable"
        )
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
