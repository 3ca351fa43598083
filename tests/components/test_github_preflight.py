"""What on GitHub is in the way is found before the first write, all of it, each with its remedy."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from components.github.credentials import AppKey, Token
from components.github.preflight import Findings, github_findings
from components.state import State
from manifests.model import Settings
from stacks.settings import settings_of
from tests.components.fake_github import APPS, IDS, Answers, app, fake_github
from tests.components.wire import api
from tests.keys import pem
from tests.stacks.builders import MARK, changed, texts, values

OURS = f"What runs where [{MARK}]"
KEYS = {role.secret: pem(name) for name, role in APPS.items() if name != "app"}
ENVIRONMENTS = {"/repos/acme/environments": {"description": OURS}}


def settings(stack: dict[str, Any] | None = None) -> Settings:
    return settings_of("test", texts(stack or values()))


def look(answers: Answers, stack: dict[str, Any] | None = None, headers: dict[str, str] | None = None) -> Findings:
    return github_findings(settings(stack), fake_github(answers, headers), KEYS)


def problems(answers: Answers, stack: dict[str, Any] | None = None, headers: dict[str, str] | None = None) -> list[str]:
    return look(answers, stack, headers).problems


def test_nothing_is_in_the_way_of_a_fresh_organisation() -> None:
    assert not look({}).problems
    assert look(ENVIRONMENTS) == Findings()


def test_private_packages_that_nobody_else_may_read_are_announced_before_the_first_release() -> None:
    assert "registry.pullUsername" in look({}).advice[0]
    reading = values(registry={"pullUsername": "reader"}, packagesToken="ghp_read")
    assert look({}, reading) == look({}, changed("github.visibility", "public")) == Findings()
    assert look({}, values(registry={"host": "registry.example.com"})) == Findings()


@pytest.mark.parametrize(
    "host", ["docker.io", "quay.io", "acme.azurecr.io", "eu.gcr.io/p", "europe-docker.pkg.dev/p/r"]
)
def test_a_registry_that_wants_an_account_is_announced_without_one(host: str) -> None:
    (advice,) = look({}, values(registry={"host": host, "namespace": "acme"})).advice
    assert "registry.username" in advice
    own = {"host": host, "namespace": "acme", "username": "robot"}
    assert look({}, values(registry=own, registryPassword="hush")) == Findings()


def test_what_is_ours_is_not_in_the_way() -> None:
    assert not problems({**ENVIRONMENTS, "/orgs/acme/teams/web": {"description": OURS}})


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"/orgs/acme": None}, "no organisation acme"),
        ({"/orgs/acme": None, "/users/acme": {"login": "acme"}}, "person's account"),
        ({"/orgs/acme": httpx.Response(401, json={"message": "Bad credentials"})}, "expired"),
        ({"/user/memberships/orgs/acme": {"role": "member"}}, "does not own acme"),
        ({"/repos/acme/guestbook": {"description": "old"}}, "repository acme/guestbook: it exists"),
        ({"/repos/acme/environments": {"description": None}}, "acme/environments"),
        ({"/repos/acme/guestbook": {"description": OURS, "archived": True}}, "unarchive"),
        ({"/repos/acme/guestbook": {"full_name": "acme/visitors"}}, "it is acme/visitors now"),
        (
            {"/orgs/acme/teams/web": {"description": ""}},
            "teams[web]: it exists and is not this stack's; set `existing: true`",
        ),
        ({"/orgs/acme/teams/web": {"description": OURS, "privacy": "secret"}}, "teams[web]: it is a secret team"),
        ({"/orgs/acme/memberships/dana": None}, "no account dana"),
        ({"/orgs/acme/memberships/dana": {"state": "active", "role": "admin"}}, "set `role: maintainer`"),
        ({"/orgs/acme": {"plan": {"name": "team"}}}, "environments[production].approvers"),
        ({"/orgs/acme": {"plan": {"name": "free"}}}, "github.visibility"),
        ({"/orgs/acme": {"login": "acme"}}, "githubToken: it may not see the plan"),
        ({"/orgs/acme/actions/permissions": {"enabled_repositories": "none"}}, "Actions are disabled in acme"),
        ({"/orgs/acme/actions/permissions": {"allowed_actions": "local_only"}}, "only actions of acme may run"),
        ({"/orgs/acme/actions/permissions": {"allowed_actions": "selected"}}, "github.actionsPolicy"),
    ],
)
def test_what_is_in_the_way_is_named_with_the_remedy(answers: Answers, said: str) -> None:
    assert any(said in problem for problem in problems(answers)), problems(answers)


def test_the_plan_team_carries_an_approval_by_the_review_of_a_pull_request() -> None:
    answers = {"/orgs/acme": {"plan": {"name": "team"}}}
    stack = values()
    for environment in stack["environments"]:
        environment["delivery"] = "pull-request"
    assert not problems(answers, stack)


def test_a_wrong_token_is_told_and_not_what_could_not_be_seen_with_it() -> None:
    refused = {"/orgs/acme": httpx.Response(401, json={"message": "Bad credentials"})}
    (said,) = problems({**refused, **app("requester", repository_selection="selected")})
    assert "401" in said


def state(*known: tuple[str, str]) -> State:
    return State(frozenset(known))


GUESTBOOK = ("github:index/repository:Repository", "guestbook-repository")
WEB = ("github:index/team:Team", "web-team")
MARKED = {"/repos/acme/guestbook": {"description": OURS}, "/orgs/acme/teams/web": {"description": OURS}}


def adopting(answers: Answers, *adopt: str, known: State | None = None) -> Findings:
    stack = values(adopt=list(adopt))
    return github_findings(settings(stack), fake_github(answers), KEYS, known or state())


def test_what_exists_can_be_adopted_by_the_list_that_is_printed() -> None:
    foreign = {"/repos/acme/guestbook": {"description": "old"}, "/orgs/acme/teams/web": {"description": "old"}}
    assert adopting(foreign).adoptable == ["team/web", "repository/guestbook"]
    assert not adopting(foreign, "team/web", "repository/guestbook").problems


def test_what_carries_the_mark_and_is_not_in_the_state_is_a_lost_state() -> None:
    assert adopting(MARKED).adoptable == ["team/web", "repository/guestbook"]
    assert "the state does not know it" in adopting(MARKED).problems[0]
    assert "if another platform has this mark, set `mark`" in adopting(MARKED).problems[0]
    assert not adopting(MARKED, "everything").problems
    assert not adopting(MARKED, known=state(GUESTBOOK, WEB)).problems


@pytest.mark.parametrize("adopt", [(), ("everything",), ("team/web", "repository/guestbook")])
def test_what_is_another_platform_s_is_not_taken_over(adopt: tuple[str, ...]) -> None:
    """Each `pulumi up` of one platform would take back what the other one has changed."""
    theirs = {"description": "Guestbook [slipway-shop-0a1b2c]"}
    found = adopting({"/repos/acme/guestbook": theirs, "/orgs/acme/teams/web": theirs}, *adopt)
    assert not found.adoptable
    assert [text.partition(";")[0] for text in found.problems] == [
        "teams[web]: it is another platform's, whose mark is slipway-shop-0a1b2c",
        "repository acme/guestbook: it is another platform's, whose mark is slipway-shop-0a1b2c",
    ]


def test_a_description_that_lost_the_mark_stays_ours_while_the_state_knows_it() -> None:
    assert not adopting({"/repos/acme/guestbook": {"description": "by hand"}}, known=state(GUESTBOOK)).problems


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"visibility": "public"}, "adopting it would make it private"),
        ({"visibility": "private", "default_branch": "develop"}, "its default branch is develop"),
        ({"visibility": "private", "default_branch": "master"}, "rename it on https://page/branches first"),
        ({"visibility": "private", "default_branch": "main"}, None),
        ({"visibility": "private", "default_branch": "master", "size": 0}, None),
    ],
)
def test_adoption_changes_neither_visibility_nor_branches_in_passing(found: Answers, said: str | None) -> None:
    answers = {"/repos/acme/guestbook": {"html_url": "https://page", **found}}
    problems = adopting(answers, "repository/guestbook").problems
    assert any(said in problem for problem in problems) if said else not problems, problems


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"has_wiki": True, "is_template": True}, "turns off its wiki, use as a template"),
        ({"fork": True}, "enables them on https://page/actions"),
        ({"has_wiki": False, "fork": False, "has_projects": True}, None),
    ],
)
def test_what_adoption_turns_off_and_what_a_fork_lacks_is_announced(found: Answers, said: str | None) -> None:
    answers = {"/repos/acme/guestbook": {"html_url": "https://page", "visibility": "private", **found}}
    advice = adopting(ENVIRONMENTS | answers, "repository/guestbook", "repository/environments").advice
    assert len(advice) == (said is not None), advice
    assert said is None or said in advice[0]


def test_files_that_adoption_replaces_are_announced() -> None:
    answers = {
        "/repos/acme/guestbook": {"description": "old", "visibility": "private", "default_branch": "main"},
        "/repos/acme/guestbook/git/ref/heads/main": {"object": {"sha": "c0ffee"}},
        "/repos/acme/guestbook/git/trees/c0ffee": {
            "tree": [
                {"path": ".github/workflows/release.yml", "sha": "0" * 40, "mode": "100644", "type": "blob"},
                {"path": "README.md", "sha": "0" * 40, "mode": "100644", "type": "blob"},
            ]
        },
    }
    (advice,) = adopting(ENVIRONMENTS | answers, "repository/guestbook", "repository/environments").advice
    assert "repository acme/guestbook: adopting it replaces .github/workflows/release.yml" in advice


def test_everything_is_reported_at_once_in_the_order_of_mending() -> None:
    answers = {
        "/repos/acme/guestbook": {"description": "old"},
        "/orgs/acme/memberships/dana": None,
        "/orgs/acme/teams/web": {},
        "/orgs/acme/actions/permissions": {"enabled_repositories": "none"},
        "/orgs/acme": {"plan": {"name": "team"}},
        **app("promoter", permissions={}),
    }
    found = problems(answers)
    starts = ["environments[production]", "github.owner", "github.promoter", "teams[web]", "teams:", "repository"]
    assert [problem[: len(start)] for problem, start in zip(found, starts, strict=True)] == starts


@pytest.mark.parametrize(("plan", "refused"), [("free", True), ("team", True), ("enterprise", False)])
def test_internal_repositories_need_enterprise(plan: str, refused: bool) -> None:
    found = problems({"/orgs/acme": {"plan": {"name": plan}}}, changed("github.visibility", "internal"))
    assert any("`internal` needs GitHub Enterprise" in problem for problem in found) == refused


def test_a_classic_token_must_have_its_scopes() -> None:
    assert "admin:org" in problems({}, headers={"x-oauth-scopes": "repo, workflow"})[0]
    assert not problems({}, headers={"x-oauth-scopes": "repo, workflow, admin:org"})


def test_a_token_that_expires_soon_is_announced() -> None:
    def findings(days: int) -> Findings:
        ends = datetime.now(UTC) + timedelta(days=days)
        return look(ENVIRONMENTS, headers={"github-authentication-token-expiration": f"{ends:%Y-%m-%d %H:%M:%S} UTC"})

    assert "githubToken: it expires at" in findings(2).advice[0]
    assert findings(60) == findings(2000) == Findings()


def test_a_team_that_exists_elsewhere_must_exist() -> None:
    stack = changed("teams.1", {"name": "web", "existing": True})
    assert "no such team" in problems({}, stack)[0]
    assert not problems({"/orgs/acme/teams/web": {"description": "theirs"}}, stack)


def test_people_who_still_have_to_accept_are_advice() -> None:
    pending = {"/orgs/acme/memberships/dana": {"state": "pending", "role": "member"}}
    stranger = {"/orgs/acme/memberships/sam": None, "/users/sam": {"login": "sam"}}
    found = look(ENVIRONMENTS | pending | stranger)
    assert not found.problems
    assert ["dana has not accepted" in found.advice[0], "sam is not a member" in found.advice[1]] == [True, True]


def test_one_person_with_a_token_cannot_approve_its_own_pull_requests() -> None:
    alone = {"/user": {"login": "Pat"}}
    assert "has only pat" in problems(alone)[0]
    assert not problems(alone, changed("github.ownedFiles", "commit"))
    assert not problems(alone, changed("github.requiredApprovals", 0))
    owners = changed("github.platformTeam", None)
    assert "the owners of acme has only boss" in problems({"/orgs/acme/members": [{"login": "boss"}]}, owners)[0]


def test_a_delivery_by_pull_request_without_approvers_waits_for_no_person_and_needs_no_advice() -> None:
    advice = look({}, changed("environments.1.delivery", "pull-request")).advice
    assert not [text for text in advice if "delivery" in text]


WORKFLOWS = {"include": ["~DEFAULT_BRANCH"], "exclude": []}


def ruleset(kind: str, *, target: str = "branch", names: str = "~ALL", **given: Any) -> Answers:
    rule = {"type": kind, "parameters": given.pop("parameters", {})}
    found = {
        "id": 5,
        "name": "company",
        "enforcement": "active",
        "target": target,
        "conditions": {"repository_name": {"include": [names], "exclude": []}, "ref_name": WORKFLOWS},
        "rules": [rule],
        **given,
    }
    return {"/orgs/acme/rulesets": [found], "/orgs/acme/rulesets/5": found}


BYPASS = [
    {"actor_type": "Integration", "actor_id": 11, "bypass_mode": "always"},
    {"actor_type": "OrganizationAdmin", "actor_id": None, "bypass_mode": "always"},
]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (ruleset("required_signatures"), "wants signed commits"),
        (ruleset("required_signatures", bypass_actors=BYPASS[:1]), "let organisation owners bypass"),
        (ruleset("required_signatures", bypass_actors=BYPASS[1:]), "let the App of github.promoter bypass"),
        (
            ruleset("commit_message_pattern", parameters={"operator": "regex", "pattern": r"^[A-Z]+-\d+"}),
            "wants commit messages that match",
        ),
        (
            ruleset("tag_name_pattern", target="tag", parameters={"operator": "starts_with", "pattern": "rel-"}),
            "wants tag names that starts with 'rel-'",
        ),
        (ruleset("required_signatures", names="legacy-*"), None),
        (ruleset("required_signatures", enforcement="evaluate"), None),
        (ruleset("required_signatures", bypass_actors=BYPASS), None),
        (
            ruleset("commit_message_pattern", parameters={"operator": "contains", "pattern": "WIP", "negate": True}),
            None,
        ),
        ({"/orgs/acme/rulesets": httpx.Response(403, json={"message": "Resource not accessible"})}, None),
    ],
)
def test_rulesets_of_the_organisation_that_refuse_our_commits_are_named(answers: Answers, said: str | None) -> None:
    found = problems(answers)
    assert any(said in problem for problem in found) if said else not found, found


def policy(**given: Any) -> Answers:
    return {"/orgs/acme/actions/permissions": {"enabled_repositories": "all", "allowed_actions": "all", **given}}


def test_actions_that_the_organisation_does_not_select_are_named() -> None:
    stack = changed("github.actionsPolicy", "organization")
    path = "/orgs/acme/actions/permissions/selected-actions"
    chosen = policy(allowed_actions="selected")
    assert "actions/checkout" in problems({**chosen, path: {"github_owned_allowed": False}}, stack)[0]
    assert not problems({**chosen, path: {"github_owned_allowed": True}}, stack)
    assert not problems({**chosen, path: {"patterns_allowed": ["actions/*"]}}, stack)
    assert problems({**chosen, path: {"patterns_allowed": ["actions/*", "!actions/checkout@*"]}}, stack)


def test_repositories_for_which_actions_are_not_enabled_are_named() -> None:
    path = "/orgs/acme/actions/permissions/repositories"
    found = problems({**policy(enabled_repositories="selected"), path: {"repositories": [{"name": "guestbook"}]}})
    assert "disabled for environments; enable them for all" in found[0]


def test_actions_that_follow_a_branch_are_named_where_they_must_be_pinned() -> None:
    (found,) = problems(policy(sha_pinning_required=True))
    assert found.startswith("github.pinnedActions: in acme actions must be pinned")
    stack = changed("github.pinnedActions", value=True)
    (lacking,) = problems(policy(sha_pinning_required=True), stack)
    assert lacking.startswith("github.requester: its App lacks the permissions contents: read")
    grown = {"statuses": "write", "contents": "read"}
    answers = app("requester", permissions=grown)
    assert not problems({**policy(sha_pinning_required=True), **answers}, stack)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (app("promoter", permissions={}), "github.promoter: its new permissions actions: read, contents: write"),
        (app("argocd", suspended_at="2026-01-01T00:00:00Z"), "github.argocd: its installation is suspended"),
        (app("argocd", account={"login": "other"}), "github.argocd.installationId: 103 is wrong for acme"),
        (
            {"argocd /app/installations/103": None, "argocd /orgs/acme/installation": {"id": 777}},
            "github.argocd.installationId: 103 is wrong for acme: its App is not installed there; it is 777",
        ),
        ({"argocd /app/installations/103": None}, "install it: https://github.com/apps/acme-argocd/installations/new"),
        (
            app("requester", permissions={"statuses": "write", "contents": "write"}),
            "it may do more than it has to (contents: write)",
        ),
        (app("promoter", repository_selection="selected"), "environments, guestbook does not exist yet"),
    ],
)
def test_what_is_wrong_with_an_app_is_named(answers: Answers, said: str) -> None:
    assert any(said in problem for problem in problems(answers)), problems(answers)


def test_permissions_that_the_app_itself_lacks_are_added_there() -> None:
    answers = {**app("argocd", permissions={}), "argocd /app": {"html_url": "https://page", "permissions": {}}}
    (found,) = problems(answers)
    assert "its App lacks the permissions contents: read, deployments: write; add them on https://page" in found


def test_an_app_that_is_not_installed_on_the_environment_repository_is_named() -> None:
    answers = {**ENVIRONMENTS, **app("argocd", repository_selection="selected")}
    (found,) = problems(answers)
    assert "github.argocd: it is not installed on environments" in found
    assert not problems({**answers, "argocd /repos/acme/environments/installation": {"id": 103}})


def test_a_slug_of_another_app_is_named() -> None:
    stack = changed("github.argocd.slug", "acme-other")
    shown = {"html_url": "https://page", "slug": "acme-argocd", "permissions": APPS["argocd"].permissions}
    (found,) = problems({"argocd /app": shown}, stack)
    assert found.startswith("github.argocd.slug: 'acme-other' is not the name of App 13; it is 'acme-argocd'")


def test_swapped_keys_are_called_swapped() -> None:
    keys = KEYS | {"promoterPrivateKey": pem("requester"), "requesterPrivateKey": pem("promoter")}
    found = github_findings(settings(), fake_github({}), keys).problems
    assert [problem.partition(":")[0] for problem in found] == ["promoterPrivateKey", "requesterPrivateKey"]
    assert all("swap" in problem for problem in found)


def test_a_key_of_no_app_of_the_stack_and_an_unknown_id_are_told_apart() -> None:
    keys = KEYS | {"argocdPrivateKey": pem("another")}
    (found,) = github_findings(settings(), fake_github({}), keys).problems
    assert found.startswith("argocdPrivateKey: it is not a private key of App 13")
    (found,) = problems({}, changed("github.argocd.id", "99"))
    assert found.startswith("github.argocd.id: there is no App 99")


def with_app() -> dict[str, Any]:
    number, installation = IDS["app"]
    stack = changed("github.app", {"id": number, "installationId": installation})
    del stack["githubToken"]
    return stack | {"githubAppPrivateKey": pem("app")}


def test_the_app_that_acts_is_looked_at_too() -> None:
    stack = with_app()
    api = fake_github(app("app", permissions={}), credentials=AppKey("14", "104", pem("app")))
    (found,) = github_findings(settings(stack), api, KEYS | {"githubAppPrivateKey": pem("app")}).problems
    assert found.startswith("github.app: its new permissions actions: write")
    hidden = fake_github({"/orgs/acme": {"login": "acme"}}, credentials=AppKey("14", "104", pem("app")))
    (found,) = github_findings(settings(stack), hidden, KEYS | {"githubAppPrivateKey": pem("app")}).problems
    assert found.startswith("github.app: it may not see the plan of acme")


def test_an_up_that_outlives_the_token_of_an_app_is_announced() -> None:
    stack = with_app()
    named = {service["name"]: service for service in stack["services"]}
    stack["services"] += [named["guestbook"] | {"name": f"service-{number}"} for number in range(250)]
    api = fake_github({}, credentials=AppKey("14", "104", pem("app")))
    advice = github_findings(settings(stack), api, KEYS | {"githubAppPrivateKey": pem("app")}).advice
    assert "250 new services" in advice[0] or "251 new services" in advice[0]


def test_what_answers_but_is_not_github_is_named() -> None:
    (problem,) = problems({"/orgs/acme": httpx.Response(200, text="<html>welcome</html>")})
    assert "github.baseUrl" in problem


@pytest.mark.parametrize("credentials", [Token("t"), AppKey("1", "2", "no key")])
def test_a_github_that_cannot_be_asked_is_named_with_the_remedy(credentials: Token | AppKey) -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise ConnectionRefusedError("Connection refused")

    ghe = api(silent, credentials, "http://ghe.example:3999", deadline_seconds=0)
    (problem,) = github_findings(settings(), ghe, KEYS).problems
    assert "private key" in problem if isinstance(credentials, AppKey) else "ghe.example:3999" in problem


def test_all_pages_of_the_repositories_that_may_run_actions_are_read() -> None:
    """Unlike other lists, this one is inside of an object."""

    def answer(request: httpx.Request) -> httpx.Response:
        page = request.url.params.get("page", "1")
        more = {"link": f'<https://elsewhere.test{request.url.path}?page=2>; rel="next"'} if page == "1" else {}
        return httpx.Response(200, json={"repositories": [{"name": f"page-{page}"}]}, headers=more)

    found = api(answer).pages("/orgs/acme/actions/permissions/repositories", key="repositories")
    assert [repository["name"] for repository in found] == ["page-1", "page-2"]
