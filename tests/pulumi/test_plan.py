"""A plan of the real program by the real engine: nothing is there, nothing is reached, nothing is left."""

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from sandbox import overlay
from sandbox.cli import main
from sandbox.errors import ExitCode
from sandbox.pulumi.events import Step
from sandbox.pulumi.plan import tree
from sandbox.pulumi.settings import StackConfig, read_stack
from tests.pulumi.conftest import built_cli

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Planned:
    """What `python -m sandbox plan` said, and what it has left."""

    said: str
    warned: str
    left: list[str]


def plan(folder: Path, stack: str) -> Planned:
    """Runs it for a sandbox that is not up, with temporary files in a folder that can be looked into."""
    temporary, box = folder / "temporary", folder / "box"
    temporary.mkdir(parents=True)
    ran = subprocess.run(
        [sys.executable, "-m", "sandbox", "plan", "--stack", stack], cwd=ROOT,
        env=os.environ | {"SLIPWAY_SANDBOX_DIR": str(box), "TMPDIR": str(temporary)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == ExitCode.OK, ran.stderr
    return Planned(ran.stdout, ran.stderr, [str(path) for path in (box, *temporary.iterdir()) if path.exists()])


@pytest.fixture(autouse=True)
def built() -> None:
    if not built_cli().exists():
        pytest.skip("no built pulumi in the cache; `make up` builds it")


@pytest.fixture(scope="module", params=["sandbox", "example"])
def planned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Planned]:
    """A stack, and its plan."""
    return request.param, plan(tmp_path_factory.mktemp("plan") / "first", request.param)


def test_a_plan_shows_what_is_declared_and_leaves_nothing(planned: tuple[str, Planned]) -> None:
    _, told = planned
    assert "-production-application" in told.said
    assert "environments-repository" in told.said
    assert "[retained]" in told.said
    assert "kubernetes" in told.said.splitlines()[-1]
    assert "expected to have version" not in told.said + told.warned
    assert told.left == []


def test_the_order_of_a_plan_is_the_same_whatever_the_engine_takes_first() -> None:
    """It takes the resources in another order every time."""

    def step(name: str, parent: str = "") -> Step:
        return Step("create", f"urn:pulumi:s::t::slipway:index:Some::{name}", parent=parent)

    above = [step("b"), step("a")]
    steps = [*above, *(step(name, one.urn) for one in above for name in ("d", "c"))]

    def shown(order: Iterable[Step]) -> list[str]:
        told = Console(width=80)
        with told.capture() as captured:
            told.print(tree(StackConfig("t", "s", {}, frozenset()), [*order]))
        return captured.get().splitlines()

    first = shown(steps)
    assert [line.split()[-2] for line in first[1:]] == ["a", "c", "d", "b", "c", "d"]
    assert shown(steps[::-1]) == first
    assert all(shown(steps[place:] + steps[:place]) == first for place in range(len(steps)))


def test_a_broken_program_is_told_in_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLIPWAY_SANDBOX_DIR", str(tmp_path / "box"))

    def without_owner(config: object, stack: str) -> object:
        del config
        given = read_stack(ROOT, stack, placeholder="x")
        given.values["slipway:github"] = {}
        return given

    monkeypatch.setattr(overlay, "planned_stack", without_owner)
    assert main(["plan"]) == ExitCode.FAILED
    told = capsys.readouterr().err
    assert "github.owner" in told
    assert "Traceback" not in told
