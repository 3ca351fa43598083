"""The whole stage of a release: GitHub with Actions, a registry, and the repositories as the platform writes them."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from components.github.apps import PROMOTER, READS_THE_PROGRAM
from manifests.model import AUTOMATION
from manifests.repository_files import RepositoryFiles, environment_repository_files, service_repository_files
from sandbox import runner
from sandbox.sealing import sealed
from slipway_release import ask
from stacks.settings import settings_of
from tests.ports import free_port
from tests.stacks.builders import values

ROOT = Path(__file__).parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway"
TOKEN = "ghp_release_tests"
PEOPLE = {"dana": "ghp_dana", "sam": "ghp_sam"}
"""Members of the organisation, who may write what a test lets them, with their tokens."""
APPS = {
    "promoter": (
        "11",
        "101",
        PROMOTER.permissions,
    ),
    "requester": ("12", "102", {"statuses": "write"}),
    "argocd": ("13", "103", {"contents": "read", "deployments": "write"}),
}


def find(command: str, *patterns: str) -> Path | None:
    """A program: named by PATH, or in the sandbox's cache."""
    cached = [path for pattern in patterns for path in sorted(CACHE.glob(pattern))]
    found = shutil.which(command) or next((str(path) for path in reversed(cached) if os.access(path, os.X_OK)), None)
    return Path(found) if found else None


def act() -> Path | None:
    return runner.ACT if runner.ACT.exists() else None


def docker_registry() -> Path | None:
    return find("docker-registry", "packages/*/usr/bin/docker-registry")


