"""What the state has and GitHub or the settings have otherwise: renamed, moved, deleted or taken over."""

import pytest

from components.github.preflight import Findings, github_findings
from components.state import REPOSITORY_KIND, State
from tests.components.fake_github import Answers, fake_github
from tests.components.test_github_preflight import KEYS, OURS, WEB, settings
from tests.stacks.builders import changed

ENVIRONMENTS = ("slipway:index:EnvironmentRepository", "environments")
KNOWN = {"environments-repository": "acme/environments", "guestbook-repository": "acme/guestbook"}
THERE = {f"/repos/{name}": {"full_name": name, "description": OURS} for name in KNOWN.values()}


def look(answers: Answers, change: tuple[str, object] | None = None, **more: str) -> Findings:
    repositories = KNOWN | {name.replace("_", "-"): repository for name, repository in more.items()}
    state = State(
        frozenset([ENVIRONMENTS, WEB, *((REPOSITORY_KIND, name) for name in repositories)]), "", "", repositories
    )
    stack = changed(*change) if change else None
    web = {"/orgs/acme/teams/web": {"description": OURS}}
    return github_findings(settings(stack), fake_github(web | answers), KEYS, state)


def test_what_is_where_the_state_has_it_is_not_in_the_way() -> None:
    assert look(THERE) == Findings()


@pytest.mark.parametrize("path", ["/repos/acme/guestbook", "/orgs/acme/teams/web"])
def test_what_was_deleted_by_hand_is_told_with_what_makes_it_again(path: str) -> None:
    found = look(THERE | {path: None})
    assert found.problems == []
    (advice,) = found.advice
    assert "the state has it and GitHub has not" in advice
    assert "`pulumi up --refresh`" in advice


def test_a_default_branch_that_somebody_changed_is_told() -> None:
    guestbook = THERE["/repos/acme/guestbook"] | {"default_branch": "develop"}
    (advice,) = look(THERE | {"/repos/acme/guestbook": guestbook}).advice
    assert "its default branch is develop, and rules and releases follow main; make main its default" in advice


def test_a_repository_gets_a_free_name() -> None:
    assert look(THERE, ("services.0.repository", "visitors")).problems == []


def test_a_repository_does_not_get_the_name_of_another_one() -> None:
    there = THERE | {"/repos/acme/visitors": {"full_name": "acme/visitors"}}
    (problem,) = look(there, ("services.0.repository", "visitors")).problems
    assert "it exists, so that acme/guestbook cannot get its name" in problem


def test_a_repository_that_was_renamed_on_github_first_is_followed() -> None:
    renamed = {"full_name": "acme/visitors", "description": OURS}
    there = THERE | {"/repos/acme/visitors": renamed, "/repos/acme/guestbook": renamed}
    assert look(there, ("services.0.repository", "visitors")).problems == []


@pytest.mark.parametrize("adopt", [[], ["everything"]])
def test_a_service_of_another_name_does_not_take_a_repository_in_passing(adopt: list[str]) -> None:
    """What the former service has, it would have too, and that is deleted last."""
    service = {"name": "visitors", "repository": "guestbook", "template": "python-web", "team": "web"}
    stack = changed("services", [service]) | {"adopt": adopt}
    state = State(frozenset([ENVIRONMENTS, WEB]), "", "", KNOWN)
    web = {"/orgs/acme/teams/web": {"description": OURS}}
    found = github_findings(settings(stack), fake_github(web | THERE), KEYS, state)
    (problem,) = [problem for problem in found.problems if "guestbook" in problem]
    assert "it is that of guestbook in the state" in problem
    assert found.adoptable == [] or "repository/guestbook" not in found.adoptable


def test_an_environment_repository_of_another_name_is_refused() -> None:
    (problem,) = look(THERE, ("github.environmentRepository", "platform")).problems
    assert "github.environmentRepository: the releases of this stack are in environments" in problem


def test_another_organisation_is_refused() -> None:
    answers = {path.replace("acme", "other"): found for path, found in THERE.items() if "nothing" in path}
    people = {
        f"/orgs/other/memberships/{login}": {"state": "active", "role": "member"} for login in ("pat", "dana", "sam")
    }
    other = {
        "/orgs/other": {"login": "other", "plan": {"name": "enterprise"}},
        "/user/memberships/orgs/other": {"role": "admin"},
    }
    found = look(THERE | answers | people | other, ("github.owner", "other"))
    said = [problem for problem in found.problems if problem.startswith("github.owner")]
    assert [problem.partition(";")[0] for problem in said] == [
        "github.owner: acme/environments is in the state, and is not moved to other",
        "github.owner: acme/guestbook is in the state, and is not moved to other",
    ]
