"""A work tree of one repository of the sandbox's GitHub, as a person has it."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError


@dataclass(frozen=True)
class Clone:
    """A work tree of one repository of the sandbox's GitHub, pushed to as one person."""

    directory: Path
    repository: str

    def git(self, *arguments: str) -> str:
        """Runs git in the work tree and returns what it printed.

        Raises:
            SandboxError: git refused; its own words are in the message.
        """
        ran = subprocess.run(
            ["git", *arguments], cwd=self.directory, capture_output=True, text=True, timeout=120, check=False
        )
        if ran.returncode:
            raise SandboxError(f"git {arguments[0]} in {self.directory.name}: {ran.stderr.strip()}")
        return ran.stdout.strip()

    def write(self, files: Mapping[str, str]) -> None:
        for path, text in files.items():
            target = self.directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

    def tag(self, name: str, revision: str = "HEAD") -> None:
        """Tags a revision and pushes the tag."""
        self.git("tag", name, revision)
        self.git("push", "--quiet", "origin", f"refs/tags/{name}")
