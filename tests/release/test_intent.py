"""What a person has decided stays so: what was taken back, declined, held or frozen comes only when asked for again."""

import base64
import dataclasses
import json
from collections.abc import Callable

import pytest

from slipway_release import delivery, dora, hold, promotion, promotions, verified
from slipway_release.claims import PromotionRequest
from slipway_release.errors import RefusedError
from slipway_release.github import GitHub
from slipway_release.selection import Kind
from tests.release.builders import Script, answer, environment
from tests.release.world import World

Make = Callable[..., World]


def reverted(here: World) -> PromotionRequest:
    """1.1.0 was in production; a person has put 1.0.0 back. The request for 1.1.0."""
    first = reached(here, here.request("1.0.0"))
    request = here.request("1.1.0")
    reached(here, request)
    path = "environments/production/guestbook/release.yaml"
    found = here.client.get(f"/repos/{here.repository}/contents/{path}", params={"ref": first}).json()
    here.commit("environments", path, base64.b64decode(found["content"]).decode())
    assert here.wanted("production") == "1.0.0"
    return request


def reached(here: World, request: PromotionRequest) -> str:
    """Deliver to staging and production, verified in both; the commit of production."""
    commits = [here.deliver(request, place).link.rpartition("/")[2] for place in ("staging",)]
    here.succeed("staging", commits[0])
    commit = here.deliver(request, "production").link.rpartition("/")[2]
    here.succeed("production", commit)
    return commit


def test_a_version_that_a_person_took_back_does_not_come_by_itself(world: Make) -> None:
    here = world()
    request = reverted(here)
    change = here.commit("environments", "environments/staging/guestbook/values.yaml", "replicas: 3\n")
    assert not here.succeed("staging", change), "it was asked for again"
    assert "production" not in here.plan(request)
    decision = here.deliver(request, "production").decision
    assert decision.kind is Kind.HELD
    assert "was taken back by" in decision.reason
    assert here.wanted("production") == "1.0.0"


def test_it_comes_when_a_person_asks_for_it_again(world: Make) -> None:
    here = world()
    request = reverted(here)
    assert here.plan(request, "production") == [], "automation names environments too"
    assert here.plan(request, "production", again=True) == ["production"]
    production = here.platform.environment("production")
    assert promotion.deliver(here.context(), request, production, again=True).decision.kind is Kind.DELIVER


def test_a_newer_version_comes_by_itself(world: Make) -> None:
    here = world()
    reverted(here)
    request = here.request("1.2.0")
    reached(here, request)
    assert here.wanted("production") == "1.2.0"


def test_a_repeated_or_drifting_success_asks_for_nothing(world: Make) -> None:
    here = world()
    request = here.request("1.0.0")
    reached(here, request)
    commit = here.head("environments")
    assert not here.succeed("staging", commit)
    number = here.report("staging", commit, "success", "Drift healed: Deployment/guestbook")
    verified.verified(here.context(), number)
    assert here.wanted("production") == "1.0.0"


def test_a_release_from_hold_asks_for_one_environment_alone(world: Make) -> None:
    here = world()
    here.release("1.0.0", "dev")
    path = f"/api/v3/repos/{here.repository}/actions/workflows/promote.yml/dispatches"
    here.fault(match=f"POST {path}", status=200, count=1)
    service, place = here.platform.service("guestbook"), here.platform.environment("dev")
    assert hold.promote_again(here.context(), place, service, "1.0.0")
    here.clear_faults()
    assert here.plan(here.request("1.1.0"), "dev") == ["dev"]
    with pytest.raises(RefusedError, match="nowhere"):
        here.plan(here.request("1.2.0"), "nowhere")


@pytest.fixture
def asked(world: Make) -> World:
    return world(environment("production", delivery="pull-request", approval=True))


def test_a_declined_request_is_not_opened_again(asked: World) -> None:
    request = asked.request("1.0.0")
    asked.deliver(request, "production")
    (pull,) = asked.pulls()
    asked.call("PATCH", f"/repos/{asked.repository}/pulls/{pull['number']}", {"state": "closed"})
    assert asked.deliver(request, "production").decision.kind is Kind.HELD
    assert asked.pulls() == []
    promotion.deliver(asked.context(), request, asked.platform.environment("production"), again=True)
    assert len(asked.pulls()) == 1


def test_what_the_program_closed_itself_was_not_declined(asked: World) -> None:
    request = asked.request("1.0.0")
    asked.deliver(request, "production")
    service, place = asked.platform.service("guestbook"), asked.platform.environment("production")
    hold.hold(asked.context(), place, service, "1.0.0", reason="loses orders", login="dana")
    assert asked.pulls() == []
    hold.unhold(asked.context(), place, service, "1.0.0", login="dana")
    asked.deliver(request, "production")
    assert len(asked.pulls()) == 1


