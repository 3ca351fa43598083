"""`make access --check` against GitHub: what is otherwise than declared is named with what mends it."""

import base64
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from manifests.code_owners import code_owners
from manifests.model import Service, Settings
from manifests.rules import ActorKind, environment_rules
from stacks.access_check import github
from stacks.settings import settings_of
from tests.github.conftest import Hub, Repository
from tests.stacks.builders import texts, values

POLICY = {"deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True}}


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
        repository.ask("PUT", f"/environments/{name}", json=POLICY | {"reviewers": reviewers})
        repository.ask("POST", f"/environments/{name}/deployment-branch-policies", json={"name": "main"})
    for title, actors in environment_rules(here.settings).items():
        bypass = [
            {"actor_type": actor.kind.value, "bypass_mode": "always"}
            | ({} if actor.kind is ActorKind.OWNERS else {"actor_id": int(actor.name)})
            for actor in actors
        ]
        body = {"name": title, "target": "tag", "enforcement": "active", "bypass_actors": bypass}
        conditions = {"ref_name": {"include": ["refs/tags/never"], "exclude": []}}
        repository.ask("POST", "/rulesets", json=body | {"conditions": conditions, "rules": [{"type": "creation"}]})
    return here


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
    declared.ask("PUT", f"{declared.path}/environments/production", json=POLICY | {"reviewers": []})
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
    main = declared.number_of("main")
    some = {"ref_name": {"include": ["refs/tags/never"], "exclude": ["refs/tags/n*"]}}
    declared.ask("PUT", f"{declared.path}/rulesets/{main}", json={"enforcement": "disabled", "conditions": some})
    promoter = declared.settings.github.promoter.id
    record = f"ruleset 'record of verified releases' of {declared.name}"
    assert declared.differences() == [
        f"ruleset 'main' of {declared.name}: it is disabled, declared is active",
        f"ruleset 'main' of {declared.name}: it leaves out refs/tags/n*, declared is nothing",
        f"{record}: OrganizationAdmin every owner is not bound by it and not declared",
        f"{record}: it binds App {promoter}, declared is that it does not",
    ]


def test_the_code_owners_of_main_are_compared(declared: Declared) -> None:
    path = f"{declared.path}/contents/CODEOWNERS"
    with declared.hub.admin as admin:
        sha = admin.get(path).json()["sha"]
    text = code_owners(declared.settings).replace("/.github/ @acme", "/.github/ @bob @acme")
    declared.ask("PUT", path, json=_file(text) | {"sha": sha})
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
