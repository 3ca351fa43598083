"""A cache of rendered templates for one test."""

from pathlib import Path

import pytest

import templates
from templates import service_template, starting_files


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cache; nothing is kept in it, or in this process, from before."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for kept in (
        starting_files._starting_files, starting_files._digest, service_template.own_template, templates._loaded,
    ):  # fmt: skip
        kept.cache_clear()
    return tmp_path / "cache"
