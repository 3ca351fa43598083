"""What the deployment remembers because no server gives it back: digests of secrets, and dynamic resources.

It is a help, not a state: without the file every secret is written once more, and dynamic resources adopt what they
find.
"""

import contextlib
import hashlib
import json
import os
import secrets
import threading
from pathlib import Path
from typing import cast

from sandbox.engine.shape import Json


class Memory:
    """A small document beside the sandbox's other state, readable by its owner only; written at every change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._document: Json = {"salt": secrets.token_hex(16), "written": {}, "dynamic": {}}
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            self._document = cast("Json", json.loads(path.read_text(encoding="utf-8")))

    def is_written(self, place: str, value: str, stamp: str) -> bool:
        """Whether this very value was the last one written to `place`, and nobody wrote there since.

        `stamp` is what the server says about the last write there, such as `updated_at`.
        """
        with self._lock:
            return self._document["written"].get(place) == self._mark(place, value, stamp)

    def written(self, place: str, value: str, stamp: str) -> None:
        """Remembers a digest of what was written."""
        with self._lock:
            self._document["written"][place] = self._mark(place, value, stamp)
            self._save()

    def dynamic(self, urn: str) -> Json | None:
        """The id and outputs of a dynamic resource, None if it was never created."""
        with self._lock:
            return self._document["dynamic"].get(urn)

    def remember_dynamic(self, urn: str, entry: Json) -> None:
        """Remembers a dynamic resource, with `id` and `outputs`."""
        with self._lock:
            self._document["dynamic"][urn] = entry
            self._save()

    def _mark(self, place: str, value: str, stamp: str) -> Json:
        text = f"{place}\0{value}".encode()
        digest = hashlib.scrypt(text, salt=bytes.fromhex(self._document["salt"]), n=2**10, r=8, p=1).hex()
        return {"digest": digest, "stamp": stamp}

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = self._path.with_suffix(".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(self._document, file, indent=1, sort_keys=True)
        partial.replace(self._path)
