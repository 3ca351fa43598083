"""The record of verified releases: tags in Git that say what was good, cheap to read, and the automation's alone."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from slipway_release import promotion, record, verified
from slipway_release.context import Context
from slipway_release.github import GitHub
from slipway_release.selection import Kind
from tests.release.builders import Counting, Images, environment
from tests.release.world import World

Make = Callable[..., World]


def tagged(here: World, name: str) -> dict[str, Any] | None:
    """The annotated tag of that name."""
    found = here.client.get(f"/repos/{here.repository}/git/ref/tags/{quote(name)}")
    if found.status_code == 404:
        return None
    return here.call("GET", f"/repos/{here.repository}/git/tags/{found.json()['object']['sha']}")


def test_a_verified_release_is_a_tag_on_the_commit_that_was_good(world: Make) -> None:
    here = world(environment("dev"))
    commit = here.verified_release("1.0.0", "dev")
    tag = tagged(here, "verified/dev/guestbook/1.0.0")
    assert tag is not None
    assert (tag["object"]["sha"], tag["object"]["type"]) == (commit, "commit")
    for words in ("guestbook 1.0.0 is verified in dev", "Image: ", "Reported: root at 2", "https://run.test/1"):
        assert words in tag["message"]


def test_a_delivered_release_is_not_recorded_before_it_is_verified(world: Make) -> None:
    here = world(environment("dev"))
    commit = here.release("1.0.0", "dev")
    here.fail("dev", commit)
    assert tagged(here, "verified/dev/guestbook/1.0.0") is None


def test_the_tag_goes_to_a_later_good_state_of_the_service_and_not_to_others_commits(world: Make) -> None:
    here = world(environment("dev"))
    first = here.verified_release("1.0.0", "dev")
    here.release("9.0.0", "dev", "clock")
    here.succeed("dev", here.head("environments"))
    name = "verified/dev/guestbook/1.0.0"
    assert (tagged(here, name) or {})["object"]["sha"] == first
    values = here.commit("environments", "environments/dev/guestbook/values.yaml", "replicas: 3\n")
    here.succeed("dev", values)
    assert (tagged(here, name) or {})["object"]["sha"] == values
    here.succeed("dev", first)
    assert (tagged(here, name) or {})["object"]["sha"] == values, "a late report has moved the record back"


def test_a_record_on_a_commit_of_another_branch_opens_nothing(world: Make) -> None:
    """The ruleset keeps people from writing it; where it is missing, the tag alone is not believed."""
    here = world()
    request = here.request("1.0.0")
    here.call(
        "POST", f"/repos/{here.repository}/git/refs", {"ref": "refs/heads/mine", "sha": here.head("environments")}
    )
    text = here.deliver(request, "dev") and here.file("dev").dump()
    forged = here.commit("environments", "environments/staging/guestbook/release.yaml", text, "mine")
    body = {"ref": "refs/tags/verified/staging/guestbook/1.0.0", "sha": forged}
    here.call("POST", f"/repos/{here.repository}/git/refs", body)
    assert here.deliver(request, "production").decision.kind is Kind.WAITING


def counted(here: World) -> tuple[Context, Counting]:
    transport = Counting()
    github = GitHub(f"{here.url}api/v3", here.token, transport)
    return Context(here.platform, github, github, github, Images({}), "https://run.test/1"), transport


def test_one_request_lists_what_was_verified(world: Make) -> None:
    here = world(environment("dev"))
    for version in ("1.0.0", "1.1.0", "1.10.0"):
        here.verified_release(version, "dev")
    context, transport = counted(here)
    found = record.versions(context, here.platform.environment("dev"), here.platform.service("guestbook"))
    assert found == {"1.0.0", "1.1.0", "1.10.0"}
    assert len(transport.asked) == 1


@pytest.mark.parametrize("years", [0, 40])
def test_a_plan_costs_the_same_however_much_has_happened(world: Make, years: int) -> None:
    here = world(environment("staging"), environment("production", sync="manual", requires=["staging"]))
    here.verified_release("1.0.0", "staging")
    path, name = f"/repos/{here.repository}/deployments", "staging/guestbook"
    for number in range(years):
        sha = here.commit("environments", "environments/staging/guestbook/values.yaml", f"replicas: {number}\n")
        here.call("POST", path, {"ref": sha, "environment": name, "auto_merge": False, "required_contexts": []})
    request = here.request("1.1.0")
    context, transport = counted(here)
    promotion.consider(context, request)
    assert len(transport.asked) < 15


def test_a_report_is_found_below_more_than_a_hundred_heals(world: Make) -> None:
    """Argo CD's memory keeps a hundred things, so it may report the release again too; the record is the same."""
    here = world(environment("dev"))
    commit = here.release("1.0.0", "dev")
    number = here.report("dev", commit, "success")
    path = f"/repos/{here.repository}/deployments/{number}/statuses"
    for _ in range(101):
        here.call("POST", path, {"state": "success", "description": "Drift was healed"})
    verified.verified(here.context(), number)
    first = tagged(here, "verified/dev/guestbook/1.0.0")
    assert first is not None
    assert here.succeed("dev", commit) is False
    assert tagged(here, "verified/dev/guestbook/1.0.0") == first
    # What fails after so many heals was good, and is neither taken back nor held.
    assert "was verified before" in here.fail("dev", commit).reason
    assert here.wanted("dev") == "1.0.0"
    assert here.file("dev").held == ()


def test_a_record_that_a_person_made_of_no_commit_opens_nothing_and_is_written_anew(world: Make) -> None:
    here = world()
    request = here.request("1.0.0")
    commit = here.deliver(request, "staging").link.rpartition("/")[2]
    tree = here.call("GET", f"/repos/{here.repository}/git/commits/{commit}")["tree"]["sha"]
    ref = "refs/tags/verified/staging/guestbook/1.0.0"
    here.call("POST", f"/repos/{here.repository}/git/refs", {"ref": ref, "sha": tree})
    assert here.deliver(request, "production").decision.kind is Kind.WAITING
    here.succeed("staging", commit)
    assert here.deliver(request, "production").decision.kind is Kind.DELIVER
