"""The story of a release, told as it happens: a good one, a bad one that is rolled back, its hold, and the fix.

It runs against a sandbox that is up, uses only what a person could use, and leaves the service on the fixed version.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

from sandbox.errors import SandboxError
from sandbox.progress import elapsed_text
from sandbox.rehearsal import Clone, JsonObject, Rehearsal

FAULT = "ENV REHEARSE_FAULT=unready\n"
"""What makes a version of a template's service bad: it runs, and never becomes ready."""


@dataclass
class Story:
    """Says what happens, and how long each step took."""

    console: Console = field(default_factory=Console)
    steps: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])

    def chapter(self, title: str) -> None:
        self.console.print(f"\n[bold]{title}[/bold]")

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """One thing that is done or waited for; told when it has happened."""
        began = time.monotonic()
        yield
        took = time.monotonic() - began
        self.steps.append((text, took))
        self.console.print(f"  {elapsed_text(took):>9}  {text}", highlight=False)

    def say(self, text: str) -> None:
        self.console.print(f"  {'':>9}  [dim]{text}[/dim]", highlight=False)


@dataclass(frozen=True)
class Environment:
    """What the story needs to know of an environment."""

    name: str
    delivery: str
    branch: str
    manual: bool


def environments(rehearsal: Rehearsal, service: str) -> list[Environment]:
    """The environments of a service that take version tags, in promotion order, as the platform file says."""
    platform = rehearsal.platform()
    mine = next(item["environments"] for item in platform["services"] if item["name"] == service)
    return [
        Environment(item["name"], item["delivery"], item["targetBranch"], item["sync"] == "manual")
        for item in platform["environments"]
        if item["name"] in mine
    ]


def next_versions(rehearsal: Rehearsal, service: str) -> tuple[str, str, str]:
    """Three versions after all that were tagged: of the good release, the bad one and the fix."""
    tags = rehearsal.github("GET", f"{rehearsal.repository_path(service)}/git/matching-refs/tags/v")
    found = [re.fullmatch(r"refs/tags/v(\d+)\.(\d+)\.(\d+)", tag["ref"]) for tag in tags]
    minor = max((int(match[2]) for match in found if match), default=0)
    return f"0.{minor + 1}.0", f"0.{minor + 2}.0", f"0.{minor + 2}.1"


def run_demo(rehearsal: Rehearsal, service: str = "guestbook", story: Story | None = None) -> Story:
    """Tells the whole story and returns it with the time of each step.

    Raises:
        SandboxError: Something did not happen in time; it says what.
    """
    story = story or Story()
    stages = environments(rehearsal, service)
    good, bad, fixed = next_versions(rehearsal, service)
    with rehearsal.clone(service) as clone:
        story.chapter(f"A good release: {service} {good}")
        _release(rehearsal, story, clone, service, good)
        for stage in stages:
            _arrives(rehearsal, story, service, stage, good)

        story.chapter(f"A bad release: {service} {bad} starts and never becomes ready")
        dockerfile = (clone.directory / "Dockerfile").read_text()
        clone.commit("Break readiness", {"Dockerfile": dockerfile + FAULT})
        _release(rehearsal, story, clone, service, bad)
        hit = [stage for stage in stages if not stage.manual]
        for stage in hit:
            _rolled_back(rehearsal, story, service, stage, bad, good)
        for stage in stages:
            if stage.manual:
                story.say(f"{stage.name} never saw it: {rehearsal.version(stage.name, service, stage.branch)} is there")

        story.chapter(f"The hold: {bad} stays out until someone releases it from hold")
        _refused_again(rehearsal, story, service, hit, bad)

        story.chapter(f"The fix: {service} {fixed}")
        clone.commit("Mend readiness", {"Dockerfile": dockerfile})
        _release(rehearsal, story, clone, service, fixed)
        for stage in stages:
            _arrives(rehearsal, story, service, stage, fixed)
    return story


def _release(rehearsal: Rehearsal, story: Story, clone: Clone, service: str, version: str) -> None:
    with story.step(f"tag v{version} pushed"):
        clone.tag(f"v{version}")
    with story.step("tests, image and request for promotion (release.yml)"):
        run = rehearsal.wait_for_run(service, "release.yml", head=f"v{version}", seconds=300)
    if run["conclusion"] != "success":
        raise SandboxError(f"release of {service} {version}: {run['conclusion']}; see {run['html_url']}")


