"""The two real APIs for the engine's tests: kube-apiserver with etcd, without a node, and the sandbox's own GitHub."""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
import yaml

from sandbox.engine.github.api import GitHubApi
from sandbox.engine.kubernetes.api import KubernetesApi
from sandbox.engine.outcome import ApplyError
from sandbox.github.access import accounts
from sandbox.github.application import create_application, create_forge
from sandbox.github.core.forge import Forge
from sandbox.github.repositories import settings

BINARY_VARIABLE = "SLIPWAY_KUBERNETES_BINARY"
TOKEN = "engine-tests"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _binary() -> Path | None:
    """The multi-call binary that the sandbox builds; tests do not build it."""
    if given := os.environ.get(BINARY_VARIABLE):
        return Path(given)
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway" / "bin"
    built = sorted(caches.glob("kubernetes-*/kubernetes"))
    return built[-1] if built else None


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of a fresh API server."""
    binary = _binary()
    if binary is None or shutil.which("openssl") is None:
        pytest.skip("no built kubernetes in the cache; `make up` builds it")
    folder = tmp_path_factory.mktemp("apiserver")
    (folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')
    key = folder / "sa.key"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    client, peer, secure = _free_port(), _free_port(), _free_port()
    daemons = [
        subprocess.Popen(
            [
                "etcd", f"--data-dir={folder}/etcd",
                f"--listen-client-urls=http://127.0.0.1:{client}", f"--advertise-client-urls=http://127.0.0.1:{client}",
                f"--listen-peer-urls=http://127.0.0.1:{peer}", f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-cluster=default=http://127.0.0.1:{peer}", "--unsafe-no-fsync",
            ],
            executable=binary, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ),
        subprocess.Popen(
            [
                "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{client}",
                "--bind-address=127.0.0.1", f"--secure-port={secure}", f"--cert-dir={folder}/certificates",
                f"--token-auth-file={folder}/tokens.csv", "--authorization-mode=RBAC",
                f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}",
                "--service-account-issuer=https://tests", "--service-cluster-ip-range=10.99.0.0/24",
                "--disable-admission-plugins=ServiceAccount",
            ],
            executable=binary, stdout=subprocess.DEVNULL, stderr=(folder / "apiserver.log").open("w"),
        ),
    ]  # fmt: skip
    path = folder / "kubeconfig"
    cluster = {"server": f"https://127.0.0.1:{secure}", "insecure-skip-tls-verify": True}
    path.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "tests", "cluster": cluster}],
                "users": [{"name": "admin", "user": {"token": TOKEN}}],
                "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "admin"}}],
                "current-context": "tests",
            }
        )
    )
    try:
        _wait_until_serving(path, folder)
        yield path
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait(20)


def _wait_until_serving(kubeconfig: Path, folder: Path) -> None:
    deadline = time.monotonic() + 60
    api = KubernetesApi(str(kubeconfig))
    while True:
        try:
            api.call("GET", "/api/v1/namespaces/default")
        except ApplyError:
            assert time.monotonic() < deadline, (folder / "apiserver.log").read_text()[-2000:]
            time.sleep(0.2)
        else:
            api.close()
            return


@pytest.fixture
def api(kubeconfig: Path) -> Iterator[KubernetesApi]:
    """A client of the API server."""
    client = KubernetesApi(str(kubeconfig))
    yield client
    client.close()


@dataclass(frozen=True)
class RunningForge:
    """A GitHub in this process, on a free port of the loopback interface."""

    forge: Forge
    url: str
    token: str

    def api(self) -> GitHubApi:
        return GitHubApi({"baseUrl": self.url, "owner": "acme", "token": self.token})


@pytest.fixture(scope="session")
def running_forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningForge]:
    """The sandbox's own GitHub with one organisation, its administrator and two people."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}/"
    forge = create_forge(tmp_path_factory.mktemp("forge"), url)
    organization = accounts.add_organization(forge, "acme")
    settings.write_policy(forge, organization, "workflow", {"can_approve_pull_request_reviews": True})
    for login, role in (("root", "admin"), ("dana", "member"), ("sam", "member")):
        accounts.add_user(forge, login, admin=login == "root")
        accounts.set_membership(forge, organization, login, role)
    forge.tokens.add_user_token("root-token", "root", ["repo", "admin:org", "workflow", "delete_repo"])
    server = uvicorn.Server(uvicorn.Config(create_application(forge), port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield RunningForge(forge, url, "root-token")
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def github(running_forge: RunningForge) -> Iterator[GitHubApi]:
    """A client of that GitHub."""
    client = running_forge.api()
    yield client
    client.close()
