"""A bad release is rolled back through Git, held, and fixed: the story that `make demo` tells, and what it leaves."""

import json
import re
from dataclasses import dataclass

import httpx
import pytest

from sandbox.demo import AUTHOR, REVIEWER
from sandbox.people import change
from sandbox.rehearsal import JsonObject, Rehearsal
from sandbox.sign_on import logged_in
from sandbox.story import Environment, environments, next_versions
from tests.docs.documented import documented
from tests.sandbox.conftest import Sandbox
from tests.sandbox.places import ROOT

SERVICE = "guestbook"
AUTOMATED = ("dev", "staging")


@dataclass(frozen=True)
class Told:
    """The sandbox after the story."""

    rehearsal: Rehearsal
    stages: dict[str, Environment]
    good: str
    bad: str
    fixed: str
    last: str
    hotfix: str

    def history(self, environment: str) -> list[tuple[str, JsonObject]]:
        """Each commit that wrote the environment's release file, oldest first, with the release in it."""
        path = f"environments/{environment}/{SERVICE}/release.yaml"
        with self.rehearsal.clone(self.rehearsal.environment_repository) as clone:
            branch = f"origin/{self.stages[environment].branch}"
            commits = clone.git("log", "--reverse", "--format=%H", branch, "--", path).split()
            return [(commit, json.loads(clone.git("show", f"{commit}:{path}"))["release"]) for commit in commits]

    def rollback(self, environment: str) -> tuple[str, JsonObject]:
        """The commit that took the bad release back, and the release in it."""
        history = self.history(environment)
        at = [release["version"] for _, release in history].index(self.bad)
        return history[at + 1]

    def commit(self, sha: str) -> JsonObject:
        path = self.rehearsal.repository_path(self.rehearsal.environment_repository)
        return self.rehearsal.github("GET", f"{path}/commits/{sha}")


def without_versions(text: str) -> list[str]:
    return [re.sub(r"\d+\.\d+\.\d+", "X", line).strip() for line in text.splitlines()]


