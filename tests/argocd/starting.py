"""What the templates of services are rendered with."""

from pathlib import Path
from typing import Any

VARIABLES: dict[str, Any] = {
    "service": "guestbook",
    "owner": "acme",
    "team": "web",
    "image": "ghcr.io/acme/guestbook",
    "repository_url": "https://github.com/acme/guestbook",
    "environment_repository": "environments",
    "environments": ["dev", "production"],
    "template": {"name": "python-web", "version": "1.0.0"},
}


def write(files: dict[str, str], folder: Path) -> Path:
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder
