"""What the commands of the platform repository's workflows do alike: ask GitHub as the run, and add to its summary."""

import os
from pathlib import Path

from components.github.api import GitHubApi
from components.github.credentials import Token

PATIENCE_SECONDS = 60
"""How long a failing request is tried again, so that a run does not wait for long."""


def github_of_run() -> GitHubApi:
    """GitHub's API with the token of the run.

    Raises:
        KeyError: GITHUB_TOKEN is not set in the environment.
    """
    url = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    return GitHubApi(url, Token(os.environ["GITHUB_TOKEN"]), deadline_seconds=PATIENCE_SECONDS)


def add_to_summary(summary: Path | None, text: str) -> None:
    """Adds a text to the file that a run's summary is written into; nothing where there is none."""
    if summary is not None:
        with summary.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
