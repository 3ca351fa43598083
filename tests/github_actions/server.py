"""A GitHub with Actions in a process of its own, and what people do with it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from sandbox import runner
from sandbox.github.process import LENT
from sandbox.sealing import sealed

ROOT = Path(__file__).parent.parent.parent

ADMIN = "ghp_administrator000000000000000000000001"
ALICE = "ghp_alice0000000000000000000000000000000a"
DEPENDABOT = "ghp_dependabot00000000000000000000000000a"
BOB = "ghp_bob000000000000000000000000000000000b"
OUTSIDER = "ghp_outsider00000000000000000000000000000"


def find_act() -> str | None:
    """The `act` binary: named, or the sandbox's."""
    candidates = [os.environ.get("SLIPWAY_SANDBOX_ACT"), str(runner.ACT)]
    return next((path for path in candidates if path and os.access(path, os.X_OK)), None)


@dataclass
class GitHub:
    """A server in a process of its own, and clients for its people."""

    directory: Path
    port: int
    app_key: str
    _process: subprocess.Popen[bytes] | None = None
    _clients: dict[str, httpx.Client] = field(default_factory=dict[str, httpx.Client])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def lent(self) -> Path:
        """Where a test says what jobs see of this machine; not there at first."""
        return self.directory / "lent.json"

    @property
    def tools(self) -> Path:
        """A folder of every job's PATH; empty at first."""
        return self.directory / "tools"

    def start(self) -> None:
        self.tools.mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "sandbox.github", "--directory", str(self.directory / "github"),
                "--listen", f"127.0.0.1:{self.port}", "--url", f"{self.url}/",
                "--seed", str(self.directory / "seed.json"),
            ],
            cwd=ROOT,
            env={
                **os.environ, LENT: str(self.lent),
                "SLIPWAY_SANDBOX_ACT": find_act() or "", "SLIPWAY_SANDBOX_TOOLS": str(self.tools),
            },
            stderr=(self.directory / "server.log").open("ab"),
        )  # fmt: skip
        self.wait(self._answers, "the server answers")

    def _answers(self) -> bool:
        try:
            return self._client(ADMIN).get("/meta").status_code < 500
        except httpx.HTTPError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=60)
            self._process = None

    def call(
        self, method: str, path: str, body: object = None, *, token: str = ADMIN, status: int | None = None
    ) -> Any:
        answer = self._client(token).request(method, path, json=body, follow_redirects=method == "GET")
        if status is None:
            assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        else:
            assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        kind = answer.headers.get("content-type", "")
        return answer.json() if "json" in kind and answer.content else answer.text

    def _client(self, token: str) -> httpx.Client:
        """Made once for each token: it loads the certificates of this machine."""
        if token not in self._clients:
            headers = {"Authorization": f"Bearer {token}"}
            self._clients[token] = httpx.Client(base_url=f"{self.url}/api/v3", headers=headers, timeout=30)
        return self._clients[token]

    def wait(self, look: Callable[[], Any], what: str, seconds: float = 180) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if seen := look():
                return seen
            time.sleep(0.03)
        log = (self.directory / "server.log").read_text()[-3000:]
        raise AssertionError(f"not seen: {what}\n{log}")

    def repository(self, name: str, files: dict[str, str], **settings: Any) -> "Repository":
        self.call("POST", "/orgs/acme/repos", {"name": name, "private": True, "auto_init": True} | settings)
        made = Repository(self, f"acme/{name}")
        made.commit(files, "Begin")
        return made


@dataclass
class Repository:
    """One repository, through the API."""

    github: GitHub
    name: str
    token: str = ADMIN
    """Whose requests they are unless another is named."""

    def call(self, method: str, path: str, body: object = None, *, token: str | None = None, **given: Any) -> Any:
        return self.github.call(method, f"/repos/{self.name}{path}", body, token=token or self.token, **given)

    def commit(
        self, files: dict[str, str], message: str = "Change", branch: str = "main", token: str | None = None
    ) -> str:
        """One commit on a branch, made through the Git data API."""
        head = self.call("GET", f"/git/ref/heads/{branch}")["object"]["sha"]
        tree = [{"path": path, "mode": "100644", "type": "blob", "content": text} for path, text in files.items()]
        made = self.call("POST", "/git/trees", {"base_tree": head, "tree": tree})["sha"]
        body = {"message": message, "tree": made, "parents": [head]}
        sha: str = self.call("POST", "/git/commits", body)["sha"]
        self.call("PATCH", f"/git/refs/heads/{branch}", {"sha": sha}, token=token)
        return sha

    def head(self, branch: str = "main") -> str:
        return self.call("GET", f"/git/ref/heads/{branch}")["object"]["sha"]

    def ref(self, name: str, sha: str | None = None, token: str | None = None) -> None:
        self.call("POST", "/git/refs", {"ref": name, "sha": sha or self.head()}, token=token)

    def dispatch(
        self, file: str, inputs: dict[str, Any] | None = None, ref: str = "main", token: str | None = None
    ) -> int:
        """Starts a workflow and answers the id of its run."""
        before = {run["id"] for run in self.runs(file)}
        body = {"ref": ref, "inputs": inputs or {}}
        self.call("POST", f"/actions/workflows/{file}/dispatches", body, token=token, status=204)
        new = self.github.wait(
            lambda: [run["id"] for run in self.runs(file) if run["id"] not in before], f"run of {file}"
        )
        return new[0]

    def runs(self, file: str | None = None, event: str | None = None) -> list[Any]:
        found = self.call("GET", f"/actions/runs?per_page=100{f'&event={event}' if event else ''}")["workflow_runs"]
        return [run for run in found if file is None or run["path"].endswith(f"/{file}")]

    def run(self, run_id: int) -> Any:
        return self.call("GET", f"/actions/runs/{run_id}")

    def finished(self, run_id: int, seconds: float = 180) -> Any:
        """The run once it is complete."""

        def complete() -> Any:
            run = self.run(run_id)
            return run if run["status"] == "completed" else None

        return self.github.wait(complete, f"end of run {run_id}", seconds)

    def only_run(self, file: str, event: str | None = None) -> Any:
        """The one run of a workflow, complete."""
        found = self.github.wait(lambda: self.runs(file, event), f"a run of {file}")
        assert len(found) == 1
        return self.finished(found[0]["id"])

    def jobs(self, run_id: int) -> dict[str, Any]:
        return {job["name"]: job for job in self.call("GET", f"/actions/runs/{run_id}/jobs?per_page=100")["jobs"]}

    def conclusions(self, run_id: int) -> dict[str, str]:
        return {name: job["conclusion"] for name, job in self.jobs(run_id).items()}

    def log(self, run_id: int, job: str) -> str:
        return self.call("GET", f"/actions/jobs/{self.jobs(run_id)[job]['id']}/logs")

    def secret(self, name: str, value: str, environment: str | None = None) -> None:
        base = f"/environments/{environment}/secrets" if environment else "/actions/secrets"
        key = self.call("GET", f"{base}/public-key")
        self.call("PUT", f"{base}/{name}", sealed(key, value))
