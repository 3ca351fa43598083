"""The sandbox's GitHub on a free port of loopback, once for all tests; each test has an organisation of its own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.release import serving
from tests.release.builders import environment
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
        world = github.world(list(places) or default)
        made.append(world)
        return world

    yield make
    for item in made:
        item.clear_faults()
        item.client.close()