def _arrives(rehearsal: Rehearsal, story: Story, service: str, stage: Environment, version: str) -> None:
    application = f"{service}-{stage.name}"
    with story.step(f"{stage.name}: release.yaml says {version} ({stage.delivery})"):
        _written(rehearsal, service, stage, version)
    if stage.manual:
        with story.step(f"{stage.name}: OutOfSync, waiting for someone who may sync"):
            rehearsal.wait(f"{application} OutOfSync", lambda: rehearsal.state(application)[0] == "OutOfSync")
        rehearsal.sync(application)
    with story.step(f"{stage.name}: Synced, Healthy, and answering as {version}"):
        rehearsal.wait_for_version(stage.name, service, version, seconds=180)
        rehearsal.wait_for_state(application, "Synced", "Healthy", seconds=180)
    with story.step(f"{stage.name}: verified, in the ledger"):
        rehearsal.wait(
            f"{version} verified in {stage.name}",
            lambda: _verdict(rehearsal, service, stage, version) == "success",
            seconds=60,
        )


def _written(rehearsal: Rehearsal, service: str, stage: Environment, version: str, seconds: float = 180) -> None:
    rehearsal.wait(
        f"{version} written for {stage.name}",
        lambda: rehearsal.version(stage.name, service, stage.branch) == version,
        seconds,
    )


def _verdict(rehearsal: Rehearsal, service: str, stage: Environment, version: str) -> str | None:
    """What the ledger says last of a version in an environment."""
    for deployment in rehearsal.ledger(stage.name, service):
        document = rehearsal.release(stage.name, service, deployment["sha"])
        if (document or {}).get("release", {}).get("version") == version and deployment["statuses"]:
            states = [status["state"] for status in deployment["statuses"] if status["state"] != "inactive"]
            return states[0] if states else None
    return None


def _rolled_back(rehearsal: Rehearsal, story: Story, service: str, stage: Environment, bad: str, good: str) -> None:
    application = f"{service}-{stage.name}"
    with story.step(f"{stage.name}: {bad} is Degraded"):
        rehearsal.wait(
            f"{bad} failed in {stage.name}",
            lambda: _verdict(rehearsal, service, stage, bad) in {"failure", "error"},
            seconds=240,
        )
    with story.step(f"{stage.name}: rolled back to {good} in Git ({stage.delivery})"):
        _written(rehearsal, service, stage, good)
    with story.step(f"{stage.name}: Healthy again, answering as {good}"):
        rehearsal.wait_for_version(stage.name, service, good)
        rehearsal.wait_for_state(application, "Synced", "Healthy")
    story.say(f"{stage.name} holds {bad}: {_hold(rehearsal, service, stage, bad)['reason']}")


def _hold(rehearsal: Rehearsal, service: str, stage: Environment, version: str) -> JsonObject:
    document = rehearsal.release(stage.name, service, stage.branch) or {}
    found = next((held for held in document.get("held", []) if held["version"] == version), None)
    if found is None:
        raise SandboxError(f"{service} {version} is not on hold in {stage.name}, though it was rolled back there")
    return found


def _refused_again(rehearsal: Rehearsal, story: Story, service: str, stages: list[Environment], version: str) -> None:
    """Releasing the held version again changes nothing."""
    repository = rehearsal.environment_repository
    newest = max((run["id"] for run in rehearsal.runs(repository, workflow="promote.yml")), default=0)
    release = rehearsal.wait_for_run(service, "release.yml", head=f"v{version}")
    with story.step(f"release.yml of v{version} run again: promotion asked for once more"):
        rehearsal.github("POST", f"{rehearsal.repository_path(service)}/actions/runs/{release['id']}/rerun")
        rehearsal.wait_for_run(repository, "promote.yml", after=newest, seconds=240)
    for stage in stages:
        running = rehearsal.version(stage.name, service, stage.branch)
        if running == version:
            raise SandboxError(f"{service} {version} was on hold in {stage.name}, and was promoted again")
        story.say(f"{stage.name} keeps {running}")
