"""Each token of a workflow has what the calls of its job need: nothing is refused, and nothing is left over."""

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from manifests.repository_files import environment_repository_files
from sandbox.github.access import accounts
from slipway_release import (
    approval,
    forward,
    freeze,
    gates,
    hold,
    merged,
    overview,
    people,
    pull_request,
    reconcile,
    rollback,
    verdict,
    verified,
    workflow,
)
from slipway_release.claims import PromotionRequest
from slipway_release.exchange import Response
from slipway_release.github import GitHub
from slipway_release.validation import comment
from stacks.settings import settings_of
from tests.release.builders import answer, environment, platform
from tests.release.serving import PEOPLE, TOKEN, Running
from tests.release.stage import APPS, ROOT
from tests.release.test_page import clone
from tests.release.tokens import (
    JOBS,
    OF_RUNS,
    PROMOTER,
    WITH_THEIR_OWN,
    Narrowed,
    asked_for,
    documented,
    workflows,
)
from tests.stacks.builders import texts, values

PLACES = [
    environment("dev"),
    environment("qa", rollback="pull-request"),
    environment("partner", delivery="pull-request"),
    environment(
        "production", delivery="pull-request", approval=True, approvers=["leads"], freezers=["leads"], sync="manual"
    ),
]
LINT = "lint"


@pytest.fixture(scope="module")
def empty(github: Running) -> Iterator[Narrowed]:
    """A platform with required checks, on which Actions are started in name alone."""
    made = Narrowed(github.url, TOKEN, PLACES, services=("guestbook",), forge=github.forge)
    organization = accounts.add_organization(github.forge, made.owner)
    accounts.set_membership(github.forge, organization, "root", "admin")
    for login in PEOPLE:
        accounts.set_membership(github.forge, organization, login, "member")
    made.create()
    made.install()
    made.team("leads", "pat")
    made.call("PATCH", f"/repos/{made.repository}", {"allow_auto_merge": True})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GitHub, "start_workflow", _started(github))
        patch.setattr(GitHub, "call", _told(github, made.runs))
        yield made
    made.client.close()


def _started(github: Running) -> Any:
    """Starting a workflow, as far as rights go."""

    def start(client: GitHub, _repository: str, name: str, _inputs: Any = None) -> None:
        principal = github.forge.tokens.principal(client.token)
        assert principal is not None
        if principal.is_integration:
            assert (principal.permissions or {}).get("actions") == "write", name
            github.forge.uses.note(principal, "actions:write", f"POST dispatches of {name}")

    return start


def _told(github: Running, runs: Mapping[str, Any]) -> Any:
    """What GitHub says of runs, to those who may ask."""
    send = GitHub.call

    def call(client: GitHub, method: str, path: str, body: Any = None, query: Any = None) -> Response:
        if path not in runs:
            return send(client, method, path, body, query)
        principal = github.forge.tokens.principal(client.token)
        assert principal is not None
        assert (principal.permissions or {}).get("actions") in {"read", "write"}, path
        github.forge.uses.note(principal, "actions:read", f"{method} {path}")
        return answer(runs[path])

    return call


def protect(here: Narrowed, *, bypass: bool) -> None:
    """Main wants two checks; the promoter passes by them or does not."""
    path = f"/repos/{here.repository}/rulesets"
    for one in here.call("GET", path):
        here.call("DELETE", f"{path}/{one['id']}")
    checks = [{"context": verdict.CHECK, "integration_id": int(APPS["promoter"][0])}, {"context": LINT}]
    parameters = {"strict_required_status_checks_policy": False, "required_status_checks": checks}
    actors = [{"actor_id": int(APPS["promoter"][0]), "actor_type": "Integration", "bypass_mode": "always"}]
    here.call(
        "POST",
        path,
        {
            "name": "main",
            "target": "branch",
            "enforcement": "active",
            "bypass_actors": actors if bypass else [],
            "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
            "rules": [{"type": "required_status_checks", "parameters": parameters}],
        },
    )


def linted(here: Narrowed, commit: str) -> None:
    here.call("POST", f"/repos/{here.repository}/statuses/{commit}", {"state": "success", "context": LINT})


