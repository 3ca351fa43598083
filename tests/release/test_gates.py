"""Gates hold where Git changes: what was asked for before a freeze or a hold does not merge during it."""

from collections.abc import Callable
from typing import cast

import pytest

from slipway_release import cli, context, gates, hold, intent, reconcile, verdict
from slipway_release.errors import RefusedError
from tests.release import builders
from tests.release.builders import Script, answer, environment
from tests.release.world import World

Make = Callable[..., World]
BRANCH = "release/production/guestbook/1.0.0"


@pytest.fixture
def here(world: Make) -> World:
    """1.0.0 waits for production in a pull request that people merge, and the judge is content with it."""
    here = world(environment("production", delivery="pull-request", approval=True, approvers=["leads"]))
    here.team("leads", "pat")
    here.deliver(here.request("1.0.0"), "production")
    here.review("pat")
    verdict.give(here.context(), commit(here), "success")
    return here


def commit(here: World) -> str:
    (pull,) = here.pulls()
    return pull["head"]["sha"]


def check(here: World) -> tuple[str, str]:
    newest = here.call("GET", f"/repos/{here.repository}/commits/{commit(here)}/statuses")[0]
    return newest["state"], newest["description"]


def test_a_request_that_may_go_in_has_a_green_check(here: World) -> None:
    assert gates.refusal(here.context(), BRANCH, commit(here)) is None
    assert check(here)[0] == "success"


def test_a_freeze_closes_an_open_request_and_its_end_opens_it_again(here: World) -> None:
    here.freeze("production", "Black Friday")
    reconcile.reconcile(here.context())
    state, words = check(here)
    assert state == "failure"
    assert "Black Friday" in words
    assert reconcile.reconcile(here.context()) == []
    here.thaw("production")
    reconcile.reconcile(here.context())
    assert check(here) == ("success", "All files parse, all charts render, all rules hold")


def test_an_opened_gate_does_not_overrule_the_judge(here: World) -> None:
    verdict.give(here.context(), commit(here), "failure")
    here.freeze("production", "Black Friday")
    reconcile.reconcile(here.context())
    here.thaw("production")
    reconcile.reconcile(here.context())
    assert check(here)[0] == "failure"


def says(here: World, login: str, state: str, description: str) -> None:
    """What everybody who may push can do: a commit status of the check's name."""
    answer = here.client.post(
        f"/repos/{here.repository}/statuses/{commit(here)}",
        headers={"Authorization": f"Bearer {login}-token"},
        json={"state": state, "context": verdict.CHECK, "description": description},
    )
    answer.raise_for_status()


def test_a_gate_that_somebody_else_calls_closed_is_closed(here: World) -> None:
    """Else the promoter's own green check would stay, and the request would merge during the freeze."""
    says(here, "pat", "failure", gates.closing("nothing"))
    here.freeze("production", "Black Friday")
    reconcile.reconcile(here.context())
    state, words = check(here)
    assert state == "failure"
    assert "Black Friday" in words


def test_a_gate_does_not_open_on_the_word_of_somebody_else(here: World) -> None:
    verdict.give(here.context(), commit(here), "failure")
    says(here, "pat", "success", "All files parse")
    says(here, "pat", "failure", gates.closing("nothing"))
    reconcile.reconcile(here.context())
    found = here.call("GET", f"/repos/{here.repository}/commits/{commit(here)}/statuses")
    assert next(one["state"] for one in found if one["creator"]["login"] == "root") == "failure"


def test_a_request_of_the_same_branch_onto_another_one_is_not_the_release_s(here: World) -> None:
    """Everybody who may push can open it, and close it as if the release had been declined."""
    path, head = f"/repos/{here.repository}", commit(here)
    here.call("POST", f"{path}/git/refs", {"ref": "refs/heads/aside", "sha": here.head("environments")})
    made = here.call("POST", f"{path}/pulls", {"title": "Aside", "head": BRANCH, "base": "aside"})
    assert gates.refusal(here.context(), BRANCH, head) is None
    here.call("PATCH", f"{path}/pulls/{made['number']}", {"state": "closed"})
    production, service = here.platform.environment("production"), here.platform.service("guestbook")
    released = here.file("production", ref=BRANCH).release
    assert released is not None
    assert intent.stays_away(here.context(), production, service, released, None) is None