def test_an_open_request_of_a_version_on_hold_does_not_merge(asked: World) -> None:
    asked.deliver(asked.request("1.0.0"), "production")
    (pull,) = asked.pulls()
    service, place = asked.platform.service("guestbook"), asked.platform.environment("production")
    hold.hold(asked.context(), place, service, "1.0.0", reason="loses orders", login="dana")
    path = f"/repos/{asked.repository}/pulls/{pull['number']}/merge"
    assert asked.client.put(path, content=json.dumps({"merge_method": "squash"})).status_code == 405
    assert asked.wanted("production") is None


HOTFIX = [
    environment("staging"),
    environment("production", sync="manual", requires=["staging"], tagPrefix="prod", approval=True),
]


def test_an_approved_hotfix_passes_a_staging_that_is_ahead_and_the_commit_says_so(world: Make) -> None:
    here = world(*HOTFIX)
    here.verified_release("1.1.0", "staging")
    decision = here.deliver(here.request("prod-v1.0.2"), "production").decision
    assert decision.kind is Kind.DELIVER
    assert "hotfix" in decision.reason
    assert "not verified in staging, and an approval for production lets it pass" in here.messages("production")[0]
    here.succeed("production", here.head("environments"))
    tag = here.call("GET", f"/repos/{here.repository}/git/ref/tags/verified/production/guestbook/1.0.2")["object"]
    record = here.call("GET", f"/repos/{here.repository}/git/tags/{tag['sha']}")["message"]
    assert "Hotfix: not verified in staging; an approval let it pass" in record


def test_a_hotfix_and_a_newer_request_wait_beside_each_other_and_the_one_that_is_in_decides(world: Make) -> None:
    """Staging is ahead, and its version waits for the same approval: neither makes the other pointless."""
    here = world(HOTFIX[0], {**HOTFIX[1], "delivery": "pull-request"})
    production = here.platform.environment("production")

    def waiting() -> set[str]:
        delivery.tidy(here.context().contents, production, "guestbook")
        return {pull["head"]["ref"].rpartition("/")[2] for pull in here.pulls()}

    def asked(tag: str) -> Kind:
        request = here.request(tag)
        if not request.release.is_for_one:
            here.succeed("staging", here.deliver(request, "staging").link.rpartition("/")[2])
        return here.deliver(request, "production").decision.kind

    assert asked("v1.1.0") is Kind.DELIVER
    assert asked("prod-v1.0.2") is Kind.DELIVER
    assert waiting() == {"1.1.0", "1.0.2"}
    assert asked("v1.2.0") is Kind.DELIVER
    assert waiting() == {"1.2.0", "1.0.2"}
    assert asked("prod-v1.0.3") is Kind.DELIVER
    assert waiting() == {"1.2.0", "1.0.3"}
    hotfix = next(pull for pull in here.pulls() if pull["head"]["ref"].endswith("1.0.3"))
    here.call("PUT", f"/repos/{here.repository}/pulls/{hotfix['number']}/merge", {"merge_method": "squash"})
    assert (here.wanted("production"), waiting()) == ("1.0.3", {"1.2.0"})
    assert asked("prod-v1.0.4") is Kind.DELIVER
    (newer,) = (pull for pull in here.pulls() if pull["head"]["ref"].endswith("1.2.0"))
    here.call("PUT", f"/repos/{here.repository}/pulls/{newer['number']}/merge", {"merge_method": "squash"})
    assert (here.wanted("production"), waiting()) == ("1.2.0", set())


@pytest.mark.parametrize(("tag", "words"), [("prod-v1.0.2", "approvers"), ("v1.0.2", "prod-v1.0.2")])
def test_without_approvers_a_hotfix_is_told_what_to_do_and_promised_nothing(world: Make, tag: str, words: str) -> None:
    here = world()
    here.verified_release("1.1.0", "staging")
    decision = here.deliver(here.request(tag), "production").decision
    assert decision.kind is Kind.WAITING
    assert words in decision.reason
    assert "by itself" not in decision.reason


def test_a_prefixed_tag_alone_is_not_promised_to_go_on(world: Make) -> None:
    decision = (here := world()).deliver(here.request("prod-v1.0.0"), "production").decision
    assert "tag v1.0.0 too" in decision.reason
    assert "by itself" not in decision.reason


