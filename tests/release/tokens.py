"""A platform whose program has the tokens of its workflows: each with what the workflow asks for, and no more."""

import contextlib
import dataclasses
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from manifests.repository_files import environment_repository_files
from sandbox.github.core.forge import Forge
from sandbox.github.organizations import apps
from slipway_release.claims import PromotionRequest
from slipway_release.context import Context
from slipway_release.git import Git
from slipway_release.github import GitHub
from stacks.settings import settings_of
from tests.release.stage import APPS
from tests.release.world import World
from tests.stacks.builders import texts, values

PROMOTER = "promoter[bot]"
OF_RUNS = {
    "promote/plan": {"promoter[bot] guestbook": {"actions", "contents"}},
    "verified/verified": {"github-actions[bot] environments": {"actions"}},
}
"""What a token needs to ask for runs, or to start one: tests/release/test_workflows.py has runs."""
_NOT_OF_THE_API = {"packages", "id-token", "attestations", "pages"}
"""Permissions of a job that other servers look at than GitHub's API."""


@cache
def workflows() -> Mapping[str, Any]:
    """The workflows of an environment repository by name, as the valid stack has them with a registry of its own."""
    stack = values(registry={"host": "registry.example.com", "username": "robot"}, registryPassword="hush-hush")
    stack["environments"][-1]["delivery"] = "pull-request"
    owned = environment_repository_files(settings_of("test", texts(stack))).owned
    found = [yaml.safe_load(text) for path, text in owned.items() if path.startswith(".github/workflows/")]
    return {workflow["name"]: workflow for workflow in found}


JOBS = (
    "promote/plan",
    "promote/deliver",
    "verified/verified",
    "rollback/rollback",
    "delivered/delivered",
    "reconcile/reconcile",
    "validate/verdict",
    "hold/hold",
    "freeze/freeze",
)
"""All that have a token of the promoter's."""
WITH_THEIR_OWN = (
    "status/page",
    "reported/forward",
    "reviewed/forward",
    "pull-request/build",
    "pull-request/gone",
    "pull-request/expire",
)
"""Those of which the program has the workflow's own token alone."""
_OF_SERVICES = {"pull-request"}
"""Workflows that services call: their token is of the service's repository."""


def documented() -> Iterator[str]:
    """The table of docs/github-apps.md: a line for each job."""
    for job in JOBS:
        tokens = asked_for(job, {"action": "roll back"})
        cells = [_cell(tokens.get(name, {})) for name in ("environments", "service", "own")]
        yield f"| {job.partition('/')[0]}, job `{job.partition('/')[2]}` | {' | '.join(cells)} |"


def _cell(permissions: Mapping[str, str]) -> str:
    return ", ".join(f"{name.replace('_', ' ')}: {level}" for name, level in permissions.items())


def asked_for(job: str, inputs: Mapping[str, str] | None = None) -> dict[str, dict[str, str]]:
    """What the tokens of a job (`promote/plan`) may do, by the step that makes them; `own` is the job's.

    Args:
        job: workflow and job.
        inputs: what the workflow was started with.
    """
    name, _, part = job.partition("/")
    definition = workflows()[name]["jobs"][part]
    tokens = {"own": {key.replace("-", "_"): level for key, level in definition["permissions"].items()}}
    for step in definition["steps"]:
        given: dict[str, str] = step.get("with", {})
        asked = {
            key.removeprefix("permission-").replace("-", "_"): _evaluated(level, inputs or {})
            for key, level in given.items()
            if key.startswith("permission-")
        }
        if asked:
            tokens[step["id"]] = {key: level for key, level in asked.items() if level}
    return tokens


def _evaluated(text: str, inputs: Mapping[str, str]) -> str:
    """A permission, which may depend on what the workflow is started for."""
    if not text.startswith("${{"):
        return text
    condition, _, rest = text.removeprefix("${{").removesuffix("}}").partition("&&")
    name, _, wanted = condition.strip().partition(" == ")
    level = rest.partition("||")[0]
    return level.strip(" '") if inputs[name.removeprefix("inputs.")] == wanted.strip("'") else ""


