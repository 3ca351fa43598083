"""Which secrets of a stack file are those of the settings: to look into it, a key has to be derived.

What is remembered is a keyed hash of each secret together with what it was encrypted to, so that neither another secret
nor another stack file passes for it.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sandbox.pulumi.project import read_sealed
from sandbox.pulumi.settings import StackConfig


@dataclass(frozen=True)
class Seals:
    """The hashes of a stack's secrets, in a file."""

    path: Path
    key: bytes
    """What they are made with: the passphrase that the secrets are encrypted with."""

    def fitting(self, settings: StackConfig, stack_file: Path) -> set[str]:
        """The keys that a stack file has encrypted as they are in the settings."""
        known = self._known()
        return {key for key, seal in self._seals(settings, stack_file).items() if known.get(key) == seal}

    def remember(self, settings: StackConfig, stack_file: Path) -> None:
        """Takes what a stack file has encrypted for the settings' secrets."""
        self.path.write_text(json.dumps(self._seals(settings, stack_file)), encoding="utf-8")

    def _seals(self, settings: StackConfig, stack_file: Path) -> dict[str, str]:
        salt, sealed = read_sealed(stack_file)
        return {
            key: self._hashed([salt, key, settings.values[key], sealed[key]])
            for key in sorted(settings.secrets & sealed.keys())
        }

    def _hashed(self, parts: list[Any]) -> str:
        return hmac.new(self.key, json.dumps(parts, sort_keys=True).encode(), hashlib.sha256).hexdigest()

    def _known(self) -> dict[str, Any]:
        try:
            known = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # there is none, or an older sandbox wrote it
            return {}
        return cast("dict[str, Any]", known) if isinstance(known, dict) else {}
