"""A plan of the real program by the real engine: nothing is there, nothing is reached, nothing is left."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from sandbox import overlay
from sandbox.access import check_settings
from sandbox.cli import main
from sandbox.config import SandboxConfig
from sandbox.errors import ExitCode, SandboxError
from sandbox.pulumi.events import Step
from sandbox.pulumi.plan import tree
from sandbox.pulumi.settings import StackConfig, read_stack
from tests.docs.documented import documented
from tests.pulumi.conftest import built_cli

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Planned:
    """What `python -m sandbox plan` said, and what it has left."""

    said: str
    warned: str
    left: list[str]


def plan(folder: Path, line: str) -> Planned:
    """Runs it for a sandbox that is not up, with temporary files in a folder that can be looked into."""
    temporary, box = folder / "temporary", folder / "box"
    temporary.mkdir(parents=True)
    ran = subprocess.run(
        ["sh", "-ec", line.replace("make ", "make --old-file=.venv/.everything ")], cwd=ROOT,
        env=os.environ | {"SLIPWAY_SANDBOX_DIR": str(box), "TMPDIR": str(temporary)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == ExitCode.OK, ran.stderr
    return Planned(ran.stdout, ran.stderr, [str(path) for path in (box, *temporary.iterdir()) if path.exists()])


LINES = [
    documented("make plan"),
    documented(".venv/bin/python -m sandbox plan --stack acme").replace("acme", "example"),
]


@pytest.fixture(autouse=True)
def built() -> None:
    if not built_cli().exists():
        pytest.skip("no built pulumi in the cache; `make up` builds it")


@pytest.fixture(scope="module", params=LINES)
def planned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Planned:
    return plan(tmp_path_factory.mktemp("plan") / "first", request.param)


def test_a_plan_shows_what_is_declared_and_leaves_nothing(planned: Planned) -> None:
    assert "-production-application" in planned.said
    assert "environments-repository" in planned.said
    assert "[retained]" in planned.said
    assert "kubernetes" in planned.said.splitlines()[-1]
    assert "expected to have version" not in planned.said + planned.warned
    assert planned.left == []


def test_a_plan_as_json_becomes_the_comment_of_a_pull_request(tmp_path: Path) -> None:
    commands = (
        documented("make plan STACK=acme JSON=plan.json"),
        documented(".venv/bin/python -m stacks.preview_comment plan.json --stack acme"),
    )
    file = str(tmp_path / "plan.json")
    made, shown = (line.replace("acme", "example").replace("plan.json", file) for line in commands)
    plan(tmp_path / "made", made)
    assert "environments-repository" in plan(tmp_path / "shown", shown).said


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


def test_a_mistake_in_the_settings_is_found_before_the_engine_starts(tmp_path: Path) -> None:
    for folder in ("components", "manifests", "slipway_release", "templates"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks")
    file = tmp_path / "stacks/Pulumi.example.yaml"
    config = SandboxConfig.from_environment({}, tmp_path)
    check_settings(config, "example")
    file.write_text(file.read_text().replace("sync: manual", "sync: sometimes"))
    with pytest.raises(SandboxError, match=r"line \d+: environments\[\w+\]\.sync: 'sometimes'"):
        check_settings(config, "example")