def pull_of(here: Narrowed, branch: str) -> dict[str, Any]:
    return next(pull for pull in here.pulls() if pull["head"]["ref"] == branch)


def approve(here: Narrowed, pull: dict[str, Any], login: str) -> None:
    here.client.post(
        f"/repos/{here.repository}/pulls/{pull['number']}/reviews",
        headers={"Authorization": f"Bearer {login}-token"},
        json={"event": "APPROVE", "body": "Reviewed"},
    ).raise_for_status()


def propose(here: Narrowed, branch: str) -> None:
    """A request that the program has once opened, and that is pointless by now."""
    path = f"/repos/{here.repository}"
    here.call("POST", f"{path}/git/refs", {"ref": f"refs/heads/{branch}", "sha": here.head("environments")})
    here.commit("environments", "note.txt", branch, branch)
    here.call("POST", f"{path}/pulls", {"title": branch, "head": branch, "base": "main"})


def with_their_own(here: Narrowed, folder: Path) -> None:
    """What needs no right of the promoter's: reports and reviews start workflows, and the page shows what is there."""
    with here.running("reported/forward"):
        around = here.context()
        forward.forward(around.platform, around.own, "1", "dev/guestbook", "success")
    with here.running("reviewed/forward"):
        reconcile.start(here.context())
    here.environments.append(environment("guarded", approval=True, approvers=["leads"]))
    for name in ("promote.yml", "requested.yml"):
        waits = {"id": 7, "name": name, "status": "waiting", "display_title": "Promote guestbook (run 1)"}
        dated = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "conclusion": None}
        runs = {"workflow_runs": [waits | dated]}
        here.runs[f"/repos/{here.repository}/actions/workflows/{name}/runs"] = runs
    pending = [{"environment": {"name": "guarded"}, "reviewers": []}]
    here.runs[f"/repos/{here.repository}/actions/runs/7/pending_deployments"] = pending
    with here.running("status/page"):
        found = overview.overview(here.context(), clone(here, folder / "clone"))
    assert found["services"]
    here.environments.pop()
    here.runs.clear()