@pytest.fixture(scope="module")
def told(sandbox: Sandbox, rehearsal: Rehearsal) -> Told:
    versions = next_versions(rehearsal, SERVICE)
    # As a story that was killed in its last chapter leaves it.
    path = rehearsal.repository_path(rehearsal.environment_repository)
    rehearsal.github("PUT", f"{path}/actions/workflows/reported.yml/disable")
    said = sandbox.types(documented("make demo"))
    assert "A lost event" in said
    story = re.search(r"```\n(A bad release.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert story
    assert [line for line in without_versions(story[1]) if line not in "\n".join(without_versions(said))] == []
    return Told(rehearsal, {stage.name: stage for stage in environments(rehearsal, SERVICE)}, *versions)


@pytest.mark.parametrize("environment", AUTOMATED)
def test_the_last_verified_release_comes_back_through_git(told: Told, environment: str) -> None:
    sha, release = told.rollback(environment)
    assert (release["version"], release["rollback"]["from"]) == (told.good, told.bad)
    message = told.commit(sha)["commit"]["message"]
    assert told.bad in message.splitlines()[0]
    for part in ("What failed:", "Why:", "Where to look:"):
        assert part in message


@pytest.mark.parametrize("environment", AUTOMATED)
def test_the_held_version_stays_out_when_it_is_asked_for_again(told: Told, environment: str) -> None:
    versions = [release["version"] for _, release in told.history(environment)]
    assert versions.count(told.bad) == 1


@pytest.mark.parametrize("environment", AUTOMATED)
def test_the_ledger_knows_what_became_of_each(told: Told, environment: str) -> None:
    verdicts = [told.rehearsal.verdict(environment, SERVICE, version) for version in (told.bad, told.fixed)]
    assert verdicts == ["failure", "success"]


def test_the_chat_is_told_of_what_is_verified_taken_back_and_waits(told: Told) -> None:
    story = f"{told.rehearsal.config.github_url}acme/{SERVICE}/deployments"
    wanted = {
        ("verified", "dev"),
        ("rolled-back", "staging"),
        ("waiting-for-approval", "production"),
        ("waiting", "production"),
        ("verified", "production"),
    }

    def heard() -> bool:
        documents = httpx.get(told.rehearsal.config.notifications_url).json()
        here = [one for one in documents if (one["service"], one["url"]) == (SERVICE, story)]
        named = [one["message"] for one in here if (one["event"], one["environment"]) == ("verified", "production")]
        return wanted <= {(one["event"], one["environment"]) for one in here} and told.last in " ".join(named)

    told.rehearsal.wait("the chat is told", heard)


def test_production_got_each_release_by_a_pull_request_that_somebody_else_approved(told: Told) -> None:
    path = told.rehearsal.repository_path(told.rehearsal.environment_repository)
    pulls = told.rehearsal.github("GET", f"{path}/pulls?state=closed&per_page=100")
    merged = {pull["head"]["ref"]: pull["merged_at"] for pull in pulls}
    request = f"release/production/{SERVICE}"
    assert all(merged[f"{request}/{version}"] for version in (told.good, told.hotfix, told.last))
    # It was not approved while the hotfix went in, and is overtaken by the last one.
    assert merged[f"{request}/{told.fixed}"] is None
    assert [release["version"] for _, release in told.history("production")][-3:] == [
        told.good,
        told.hotfix,
        told.last,
    ]


def test_a_hotfix_passes_a_staging_that_is_ahead_by_an_approval_which_git_says(told: Told) -> None:
    history = told.history("production")
    (commit,) = [sha for sha, release in history if release["version"] == told.hotfix]
    passed = "not verified in staging, and an approval for production lets it pass"
    assert passed in told.commit(commit)["commit"]["message"]
    assert told.rehearsal.verdict("production", SERVICE, told.hotfix) == "success"
    assert told.hotfix not in [release["version"] for stage in AUTOMATED for _, release in told.history(stage)]
    with told.rehearsal.clone(SERVICE) as clone:
        branch = f"release/{told.hotfix.rpartition('.')[0]}"
        assert clone.git("rev-parse", f"origin/{branch}") == clone.git("rev-parse", f"prod-v{told.hotfix}^{{commit}}")


def test_production_never_sees_the_bad_release(told: Told) -> None:
    versions = [release["version"] for _, release in told.history("production")]
    assert told.good in versions
    assert told.bad not in versions
    assert told.rehearsal.verdict("production", SERVICE, told.bad) is None


def test_who_may_sync_production_brings_back_no_earlier_release_by_argo_cd(told: Told) -> None:
    """Argo CD asks for no more than that for its own rollback, to whatever is in the Application's history."""
    name = f"{SERVICE}-production"
    deployed = told.rehearsal.application(name)["status"]["history"]
    assert [told.rehearsal.version("production", SERVICE, entry["revision"]) for entry in deployed] == [told.last]
    assert deployed[0]["id"] > 0
    with logged_in(told.rehearsal.config, AUTHOR) as client:
        for number in range(deployed[0]["id"]):
            answer = client.post(f"/api/v1/applications/{name}/rollback", json={"id": number})
            assert answer.status_code == 400, answer.text
            assert "does not have deployment with id" in answer.text


def test_the_fix_and_the_release_whose_event_was_lost_came_everywhere(told: Told) -> None:
    assert told.stages
    for environment, stage in told.stages.items():
        versions = [release["version"] for _, release in told.history(environment)]
        assert told.fixed in versions or stage.manual
        assert versions[-1] == told.last
        told.rehearsal.wait_for_version(environment, SERVICE, told.last)
        assert told.rehearsal.verdict(environment, SERVICE, told.last) == "success"


def test_status_shows_what_runs_and_no_drift(told: Told, sandbox: Sandbox) -> None:
    for environment in told.stages:
        told.rehearsal.wait_for_state(f"{SERVICE}-{environment}", "Synced", "Healthy")
    shown = [item for item in sandbox.status()["services"] if item["service"] == SERVICE]
    assert {item["environment"] for item in shown} == set(told.stages)
    assert {(item["version"], item["sync"], item["drift"]) for item in shown} == {(told.last, "Synced", False)}


def test_up_after_a_release_and_a_down_that_keeps_the_state_changes_nothing(told: Told, sandbox: Sandbox) -> None:
    sandbox.types(documented(".venv/bin/python -m sandbox down --keep-state"))
    assert "nothing changed" in sandbox.types(documented("make up"))
    assert told.rehearsal.version("dev", SERVICE) == told.last


def test_a_commit_alone_starts_no_release(told: Told) -> None:
    def newest() -> int:
        return max(run["id"] for run in told.rehearsal.runs(SERVICE, workflow="release.yml"))

    before = newest()
    notes = {"NOTES.md": "Nothing to release.\n"}
    with told.rehearsal.clone(SERVICE, AUTHOR) as clone:
        commit = change(told.rehearsal, clone, "Say something else", notes, author=AUTHOR, reviewer=REVIEWER)
    told.rehearsal.wait(
        "the commit's own workflow",
        lambda: any(run["head_sha"] == commit for run in told.rehearsal.runs(SERVICE)),
        180,
    )
    assert newest() == before


def test_the_history_of_main_is_a_line(told: Told) -> None:
    with told.rehearsal.clone(told.rehearsal.environment_repository) as clone:
        assert clone.git("rev-list", "--merges", "origin/main") == ""
