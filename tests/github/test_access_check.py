"""`make access --check` against GitHub: what is otherwise than declared is named with what mends it."""

import base64
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from manifests.code_owners import code_owners
from manifests.model import Service, Settings
from manifests.rules import ActorKind, Ruleset, environment_rules
from sandbox.sealing import sealed
from stacks.access_check import github
from stacks.settings import settings_of
from tests.github.conftest import Hub, Repository
from tests.stacks.builders import texts, values

POLICY = {"deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True}}
GUARDED = POLICY | {"can_admins_bypass": False, "prevent_self_review": True}
MORE: dict[str, dict[str, Any]] = {
    "pull_request": {"required_review_thread_resolution": False},
    "required_status_checks": {"strict_required_status_checks_policy": False},
}
"""What GitHub wants beside what is declared."""


@dataclass(frozen=True)
class Declared:
    """A repository that is as the settings declare it."""

    hub: Hub
    repository: Repository
    settings: Settings

    def differences(self) -> list[str]:
        return [line.split("; ")[0].removeprefix("GitHub: ") for line in github.differences(self.settings)]

    def ask(self, method: str, path: str, **more: object) -> None:
        with self.hub.admin as admin:
            admin.request(method, path, **more).raise_for_status()  # pyright: ignore[reportArgumentType]

    @property
    def name(self) -> str:
        return f"acme/{self.repository.name}"

    @property
    def path(self) -> str:
        return f"/repos/{self.name}"

    def write(self, path: str, text: str) -> None:
        """Writes a file of main, whose rules let nobody do so directly."""
        (main,) = (one for one in environment_rules(self.settings) if one.name == "main")
        rules = f"{self.path}/rulesets/{self.number_of(main.title)}"
        self.ask("PUT", rules, json=body(main, enforcement="disabled"))
        with self.hub.admin as admin:
            found = admin.get(f"{self.path}/contents/{path}").json()
        sha = {"sha": found["sha"]} if "sha" in found else {}
        self.ask("PUT", f"{self.path}/contents/{path}", json=_file(text) | sha)
        self.ask("PUT", rules, json=body(main))

    def number_of(self, title: str) -> int:
        found = self.repository.ask("GET", "/rulesets").json()
        return next(int(one["id"]) for one in found if one["name"] == title)


@pytest.fixture
def declared(hub: Hub, monkeypatch: pytest.MonkeyPatch, new_repository: Callable[..., Repository]) -> Declared:
    repository = new_repository()
    monkeypatch.setenv("GITHUB_TOKEN", hub.secrets.github_token)
    team = f"seen-{repository.name}"
    stack = values(services=[], teams=[{"name": team, "members": [{"login": "alice"}]}])
    stack["github"] |= {"baseUrl": hub.url, "environmentRepository": repository.name, "platformTeam": team}
    stack["github"]["promoter"]["id"] = hub.secrets.apps["promoter"].id
    stack["environments"] = [{"name": "production", "approvers": [team]}]
    here = Declared(hub, repository, settings_of("test", texts(stack)))
    with hub.admin as admin:
        number = admin.post("/orgs/acme/teams", json={"name": team}).json()["id"]
        for other in admin.get(f"/orgs/acme/teams/{team}/members").json():
            admin.delete(f"/orgs/acme/teams/{team}/memberships/{other['login']}")
        admin.put(f"/orgs/acme/teams/{team}/memberships/alice", json={"role": "member"})
        admin.put(f"/orgs/acme/teams/{team}/repos/acme/{repository.name}", json={"permission": "maintain"})
    repository.ask("PUT", "/contents/CODEOWNERS", json=_file(code_owners(here.settings)))
    for name, reviewers in (("slipway", []), ("production", [{"type": "Team", "id": number}])):
        repository.ask("PUT", f"/environments/{name}", json=GUARDED | {"reviewers": reviewers}).raise_for_status()
        repository.ask("POST", f"/environments/{name}/deployment-branch-policies", json={"name": "main"})
    for ruleset in environment_rules(here.settings):
        repository.ask("POST", "/rulesets", json=body(ruleset)).raise_for_status()
    open_to_all = {"github_owned_allowed": True, "verified_allowed": False, "patterns_allowed": ["acme/*"]}
    repository.ask("PUT", "/actions/permissions", json={"enabled": True, "allowed_actions": "selected"})
    repository.ask("PUT", "/actions/permissions/selected-actions", json=open_to_all).raise_for_status()
    variable = {"name": "PROMOTER_APP_ID", "value": here.settings.github.promoter.id}
    repository.ask("POST", "/actions/variables", json=variable).raise_for_status()
    return here


def body(ruleset: Ruleset, **changes: object) -> dict[str, Any]:
    """A ruleset as it is sent to GitHub."""
    bypass = [
        {"actor_type": actor.kind.value, "bypass_mode": "always"}
        | ({} if actor.kind is ActorKind.OWNERS else {"actor_id": int(actor.name)})
        for actor in ruleset.actors
    ]
    refs = {"include": list(ruleset.includes), "exclude": []}
    made = {"name": ruleset.title, "target": ruleset.target, "enforcement": "active", "bypass_actors": bypass}
    return made | {"conditions": {"ref_name": refs}, "rules": sent(ruleset.rules)} | changes


def sent(rules: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": kind, "parameters": {**MORE.get(kind, {}), **parameters}} for kind, parameters in rules.items()]


def _file(text: str) -> dict[str, str]:
    return {"message": "Say who owns what", "content": base64.b64encode(text.encode()).decode()}


def test_what_is_as_declared_makes_no_difference(declared: Declared) -> None:
    assert declared.differences() == []


def test_what_a_team_may_do_is_compared(declared: Declared) -> None:
    team = declared.settings.teams[0].name
    path = f"/orgs/acme/teams/{team}/repos/{declared.name}"
    declared.ask("PUT", path, json={"permission": "push"})
    assert declared.differences() == [f"team {team} has push on {declared.name}, declared is maintain"]
    declared.ask("DELETE", path)
    assert declared.differences() == [f"team {team} has nothing on {declared.name}, declared is maintain"]


def test_a_team_a_person_and_a_member_that_nobody_declared_are_found(declared: Declared) -> None:
    team = declared.settings.teams[0].name
    declared.ask("POST", "/orgs/acme/teams", json={"name": f"more-{team}"})
    declared.ask("PUT", f"/orgs/acme/teams/more-{team}/repos/{declared.name}", json={"permission": "push"})
    declared.ask("PUT", f"{declared.path}/collaborators/bob", json={"permission": "push"})
    declared.ask("PUT", f"/orgs/acme/teams/{team}/memberships/bob", json={"role": "member"})
    found = list(github.differences(declared.settings))
    assert [line.split("; ")[0] for line in found] == [
        f"GitHub: team {team}: bob is in it and not declared",
        f"GitHub: team more-{team} has push on {declared.name}, declared is nothing",
        f"GitHub: bob has push on {declared.name} beside the teams",
    ]
    assert "gh api --method DELETE" in found[1]
    assert "gh api --method DELETE" in found[2]


def test_reviewers_and_the_branches_that_reach_the_keys_are_compared(declared: Declared) -> None:
    declared.ask("PUT", f"{declared.path}/environments/production", json=GUARDED | {"reviewers": []})
    declared.repository.ask("POST", "/environments/slipway/deployment-branch-policies", json={"name": "feature"})
    team, where = declared.settings.teams[0].name, f"of {declared.name}"
    assert declared.differences() == [
        f"environment slipway {where}: its keys are given to workflows of main, feature, declared is main",
        f"environment production {where}: approved by no team, declared is {team}",
    ]


def test_a_tag_of_the_name_of_main_does_not_pass_for_it(declared: Declared) -> None:
    path = "/environments/slipway/deployment-branch-policies"
    (main,) = declared.repository.ask("GET", path).json()["branch_policies"]
    declared.repository.ask("DELETE", f"{path}/{main['id']}")
    declared.repository.ask("POST", path, json={"name": "main", "type": "tag"})
    said = f"environment slipway of {declared.name}: its keys are given to workflows of tag main, declared is main"
    assert declared.differences() == [said]


def test_what_reaches_the_keys_of_a_service_is_compared(declared: Declared) -> None:
    team, repository = declared.settings.teams[0].name, declared.repository.name
    service = Service(name="guestbook", template="python-web", team=team, repository=repository)
    settings = dataclasses.replace(declared.settings, services=(service,))
    (line,) = (line for line in github.differences(settings) if "its keys" in line)
    assert "given to workflows of main, declared is tag v*" in line


def test_a_key_that_writes_and_workflows_that_approve_are_found(declared: Declared) -> None:
    """Either could make and approve a change with no other person than who has made it."""
    for title, read_only in (("of a machine", False), ("of a reader", True)):
        key = {"title": title, "key": f"ssh-ed25519 AAAA{title.encode().hex()}", "read_only": read_only}
        declared.ask("POST", f"{declared.path}/keys", json=key)
    open_to_workflows = {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": True}
    of_all = "/orgs/acme/actions/permissions/workflow"
    declared.ask("PUT", of_all, json=open_to_workflows)
    try:
        declared.ask("PUT", f"{declared.path}/actions/permissions/workflow", json=open_to_workflows)
        found = list(github.differences(declared.settings))
    finally:
        declared.ask("PUT", of_all, json=open_to_workflows | {"can_approve_pull_request_reviews": False})
    assert [line.split("; ")[0].removeprefix("GitHub: ") for line in found] == [
        f"deploy key 'of a machine' writes {declared.name}, declared is none",
        f"workflows of {declared.name} may make and approve pull requests, declared is not",
    ]
    assert f"`gh api --method DELETE repos/{declared.name}/keys/" in found[0]


def test_whom_a_ruleset_does_not_bind_is_compared(declared: Declared) -> None:
    number = declared.number_of("record of verified releases")
    bypass = [{"actor_type": "OrganizationAdmin", "bypass_mode": "always"}]
    declared.ask("PUT", f"{declared.path}/rulesets/{number}", json={"bypass_actors": bypass})
    promoter = declared.settings.github.promoter.id
    record = f"ruleset 'record of verified releases' of {declared.name}"
    assert declared.differences() == [
        f"{record}: OrganizationAdmin every owner is not bound by it and not declared",
        f"{record}: it binds App {promoter}, declared is that it does not",
    ]


def test_the_code_owners_of_main_are_compared(declared: Declared) -> None:
    declared.write("CODEOWNERS", code_owners(declared.settings).replace("/.github/ @acme", "/.github/ @bob @acme"))
    team = declared.settings.teams[0].name
    assert declared.differences() == [
        f"CODEOWNERS of {declared.name}: the line '/.github/ @bob @acme/{team}' is not declared",
        f"CODEOWNERS of {declared.name}: the line '/.github/ @acme/{team}' is missing",
    ]


def test_without_a_token_it_is_said_that_github_was_not_asked(
    declared: Declared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    (line,) = github.differences(declared.settings)
    assert "set GITHUB_TOKEN" in line


def test_each_rule_and_each_of_its_parameters_is_compared(declared: Declared) -> None:
    """What was taken away, or made weaker, by hand; and all of it is there in the end."""
    tried = 0
    for ruleset in environment_rules(declared.settings):
        path = f"/rulesets/{declared.number_of(ruleset.title)}"
        where = f"ruleset {ruleset.title!r} of {declared.name}"
        weaker: list[tuple[dict[str, Any], str]] = [
            ({"enforcement": "disabled"}, "it is disabled, declared is active"),
            ({"enforcement": "evaluate"}, "it is evaluate, declared is active"),
            ({"conditions": {"ref_name": {"include": ["refs/*/x"], "exclude": []}}}, "it holds for the "),
            (
                {"conditions": {"ref_name": {"include": list(ruleset.includes), "exclude": ["refs/*/x"]}}},
                "it leaves out refs/*/x, declared is nothing",
            ),
            ({"rules": [*sent(ruleset.rules), {"type": "required_signatures"}]}, "it has the rule required_signatures"),
        ]
        for kind, parameters in ruleset.rules.items():
            less = {name: given for name, given in ruleset.rules.items() if name != kind}
            weaker.append(({"rules": sent(less)}, f"it lacks the rule {kind}"))
            for word, wanted in parameters.items():
                other = [] if isinstance(wanted, list) else not wanted if isinstance(wanted, bool) else 0
                changed = {**ruleset.rules, kind: {**parameters, word: other}}
                weaker.append(({"rules": sent(changed)}, f"its rule {kind} has {word} "))
        for change, told in weaker:
            declared.repository.ask("PUT", path, json=body(ruleset, **change)).raise_for_status()
            (found,) = github.differences(declared.settings)
            assert found.startswith(f"GitHub: {where}: {told}"), found
            assert found.endswith("`pulumi up --refresh` puts it back")
            tried += 1
        declared.repository.ask("PUT", path, json=body(ruleset)).raise_for_status()
    assert tried > 30
    assert declared.differences() == []


def test_how_an_actor_passes_a_rule_is_compared(declared: Declared) -> None:
    """Else the promoter could deliver nothing, which is no gap, and nobody would see why."""
    (record,) = (one for one in environment_rules(declared.settings) if one.name == "record")
    actors = [one | {"bypass_mode": "pull_request"} for one in body(record)["bypass_actors"]]
    path = f"/rulesets/{declared.number_of(record.title)}"
    declared.repository.ask("PUT", path, json=body(record, bypass_actors=actors)).raise_for_status()
    promoter = f"App {declared.settings.github.promoter.id}"
    said = f"{record.title!r} of {declared.name}: it does not bind {promoter} by pull_request, declared is always"
    assert declared.differences() == [f"ruleset {said}"]


def test_who_may_not_see_whom_a_rule_binds_is_told_so(declared: Declared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", declared.hub.people["alice"])
    found = list(github.differences(declared.settings))
    assert found, "a member of the platform's team administers nothing"
    assert all("; " in line for line in found), found


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"can_admins_bypass": True}, "administrators may pass its rules, declared is that they may not"),
        ({"prevent_self_review": False}, "who starts a job may approve it, declared is that they may not"),
        ({"deployment_branch_policy": None}, "its keys are given to workflows of every branch, declared is main"),
        (
            {"deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": False}},
            "its keys are given to workflows of every protected branch, declared is main",
        ),
    ],
)
def test_each_guard_of_an_environment_is_compared(declared: Declared, change: dict[str, Any], told: str) -> None:
    path = f"/orgs/acme/teams/{declared.settings.teams[0].name}"
    with declared.hub.admin as admin:
        team = admin.get(path).json()["id"]
    guarded = GUARDED | {"reviewers": [{"type": "Team", "id": team}]} | change
    declared.ask("PUT", f"{declared.path}/environments/production", json=guarded)
    assert declared.differences() == [f"environment production of {declared.name}: {told}"]


