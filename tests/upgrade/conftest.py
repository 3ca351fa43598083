"""An upgrade from the first version is rehearsed by `make test-upgrade` alone: it takes minutes."""

from pathlib import Path

import pytest

SECONDS = 3000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.sandbox)
            item.add_marker(pytest.mark.timeout(SECONDS), append=False)