@dataclass
class Narrowed(World):
    """A world in which a job's calls are made with the job's own tokens; people and Argo CD have theirs."""

    forge: Forge | None = None
    job: str = ""
    inputs: dict[str, str] = field(default_factory=dict[str, str])
    requests: dict[str, PromotionRequest] = field(default_factory=dict[str, PromotionRequest])
    runs: dict[str, Any] = field(default_factory=dict[str, Any])
    """What GitHub says of runs, by path."""

    def request(self, version: str, service: str = "guestbook", commit: str | None = None) -> PromotionRequest:
        """The request for a version, however often it is asked for."""
        if version not in self.requests:
            self.requests[version] = super().request(version, service, commit)
        return self.requests[version]

    @contextlib.contextmanager
    def running(self, job: str, **inputs: str) -> Generator[None]:
        """What happens meanwhile is done by a job."""
        before, self.job, self.inputs = self.job, job, inputs
        try:
            yield
        finally:
            self.job = before

    def install(self) -> None:
        """The promoter's App, with all that it is given."""
        assert self.forge is not None
        app, installation, permissions = APPS["promoter"]
        apps.add(
            self.forge,
            {
                "id": int(app),
                "slug": "promoter",
                "owner": self.owner,
                "public_key": "",
                "installation": {"id": int(installation), "permissions": dict(permissions), "repositories": None},
            },
        )

    def context(self) -> Context:
        """The context of the job that runs."""
        around = super().context()
        if not self.job:
            return around
        asked = asked_for(self.job, self.inputs)
        own = self._narrowed(around.own, self._own_token(asked["own"]))
        self._check_out(own.token)
        writer = self._narrowed(around.writer, self._token("environments", asked.get("environments")) or own.token)
        service = self._narrowed(around.service, self._token("guestbook", asked.get("service")) or own.token)
        return dataclasses.replace(around, own=own, writer=writer, service=service, promoter=PROMOTER)

    def _narrowed(self, github: GitHub, token: str) -> GitHub:
        git = github.git and Git(self.url, token, github.transport, with_files=github.git.with_files)
        return dataclasses.replace(github, token=token, git=git)

    def _own_token(self, permissions: Mapping[str, str]) -> str:
        assert self.forge is not None
        held = {name: level for name, level in permissions.items() if name not in _NOT_OF_THE_API}
        is_services = self.job.partition("/")[0] in _OF_SERVICES
        return self.forge.issue_token(
            repository=f"{self.owner}/guestbook" if is_services else self.repository,
            permissions=held,
            lifetime_seconds=600,
            purpose=self.job,
        )

    def _check_out(self, token: str) -> None:
        """What `actions/checkout` does in each of these jobs."""
        assert self.forge is not None
        name, _, part = self.job.partition("/")
        steps = workflows()[name]["jobs"][part]["steps"]
        principal = self.forge.tokens.principal(token)
        if principal is not None and any("actions/checkout@" in step.get("uses", "") for step in steps):
            self.forge.uses.note(principal, "contents:read", "actions/checkout")

    def _token(self, repository: str, permissions: Mapping[str, str] | None) -> str | None:
        assert self.forge is not None
        if permissions is None:
            return None
        (installation,) = [one for one in self.forge.store.table("installations") if one["app_slug"] == "promoter"]
        name = f"{self.owner}/{repository}".lower()
        granted = {"metadata": "read"} | dict(permissions)
        token, _ = self.forge.tokens.issue_installation_token(installation, granted, [name], 600, purpose=self.job)
        self.forge.note_issued(token)
        return token

    def unused(self, job: str) -> dict[str, set[str]]:
        """What the tokens of a job have held and not needed, by account and repository."""
        assert self.forge is not None
        found = self.forge.uses.tokens()
        return {
            name.removeprefix(f"{job} "): set(use["unused"])
            for name, use in found.items()
            if name.startswith(f"{job} ")
        }
