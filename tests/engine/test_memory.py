"""What is remembered of values that no server gives back."""

from pathlib import Path

from sandbox.engine.memory import Memory


def test_a_written_secret_is_known_again_until_somebody_writes_there(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    Memory(path).written("acme/one/KEY", "hidden-value", "monday")
    again = Memory(path)
    assert again.is_written("acme/one/KEY", "hidden-value", "monday")
    assert not again.is_written("acme/one/KEY", "another", "monday")
    assert not again.is_written("acme/one/KEY", "hidden-value", "tuesday")
    assert not again.is_written("acme/two/KEY", "hidden-value", "monday")


def test_the_file_holds_no_secret_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    Memory(path).written("acme/one/KEY", "hidden-value", "monday")
    assert "hidden-value" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_broken_file_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    path.write_text("{")
    assert not Memory(path).is_written("a", "b", "c")