def test_a_request_that_is_judged_during_a_freeze_is_closed_from_the_start(here: World) -> None:
    here.freeze("production", "Black Friday")
    reason = gates.refusal(here.context(), BRANCH, commit(here))
    assert reason is not None
    verdict.give(here.context(), commit(here), "success", gates.closing(reason))
    assert check(here)[0] == "failure"


def test_another_request_of_the_same_commit_is_closed_and_changes_no_check(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check is of a commit: what is said of one would be said of both."""
    head, before = commit(here), check(here)
    path = f"/repos/{here.repository}"
    here.call("POST", f"{path}/git/refs", {"ref": "refs/heads/copy", "sha": head})
    made = here.call("POST", f"{path}/pulls", {"title": "Copy", "head": "copy", "base": "main"})
    for branch in ("copy", ""):
        here.call("PATCH", f"{path}/pulls/{made['number']}", {"state": "open"})
        given = {"PULL_REQUEST": str(made["number"]), "COMMIT": head, "BRANCH": branch, "RESULT": "failure"}
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(context, "from_environment", here.context)
        assert cli.main(["verdict"]) == 0
        assert here.call("GET", f"{path}/pulls/{made['number']}")["state"] == "closed"
    assert check(here) == before
    (own,) = here.pulls()
    assert not verdict.turned_away(here.context(), str(own["number"]), head, BRANCH)
    here.call("PATCH", f"{path}/pulls/{own['number']}", {"state": "closed"})
    assert not verdict.turned_away(here.context(), str(made["number"]), head, "copy")


def test_what_must_be_verified_first_is_asked_again_at_the_request(world: Make) -> None:
    here = world(environment("staging"), environment("production", delivery="pull-request", approval=True))
    here.deliver(here.request("1.0.0"), "production")
    branch = {**environment("production", delivery="pull-request", approval=True), "requires": ["staging"]}
    here.environments[1] = branch
    reason = gates.refusal(here.context(), BRANCH, commit(here))
    assert reason is not None
    assert "staging" in reason


@pytest.mark.parametrize("branch", ["x", "rollback/production/guestbook/1.1.0", "release/nowhere/guestbook/1.0.0"])
def test_other_branches_have_no_gate_or_are_refused(here: World, branch: str) -> None:
    reason = gates.refusal(here.context(), branch, commit(here))
    assert (reason is None) == (not branch.startswith("release/"))


def test_a_hold_where_it_was_verified_closes_an_open_request_and_its_end_opens_it_again(world: Make) -> None:
    production = environment("production", delivery="pull-request", requires=["staging"])
    here = world(environment("staging"), production)
    request = here.request("1.0.0")
    here.succeed("staging", here.deliver(request, "staging").link.rpartition("/")[2])
    here.call("PATCH", f"/repos/{here.repository}", {"allow_auto_merge": False})
    here.deliver(request, "production")
    verdict.give(here.context(), commit(here), "success")
    staging, service = here.platform.environment("staging"), here.platform.service("guestbook")
    hold.hold(here.context(), staging, service, "1.0.0", reason="loses orders", login="dana")
    reconcile.reconcile(here.context())
    assert check(here)[0] == "failure"
    assert "on hold in staging" in str(gates.refusal(here.context(), BRANCH, commit(here)))
    hold.unhold(here.context(), staging, service, "1.0.0", login="dana")
    reconcile.reconcile(here.context())
    assert check(here)[0] == "success"


def test_open_requests_are_judged_again_at_once_where_a_hold_elsewhere_is_their_gate() -> None:
    start = "POST /repos/acme/environments/actions/workflows/reconcile.yml/dispatches"
    for name, asked in (("staging", [start]), ("dev", [])):
        around = builders.context({start: answer(status=204)})
        reconcile.start_after_hold(around, around.platform.environment(name))
        assert cast(Script, around.own.transport).asked == asked


def test_a_proposal_is_judged_onto_commits_of_main_alone(here: World) -> None:
    """Its author may have led the pull request onto a branch of theirs, which has the change already."""
    older = here.head("environments")
    here.commit("environments", "a.txt", "a\n")
    for commit_of_main in (older, here.head("environments")):
        verdict.check_base(here.context(), commit_of_main)
    here.call("POST", f"/repos/{here.repository}/git/refs", {"ref": "refs/heads/mine", "sha": older})
    mine = here.commit("environments", "b.txt", "b\n", "mine")
    for elsewhere in (mine, "f" * 40):
        with pytest.raises(RefusedError, match="not on main; lead the pull request onto main again"):
            verdict.check_base(here.context(), elsewhere)
