"""The syft of a build: the runner's own, or the pinned version by its checksum and nothing else."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from slipway_release import downloads, syft
from slipway_release.errors import RefusedError, ReleaseError


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runner without syft, and the folder that has its archive."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(downloads.machine, "machine", lambda: "aarch64")
    folder = tmp_path / "published" / f"v{syft.VERSION}"
    folder.mkdir(parents=True)
    content = b"#!/bin/sh\n"
    with tarfile.open(folder / f"syft_{syft.VERSION}_linux_arm64.tar.gz", "w:gz") as packed:
        member = tarfile.TarInfo("syft")
        member.size = len(content)
        packed.addfile(member, io.BytesIO(content))
    return folder


def test_the_published_one_is_fetched(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (archive,) = bare.iterdir()
    monkeypatch.setitem(syft.CHECKSUMS, "arm64", hashlib.sha256(archive.read_bytes()).hexdigest())
    program = syft.program(tmp_path / "own", bare.parent.as_uri())
    assert Path(program).stat().st_mode & 0o111


def test_another_one_is_refused(bare: Path, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="checksum"):
        syft.program(tmp_path / "own", bare.parent.as_uri())


def test_a_machine_of_which_no_checksum_is_known_gets_none(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(syft.CHECKSUMS, "arm64")
    with pytest.raises(RefusedError, match="checksum"):
        syft.program(tmp_path / "own", bare.parent.as_uri())


def test_without_a_way_to_it_the_remedy_is_said(bare: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="put syft on the PATH"):
        syft.program(tmp_path / "own", (tmp_path / "elsewhere").as_uri())


def test_the_runners_own_is_taken_without_asking_anybody(bare: Path, tmp_path: Path) -> None:
    own = tmp_path / "bin" / "syft"
    own.parent.mkdir()
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    assert syft.program(tmp_path / "own", "http://127.0.0.1:9") == str(own)
