"""GitHub resources against the sandbox's own GitHub: created once, then left alone, then updated where they differ."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.engine.github import KINDS, LOOK_UPS
from sandbox.engine.github.api import GitHubApi, api_root
from sandbox.engine.github.kind import Context
from sandbox.engine.memory import Memory
from sandbox.engine.outcome import Applied, ApplyError, Outcome

Json = dict[str, Any]


@dataclass
class World:
    """One repository to put things into, and a short way to apply a kind."""

    context: Context
    repository: str
    team: str

    @property
    def api(self) -> GitHubApi:
        return self.context.api

    @property
    def path(self) -> str:
        return self.api.repository_path(self.repository)

    def apply(self, kind: str, inputs: Json) -> Applied:
        inputs = (
            {"repository": self.repository} | inputs if kind not in {"Repository", "Team", "TeamMembers"} else inputs
        )
        return KINDS[f"github:index/{kind[0].lower()}{kind[1:]}:{kind}"](self.context, inputs)


@pytest.fixture
def world(github: GitHubApi, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    name = f"r{abs(hash(request.node.nodeid))}"
    made = World(Context(github, Memory(tmp_path / "memory.json")), name, "")
    made.apply("Repository", {"name": name, "autoInit": True, "visibility": "private"})
    made.team = made.apply("Team", {"name": f"team {name}", "privacy": "closed"}).id
    return made


GATE = {"environment": "production/orders"}
HOOK = {"url": "http://127.0.0.1:9/hook", "contentType": "json", "secret": "hidden"}
PULL = {"requiredApprovingReviewCount": 1, "dismissStaleReviewsOnPush": True}
REF = {"refName": {"includes": ["~DEFAULT_BRANCH"], "excludes": []}}
CHECKS = {"requiredChecks": [{"context": "validate"}], "strictRequiredStatusChecksPolicy": True}
RULES = {"deletion": True, "nonFastForward": True, "pullRequest": PULL, "requiredStatusChecks": CHECKS}
RULESET = {"name": "main", "target": "branch", "enforcement": "active", "conditions": REF, "rules": RULES}
ADMINS = [{"actorType": "OrganizationAdmin", "bypassMode": "always"}]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG3TyS5pWnR4Yd9Cr9K2L9vEbTQK5xVqz2mQ4i6mXl9n"

CASES: dict[str, tuple[str, Json, Json]] = {
    "topics": ("RepositoryTopics", {"topics": ["b", "a"]}, {"topics": ["c"]}),
    "ruleset": ("RepositoryRuleset", RULESET, {"rules": RULES | {"creation": True}}),
    "ruleset-bypass": ("RepositoryRuleset", RULESET | {"bypassActors": ADMINS}, {"bypassActors": []}),
    "tag-ruleset": (
        "RepositoryRuleset",
        RULESET | {"name": "tags", "target": "tag", "rules": {"update": True, "creation": True}},
        {"conditions": {"refName": {"includes": ["refs/tags/v*"], "excludes": []}}},
    ),
    "environment": (
        "RepositoryEnvironment",
        GATE | {"waitTimer": 5, "deploymentBranchPolicy": {"protectedBranches": False, "customBranchPolicies": True}},
        {"waitTimer": 6},
    ),
    "label": ("IssueLabel", {"name": "held back", "color": "D93F0B", "description": "x"}, {"description": "y"}),
    "labels": ("IssueLabels", {"labels": [{"name": "one", "color": "ffffff"}]}, {"labels": []}),
    "variable": ("ActionsVariable", {"variableName": "APP_ID", "value": "1"}, {"value": "2"}),
    "secret": ("ActionsSecret", {"secretName": "KEY", "value": "hidden"}, {"value": "other"}),
    "webhook": ("RepositoryWebhook", {"configuration": HOOK, "events": ["push"], "active": True}, {"events": ["ping"]}),
    "webhook-secret": (
        "RepositoryWebhook",
        {"configuration": HOOK, "events": ["push"]},
        {"configuration": HOOK | {"secret": "other"}},
    ),
    "collaborator": ("RepositoryCollaborator", {"username": "dana", "permission": "push"}, {"permission": "maintain"}),
    "permissions": (
        "ActionsRepositoryPermissions",
        {
            "allowedActions": "selected",
            "allowedActionsConfig": {"githubOwnedAllowed": True, "patternsAlloweds": ["acme/*"]},
        },
        {"allowedActionsConfig": {"githubOwnedAllowed": False, "patternsAlloweds": ["acme/*"]}},
    ),
    "access-level": ("ActionsRepositoryAccessLevel", {"accessLevel": "organization"}, {"accessLevel": "none"}),
    "workflow-permissions": (
        "WorkflowRepositoryPermissions",
        {"defaultWorkflowPermissions": "write", "canApprovePullRequestReviews": True},
        {"canApprovePullRequestReviews": False},
    ),
    "alerts": ("RepositoryVulnerabilityAlerts", {"enabled": True}, {"enabled": False}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_kind_is_made_once_then_left_alone_then_changed(world: World, case: str) -> None:
    kind, inputs, change = CASES[case]
    first = world.apply(kind, inputs)
    second = world.apply(kind, inputs)
    third = world.apply(kind, inputs | change)
    fourth = world.apply(kind, inputs | change)
    outcomes = [first.outcome, second.outcome, third.outcome, fourth.outcome]
    assert outcomes[0] is not Outcome.UNCHANGED
    assert outcomes[1:] == [Outcome.UNCHANGED, Outcome.UPDATED, Outcome.UNCHANGED]
    assert first.id == second.id == third.id


def test_a_repository_is_adopted_and_its_differences_mended(world: World) -> None:
    inputs = {"name": world.repository, "autoInit": True, "hasWiki": False, "visibility": "private", "description": "x"}
    assert world.apply("Repository", inputs).outcome is Outcome.UPDATED
    again = world.apply("Repository", inputs)
    assert again.outcome is Outcome.UNCHANGED
    assert again.outputs["fullName"] == f"acme/{world.repository}"
    assert again.outputs["httpCloneUrl"].endswith(f"/acme/{world.repository}.git")
    assert isinstance(again.outputs["repoId"], int)


def test_drift_is_mended(world: World) -> None:
    inputs = {"name": world.repository, "hasWiki": False, "topics": ["a"]}
    world.apply("Repository", inputs)
    world.api.write("PATCH", world.path, {"has_wiki": True})
    assert world.apply("Repository", inputs).outcome is Outcome.UPDATED
    assert world.api.repository(world.repository)["has_wiki"] is False


def test_a_team_and_its_members(world: World) -> None:
    inputs = {"teamId": world.team, "members": [{"username": "dana", "role": "maintainer"}, {"username": "sam"}]}
    assert world.apply("TeamMembers", inputs).outcome is Outcome.CREATED
    assert world.apply("TeamMembers", inputs).outcome is Outcome.UNCHANGED
    fewer = {"teamId": world.team, "members": [{"username": "sam"}]}
    assert world.apply("TeamMembers", fewer).outcome is Outcome.UPDATED
    found = LOOK_UPS["github:index/team:Team"](world.context, world.team)
    assert [member["login"] for member in world.api.get_all(f"/orgs/acme/teams/{found.outputs['slug']}/members")] == [
        "sam"
    ]


def test_a_team_reaches_a_repository(world: World) -> None:
    inputs = {"teamId": world.team, "permission": "push"}
    assert world.apply("TeamRepository", inputs).outcome is Outcome.CREATED
    assert world.apply("TeamRepository", inputs).outcome is Outcome.UNCHANGED
    assert world.apply("TeamRepository", inputs | {"permission": "maintain"}).outcome is Outcome.UPDATED


def test_collaborators_are_exactly_those_declared(world: World) -> None:
    world.apply("RepositoryCollaborator", {"username": "sam", "permission": "push"})
    inputs = {
        "users": [{"username": "dana", "permission": "pull"}],
        "teams": [{"teamId": world.team, "permission": "pull"}],
    }
    assert world.apply("RepositoryCollaborators", inputs).outcome is Outcome.UPDATED
    assert world.apply("RepositoryCollaborators", inputs).outcome is Outcome.UNCHANGED


def test_an_environment_has_reviewers_secrets_variables_and_tags(world: World) -> None:
    policy = {"protectedBranches": False, "customBranchPolicies": True}
    reviewers = [{"teams": [int(world.team)]}]
    gate = GATE | {"reviewers": reviewers, "preventSelfReview": True, "deploymentBranchPolicy": policy}
    assert world.apply("RepositoryEnvironment", gate).outcome is Outcome.CREATED
    assert world.apply("RepositoryEnvironment", gate).outcome is Outcome.UNCHANGED
    for kind, inputs in (
        ("RepositoryEnvironmentDeploymentPolicy", {"tagPattern": "v*"}),
        ("RepositoryEnvironmentDeploymentPolicy", {"branchPattern": "main"}),
        ("ActionsEnvironmentSecret", {"secretName": "KEY", "value": "hidden"}),
        ("ActionsEnvironmentVariable", {"variableName": "URL", "value": "x"}),
    ):
        assert world.apply(kind, GATE | inputs).outcome is Outcome.CREATED
        assert world.apply(kind, GATE | inputs).outcome is Outcome.UNCHANGED


def test_a_branch_is_made_where_main_is_and_then_left_where_it_went(world: World) -> None:
    first = world.apply("Branch", {"branch": "environment/dev", "sourceBranch": "main"})
    assert first.outcome is Outcome.CREATED
    assert len(first.outputs["sha"]) == 40
    assert world.apply("Branch", {"branch": "environment/dev", "sourceBranch": "main"}).outcome is Outcome.UNCHANGED


def test_the_default_branch_is_renamed(world: World) -> None:
    inputs = {"branch": "trunk", "rename": True}
    assert world.apply("BranchDefault", inputs).outcome is Outcome.UPDATED
    assert world.apply("BranchDefault", inputs).outcome is Outcome.UNCHANGED


def test_a_deploy_key(world: World) -> None:
    inputs = {"title": "argocd", "key": f"{KEY} somebody", "readOnly": True}
    assert world.apply("RepositoryDeployKey", inputs).outcome is Outcome.CREATED
    assert world.apply("RepositoryDeployKey", inputs).outcome is Outcome.UNCHANGED


def test_a_secret_that_somebody_else_removed_is_written_again(world: World) -> None:
    inputs = {"secretName": "KEY", "value": "hidden"}
    world.apply("ActionsSecret", inputs)
    world.api.write("DELETE", f"{world.path}/actions/secrets/KEY")
    assert world.apply("ActionsSecret", inputs).outcome is Outcome.CREATED


def test_a_refusal_says_what_was_asked_and_what_to_do(github: GitHubApi) -> None:
    with pytest.raises(ApplyError, match=r"nothing-there.*may not see it"):
        github.write("PATCH", "/repos/acme/nothing-there", {"has_wiki": True})


@pytest.mark.parametrize(
    ("base", "root"),
    [
        ("https://github.com/", "https://api.github.com"),
        ("https://api.github.com/", "https://api.github.com"),
        ("http://10.0.0.1:3000/", "http://10.0.0.1:3000/api/v3"),
        ("https://ghes.example.com/api/v3/", "https://ghes.example.com/api/v3"),
    ],
)
def test_the_rest_root_is_the_providers(base: str, root: str) -> None:
    assert api_root(base) == root
