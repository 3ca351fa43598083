"""A stack's file, changed by the pulumi CLI: it encrypts secrets and keeps comments."""

import shutil
import subprocess
from pathlib import Path
from typing import Any, cast

import yaml

from stacks.problems import NAMESPACE
from stacks.pulumi_yaml import load


class StackFileError(Exception):
    """What is wrong with the file, the stack or the CLI; what to do."""


class StackFile:
    """`stacks/Pulumi.<stack>.yaml` of a stack that exists."""

    def __init__(self, root: Path, stack: str) -> None:
        self.path: Path = root / "stacks" / f"Pulumi.{stack}.yaml"
        self._root: Path = root
        self._stack: str = stack
        if not self.path.is_file():
            raise StackFileError(f"{self.path}: there is no such file; copy stacks/Pulumi.example.yaml to it")
        if shutil.which("pulumi") is None:
            raise StackFileError("pulumi: it is not on PATH; install it (docs/first-platform.md)")

    def section(self, name: str) -> dict[str, Any]:
        """A section of our settings as it is written there; empty where it is not."""
        return cast(dict[str, Any], self._config().get(f"{NAMESPACE}:{name}") or {})

    def has(self, secret: str) -> bool:
        """Whether a secret is set."""
        return f"{NAMESPACE}:{secret}" in self._config()

    def secret(self, name: str) -> str:
        """A secret in clear text."""
        return self._pulumi(["get", f"{NAMESPACE}:{name}"])

    def set_secret(self, name: str, value: str) -> None:
        """Encrypts a value into the file; it goes through a pipe, since arguments can be read by others."""
        self._pulumi(["set", "--secret", f"{NAMESPACE}:{name}"], value)

    def set_text(self, path: str, value: str) -> None:
        """Sets something within a section, such as `github.promoter.id`; digits stay a text."""
        self._pulumi(["set", "--path", f"{NAMESPACE}:{path}", value, "--type", "string"])

    def _config(self) -> dict[str, Any]:
        try:
            document = load(self.path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError):
            raise StackFileError(f"{self.path}: it cannot be read as YAML; mend it first") from None
        config = cast(dict[str, Any], document).get("config") if isinstance(document, dict) else None
        return cast(dict[str, Any], config) if isinstance(config, dict) else {}

    def _pulumi(self, arguments: list[str], given: str | None = None) -> str:
        command = ["pulumi", "config", *arguments, "--stack", self._stack, "--non-interactive"]
        ran = subprocess.run(command, cwd=self._root, input=given, capture_output=True, text=True, check=False)
        if ran.returncode:
            said = " ".join(ran.stderr.split()).removeprefix("error: ")
            raise StackFileError(f"pulumi config {arguments[0]}: {said}; is the stack made (`pulumi stack init`)?")
        return ran.stdout