def test_a_broken_file_of_one_environment_blocks_that_one_alone(world: Make) -> None:
    here = world(environment("dev"), environment("staging"))
    here.commit("environments", "environments/dev/guestbook/release.yaml", "release: {")
    assert here.plan(here.request("1.0.0")) == ["staging"]
    assert here.statuses("guestbook", "dev", "v1.0.0")[0].startswith("error: environments/dev/guestbook")


def test_what_a_broken_file_keeps_out_of_every_environment_is_not_forgotten(world: Make) -> None:
    here = world(environment("dev"), environment("staging", requires=["dev"]))
    here.commit("environments", "environments/dev/guestbook/release.yaml", "release: {")
    outcomes = promotion.consider(here.context(), here.request("1.0.0"))
    assert [outcome.decision.kind for outcome in outcomes] == [Kind.BROKEN, Kind.WAITING]
    # Nothing in Git tells that it was asked for, so its run has to fail, for a reconciliation to start it again.
    assert "dev/guestbook/release.yaml" in str(promotion.stopped(outcomes))


@pytest.mark.parametrize(
    "change",
    [
        ('"version": "1.0.0"', '"version": "v1.0.0"'),
        ('"digest": "sha256:', '"digest": "sha512:'),
        ('"digest"', '"digset"'),
        ('"commit": "', '"commit": "z'),
        ('"version": "1.0.0"', '"version": "main-0123456789ab"'),
        ('"tag": "v1.0.0"', '"tag": "v1.0.1"'),
    ],
)
def test_a_field_that_was_edited_by_hand_is_named_and_empties_nothing(world: Make, change: tuple[str, str]) -> None:
    here = world(environment("dev"))
    here.release("1.0.0", "dev")
    text = here.file("dev").dump()
    assert change[0] in text
    here.commit("environments", "environments/dev/guestbook/release.yaml", text.replace(*change))
    with pytest.raises(RefusedError, match=r"environments/dev/guestbook/release\.yaml: release\."):
        here.deliver(here.request("1.1.0"), "dev")


def test_an_overtaken_release_does_not_stay_in_progress(world: Make) -> None:
    here = world(environment("dev"))
    here.release("1.0.0", "dev")
    here.release("1.1.0", "dev")
    assert here.statuses("guestbook", "dev", "v1.0.0")[0].startswith("inactive: 1.0.0: overtaken by 1.1.0")
    assert any(text.startswith("inactive: 1.0.0") for text in here.statuses("environments", "dev/guestbook"))


def test_a_release_is_counted_once_though_another_service_committed_in_between(world: Make) -> None:
    here = world(environment("dev"))
    for number in range(2):
        here.release(f"1.{number}.0", "dev")
        here.release(f"1.{number}.0", "dev", "clock")
        here.succeed("dev", here.head("environments"))
    (found,) = dora.figures(here.context(), 30, "guestbook", "dev")
    assert (found.deployments, found.failures) == (2, 0)


@pytest.mark.parametrize(("state", "asks"), [("rejected", False), ("approved", True)])
def test_what_a_reviewer_rejected_is_not_asked_for_at_the_next_success(world: Make, state: str, *, asks: bool) -> None:
    """A change of values in staging is verified as well."""
    here = world(environment("staging"), environment("production", approval=True, requires=["staging"]))
    request = here.request("1.0.0")
    commit = here.deliver(request, "staging").link.rpartition("/")[2]
    number = here.report("staging", commit, "success")
    run = {
        "id": 5,
        "display_title": promotions.title("guestbook", "7", request.release.digest, ["production"]),
        "status": "completed",
        "conclusion": "failure",
        "created_at": "2026-01-01T00:00:00Z",
    }
    path = f"/repos/{here.repository}/actions"
    script = Script(
        {
            f"GET {path}/runs": {"workflow_runs": [run]},
            f"GET {path}/runs/5/approvals": [{"state": state, "environments": [{"name": "production"}]}],
            f"POST {path}/workflows/promote.yml/dispatches": answer(status=204),
        }
    )
    verified.verified(dataclasses.replace(here.context(), own=GitHub(f"{here.url}api/v3", "", script)), number)
    assert any(request.endswith("/promote.yml/dispatches") for request in script.asked) == asks


@pytest.mark.parametrize("delivery", ["commit", "pull-request"])
def test_a_release_file_that_is_gone_is_no_choice_of_a_version(world: Make, delivery: str) -> None:
    here = world(environment("dev", delivery=delivery))
    here.call("PATCH", f"/repos/{here.repository}", {"allow_auto_merge": True})
    request = here.request("1.0.0")
    here.deliver(request, "dev")
    assert here.wanted("dev") == "1.0.0"
    here.commit("environments", "environments/dev/guestbook/release.yaml", "{}\n")
    assert here.deliver(request, "dev").decision.kind is Kind.DELIVER