def test_an_account_of_a_team_s_name_is_not_the_team(declared: Declared) -> None:
    with declared.hub.admin as admin:
        alice = admin.get("/users/alice").json()["id"]
        team = admin.get(f"/orgs/acme/teams/{declared.settings.teams[0].name}").json()["id"]
    for reviewers in ([{"type": "User", "id": alice}], [{"type": "User", "id": alice}, {"type": "Team", "id": team}]):
        declared.ask("PUT", f"{declared.path}/environments/production", json=GUARDED | {"reviewers": reviewers})
        (found,) = declared.differences()
        assert "approved by " in found
        assert "the account alice" in found


def test_keys_outside_of_environments_are_found(declared: Declared) -> None:
    """Every workflow that somebody pushes on a branch is given those of the repository."""
    key = declared.repository.ask("GET", "/actions/secrets/public-key").json()
    for name in ("PROMOTER_PRIVATE_KEY", "OWN"):
        declared.repository.ask("PUT", f"/actions/secrets/{name}", json=sealed(key, "x")).raise_for_status()
    (found,) = github.differences(declared.settings)
    assert f"secret PROMOTER_PRIVATE_KEY of {declared.name} is given to workflows of every branch" in found
    assert found.endswith(f"`gh api --method DELETE repos/{declared.name}/actions/secrets/PROMOTER_PRIVATE_KEY`")


