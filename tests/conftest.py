"""Which tests are fast, and which take a part of the sandbox: a server, or a tool that the sandbox builds first.

`make test` runs the fast ones first, then the sandbox, which builds those parts, and then what takes them. Where a part
is missing such a test is skipped, unless `SLIPWAY_TESTS_REQUIRE_PARTS` is set, as `make test-parts` does: a test that
never runs would be no test.
"""

import datetime as dt
import itertools
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from sandbox.garbage import collect_rarely
from sandbox.github.core import clock

collect_rarely()

if settings.get_current_profile_name() == "default":  # that of CI, which it takes by itself, is patient too
    settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("patient")

HERE = Path(__file__).parent
REASON = "`make up`"
"""What the reason of a skip names when a part is missing."""
FOLDERS = {"admission", "argocd", "github", "github_actions", "github_plugin", "pulumi", "release"}
"""Folders whose tests start real servers and run real tools."""
LONGEST = (
    "test_workflows.py", "test_platform_workflows.py", "test_operations.py", "test_plan.py",
    "test_trust.py", "test_adoption.py", "test_year.py",
)  # fmt: skip
"""Files that run for a minute; they begin, so that one process does not go on with one of them when all others end."""


def pytest_addoption(parser: pytest.Parser) -> None:
    words = "let the model of GitHub, in this process, date all of a test to one second, or each thing to a later one"
    parser.addoption("--github-clock", choices=("stands", "leaps"), help=words)


@pytest.fixture(autouse=True)
def github_clock(pytestconfig: pytest.Config) -> Generator[None]:
    """What happens must not depend on how fast a machine is, and GitHub's times have whole seconds."""
    pace, begun, readings = pytestconfig.getoption("--github-clock"), clock.present(), itertools.count()
    with pytest.MonkeyPatch.context() as patch:
        if pace == "stands":
            patch.setattr(clock, "_machines", lambda: begun)
        elif pace == "leaps":
            patch.setattr(clock, "_machines", lambda: dt.datetime.now(dt.UTC) + dt.timedelta(seconds=next(readings)))
        yield


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where only fast tests are wanted, the folders of the others are not read: that alone takes seconds."""
    fast = "not parts" in str(config.getoption("markexpr"))
    return True if fast and collection_path.parent == HERE and collection_path.name in FOLDERS else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if needs_parts(item):
            item.add_marker(pytest.mark.parts)
    items.sort(key=lambda item: item.path.name not in LONGEST)


def needs_parts(item: pytest.Item) -> bool:
    reasons = [str(mark.kwargs.get("reason", "")) for mark in item.iter_markers("skipif")]
    return item.path.relative_to(HERE).parts[0] in FOLDERS or any(REASON in reason for reason in reasons)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report: pytest.TestReport = yield
    if report.skipped and os.environ.get("SLIPWAY_TESTS_REQUIRE_PARTS") and REASON in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped although everything must be here: {report.longrepr}"
    return report
