"""The language host of the sandbox: it imports what a program imports while the engine does something else."""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.pulumi import operations
from sandbox.pulumi.operations import PulumiError
from sandbox.pulumi.program_host import import_ahead
from tests.pulumi.conftest import Project


def test_modules_of_a_program_are_imported_ahead_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("imported_ahead_one", "imported_ahead_two", "imported_ahead_late"):
        (tmp_path / f"{name}.py").write_text("THERE = True")
    program = "import imported_ahead_one\nfrom imported_ahead_two import THERE\n"
    (tmp_path / "__main__.py").write_text(f"{program}raise SystemExit\nimport imported_ahead_late\nimport no_such\n")
    import_ahead(tmp_path)
    found = {name for name in sys.modules if name.startswith("imported_ahead_")}
    for name in found:
        del sys.modules[name]
    assert found == {"imported_ahead_one", "imported_ahead_two", "imported_ahead_late"}


def test_a_module_that_fails_is_told_once(small: Project) -> None:
    operations.up(small.place, small.settings())
    (small.place.config.root / "bad.py").write_text("raise ValueError('no good module')")
    program = small.place.config.root / "__main__.py"
    program.write_text(f"import bad\n{program.read_text()}")
    with pytest.raises(PulumiError) as caught:
        operations.preview(small.place, small.settings(), refresh=True)
    assert str(caught.value).count("the program failed: ValueError: no good module") == 1


def test_a_stack_can_be_prepared_before_anything_else(small: Project) -> None:
    operations.prepare(small.place, small.settings())
    assert small.state.exists()
    assert small.place.open(small.settings()).get_config("t:token").value == "plain-and-secret"
    operations.up(small.place, small.settings())
    assert small.note.exists()


def test_a_host_that_is_asked_only_whether_it_is_there_has_not_imported_the_sdk() -> None:
    """The engine starts one of those for each operation."""
    said = "import sys, sandbox.pulumi.language_host as host; host.Host('').service; print('pulumi' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
