"""A plan of the real program by the real engine: nothing is there, nothing is reached, nothing is left."""

from pathlib import Path

import pytest

from sandbox import overlay
from sandbox.cli import main
from sandbox.errors import ExitCode
from sandbox.pulumi.settings import read_stack
from tests.pulumi.conftest import built_cli

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sandbox that is not up, and temporary files in a folder that can be looked into."""
    if not built_cli().exists():
        pytest.skip("no built pulumi in the cache; `make up` builds it")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("SLIPWAY_SANDBOX_DIR", str(tmp_path / "box"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return tmp_path


@pytest.mark.parametrize("stack", ["sandbox", "example"])
def test_a_plan_shows_what_is_declared_and_leaves_nothing(
    nowhere: Path, capsys: pytest.CaptureFixture[str], stack: str
) -> None:
    assert main(["plan", "--stack", stack]) == ExitCode.OK
    told = capsys.readouterr()
    assert "-production-application" in told.out
    assert "environments-repository" in told.out
    assert "[retained]" in told.out
    assert "kubernetes" in told.out.splitlines()[-1]
    assert "expected to have version" not in told.out + told.err
    assert not (nowhere / "box").exists()
    assert list((nowhere / "temporary").iterdir()) == []


def test_the_order_of_a_plan_is_the_same_every_time(capsys: pytest.CaptureFixture[str]) -> None:
    """The engine takes the resources in another order every time."""
    main(["plan"])
    first = capsys.readouterr().out
    main(["plan"])
    assert capsys.readouterr().out == first


def test_a_broken_program_is_told_in_sentences(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
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
