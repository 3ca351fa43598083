"""A platform of v0.1.0 with services that run takes the version of this work tree, as docs/upgrade.md says.

The tests are one story in the order of this file: 0.1.0 releases, and takes one version back; the upgrade; releases.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from sandbox.demo import FAULT
from sandbox.people import agree, change
from sandbox.pulumi import operations
from sandbox.pulumi.events import Step
from sandbox.pulumi.operations import Run
from sandbox.rehearsal import JsonObject, Rehearsal
from slipway_release.version import VERSION
from stacks.preview_comment import REFUSED
from tests.docs.documented import documented
from tests.docs.github_cli import workflow_run
from tests.program.test_upgrade import MOVED, RETAINED
from tests.sandbox.platforms import Platform
from tests.upgrade.platforms import PlatformRepository, first_platform, prepared, require_history
from tests.upgrade.visitors import Visitors

SERVICE, AUTHOR, REVIEWER = "guestbook", "dana", "sam"
BRANCHES = {"dev": "main", "staging": "environment/staging"}
"""The environments that take releases by themselves, and where theirs are. In production a request waits."""
GOOD, BAD = "1.0.0", "1.1.0"
"""What 0.1.0 verified, and what it took back."""
ATTEMPTS = 5
WORSE, NEW = "1.2.0", "1.3.0"


@dataclass(frozen=True)
class Upgrade:
    """What happened up to the end of the upgrade."""

    repository: PlatformRepository
    platform: Platform
    foreseen: Run
    comment: "subprocess.CompletedProcess[str]"
    done: Run
    pods: tuple[set[str], set[str]]
    """Those of the service before and after: each with its identity and how often it started again."""
    visitors: Visitors

    @property
    def rehearsal(self) -> Rehearsal:
        return self.platform.rehearsal


def pods(platform: Platform) -> set[str]:
    """The service's pods in all environments."""
    fields = "{.metadata.namespace} {.metadata.uid} {.status.containerStatuses[*].restartCount}"
    path = f"jsonpath={{range .items[*]}}{fields}{{'\\n'}}{{end}}"
    shown = platform.kubectl("get", "pods", "--all-namespaces", "--output", path)
    return {line for line in shown.splitlines() if line.startswith(f"{SERVICE}-")}


def one_each(found: set[str]) -> set[str] | None:
    """Once those of the version that was taken back have gone."""
    return found if len(found) == len(BRANCHES) else None


def released(rehearsal: Rehearsal, version: str) -> None:
    """Pushes the tag, and waits until its workflow has asked for the release.

    A test of 0.1.0's Python template looks for a count before the server has counted, so it may fail: it is run again.
    """
    with rehearsal.clone(SERVICE, AUTHOR) as clone:
        clone.tag(f"v{version}")
    log = ""
    for _ in range(ATTEMPTS):
        run = rehearsal.wait_for_run(SERVICE, "release.yml", head=f"v{version}")
        if run["conclusion"] == "success":
            return
        log = rehearsal.run_log(SERVICE, run["id"])
        rehearsal.github("POST", f"{rehearsal.repository_path(SERVICE)}/actions/runs/{run['id']}/rerun")
    pytest.fail(f"release.yml of v{version} failed {ATTEMPTS} times; the last time:\n{log}")


def verified(rehearsal: Rehearsal, version: str) -> None:
    for environment in BRANCHES:
        rehearsal.wait_for_version(environment, SERVICE, version)
        done = f"{version} verified in {environment}"
        rehearsal.wait(done, lambda e=environment: rehearsal.verdict(e, SERVICE, version) == "success", 180)


def taken_back(rehearsal: Rehearsal, bad: str, good: str) -> None:
    for environment, branch in BRANCHES.items():

        def is_held(environment: str = environment, branch: str = branch) -> bool:
            found = rehearsal.release(environment, SERVICE, branch) or {}
            return found["release"]["version"] == good and bad in [one["version"] for one in found["held"]]

        rehearsal.wait(f"{bad} taken back in {environment}, and on hold", is_held)


def request(rehearsal: Rehearsal) -> JsonObject | None:
    """The open request for production."""
    return next(iter(rehearsal.open_pull_requests(rehearsal.environment_repository)), None)


@pytest.fixture(scope="module")
def upgrade(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgrade]:
    require_history()
    with first_platform(tmp_path_factory.mktemp("upgrade")) as (repository, first):
        operations.up(first.place, first.settings)
        first.wait()
        rehearsal = first.rehearsal
        released(rehearsal, GOOD)
        verified(rehearsal, GOOD)
        rehearsal.wait("a request for production", lambda: request(rehearsal), 120)
        with rehearsal.clone(SERVICE, AUTHOR) as clone:
            broken = {"Dockerfile": (clone.directory / "Dockerfile").read_text() + FAULT}
            change(rehearsal, clone, "Break readiness", broken, author=AUTHOR, reviewer=REVIEWER)
        released(rehearsal, BAD)
        taken_back(rehearsal, BAD, GOOD)
        first.wait()

        repository.upgrade()
        platform = prepared(repository, first)
        before = rehearsal.wait("one pod each", lambda: one_each(pods(platform)), 180)
        with Visitors(rehearsal, SERVICE, tuple(BRANCHES)) as visitors:
            foreseen = operations.preview(platform.place, platform.settings, refresh=True)
            comment = repository.comment(platform)
            done = operations.up(platform.place, platform.settings)
            platform.wait()
        yield Upgrade(repository, platform, foreseen, comment, done, (before, pods(platform)), visitors)