def with_those_of_a_service(here: Narrowed) -> None:
    """A pull request that runs, one that nobody was told of, and the end of both."""
    path, numbers = f"/repos/{here.owner}/guestbook", []
    for branch in ("told", "untold"):
        here.call("POST", f"{path}/git/refs", {"ref": f"refs/heads/{branch}", "sha": here.head("guestbook")})
        here.commit("guestbook", f"{branch}.txt", branch, branch)
        made = here.call("POST", f"{path}/pulls", {"title": branch, "head": branch, "base": "main"})
        here.call("POST", f"{path}/issues/{made['number']}/labels", {"labels": ["preview"]})
        numbers.append(str(made["number"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_REPOSITORY", f"{here.owner}/guestbook")
        with here.running("pull-request/build"):
            pull_request.tell(here.context(), numbers[0], "c" * 40, "")
        with here.running("pull-request/gone"):
            pull_request.gone(here.context(), numbers[0])
        later = workflow.now() + dt.timedelta(days=30)
        patch.setattr(workflow, "now", lambda: later)
        with here.running("pull-request/expire"):
            pull_request.expire(here.context(), "preview", 7)
    assert [pull["labels"] for pull in here.call("GET", f"{path}/pulls")] == [[], []]


@pytest.fixture(scope="module")
def here(empty: Narrowed, tmp_path_factory: pytest.TempPathFactory) -> Narrowed:
    """The same after a story in which each job has done all that it may have to do."""
    here = empty
    for place in ("dev", "qa"):
        here.verified_release("1.0.0", place)
    promoted(here)
    judged_and_merged(here)
    taken_back(here)
    by_hand(here)
    frozen_and_reconciled(here)
    with_their_own(here, tmp_path_factory.mktemp("page"))
    with_those_of_a_service(here)
    return here


def promoted(here: Narrowed) -> None:
    """By a commit, and by requests that wait for checks: of the first version, and of one that makes it pointless."""
    protect(here, bypass=True)
    for job in ("promote/plan", "promote/deliver"):
        with here.running(job):
            version = "1.1.0" if job.endswith("plan") else "1.2.0"
            request = here.request(version)
            for place in ("dev", "qa", "partner", "production"):
                if job.endswith("deliver"):
                    approved(here, request)
                here.deliver(request, place)


def approved(here: Narrowed, request: PromotionRequest) -> None:
    """By Pat, as the job asks before it delivers."""
    review = {"state": "approved", "user": {"login": "pat"}, "environments": [{"name": "guarded"}]}
    here.runs[f"/repos/{here.repository}/actions/runs/7/approvals"] = [review]
    place = platform(environment("guarded", approval=True)).environment("guarded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_RUN_ID", "7")
        approval.check(here.context(), request, place)


def judged_and_merged(here: Narrowed) -> None:
    """By the judge, whose event has the head; a person approves, and the release of the partner needs none."""
    for place in ("production", "partner"):
        pull = pull_of(here, f"release/{place}/guestbook/1.2.0")
        if place == "production":
            approve(here, pull, "pat")
        head = pull["head"]["sha"]
        with here.running("validate/verdict"):
            around = here.context()
            comment.keep(around, str(pull["number"]), f"{comment.MARKER}\nNothing")
            assert not verdict.turned_away(around, str(pull["number"]), head, pull["head"]["ref"])
            assert gates.refusal(around, pull["head"]["ref"], head) is None
            verdict.give(around, head, "success")
            assert gates.merge(around, pull["head"]["ref"]) is None, "lint has not passed"
        if place == "partner":
            linted(here, head)
            with here.running("validate/verdict"):
                commit = gates.merge(here.context(), pull["head"]["ref"])
            assert commit is not None
            propose(here, "release/partner/guestbook/1.1.9")
            with here.running("delivered/delivered"):
                merged.record(here.context(), pull["head"]["ref"], commit)


def taken_back(here: Narrowed) -> None:
    """By a request in qa, which a later success makes pointless; in dev by a request and by a commit."""
    failed = here.head("environments")
    with here.running("rollback/rollback"):
        around = here.context()
        for place, bypass in (("qa", True), ("dev", False), ("dev", True)):
            protect(here, bypass=bypass)
            number = here.report(place, failed, "failure", "Degraded: crash loop")
            assert rollback.rollback(around, number).target is not None
    number = here.report("qa", failed, "success")
    with here.running("verified/verified"):
        verified.verified(here.context(), number)


def by_hand(here: Narrowed) -> None:
    """What people start: a hold closes a request, and a rollback is a request, or one that merges itself."""
    service = here.platform.service("guestbook")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_ACTOR", "pat")
        with here.running("hold/hold", action="hold"):
            around = here.context()
            place = around.platform.environment("production")
            assert people.starter(around, ["leads"], "hold") == "pat"
            hold.hold(around, place, service, "1.2.0", reason="loses orders", login="pat")
            reconcile.start(around)
        with here.running("hold/hold", action="release from hold"):
            hold.unhold(here.context(), here.platform.environment("production"), service, "1.2.0", login="pat")
        with here.running("promote/plan"):
            commit = here.release("1.3.0", "dev")
        here.succeed("dev", commit)
        for place, version, bypass in (("qa", "1.2.0", True), ("dev", "1.3.0", False), ("dev", "1.3.0", True)):
            protect(here, bypass=bypass)
            with here.running("hold/hold", action="roll back"):
                around = here.context()
                rollback.by_hand(around, around.platform.environment(place), service, version, reason="", login="pat")
        with here.running("freeze/freeze"):
            around = here.context()
            assert people.starter(around, ["leads"], "freeze") == "pat"
            freeze.freeze(around, around.platform.environment("production"), why="Black Friday", login="pat")
            reconcile.start(around)


def frozen_and_reconciled(here: Narrowed) -> None:
    """All that may have been lost: a request that a gate closes, one that leads nowhere, a merge and a report."""
    with here.running("freeze/freeze"):
        freeze.end(here.context(), here.platform.environment("production"), login="pat")
    with here.running("promote/plan"):
        here.deliver(here.request("1.5.0"), "production")
        here.deliver(here.request("1.6.0"), "partner")
        commit = here.release("1.7.0", "dev")
    closed = pull_of(here, "release/production/guestbook/1.5.0")
    approve(here, closed, "pat")
    waiting = pull_of(here, "release/partner/guestbook/1.6.0")
    with here.running("validate/verdict"):
        for pull in (closed, waiting):
            verdict.give(here.context(), pull["head"]["sha"], "success")
    propose(here, "release/dev/guestbook/0.1.0")
    here.report("dev", commit, "success")
    path = f"/api/v3/repos/{here.repository}/actions"
    here.fault(match=f"GET {path}", status=200, count=100)
    later = workflow.now() + dt.timedelta(hours=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workflow, "now", lambda: later)
        with here.running("reconcile/reconcile"):
            reconcile.reconcile(here.context())
        linted(here, waiting["head"]["sha"])
        here.call("PUT", f"/repos/{here.repository}/pulls/{waiting['number']}/merge", {"merge_method": "squash"})
        with here.running("freeze/freeze"):
            here.freeze("production", "Black Friday")
        with here.running("reconcile/reconcile"):
            reconcile.reconcile(here.context())
    here.clear_faults()


@pytest.mark.parametrize("job", JOBS)
def test_no_token_holds_what_the_calls_of_its_job_do_not_need(here: Narrowed, job: str) -> None:
    # A delivery that people approve makes the calls of the plan.
    of_runs = OF_RUNS.get(job.replace("/deliver", "/plan"), {})
    left = {token: names - of_runs.get(token, set()) for token, names in here.unused(job).items()}
    assert {token: names for token, names in left.items() if names} == {}
    assert {token.partition(" ")[0] for token in left} == {PROMOTER, "github-actions[bot]"}


@pytest.mark.parametrize("job", WITH_THEIR_OWN)
def test_no_job_s_own_token_holds_what_its_calls_do_not_need(here: Narrowed, job: str) -> None:
    ((token, unused),) = here.unused(job).items()
    assert token.startswith("github-actions[bot] ")
    assert unused == set()


def test_a_request_lends_the_promotion_what_its_jobs_hold() -> None:
    """A called job can have no more than the job that calls it; `requested` shares it out."""
    jobs = [asked_for(f"promote/{job}")["own"] for job in ("plan", "deliver")]
    lent = workflows()["requested"]["jobs"]["request"]["permissions"]
    assert lent == jobs[0] | jobs[1]


def test_only_a_rollback_by_hand_may_write_to_the_ledger() -> None:
    assert "deployments" not in asked_for("hold/hold", {"action": "hold"})["environments"]
    assert "deployments" not in asked_for("hold/hold", {"action": "release from hold"})["environments"]
    assert asked_for("hold/hold", {"action": "roll back"})["environments"]["deployments"] == "write"


def test_all_jobs_with_a_token_of_the_promoter_s_are_known_and_documented() -> None:
    assert set(JOBS) == {
        f"{name}/{job}"
        for name, found in workflows().items()
        for job, definition in found["jobs"].items()
        if any("PROMOTER_APP_ID" in str(step.get("with")) for step in definition.get("steps", []))
    }
    page = (ROOT / "docs/github-apps.md").read_text().splitlines()
    assert [line for line in documented() if line not in page] == []


def test_what_depends_on_settings_is_asked_for_where_they_need_it() -> None:
    """Packages of GitHub's registry alone, and who approves only where requests are approved."""
    for registry, delivery in (("ghcr.io", "commit"), ("registry.example.com", "pull-request")):
        account = {} if registry == "ghcr.io" else {"username": "robot"}
        secret = {} if registry == "ghcr.io" else {"registryPassword": "hush-hush"}
        stack = values(registry={"host": registry, **account}, **secret)
        stack["environments"][-1]["delivery"] = delivery
        owned = environment_repository_files(settings_of("test", texts(stack))).owned
        for name in ("requested", "promote", "reconcile", "rollback", "hold", "release"):
            assert ("packages: " in owned[f".github/workflows/{name}.yml"]) is (registry == "ghcr.io"), name
        for name in ("reconcile", "validate"):
            assert ("permission-members" in owned[f".github/workflows/{name}.yml"]) is (delivery == "pull-request")