def test_what_workflows_with_a_key_are_told_is_compared(declared: Declared) -> None:
    """Who may push may change variables, and one of an environment wins over the repository's."""
    declared.repository.ask("PATCH", "/actions/variables/PROMOTER_APP_ID", json={"value": "666"}).raise_for_status()
    for name, path in (("REGISTRY_USERNAME", "/actions"), ("NOTIFY_SLACK_CHANNEL", "/environments/slipway")):
        own = {"name": name, "value": "mine"}
        declared.repository.ask("POST", f"{path}/variables", json=own).raise_for_status()
    declared.repository.ask("POST", "/actions/variables", json={"name": "OWN", "value": "x"}).raise_for_status()
    number = declared.settings.github.promoter.id
    assert declared.differences() == [
        f"variable PROMOTER_APP_ID of {declared.name} is '666', declared is '{number}'",
        f"variable REGISTRY_USERNAME of {declared.name} is 'mine', declared is none",
        f"variable NOTIFY_SLACK_CHANNEL of environment slipway of {declared.name} is 'mine', declared is none",
    ]
    assert [line.rpartition("; ")[2] for line in github.differences(declared.settings)][1:] == [
        f"`gh api --method DELETE repos/{declared.name}/actions/variables/REGISTRY_USERNAME`",
        f"`gh api --method DELETE repos/{declared.name}/environments/slipway/variables/NOTIFY_SLACK_CHANNEL`",
    ]


