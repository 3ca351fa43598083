"""A sandbox's settings in a folder that goes away."""

from pathlib import Path

import pytest

from sandbox.config import SandboxConfig


@pytest.fixture
def config(tmp_path: Path) -> SandboxConfig:
    return SandboxConfig(root=tmp_path, directory=tmp_path / "state", network="10.250", cache=tmp_path / "cache")
