"""The story of a release, told as it happens: good, bad and rolled back, on hold, fixed, a hotfix, and a lost event.

It runs against a sandbox that is up, uses only what a person could use, and leaves the service on the last version.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from sandbox.clone import Clone
from sandbox.errors import SandboxError
from sandbox.people import agree, change
from sandbox.rehearsal import JsonObject, Rehearsal
from sandbox.story import Environment, Story, Versions, environments, maintenance_branch, next_versions

FAULT = "ENV REHEARSE_FAULT=unready\n"
"""What makes a version of a template's service bad: it runs, and never becomes ready."""

AUTHOR, REVIEWER = "dana", "sam"
"""Two of the team that owns the services: who tags releases, and who agrees to changes."""


def run_demo(rehearsal: Rehearsal, service: str = "guestbook", story: Story | None = None) -> Story:
    """Tells the whole story and returns it with the time of each step.

    Raises:
        SandboxError: Something did not happen in time; it says what.
    """
    story = story or Story()
    Demo(rehearsal, service, story).run()
    return story


@dataclass(frozen=True)
class Demo:
    """The chapters of the story, of one service."""

    rehearsal: Rehearsal
    service: str
    story: Story

    def run(self) -> None:
        """All chapters."""
        rehearsal, service, story = self.rehearsal, self.service, self.story
        stages = environments(rehearsal, service)
        versions = next_versions(rehearsal, service)
        good, bad, fixed = versions.good, versions.bad, versions.fixed
        # A story that was killed in its last chapter has left it off.
        self._reports_are("enable")
        with rehearsal.clone(service, AUTHOR) as clone:
            story.chapter(f"A good release: {service} {good}")
            self._release(clone, good)
            for stage in stages:
                self._arrives(stage, good)

            story.chapter(f"A bad release: {service} {bad} starts and never becomes ready")
            dockerfile = (clone.directory / "Dockerfile").read_text()
            self._change(clone, f"Break readiness in {bad}", dockerfile + FAULT)
            self._release(clone, bad)
            hit = [stage for stage in stages if not stage.manual]
            for stage in hit:
                self._rolled_back(stage, bad, good)
            for stage in stages:
                if stage.manual:
                    story.say(
                        f"{stage.name} never saw it: {rehearsal.version(stage.name, service, stage.branch)} is there"
                    )

            story.chapter(f"The hold: {bad} stays out until someone releases it from hold")
            self._refused_again(hit, bad)

            story.chapter(f"The fix: {service} {fixed}")
            self._change(clone, f"Mend readiness in {fixed}", dockerfile)
            self._release(clone, fixed)
            for stage in hit:
                self._arrives(stage, fixed)

            self.hotfix(clone, stages, versions, dockerfile)
            self.lost_event(clone, stages, versions.last)

    def hotfix(self, clone: Clone, stages: list[Environment], versions: Versions, dockerfile: str) -> None:
        """Production's version is mended on its maintenance branch, while a newer one waits for its approval there."""
        version, rehearsal = versions.hotfix, self.rehearsal
        production = next((stage for stage in stages if stage.prefix and stage.approved), None)
        branch = maintenance_branch(rehearsal, self.service, version)
        if production is None or branch is None:
            # Somebody has changed the sandbox's settings, or tells the story of another service.
            return
        self.story.chapter(f"A hotfix: {self.service} {version} for {production.name}, where {versions.fixed} waits")
        path = rehearsal.repository_path(self.service)
        with self.story.step(f"an owner makes {branch} from v{versions.good}"):
            commit = clone.git("rev-parse", f"v{versions.good}^{{commit}}")
            rehearsal.github("POST", f"{path}/git/refs", body={"ref": f"refs/heads/{branch}", "sha": commit})
        self._change(clone, f"Greet politely in {version}", f"{dockerfile}ENV GREETING=Welcome\n", branch)
        self._release(clone, version, f"{production.prefix}-v{version}")
        clone.git("switch", "--quiet", "--detach", "origin/main")
        self._arrives(production, version)
        path = rehearsal.repository_path(rehearsal.environment_repository)
        name = f"verified/{production.name}/{self.service}/{version}"
        with self.story.step(f"{production.name}: recorded as the tag {name}"):
            tag = rehearsal.wait(name, lambda: rehearsal.github("GET", f"{path}/git/ref/tags/{name}"))
        record = rehearsal.github("GET", f"{path}/git/tags/{tag['object']['sha']}")["message"]
        self.story.say(f"its record: {next(line for line in record.splitlines() if line.startswith('Hotfix:'))}")
        for stage in [stage for stage in stages if stage != production]:
            self.story.say(f"{stage.name} keeps {rehearsal.version(stage.name, self.service, stage.branch)}")

    def lost_event(self, clone: Clone, stages: list[Environment], version: str) -> None:
        """A good release of which no workflow hears, until a reconciliation looks."""
        self.story.chapter(f"A lost event: no workflow hears that {self.service} {version} is good")
        hit = [stage for stage in stages if not stage.manual]
        with self._deaf():
            self._release(clone, version)
            for stage in hit:
                self._arrives(stage, version)
            for stage in stages:
                if stage.manual:
                    there = self.rehearsal.version(stage.name, self.service, stage.branch)
                    self.story.say(f"{stage.name} waits for the word of others: {there} is there")
        self._reconciled(hit, version)
        for stage in stages:
            if stage.manual:
                self._arrives(stage, version)

    @contextmanager
    def _deaf(self) -> Generator[None]:
        """While it lasts, Argo CD's reports start no workflow."""
        with self.story.step("the workflow that hears Argo CD's reports is off"):
            self._reports_are("disable")
        try:
            yield
        finally:
            self._reports_are("enable")

    def _reports_are(self, switch: Literal["enable", "disable"]) -> None:
        path = self.rehearsal.repository_path(self.rehearsal.environment_repository)
        self.rehearsal.github("PUT", f"{path}/actions/workflows/reported.yml/{switch}")

    def _reconciled(self, stages: list[Environment], version: str) -> None:
        """A reconciliation finds what was reported, writes it down, and lets it go on."""
        path = self.rehearsal.repository_path(self.rehearsal.environment_repository)
        tags = [f"tags/verified/{stage.name}/{self.service}/{version}" for stage in stages]

        def recorded() -> list[bool]:
            return [bool(self.rehearsal.github("GET", f"{path}/git/matching-refs/{tag}")) for tag in tags]

        if any(recorded()):
            raise SandboxError(f"{self.service} {version} is recorded as verified, though its events were lost")
        with self.story.step("reconcile.yml, started by hand: what was reported is recorded"):
            self.rehearsal.github("POST", f"{path}/actions/workflows/reconcile.yml/dispatches", body={"ref": "main"})
            self.rehearsal.wait(f"{version} recorded as verified", lambda: all(recorded()))

    def _change(self, clone: Clone, title: str, dockerfile: str, base: str = "main") -> None:
        files = {"Dockerfile": dockerfile}
        with self.story.step(f"{AUTHOR} proposes a change of {base}, {REVIEWER} approves and merges it"):
            change(self.rehearsal, clone, title, files, author=AUTHOR, reviewer=REVIEWER, base=base)

    def _release(self, clone: Clone, version: str, tag: str = "") -> None:
        tag = tag or f"v{version}"
        with self.story.step(f"tag {tag} pushed"):
            clone.tag(tag)
        with self.story.step("tests, image and request for promotion (release.yml)"):
            run = self.rehearsal.wait_for_run(self.service, "release.yml", head=tag)
        if run["conclusion"] != "success":
            raise SandboxError(f"release of {self.service} {version}: {run['conclusion']}; see {run['html_url']}")

    def _arrives(self, stage: Environment, version: str) -> None:
        application = f"{self.service}-{stage.name}"
        if stage.approved:
            with self.story.step(f"{stage.name}: a pull request asks for {version}"):
                number = self._asked(stage, version)
            with self.story.step(f"{stage.name}: {REVIEWER} approves and merges it, which {AUTHOR} could not"):
                agree(self.rehearsal, self.rehearsal.environment_repository, number, reviewer=REVIEWER)
        with self.story.step(f"{stage.name}: release.yaml says {version} ({stage.delivery})"):
            self._written(stage, version)
        if stage.manual:
            with self.story.step(f"{stage.name}: OutOfSync, waiting for someone who may sync"):
                self.rehearsal.wait(
                    f"{application} OutOfSync", lambda: self.rehearsal.state(application)[0] == "OutOfSync"
                )
            self.rehearsal.sync(application, user=AUTHOR)
        with self.story.step(f"{stage.name}: Synced, Healthy, and answering as {version}"):
            self.rehearsal.wait_for_version(stage.name, self.service, version)
            self.rehearsal.wait_for_state(application, "Synced", "Healthy")
        with self.story.step(f"{stage.name}: verified, in the ledger"):
            self.rehearsal.wait(
                f"{version} verified in {stage.name}",
                lambda: self.rehearsal.verdict(stage.name, self.service, version) == "success",
            )

    def _asked(self, stage: Environment, version: str) -> int:
        """The number of the open pull request for a version."""
        branch = f"release/{stage.name}/{self.service}/{version}"

        def found() -> JsonObject | None:
            pulls = self.rehearsal.open_pull_requests(self.rehearsal.environment_repository)
            return next((pull for pull in pulls if pull["head"]["ref"] == branch), None)

        return self.rehearsal.wait(f"a pull request for {version} in {stage.name}", found)["number"]

    def _written(self, stage: Environment, version: str) -> None:
        self.rehearsal.wait(
            f"{version} written for {stage.name}",
            lambda: self.rehearsal.version(stage.name, self.service, stage.branch) == version,
        )

    def _rolled_back(self, stage: Environment, bad: str, good: str) -> None:
        application = f"{self.service}-{stage.name}"
        with self.story.step(f"{stage.name}: {bad} is Degraded"):
            self.rehearsal.wait(
                f"{bad} failed in {stage.name}",
                lambda: self.rehearsal.verdict(stage.name, self.service, bad) in {"failure", "error"},
                seconds=600,
            )
        with self.story.step(f"{stage.name}: rolled back to {good} in Git ({stage.delivery})"):
            self._written(stage, good)
        with self.story.step(f"{stage.name}: Healthy again, answering as {good}"):
            self.rehearsal.wait_for_version(stage.name, self.service, good)
            self.rehearsal.wait_for_state(application, "Synced", "Healthy")
        self.story.say(f"{stage.name} holds {bad}: {self._hold(stage, bad)['reason']}")

    def _hold(self, stage: Environment, version: str) -> JsonObject:
        document = self.rehearsal.release(stage.name, self.service, stage.branch) or {}
        found = next((held for held in document.get("held", []) if held["version"] == version), None)
        if found is None:
            raise SandboxError(
                f"{self.service} {version} is not on hold in {stage.name}, though it was rolled back there"
            )
        return found

    def _refused_again(self, stages: list[Environment], version: str) -> None:
        """Releasing the held version again changes nothing."""
        repository = self.rehearsal.environment_repository
        newest = max((run["id"] for run in self.rehearsal.runs(repository, workflow="requested.yml")), default=0)
        release = self.rehearsal.wait_for_run(self.service, "release.yml", head=f"v{version}")

        def asked_again() -> bool:
            # Other statuses have runs of it too, which are skipped.
            runs = self.rehearsal.runs(repository, workflow="requested.yml")
            ended = (run for run in runs if run["id"] > newest and run["status"] == "completed")
            return any(run["conclusion"] != "skipped" for run in ended)

        with self.story.step(f"release.yml of v{version} run again: promotion asked for once more"):
            self.rehearsal.github(
                "POST", f"{self.rehearsal.repository_path(self.service)}/actions/runs/{release['id']}/rerun"
            )
            self.rehearsal.wait("a promotion to be asked for again and to end", asked_again)
        for stage in stages:
            running = self.rehearsal.version(stage.name, self.service, stage.branch)
            if running == version:
                raise SandboxError(f"{self.service} {version} was on hold in {stage.name}, and was promoted again")
            self.story.say(f"{stage.name} keeps {running}")
