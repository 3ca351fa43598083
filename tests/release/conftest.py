"""The sandbox's GitHub on a free port of loopback, once for all tests; each test has an organisation of its own."""

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.github.core import clock
from slipway_release.validation.files import Tree
from tests.release import serving
from tests.release.builders import environment
from tests.release.repository import HELM, write_released
from tests.release.serving import Running
from tests.release.world import World


@pytest.fixture(scope="session")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving.github(tmp_path_factory.mktemp("github")) as running:
        yield running


@pytest.fixture
def world(github: Running) -> Iterator[Callable[..., World]]:
    """Makes an organisation with services in the environments given, or in dev, staging and production."""
    made: list[World] = []

    def make(*places: dict[str, Any]) -> World:
        default = [
            environment("dev"),
            environment("staging"),
            environment("production", sync="manual", prereleases=False, requires=["staging"], tagPrefix="prod"),
        ]
        world = github.world(list(places) or default, direct=True)
        made.append(world)
        return world

    yield make
    for item in made:
        item.clear_faults()
        item.client.close()


@pytest.fixture
def one_second() -> Iterator[dt.datetime]:
    """The moment at which the model's clock stands: GitHub's times have whole seconds, and much may come in one."""
    moment = clock.present()
    clock.stop(moment)
    yield moment
    clock.stop(None)
    clock.move(0)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment repository of the valid stack, with 1.0.0 of guestbook released to staging."""
    return write_released(tmp_path_factory.mktemp("repository"))


@pytest.fixture
def tree(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """A work tree of it for one test."""
    if HELM:
        monkeypatch.setenv("HELM", str(HELM))
    return Tree(shutil.copytree(template, tmp_path / "head"))