def test_what_workflows_may_do_and_run_and_who_sees_a_repository_is_compared(declared: Declared) -> None:
    permissions = f"{declared.path}/actions/permissions"
    body = {"default_workflow_permissions": "write", "can_approve_pull_request_reviews": False}
    of_all = "/orgs/acme/actions/permissions/workflow"
    declared.ask("PUT", of_all, json=body)
    declared.ask("PUT", f"{permissions}/workflow", json=body)
    declared.ask("PUT", of_all, json=body | {"default_workflow_permissions": "read"})
    assert declared.differences() == [
        f"workflows of {declared.name} may write unless they say otherwise, declared is read"
    ]
    declared.ask("PUT", f"{permissions}/workflow", json=body | {"default_workflow_permissions": "read"})
    more = {"github_owned_allowed": True, "verified_allowed": True, "patterns_allowed": ["acme/*", "evil/*"]}
    declared.ask("PUT", f"{permissions}/selected-actions", json=more)
    said = f"actions that run in {declared.name}: "
    wanted = "declared are GitHub's and its owner's"
    assert declared.differences() == [f"{said}evil/*, those of verified creators, {wanted}"]
    declared.ask("PUT", permissions, json={"enabled": True, "allowed_actions": "all"})
    assert declared.differences() == [f"{said}all, {wanted}"]
    declared.ask("PUT", permissions, json={"enabled": True, "allowed_actions": "selected"})
    declared.ask(
        "PUT", f"{permissions}/selected-actions", json=more | {"verified_allowed": False, "patterns_allowed": []}
    )
    declared.ask("PATCH", declared.path, json={"visibility": "public"})
    assert declared.differences() == [f"{declared.name} is public, declared is private"]