def test_nothing_is_replaced_and_only_what_the_page_names_goes(upgrade: Upgrade) -> None:
    for run in (upgrade.foreseen, upgrade.done):
        assert not [step for step in run.steps if "replace" in step.operation]
        gone: list[Step] = [step for step in run.steps if step.operation == "delete"]
        assert {step.type for step in gone} <= MOVED | RETAINED
        assert all(step.retain_on_delete for step in gone if step.type in RETAINED)
    assert BRANCHES["staging"] in [
        one["name"] for one in upgrade.platform.github("GET", "/repos/acme/environments/branches")
    ]
    assert upgrade.done.exports["slipwayVersion"] == VERSION


def test_the_comment_on_the_upgrade_finds_only_the_rulesets_destructive_that_the_page_names(upgrade: Upgrade) -> None:
    assert upgrade.comment.returncode == REFUSED, upgrade.comment.stdout + upgrade.comment.stderr
    destructive, _, _ = upgrade.comment.stdout.partition("### In short")
    named = set(re.findall(r"^- \*\*opens the RepositoryRuleset `([\w-]+)`", destructive, re.MULTILINE))
    assert named == {"environments-main-rules", "environments-branch-rules"}
    assert destructive.count("\n- **") == destructive.count("\n- **opens the RepositoryRuleset")


def test_no_pod_of_a_service_starts_again_and_each_request_is_answered(upgrade: Upgrade) -> None:
    before, after = upgrade.pods
    assert after == before
    assert upgrade.visitors.failures == []
    assert upgrade.visitors.answered > 20


def test_a_second_preview_shows_nothing(upgrade: Upgrade) -> None:
    upgrade.platform.settle()


def test_what_it_verified_is_recorded_by_reconcile(upgrade: Upgrade) -> None:
    rehearsal = upgrade.rehearsal
    path, body = workflow_run(documented("gh workflow run reconcile.yml --repo acme/environments"))
    rehearsal.github("POST", path, body=body)
    tags = f"{rehearsal.repository_path(rehearsal.environment_repository)}/git/matching-refs/tags/verified"

    def recorded() -> bool:
        found = [one["ref"].removeprefix("refs/tags/verified/") for one in rehearsal.github("GET", tags)]
        return {f"{environment}/{SERVICE}/{GOOD}" for environment in BRANCHES} <= {*found}

    rehearsal.wait(f"{GOOD} recorded", recorded, 240)


def test_a_version_on_hold_stays_out_when_it_is_asked_for_again(upgrade: Upgrade) -> None:
    rehearsal = upgrade.rehearsal
    run = rehearsal.wait_for_run(SERVICE, "release.yml", head=f"v{BAD}")
    rehearsal.github("POST", f"{rehearsal.repository_path(SERVICE)}/actions/runs/{run['id']}/rerun")

    def asked() -> bool:
        """Other commit statuses have runs of it too, which are skipped."""
        runs = rehearsal.runs(rehearsal.environment_repository, workflow="requested.yml")
        return any(one["conclusion"] == "success" for one in runs)

    rehearsal.wait(f"v{BAD} asked for again", asked)
    taken_back(rehearsal, BAD, GOOD)


def test_the_request_from_before_is_merged_as_it_is(upgrade: Upgrade) -> None:
    """As the page has it, it is closed and opened again, so that it gets the promoter's check."""
    rehearsal = upgrade.rehearsal
    found = request(rehearsal)
    assert found is not None
    path = f"{rehearsal.repository_path(rehearsal.environment_repository)}/pulls/{found['number']}"
    for state in ("closed", "open"):
        rehearsal.github("PATCH", path, body={"state": state})
    agree(rehearsal, rehearsal.environment_repository, found["number"], reviewer=REVIEWER)
    rehearsal.wait_for_version("production", SERVICE, GOOD)


def test_a_bad_release_goes_back_to_what_only_the_first_version_verified(upgrade: Upgrade) -> None:
    released(upgrade.rehearsal, WORSE)
    taken_back(upgrade.rehearsal, WORSE, GOOD)


def test_a_new_release_is_verified(upgrade: Upgrade) -> None:
    rehearsal = upgrade.rehearsal
    with rehearsal.clone(SERVICE, AUTHOR) as clone:
        mended = (clone.directory / "Dockerfile").read_text().removesuffix(FAULT)
        change(rehearsal, clone, "Mend readiness", {"Dockerfile": mended}, author=AUTHOR, reviewer=REVIEWER)
    released(rehearsal, NEW)
    verified(rehearsal, NEW)


def test_the_service_gets_what_its_template_changed_since_it_was_made(upgrade: Upgrade) -> None:
    said = upgrade.repository.template_updates(upgrade.rehearsal.token())
    (pull,) = upgrade.rehearsal.open_pull_requests(SERVICE)
    assert pull["html_url"] in said
    assert pull["title"].startswith("Update python-web from 1.0.0 to ")
    files = upgrade.platform.github("GET", f"/repos/acme/{SERVICE}/pulls/{pull['number']}/files")
    assert ".copier-answers.yml" in [one["filename"] for one in files]
    assert "Both sides changed these" not in pull["body"], json.dumps(files)
