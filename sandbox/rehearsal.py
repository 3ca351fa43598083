"""Using a running sandbox as its people would: commits, tags, approvals, syncs, and looking at what came of them.

Shared by the demo, the end-to-end tests and the benchmarks. It starts and stops nothing, and it talks to GitHub,
Argo CD and Kubernetes only through what a person could use: git, the REST APIs, kubectl's credentials.
"""

import base64
import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
import kubernetes.client
import kubernetes.config
import urllib3.exceptions

from sandbox.clone import Clone
from sandbox.config import SECOND_CONTEXT, SandboxConfig
from sandbox.errors import SandboxError
from sandbox.sign_on import logged_in

JsonObject = dict[str, Any]
T = TypeVar("T")
PATIENCE = 300.0
"""How many seconds something is waited for: many times what a slow machine needs, as a wait ends with what it sees."""
PASSING = (SandboxError, httpx.HTTPError, urllib3.exceptions.HTTPError, kubernetes.client.ApiException, OSError)
"""What a look meets while something starts again, and no more after that."""


@dataclass(frozen=True)
class Rehearsal:
    """One running sandbox, seen by the people who use it.

    `owner` and `environment_repository` are the names that the sandbox stack gives.
    """

    config: SandboxConfig
    owner: str = "acme"
    environment_repository: str = "environments"
    _clients: dict[str, httpx.Client] = field(default_factory=dict[str, httpx.Client], repr=False)
    _versions: dict[tuple[str, str, str], str | None] = field(
        default_factory=dict[tuple[str, str, str], str | None], repr=False
    )
    """What environments have of services at commits."""

    @cached_property
    def credentials(self) -> JsonObject:
        path = self.config.directory / "credentials.json"
        try:
            return cast(JsonObject, json.loads(path.read_text()))
        except FileNotFoundError:
            raise SandboxError(f"{path}: no sandbox is up here; run `make up` first") from None

    def token(self, user: str | None = None) -> str:
        """The token of a user, or of the platform's administrator."""
        users = self.credentials["users"]
        if user and user not in users:
            raise SandboxError(f"{user}: not a person of this sandbox; there are {', '.join(users)}")
        return users[user] if user else self.credentials["githubToken"]

    # GitHub

    def github(self, method: str, path: str, *, user: str | None = None, body: object = None) -> Any:
        """Calls the REST API; `path` starts below the API's root. Returns the decoded answer, None for an empty one.

        Raises:
            SandboxError: the answer is an error; GitHub's message is in it.
        """
        name = user or ""
        client = self._clients.get(name)
        if client is None:
            client = self._clients[name] = httpx.Client(
                base_url=f"{self.config.github_url.rstrip('/')}/api/v3",
                headers={"Authorization": f"Bearer {self.token(user)}"},
                timeout=30,
            )
        try:
            answer = client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise SandboxError(f"{method} {path}: {error}; is the sandbox up? see `make status`") from error
        if answer.is_error:
            raise SandboxError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else None

    def repository_path(self, repository: str) -> str:
        return f"/repos/{self.owner}/{repository}"

    def git_url(self, repository: str, user: str | None = None) -> str:
        scheme, _, rest = self.config.github_url.partition("://")
        return f"{scheme}://x-access-token:{self.token(user)}@{rest.rstrip('/')}/{self.owner}/{repository}.git"

    @contextlib.contextmanager
    def clone(self, repository: str, user: str | None = None) -> Generator[Clone]:
        """A temporary work tree of a repository, with a committer set."""
        directory = Path(tempfile.mkdtemp(prefix=f"slipway-{repository}-"))
        try:
            clone = Clone(directory, repository)
            clone.git("clone", "--quiet", self.git_url(repository, user), ".")
            clone.git("config", "user.name", user or "slipway")
            clone.git("config", "user.email", f"{user or 'slipway'}@users.noreply.example.com")
            yield clone
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def runs(self, repository: str, *, workflow: str | None = None, event: str | None = None) -> list[JsonObject]:
        """Workflow runs of a repository, newest first; `workflow` is the file's name."""
        answer = self.github("GET", f"{self.repository_path(repository)}/actions/runs?per_page=100")
        return [
            run
            for run in answer["workflow_runs"]
            if (workflow is None or run["path"].split("@")[0].endswith(f"/{workflow}"))
            and (event is None or run["event"] == event)
        ]

    def open_pull_requests(self, repository: str) -> list[JsonObject]:
        """The open pull requests of a repository, newest first."""
        return self.github("GET", f"{self.repository_path(repository)}/pulls?state=open")

    def run_log(self, repository: str, run: int) -> str:
        """The logs of all jobs of a run, one after the other."""
        path = self.repository_path(repository)
        jobs = self.github("GET", f"{path}/actions/runs/{run}/jobs")["jobs"]
        client = self._clients[""]
        return "\n".join(
            client.get(f"{path}/actions/jobs/{job['id']}/logs", follow_redirects=True).text for job in jobs
        )

    def file(self, repository: str, path: str, ref: str = "main") -> str | None:
        """A file's text at a ref, None where it is not there."""
        try:
            answer = self.github("GET", f"{self.repository_path(repository)}/contents/{path}?ref={ref}")
        except SandboxError as error:
            if ": 404 " in str(error):
                return None
            raise
        return base64.b64decode(answer["content"]).decode()

    def release(self, environment: str, service: str, ref: str = "main") -> JsonObject | None:
        """The release document of a service in an environment (shape: docs/releases.md), None before the first."""
        text = self.file(self.environment_repository, f"environments/{environment}/{service}/release.yaml", ref)
        return json.loads(text) if text else None

    def platform(self) -> JsonObject:
        """The environments and services, as the platform file of the environment repository lists them."""
        text = self.file(self.environment_repository, ".slipway/platform.json")
        if text is None:
            raise SandboxError(f"{self.environment_repository}: .slipway/platform.json is missing; run `make up`")
        return json.loads(text)

    def version(self, environment: str, service: str, ref: str = "main") -> str | None:
        document = self.release(environment, service, ref)
        return (document or {}).get("release", {}).get("version")

    def reports(self, environment: str, service: str, version: str) -> list[JsonObject]:
        """What the ledger was told of a version in an environment, newest first; that it was replaced is left out."""
        return list(self._reports(environment, service, version))

    def verdict(self, environment: str, service: str, version: str) -> str | None:
        """The state that the ledger has last of a version in an environment, None before the first."""
        return next((report["state"] for report in self._reports(environment, service, version)), None)

    def _reports(self, environment: str, service: str, version: str) -> Generator[JsonObject]:
        path = f"{self.repository_path(self.environment_repository)}/deployments"
        for deployment in self.github("GET", f"{path}?environment={environment}%2F{service}&per_page=100"):
            place = (environment, service, deployment["sha"])
            if place not in self._versions:  # what a commit says stays so, and this is asked again and again
                self._versions[place] = self.version(*place)
            if self._versions[place] == version:
                statuses = self.github("GET", f"{path}/{deployment['id']}/statuses?per_page=100")
                yield from (status for status in statuses if status["state"] != "inactive")

    # Kubernetes and Argo CD; clusters first, because `kubernetes` is the name of a property below them

    @cached_property
    def second(self) -> kubernetes.client.ApiClient:
        """The second cluster, where the sandbox has one."""
        load = cast(Any, kubernetes.config).new_client_from_config
        return load(str(self.config.kubeconfig), context=SECOND_CONTEXT)

    def cluster_of(self, environment: str, service: str) -> kubernetes.client.ApiClient:
        """The cluster that a service runs on in an environment."""
        if self.config.second is None:
            return self.kubernetes
        destination = self.application(f"{service}-{environment}")["spec"]["destination"]
        return self.second if destination.get("name") == SECOND_CONTEXT else self.kubernetes

    @cached_property
    def kubernetes(self) -> kubernetes.client.ApiClient:
        return cast(Any, kubernetes.config).new_client_from_config(str(self.config.kubeconfig))

    def application(self, name: str, namespace: str = "argocd") -> JsonObject:
        api = kubernetes.client.CustomObjectsApi(self.kubernetes)
        answer = api.get_namespaced_custom_object("argoproj.io", "v1alpha1", namespace, "applications", name)
        return cast(JsonObject, answer)

    def applications(self, namespace: str = "argocd") -> dict[str, JsonObject]:
        api = kubernetes.client.CustomObjectsApi(self.kubernetes)
        answer = api.list_namespaced_custom_object("argoproj.io", "v1alpha1", namespace, "applications")
        return {item["metadata"]["name"]: item for item in cast(JsonObject, answer)["items"]}

    def state(self, application: str) -> tuple[str, str]:
        """Sync and health status of an Application."""
        status = self.application(application).get("status", {})
        return status.get("sync", {}).get("status", "Unknown"), status.get("health", {}).get("status", "Unknown")

    def sync(self, application: str, *, user: str) -> None:
        """Syncs an Application through Argo CD's API, as somebody who may.

        Raises:
            SandboxError: they could not log in, or may not.
        """
        try:
            with logged_in(self.config, user) as client:
                client.post(f"/api/v1/applications/{application}/sync", json={}).raise_for_status()
        except httpx.HTTPError as error:
            raise SandboxError(f"sync of {application} by {user}: {error}") from error

    def get(self, environment: str, service: str, path: str = "/") -> httpx.Response:
        """Asks the running service over HTTP, through its Kubernetes Service's address in its cluster."""
        api = kubernetes.client.CoreV1Api(self.cluster_of(environment, service))
        found = cast(Any, api.read_namespaced_service(service, f"{service}-{environment}"))
        port = found.spec.ports[0].port
        return self._visitor.get(f"http://{found.spec.cluster_ip}:{port}{path}")

    @cached_property
    def _visitor(self) -> httpx.Client:
        """Makes a new connection for each visit: the one before led to a pod that may have been replaced."""
        return httpx.Client(timeout=5, limits=httpx.Limits(max_keepalive_connections=0))

    # waiting

    def wait(self, what: str, look: Callable[[], T | None], seconds: float = PATIENCE) -> T:
        """Looks until there is something to see, and returns it.

        Errors of a look (a restart in between) are kept for the message and do not end the wait.

        Raises:
            SandboxError: nothing was seen in time; it names what was waited for and the last error.
        """
        began = time.monotonic()
        last = "nothing seen"
        while (waited := time.monotonic() - began) < seconds:
            try:
                seen = look()
            except PASSING as error:
                last, seen = (str(error).splitlines() or [type(error).__name__])[0], None
            if seen:
                return seen
            # A look takes time from the work that it waits for.
            time.sleep(min(1, max(0.2, waited / 20)))
        raise SandboxError(f"{what}: not seen within {seconds:.0f} s (last: {last})")

    def wait_for_state(self, application: str, sync: str, health: str, seconds: float = PATIENCE) -> None:
        self.wait(f"{application} {sync} and {health}", lambda: self.state(application) == (sync, health), seconds)

    def wait_for_version(self, environment: str, service: str, version: str, seconds: float = PATIENCE) -> None:
        """Waits until the running service answers with a version (the services' templates say it under `/`)."""

        def answers() -> bool:
            answer = self.get(environment, service)
            return answer.is_success and version in answer.text

        self.wait(f"{service} {version} answering in {environment}", answers, seconds)

    def wait_for_run(
        self, repository: str, workflow: str, *, head: str | None = None, after: int = 0, seconds: float = PATIENCE
    ) -> JsonObject:
        """Waits until a run of a workflow is complete; `head` is its branch or tag, `after` a run's id to look past."""

        def complete() -> JsonObject | None:
            for run in self.runs(repository, workflow=workflow):
                if run["id"] > after and (head is None or run["head_branch"] == head):
                    return run if run["status"] == "completed" else None
            return None

        return self.wait(f"run of {workflow} in {repository} for {head or 'anything'}", complete, seconds)
