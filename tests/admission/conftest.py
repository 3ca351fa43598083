"""A real API server with its etcd on free ports of loopback, and nothing else: no node runs what it admits."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.config import SandboxConfig
from sandbox.toolchain import TOOLS, key
from tests.ports import free_port

TOKEN = "admission-tests"


@dataclass(frozen=True)
class Api:
    """The API server, asked as its administrator."""

    client: httpx.Client

    def create(self, path: str, manifest: Mapping[str, Any], *, dry_run: bool = True) -> httpx.Response:
        query = {"dryRun": "All", "fieldValidation": "Strict"} if dry_run else {}
        return self.client.post(path, params=query, content=json.dumps(manifest))

    def until_refused(self, path: str, manifest: Mapping[str, Any]) -> None:
        """Policies hold a moment after they are made."""
        deadline = time.monotonic() + 120
        while self.create(path, manifest).is_success:
            assert time.monotonic() < deadline, "the policy does not hold"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    program = SandboxConfig.from_environment().cache / "bin" / f"kubernetes-{key(TOOLS['kubernetes'])}" / "kubernetes"
    if not program.is_file():
        pytest.skip("Kubernetes is not built yet; `make up` builds it")
    folder = tmp_path_factory.mktemp("api")
    store, peers, port = (f"http://127.0.0.1:{free_port()}" for _ in range(3))
    _write_keys(folder)
    etcd = {
        "data-dir": "etcd",
        "listen-client-urls": store,
        "advertise-client-urls": store,
        "listen-peer-urls": peers,
        "unsafe-no-fsync": "true",
    }
    server = {
        "etcd-servers": store,
        "bind-address": "127.0.0.1",
        "secure-port": port.rpartition(":")[2],
        "cert-dir": "certs",
        "token-auth-file": "tokens.csv",
        "authorization-mode": "RBAC",
        "service-account-issuer": "https://api.test",
        "service-account-key-file": "key.pem",
        "service-account-signing-key-file": "key.pem",
        "disable-admission-plugins": "ServiceAccount",
        "allow-privileged": "true",
    }
    running: list[subprocess.Popen[bytes]] = []
    log = folder / "log"
    try:
        for name, options in (("etcd", etcd), ("kube-apiserver", server)):
            command = [program, name, *(f"--{option}={value}" for option, value in options.items())]
            with log.open("ab") as output:
                running.append(subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT))
        address, headers = port.replace("http:", "https:"), {"Authorization": f"Bearer {TOKEN}"}
        headers["Content-Type"] = "application/json"
        with httpx.Client(base_url=address, headers=headers, verify=False, timeout=30) as client:
            _wait(client, log)
            yield Api(client)
    finally:
        for process in reversed(running):
            process.kill()
            process.wait()


def _write_keys(folder: Path) -> None:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form, none = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(made.private_bytes(serialization.Encoding.PEM, form, none))
    (folder / "tokens.csv").write_text(f"{TOKEN},admin,1,system:masters\n")


def _wait(client: httpx.Client, log: Path) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            if client.get("/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-2000:]
        time.sleep(0.2)
