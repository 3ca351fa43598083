"""Deployments come in another order than commits, and of commits that are not there any more."""

from collections.abc import Callable

from slipway_release import record
from tests.release.builders import answer, context, environment
from tests.release.test_lost import reconciled
from tests.release.world import World

Make = Callable[..., World]


def deployed(here: World, commit: str, state: str) -> None:
    """A deployment that Argo CD has made of a commit, newer than all others."""
    path = f"/repos/{here.repository}/deployments"
    body = {"ref": commit, "environment": "dev/guestbook", "auto_merge": False, "required_contexts": []}
    made = here.call("POST", path, body)
    here.call("POST", f"{path}/{made['id']}/statuses", {"state": state, "description": "Healthy"})


def recorded(here: World) -> set[str]:
    return record.versions(here.context(), here.platform.environment("dev"), here.platform.service("guestbook"))


def test_a_late_deployment_of_an_older_release_hides_no_report_of_the_newer(world: Make) -> None:
    here = world(environment("dev"))
    here.verified_release("0.9.0", "dev")
    older, newer = here.release("1.0.0", "dev"), here.release("1.1.0", "dev")
    here.report("dev", newer, "success")
    deployed(here, older, "success")
    reconciled(here)
    assert "1.1.0" in recorded(here)


def test_a_late_failure_of_an_older_release_takes_the_newer_back_no_more(world: Make) -> None:
    here = world(environment("dev"))
    here.verified_release("0.9.0", "dev")
    older, newer = here.release("1.0.0", "dev"), here.release("1.1.0", "dev")
    here.report("dev", newer, "success")
    deployed(here, older, "failure")
    reconciled(here)
    assert here.wanted("dev") == "1.1.0"
    assert "1.1.0" in recorded(here)


def test_a_report_on_a_commit_that_was_pushed_away_keeps_no_request_waiting(world: Make) -> None:
    here = world(environment("dev", delivery="pull-request"))
    here.deliver_unmerged("1.0.0", "dev")
    head = here.head("environments")
    here.call("POST", f"/repos/{here.repository}/git/refs", {"ref": "refs/heads/away", "sha": head})
    deployed(here, here.commit("environments", "README.md", "Pushed away", "away"), "success")
    reconciled(here)
    assert here.wanted("dev") == "1.0.0"


def test_a_list_that_grows_between_two_pages_shows_nothing_twice() -> None:
    following = {"link": '<https://github.test/api/v3/pulls?page=2>; rel="next"'}
    pages = [answer([{"id": 3}, {"id": 2}], headers=following), answer([{"id": 2}, {"id": 1}, {}, {}])]
    github = context({"GET /repos/acme/environments/pulls": lambda: pages.pop(0)}).own
    assert list(github.pages("/repos/acme/environments/pulls")) == [{"id": 3}, {"id": 2}, {"id": 1}, {}, {}]
