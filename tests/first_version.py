"""The tree of v0.1.0, for what is recorded of it: a clone without history has none."""

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMIT = "a4c9f17"
"""Of v0.1.0."""


@contextmanager
def unpacked() -> Generator[Path]:
    """A copy of that tree."""
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(["git", "-C", str(ROOT), "archive", COMMIT], capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as tree:
            tree.extractall(folder, filter="data")
        yield Path(folder)
