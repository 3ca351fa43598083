"""Charts are rendered with the Helm that Argo CD has, whatever the runner has."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from manifests.argocd.helm import helm_of
from slipway_release import downloads as downloading
from slipway_release.errors import RefusedError
from slipway_release.platform_types import Helm
from slipway_release.validation import helm, installation
from stacks.settings import settings_of
from tests.stacks.builders import texts, values

ARCHIVE = "helm-v9.8.7-linux-amd64.tar.gz"


def script(version: str) -> bytes:
    return f"#!/bin/sh\necho v{version}\n".encode()


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Gives the runner a Helm of some version."""

    def put(version: str) -> None:
        program = tmp_path / "own-helm"
        program.write_bytes(script(version))
        program.chmod(0o755)
        monkeypatch.setenv("HELM", str(program))

    return put


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that has one Helm."""
    monkeypatch.setattr(downloading.machine, "machine", lambda: "x86_64")
    folder = tmp_path / "downloads"
    folder.mkdir()
    with tarfile.open(folder / ARCHIVE, "w:gz") as packed:
        member = tarfile.TarInfo("linux-amd64/helm")
        member.mode = 0o755
        member.size = len(script("9.8.7"))
        packed.addfile(member, io.BytesIO(script("9.8.7")))
    digest = hashlib.sha256((folder / ARCHIVE).read_bytes()).hexdigest()
    (folder / f"{ARCHIVE}.sha256sum").write_text(f"{digest}  {ARCHIVE}\n")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_another_helm_is_installed_and_used_by_the_next_steps(
    own: Callable[[str], None], downloads: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own("3.0.0")
    program = installation.install(Helm("9.8.7"), tmp_path, downloads)
    assert program is not None
    monkeypatch.setenv("GITHUB_ENV", str(tmp_path / "env"))
    installation.announce(program)
    name, _, value = (tmp_path / "env").read_text().strip().partition("=")
    monkeypatch.setenv(name, value)
    assert helm.version() == "9.8.7"


def test_the_helm_that_is_there_and_right_is_taken_without_asking_anybody(
    own: Callable[[str], None], tmp_path: Path
) -> None:
    own("9.8.7")
    assert installation.install(Helm("9.8.7"), tmp_path, "http://127.0.0.1:9") is None


def test_an_archive_that_is_another_one_is_refused(own: Callable[[str], None], downloads: str, tmp_path: Path) -> None:
    own("3.0.0")
    with pytest.raises(RefusedError, match="checksum"):
        installation.install(Helm("9.8.7", {"amd64": "0" * 64}), tmp_path, downloads)


def test_a_runner_that_reaches_no_download_keeps_its_own(own: Callable[[str], None], tmp_path: Path) -> None:
    own("3.0.0")
    assert installation.install(Helm("9.8.7"), tmp_path, "http://127.0.0.1:9") is None


@pytest.mark.parametrize(
    ("argocd", "version"),
    [
        ({}, "3.19.4"),
        ({"version": "v3.5.7"}, "4.2.1"),
        ({"version": "v3.5.7", "helmVersion": "4.3.0"}, "4.3.0"),
        ({"chartVersion": "99.0.0"}, None),
        ({"chart": "./charts/argo-cd"}, None),
    ],
)
def test_the_helm_is_that_of_argo_cds_version(argocd: dict[str, str], version: str | None) -> None:
    found = helm_of(settings_of("test", texts(values(argocd=argocd))).argocd)
    assert (found.version if found else None) == version


def test_helm_sees_no_variables_of_the_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin or a later function of templates could read them."""
    program = tmp_path / "helm"
    program.write_text("#!/bin/sh\nenv\n")
    program.chmod(0o755)
    monkeypatch.setenv("HELM", str(program))
    monkeypatch.setenv("GITHUB_TOKEN", "canary")
    said = helm.run([], tmp_path).stdout
    assert ("canary" in said, f"HOME={tmp_path}" in said) == (False, True)