@dataclass
class Stage:
    """The servers, and what people and Argo CD do."""

    folder: Path
    environments: list[dict[str, Any]]
    github: dict[str, Any] = field(default_factory=dict[str, Any])
    """Settings about GitHub."""
    attestations: str = "none"
    sbom: str = "none"
    github_port: int = field(default_factory=free_port)
    registry_port: int = field(default_factory=free_port)
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.github_port}/"

    @property
    def registry(self) -> str:
        return f"127.0.0.1:{self.registry_port}"

    def start(self) -> None:
        self.client = httpx.Client(
            base_url=f"{self.url}api/v3", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30
        )
        keys = {name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in APPS}
        (self.folder / "seed.json").write_text(json.dumps(self._seeded(keys)))
        self._start_registry()
        self._start_github()
        self._fill(keys)

    def stop(self) -> None:
        self.client.close()
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            process.wait(60)

    def _start_registry(self) -> None:
        program = docker_registry()
        assert program is not None
        settings = {
            "version": 0.1,
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "registry")}},
            "http": {"addr": self.registry},
        }
        (self.folder / "registry.yml").write_text(yaml.safe_dump(settings))
        self._spawn([str(program), "serve", str(self.folder / "registry.yml")], "registry.log", {})
        self.wait(lambda: httpx.get(f"http://{self.registry}/v2/").status_code == 200, "the registry answers")

    def _start_github(self) -> None:
        tools = str(ROOT / "tests/release/tools")
        command = [
            sys.executable, "-m", "sandbox.github", "--directory", str(self.folder / "github"),
            "--listen", f"127.0.0.1:{self.github_port}", "--url", self.url, "--seed", str(self.folder / "seed.json"),
        ]  # fmt: skip
        helm = find("helm", "bin/helm-*/helm")
        tools += f":{helm.parent}" if helm else ""
        if self.sbom != "none":
            (self.folder / "syft").mkdir()
            runner.provide_syft(self.folder / "syft")
            tools += f":{self.folder / 'syft'}"
        self._spawn(command, "github.log", {"SLIPWAY_SANDBOX_ACT": str(act()), "SLIPWAY_SANDBOX_TOOLS": tools})
        self.wait(lambda: self.client.get("/meta").status_code < 500, "GitHub answers")

    def _spawn(self, command: list[str], log: str, variables: Mapping[str, str]) -> None:
        with (self.folder / log).open("ab") as file:
            self._processes.append(
                subprocess.Popen(command, cwd=ROOT, env={**os.environ, **variables}, stdout=file, stderr=file)
            )

    def _seeded(self, keys: Mapping[str, rsa.RSAPrivateKey]) -> dict[str, Any]:
        seed = _seed(keys)
        if self.github.get("pinnedActions"):
            requester = next(app for app in seed["apps"] if app["slug"] == "requester")
            requester["installation"]["permissions"] |= READS_THE_PROGRAM
        return seed

    # The repositories, as `pulumi up` would make them

    def _fill(self, keys: Mapping[str, rsa.RSAPrivateKey]) -> None:
        given = values(
            github=values()["github"] | {"baseUrl": self.url} | self.github,
            registry={"host": self.registry, "insecure": True, "attestations": self.attestations, "sbom": self.sbom},
            environments=self.environments,
        )
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
        settings = settings_of("tests", texts)
        self._repository("environments", environment_repository_files(settings))
        self.call("PUT", "/repos/acme/environments/actions/permissions/access", {"access_level": "organization"})
        for name in (AUTOMATION, *(environment.name for environment in settings.environments)):
            self._environment("environments", name, [("main", "branch")])
            self._secret("environments", name, "PROMOTER_PRIVATE_KEY", _private(keys["promoter"]))
        self._variable("environments", "PROMOTER_APP_ID", "11")
        for service in settings.services:
            self._repository(service.name, service_repository_files(settings, service))
            self._environment(service.name, AUTOMATION, [("main", "branch"), ("v*", "tag"), ("*-v*", "tag")])
            self._secret(service.name, AUTOMATION, "REQUESTER_PRIVATE_KEY", _private(keys["requester"]))

    def _repository(self, name: str, files: RepositoryFiles) -> None:
        self.call("POST", "/orgs/acme/repos", {"name": name, "private": True})
        work = self.work(name)
        work.mkdir(parents=True)
        self.git(name, "init", "--quiet", "--initial-branch", "main")
        for path, text in {**files.seeded, **files.owned}.items():
            file = work / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            if path in files.executable:
                file.chmod(0o755)
        self.git(name, "remote", "add", "origin", self.url.replace("://", f"://x:{TOKEN}@") + f"acme/{name}.git")
        self.commit(name, "Begin")

    def _environment(self, repository: str, name: str, patterns: list[tuple[str, str]]) -> None:
        path = f"/repos/acme/{repository}/environments/{name}"
        policy = {"protected_branches": False, "custom_branch_policies": True}
        self.call("PUT", path, {"deployment_branch_policy": policy})
        for pattern, kind in patterns:
            self.call("POST", f"{path}/deployment-branch-policies", {"name": pattern, "type": kind})

    def _secret(self, repository: str, environment: str, name: str, text: str) -> None:
        path = f"/repos/acme/{repository}/environments/{environment}/secrets"
        key = self.call("GET", f"{path}/public-key")
        self.call("PUT", f"{path}/{name}", sealed(key, text))

    def _variable(self, repository: str, name: str, value: str) -> None:
        self.call("POST", f"/repos/acme/{repository}/actions/variables", {"name": name, "value": value})

    # What people do

    def work(self, repository: str) -> Path:
        return self.folder / "work" / repository

    def git(self, repository: str, *arguments: str) -> str:
        identity = ["-c", "user.name=Dana", "-c", "user.email=dana@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.work(repository), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()

    def commit(self, repository: str, message: str) -> str:
        self.git(repository, "add", "--all")
        self.git(repository, "commit", "--quiet", "--allow-empty", "--message", message)
        self.git(repository, "push", "--quiet", "origin", "HEAD:main")
        return self.git(repository, "rev-parse", "HEAD")

    def push_tag(self, name: str, repository: str = "guestbook") -> None:
        self.git(repository, "tag", name)
        self.git(repository, "push", "--quiet", "origin", f"refs/tags/{name}")

    # What Argo CD does

    def report(self, environment: str, state: str, description: str = "") -> None:
        """A report on what is at the head of main, as Argo CD's notifications make it."""
        commit = self.head("environments")
        path, name = "/repos/acme/environments/deployments", f"{environment}/guestbook"
        found = self.client.get(path, params={"ref": commit, "environment": name}).json()
        body = {"ref": commit, "environment": name, "auto_merge": False, "required_contexts": []}
        number = (found[0] if found else self.call("POST", path, body))["id"]
        self.call("POST", f"{path}/{number}/statuses", {"state": state, "description": description or state})

    # What can be seen

    def person(self, login: str) -> httpx.Client:
        """GitHub's API as somebody."""
        headers = {"Authorization": f"Bearer {PEOPLE[login]}"}
        return httpx.Client(base_url=f"{self.url}api/v3", headers=headers, timeout=30)

    def head(self, repository: str, branch: str = "main") -> str:
        return self.call("GET", f"/repos/acme/{repository}/git/ref/heads/{branch}")["object"]["sha"]

    def states(self, repository: str, environment: str) -> list[str]:
        """The states of all reports on the newest deployment of an environment, newest first."""
        path = f"/repos/acme/{repository}/deployments"
        newest = self.client.get(path, params={"environment": environment}).json()[0]
        return [status["state"] for status in self.call("GET", f"{path}/{newest['id']}/statuses")]

    def wanted(self, environment: str, branch: str = "main") -> str | None:
        path = f"/repos/acme/environments/contents/environments/{environment}/guestbook/release.yaml"
        found = self.client.get(path, params={"ref": branch})
        if found.status_code == 404:
            return None
        release = json.loads(base64.b64decode(found.json()["content"])).get("release")
        return release["version"] if release else None

    def runs(self, repository: str, workflow: str, branch: str | None = None) -> list[dict[str, Any]]:
        """The runs of a workflow, for one branch if it is given, newest first; requests are of `promote` too."""
        query = {"per_page": "100"} | ({"branch": branch} if branch else {})
        found = self.client.get(f"/repos/acme/{repository}/actions/runs", params=query)
        return [
            run
            for run in found.json()["workflow_runs"]
            if run["path"].endswith(f"/{workflow}.yml")
            or (workflow == "promote" and run["display_title"].startswith(ask.CONTEXT))
        ]

    def finished(self, repository: str, workflow: str, number: int = 1, branch: str | None = None) -> dict[str, Any]:
        """The newest of so many runs of a workflow, once all of them have ended."""
        self.wait(
            lambda: sum(run["status"] == "completed" for run in self.runs(repository, workflow, branch)) >= number,
            f"run {number} of {workflow} in {repository} has ended",
        )
        return self.runs(repository, workflow, branch)[0]

    def log(self, run: Mapping[str, Any]) -> str:
        jobs = self.call("GET", f"{run['url'].split('/api/v3')[1]}/jobs")["jobs"]
        repository = run["repository"]["full_name"]
        texts = [
            self.client.get(f"/repos/{repository}/actions/jobs/{job['id']}/logs", follow_redirects=True) for job in jobs
        ]
        return "\n".join(text.text for text in texts)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        answer = self.client.request(method, path, content=None if body is None else json.dumps(body))
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = 180) -> None:
        """Until a condition holds; if it never does, the test fails with the servers' last words."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if condition():
                    return
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline:
                logs = "\n".join(file.read_text()[-1500:] for file in self.folder.glob("*.log"))
                raise AssertionError(f"not so after {seconds:.0f} s: {what}\n{logs}")
            time.sleep(0.2)


def _seed(keys: Mapping[str, rsa.RSAPrivateKey]) -> dict[str, Any]:
    return {
        "users": [
            {"login": "root", "admin": True, "token": TOKEN},
            *({"login": login, "token": token} for login, token in PEOPLE.items()),
        ],
        "organizations": [{"login": "acme", "members": {"root": "admin"} | dict.fromkeys(PEOPLE, "member")}],
        "apps": [
            {
                "id": int(app),
                "slug": name,
                "owner": "acme",
                "public_key": _public(keys[name]),
                "installation": {
                    "id": int(installation),
                    "permissions": dict(permissions),
                    "repositories": None,
                },
            }
            for name, (app, installation, permissions) in APPS.items()
        ],
    }


def _private(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _public(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
