"""The built CLI on a small project: one resource, which is a file that the program writes."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import toolchain
from sandbox.config import SandboxConfig
from sandbox.pulumi.settings import StackConfig
from sandbox.pulumi.workspace import PACKAGES, Workspace

PROVIDER = """
import time
from pathlib import Path
from pulumi.dynamic import CreateResult, ReadResult, Resource, ResourceProvider, UpdateResult

class Files(ResourceProvider):
    def create(self, props):
        path = Path(props["path"])
        path.write_text(props["text"])
        time.sleep(float(props["seconds"]))
        return CreateResult(str(path), props)

    def read(self, id_, props):
        return ReadResult(id_ if Path(id_).exists() else None, props)

    def update(self, id_, olds, news):
        Path(id_).write_text(news["text"])
        return UpdateResult(news)

    def delete(self, id_, props):
        Path(id_).unlink(missing_ok=True)

class File(Resource):
    def __init__(self, name, **props):
        super().__init__(Files(), name, props)
"""
PROGRAM = """
import pulumi
from files import File

config = pulumi.Config()
if config.get("broken"):
    raise ValueError("no good")
pulumi.log.info("this is said")
made = File("note", path=config.require("path"), text=config.require("text"), seconds=config.get("seconds") or "0")
pulumi.export("length", made.urn.apply(len))
pulumi.export("token", config.require_secret("token"))
"""
RUN = """
import sys
from pathlib import Path
from sandbox.errors import SandboxError
from sandbox.pulumi import operations
from tests.pulumi.conftest import project
folder, seconds = Path(sys.argv[1]), sys.argv[2]
try:
    operations.up(project(folder).place, project(folder).settings(seconds=seconds))
except SandboxError as error:
    sys.exit(str(error))
"""


@dataclass(frozen=True)
class Project:
    """A project, its stack `s`, and where it is deployed from."""

    place: Workspace

    @property
    def note(self) -> Path:
        return self.place.config.root / "note.txt"

    @property
    def state(self) -> Path:
        return self.place.state_file(self.settings())

    def settings(self, **given: Any) -> StackConfig:
        values = {"path": str(self.note), "text": "hello", "token": "plain-and-secret"} | given
        return StackConfig("t", "s", {f"t:{key}": value for key, value in values.items()}, frozenset({"t:token"}))

    def named(self, stack: str) -> StackConfig:
        return replace(self.settings(), stack=stack)

    def up_elsewhere(self, seconds: float) -> "subprocess.Popen[str]":
        """`up` in another process, as far as the file is there and its resource is being created."""
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(self.place.config.root), str(seconds)],
            cwd=PACKAGES, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        wait_for(self.note.exists)
        return process


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def built_cli() -> Path:
    caches = SandboxConfig.from_environment(os.environ).cache
    return caches / "bin" / f"pulumi-{toolchain.key(toolchain.TOOLS['pulumi'])}" / "pulumi"


def project(root: Path) -> Project:
    config = SandboxConfig(root, root / ".sandbox", "10.249", root / "cache")
    return Project(Workspace(config, config.directory / "pulumi", built_cli(), hermetic=True))


def written(root: Path) -> Project:
    """The small project in an empty folder."""
    if not built_cli().exists():
        pytest.skip("no built pulumi in the cache; `make up` builds it")
    (root / "stacks").mkdir()
    document = {"name": "t", "runtime": "python", "stackConfigDir": "stacks"}
    (root / "Pulumi.yaml").write_text(yaml.safe_dump(document))
    (root / "files.py").write_text(PROVIDER)
    (root / "__main__.py").write_text(PROGRAM)
    return project(root)


@pytest.fixture
def small(tmp_path: Path) -> Project:
    return written(tmp_path)


@pytest.fixture
def config(tmp_path: Path) -> SandboxConfig:
    """A sandbox that is nowhere, with an empty cache."""
    return SandboxConfig(tmp_path, tmp_path / "box", "10.249", tmp_path / "cache")
