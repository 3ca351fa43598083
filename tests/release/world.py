"""A GitHub with an environment repository and a service, in which releases happen for real."""

import base64
import itertools
import json
import random
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from slipway_release import freeze, promotion, release_file, rollback, verified
from slipway_release.claims import PromotionRequest
from slipway_release.contents import Contents
from slipway_release.context import Context
from slipway_release.exchange import Exchange, exchange
from slipway_release.git import Git
from slipway_release.github import GitHub
from slipway_release.platform_types import Platform
from slipway_release.promotion import Outcome
from slipway_release.release_file import ReleaseFile
from slipway_release.selection import Kind
from slipway_release.tags import Tag
from slipway_release.taking_back import Answer
from slipway_release.transport import Transport
from tests.release.builders import SERVICES, Stocked, platform, release, service

_numbers = itertools.count(1)


_CERTIFICATES = ssl.create_default_context()
"""Read once: each client that makes its own reads all of the machine's."""


class _Through(httpx.BaseTransport):
    """Sends the requests of a client another way."""

    def __init__(self, send: Exchange) -> None:
        self._send = send

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        found = self._send(request.method, str(request.url), dict(request.headers), request.read())
        return httpx.Response(found.status, headers=found.headers, content=found.body)


@dataclass
class World:
    """One organisation of its own on a running server; what people and Argo CD do to it are its methods."""

    url: str
    token: str
    environments: list[dict[str, Any]]
    owner: str = field(default_factory=lambda: f"acme{next(_numbers)}")
    services: tuple[str, ...] = SERVICES
    names: dict[str, str] = field(default_factory=dict[str, str])
    """Repositories of services that are not named like them, as the settings know them."""
    changes: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the platform file says instead of the usual."""

    holders: tuple[str, ...] = ()
    """The teams that may hold versions, in every environment."""

    gone: set[str] = field(default_factory=set[str])
    """Digests of images that the registry has no longer."""

    exchange: Exchange = exchange
    """How requests come to the server."""

    def __post_init__(self) -> None:
        self.client = httpx.Client(
            base_url=f"{self.url}api/v3",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=30,
            verify=_CERTIFICATES,
            transport=None if self.exchange is exchange else _Through(self.exchange),
        )

    @property
    def platform(self) -> Platform:
        names = [place["name"] for place in self.environments]
        known: dict[str, Any] = {
            "owner": self.owner,
            "apiUrl": f"{self.url}api/v3",
            "serverUrl": self.url,
            "services": [self._service(name, names) for name in self.services],
        }
        return platform(*self.environments, **known | self.changes)

    def _service(self, name: str, environments: list[str]) -> dict[str, Any]:
        holders = {place: list(self.holders) for place in environments}
        return service(name, environments) | {"repository": self.names.get(name, name), "holders": holders}

    @property
    def repository(self) -> str:
        return f"{self.owner}/environments"

    def context(self) -> Context:
        """A run's own context: every run is a process of its own, with its own transport."""
        jitter = random.Random(next(_numbers)).random
        transport = Transport(jitter=jitter, log=lambda _: None, exchange=self.exchange)
        own, writer, service = (
            GitHub(f"{self.url}api/v3", self.token, transport, git)
            for git in (
                None,
                Git(self.url, self.token, transport),
                Git(self.url, self.token, transport, with_files=False),
            )
        )
        return Context(self.platform, own, writer, service, Stocked(self.gone), "https://run.test/1", "root")

    # What people do

    def create(self) -> None:
        for name in ("environments", *self.services):
            self.call("POST", f"/orgs/{self.owner}/repos", {"name": name, "auto_init": True, "private": True})

    def commit(self, repository: str, path: str, text: str, branch: str = "main") -> str:
        body: dict[str, Any] = {
            "message": f"Change {path}",
            "content": base64.b64encode(text.encode()).decode(),
            "branch": branch,
        }
        found = self.client.get(f"/repos/{self.owner}/{repository}/contents/{path}", params={"ref": branch})
        if found.status_code == 200:
            body["sha"] = found.json()["sha"]
        return str(self.call("PUT", f"/repos/{self.owner}/{repository}/contents/{path}", body)["commit"]["sha"])

    def head(self, repository: str, branch: str = "main") -> str:
        return str(self.call("GET", f"/repos/{self.owner}/{repository}/git/ref/heads/{branch}")["object"]["sha"])

    def tag(self, name: str, repository: str = "guestbook", commit: str | None = None) -> str:
        commit = commit or self.head(repository)
        self.call("POST", f"/repos/{self.owner}/{repository}/git/refs", {"ref": f"refs/tags/{name}", "sha": commit})
        return commit

    def team(self, name: str, *members: str) -> None:
        """A team that may write the environment repository."""
        self.call("POST", f"/orgs/{self.owner}/teams", {"name": name})
        for login in ("root", *members):
            method = "DELETE" if login == "root" else "PUT"
            self.client.request(method, f"/orgs/{self.owner}/teams/{name}/memberships/{login}", content="{}")
        self.call("PUT", f"/orgs/{self.owner}/teams/{name}/repos/{self.repository}", {"permission": "push"})

    def review(self, login: str, event: str = "APPROVE") -> None:
        """A person reviews the one open pull request."""
        (pull,) = self.pulls()
        answer = self.client.post(
            f"{self.url}api/v3/repos/{self.repository}/pulls/{pull['number']}/reviews",
            headers={"Authorization": f"Bearer {login}-token"},
            json={"event": event, "body": "Reviewed"},
        )
        answer.raise_for_status()

    def freeze(self, environment: str, why: str) -> None:
        freeze.freeze(self.context(), self.platform.environment(environment), why=why, login="dana")

    def thaw(self, environment: str) -> None:
        freeze.end(self.context(), self.platform.environment(environment), login="dana")

    # What runs do

    def request(self, version: str, service: str = "guestbook", commit: str | None = None) -> PromotionRequest:
        """A checked request for a version, with its tag made."""
        tag = Tag.parse(version if "v" in version else f"v{version}")
        commit = self.tag(str(tag), service, commit)
        made = release(
            str(tag.version),
            tag=str(tag),
            image=f"registry.test/acme/{service}",
            commit=commit,
            run=f"{self.url}{self.owner}/{service}/actions/runs/7",
        )
        return PromotionRequest(self.platform.service(service), made, tag, None, "2026-01-01T00:00:00Z")

    def plan(self, request: PromotionRequest, *only: str, again: bool = False) -> list[str]:
        """The environments that a run of the promotion delivers to."""
        context = self.context()
        return promotion.with_work(context, request, promotion.consider(context, request, only, again=again))

    def deliver(self, request: PromotionRequest, environment: str) -> Outcome:
        return promotion.deliver(self.context(), request, self.platform.environment(environment))

    def deliver_unmerged(self, version: str, environment: str) -> None:
        """Deliver a version by the first pull request of all, which GitHub does not merge at that moment."""
        self.call("PATCH", f"/repos/{self.repository}", {"allow_auto_merge": True})
        path = f"/api/v3/repos/{self.repository}/pulls/1/merge"
        self.fault(match=f"PUT {path}", status=405, count=1, message="Required status check is expected")
        self.deliver(self.request(version), environment)
        self.clear_faults()

    def release(self, version: str, environment: str, service: str = "guestbook") -> str:
        """Deliver a version; the commit that has it."""
        outcome = self.deliver(self.request(version, service), environment)
        assert outcome.decision.kind is Kind.DELIVER, outcome
        return outcome.link.rpartition("/")[2]

    def verified_release(self, version: str, environment: str) -> str:
        commit = self.release(version, environment)
        self.succeed(environment, commit)
        return commit

    # What Argo CD does

    def report(
        self, environment: str, commit: str, state: str, description: str = "", service: str = "guestbook"
    ) -> str:
        """A report as Argo CD's notifications make it: on the deployment of that commit, or on a new one."""
        path, name = f"/repos/{self.repository}/deployments", f"{environment}/{service}"
        found = self.client.get(path, params={"ref": commit, "environment": name}).json()
        body = {"ref": commit, "environment": name, "auto_merge": False, "required_contexts": []}
        deployment = found[0] if found else self.call("POST", path, body)
        status = {"state": state, "description": description or state, "log_url": "http://argocd.test/app"}
        self.call("POST", f"{path}/{deployment['id']}/statuses", status)
        return str(deployment["id"])

    def succeed(self, environment: str, commit: str, service: str = "guestbook") -> bool:
        """Report success and let the workflow handle it; whether it has started the next promotion."""
        path = f"/api/v3/repos/{self.repository}/actions/workflows/promote.yml/dispatches"
        self.fault(match=f"POST {path}", status=200, count=1)
        verified.verified(self.context(), self.report(environment, commit, "success", service=service))
        left = self.faults()
        self.clear_faults()
        return f"POST {path}" not in left

    def fail(self, environment: str, commit: str, description: str = "Degraded: crash loop") -> Answer:
        return rollback.rollback(self.context(), self.report(environment, commit, "failure", description))

    # What can be seen

    def file(self, environment: str, service: str = "guestbook", ref: str | None = None) -> ReleaseFile:
        place = self.platform.environment(environment)
        # By the API alone: to look at one file is not worth a copy of the repository.
        github = GitHub(f"{self.url}api/v3", self.token, Transport(log=lambda _: None, exchange=self.exchange))
        return Contents(github, self.repository).release(environment, service, ref or place.target_branch)

    def text(self, path: str, ref: str) -> str | None:
        """A file of the environment repository at a branch or commit; None where there is none."""
        found = self.client.get(f"/repos/{self.repository}/contents/{path}", params={"ref": ref})
        return base64.b64decode(found.json()["content"]).decode() if found.is_success else None

    def wanted(self, environment: str, service: str = "guestbook") -> str | None:
        found = self.file(environment, service).release
        return found.version if found else None

    def statuses(self, repository: str, environment: str, ref: str | None = None) -> list[str]:
        """State and description of all reports of an environment, newest first."""
        path = f"/repos/{self.owner}/{repository}/deployments"
        query = {"environment": environment, "per_page": "100"} | ({"ref": ref} if ref else {})
        return [
            f"{status['state']}: {status['description']}"
            for deployment in self.client.get(path, params=query).json()
            for status in self.client.get(f"{path}/{deployment['id']}/statuses").json()
        ]

    def pulls(self, state: str = "open") -> list[dict[str, Any]]:
        return self.call("GET", f"/repos/{self.repository}/pulls?state={state}&per_page=100")

    def messages(self, environment: str, service: str = "guestbook") -> list[str]:
        """Messages of the commits that changed a release file, newest first."""
        path = quote(release_file.path_of(environment, service), safe="")
        branch = quote(self.platform.environment(environment).target_branch, safe="")
        found = self.call("GET", f"/repos/{self.repository}/commits?path={path}&sha={branch}&per_page=100")
        return [item["commit"]["message"] for item in found]

    def history(self, branch: str = "main") -> list[dict[str, Any]]:
        return self.call("GET", f"/repos/{self.repository}/commits?sha={quote(branch, safe='')}&per_page=100")

    def fault(self, **fault: Any) -> None:
        answer = self.client.post(f"{self.url}_sandbox/faults", json=fault)
        assert answer.status_code == 201, answer.text

    def faults(self) -> list[str]:
        """What the faults match that are not used up."""
        left = self.client.get(f"{self.url}_sandbox/faults").json()
        return [str(fault["match"]) for fault in left]

    def clear_faults(self) -> None:
        self.client.delete(f"{self.url}_sandbox/faults")

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        answer = self.client.request(method, path, content=None if body is None else json.dumps(body))
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None