def test_what_every_member_may_do_is_compared(declared: Declared) -> None:
    declared.ask("PATCH", "/orgs/acme", json={"default_repository_permission": "write"})
    try:
        found = list(github.differences(declared.settings))
    finally:
        declared.ask("PATCH", "/orgs/acme", json={"default_repository_permission": "read"})
    said = "GitHub: every member of acme has write on every repository, declared is read"
    command = "`gh api --method PATCH orgs/acme --field default_repository_permission=read`"
    assert found == [f"{said}; {command}"]


def test_who_may_take_others_into_a_team_is_compared(declared: Declared) -> None:
    team = declared.settings.teams[0].name
    declared.ask("PUT", f"/orgs/acme/teams/{team}/memberships/alice", json={"role": "maintainer"})
    assert declared.differences() == [f"team {team}: alice may take others into it, declared is member"]


@pytest.mark.parametrize("branch", ["slipway", "slipway/files", "slipway/files/more", "release", "hold/a/b/c/d"])
def test_no_branch_of_a_member_is_in_the_way_of_the_program_s(declared: Declared, branch: str) -> None:
    """Git makes no branch above or below another one: nothing could be proposed any more."""
    with declared.hub.user("alice") as alice:
        body = {"ref": f"refs/heads/{branch}", "sha": declared.repository.head()}
        answer = alice.post(f"{declared.path}/git/refs", json=body)
        assert (answer.status_code, "rule violations" in answer.text) == (422, True), answer.text
        taken = alice.post(f"{declared.path}/git/refs", json=body | {"ref": "refs/heads/slipway/template-web"})
        assert taken.status_code == 201


def test_code_owners_that_github_prefers_are_found(declared: Declared) -> None:
    declared.write(".github/CODEOWNERS", "* @bob\n")
    said = f"CODEOWNERS of {declared.name}: GitHub follows .github/CODEOWNERS and not this one"
    assert declared.differences() == [said]


def test_a_repository_that_left_its_name_is_told_and_one_made_anew_has_no_guard(declared: Declared) -> None:
    """GitHub leads the old name on to where a repository is now; nothing there is asked about."""
    name = declared.repository.name
    declared.ask("PATCH", declared.path, json={"name": f"{name}-gone"})
    found = declared.differences()
    assert f"acme/{name} is acme/{name}-gone now, which its App and its rules do not know" in found
    assert not any("ruleset" in line for line in found)
    declared.ask("POST", "/orgs/acme/repos", json={"name": name, "auto_init": True, "private": True})
    told = "\n".join(declared.differences())
    for ruleset in environment_rules(declared.settings):
        assert f"ruleset {ruleset.title!r} of acme/{name}: it is not there" in told
    for environment in ("slipway", "production"):
        assert f"environment {environment} of acme/{name}: it is not there" in told
    team = declared.settings.teams[0].name
    assert f"team {team} has nothing on acme/{name}, declared is maintain" in told
    assert f"CODEOWNERS of acme/{name}: it is not there" in told
