"""Repositories, their rules and who may do what in them."""

from typing import Any

import pulumi
import pytest

from components.github.environment_repository import _kept
from tests.components.builders import platform
from tests.keys import pem
from tests.recorder import Recording, Registration, plain
from tests.stacks.builders import changed, values

PROMOTER, REQUESTER = 11, 12


def actors(ruleset: Registration) -> set[tuple[str, int | None]]:
    found = [(actor["actorType"], actor.get("actorId")) for actor in ruleset.inputs.get("bypassActors", [])]
    return {(kind, None if number is None else int(number)) for kind, number in found}


def production_gate(recording: Recording) -> Registration:
    return recording.one("environments-production-environment")


def team_number(name: str) -> int:
    return sum(f"{name}-team".encode())


def test_main_changes_by_reviewed_pull_requests_in_a_line() -> None:
    for name in ("guestbook-main-rules", "environments-main-rules"):
        rules = platform().one(name).inputs["rules"]
        assert rules["pullRequest"]["requiredApprovingReviewCount"] == 1
        assert (rules["nonFastForward"], rules["deletion"], rules["requiredLinearHistory"]) == (True, True, True)


def test_the_environment_repository_is_validated_and_its_owners_are_asked() -> None:
    rules = platform().one("environments-main-rules").inputs["rules"]
    (check,) = rules["requiredStatusChecks"]["requiredChecks"]
    assert check["context"] == "Validate"
    assert rules["pullRequest"]["requireCodeOwnerReview"] is True


def test_the_automation_alone_writes_main_of_the_environment_repository() -> None:
    recording = platform()
    assert actors(recording.one("environments-main-rules")) == {("Integration", PROMOTER)}
    assert actors(recording.one("guestbook-main-rules")) == set()


@pytest.mark.parametrize(
    ("app", "actor"), [(None, ("OrganizationAdmin", None)), ({"id": "77", "installationId": "1"}, ("Integration", 77))]
)
def test_owned_files_are_committed_directly_only_where_that_is_asked_for(
    app: dict[str, str] | None, actor: tuple[str, int | None]
) -> None:
    stack = changed("github.ownedFiles", "commit")
    if app:
        stack["github"]["app"] = app
        stack["githubAppPrivateKey"] = stack.pop("githubToken")
    recording = platform(stack)
    assert actors(recording.one("guestbook-main-rules")) == {actor}


def test_the_team_makes_release_tags_and_nobody_moves_them() -> None:
    recording = platform()
    made, fixed = recording.one("guestbook-release-tag-rules"), recording.one("guestbook-fixed-tag-rules")
    patterns = {"refs/tags/v*", "refs/tags/prod-v*"}
    for ruleset in (made, fixed):
        assert ruleset.inputs["target"] == "tag"
        assert set(ruleset.inputs["conditions"]["refName"]["includes"]) == patterns
    assert made.inputs["rules"] == {"creation": True}
    assert actors(made) == {("Team", team_number("web")), ("OrganizationAdmin", None)}
    assert fixed.inputs["rules"] == {"update": True, "deletion": True}
    assert actors(fixed) == set()


def test_environment_branches_are_the_automations() -> None:
    recording = platform(changed("environments.1.delivery", "branch"))
    branch = recording.one("environments-staging-branch")
    assert branch.inputs["branch"] == "environment/staging"
    assert branch.retain_on_delete
    rules = recording.one("environments-branch-rules")
    assert rules.inputs["conditions"]["refName"]["includes"] == ["refs/heads/environment/*"]
    assert actors(rules) == {("Integration", PROMOTER)}
    assert "environments-staging-branch" in recording.dependencies(rules)


def test_an_environment_with_approvers_asks_them_and_lets_nobody_around() -> None:
    recording = platform()
    production = recording.one("environments-production-environment").inputs
    (reviewers,) = production["reviewers"]
    assert [int(team) for team in reviewers["teams"]] == [team_number("platform")]
    assert (production["preventSelfReview"], production["canAdminsBypass"]) == (True, False)
    assert "reviewers" not in recording.one("environments-dev-environment").inputs
    assert "environments-platform-access" in recording.dependencies(production_gate(recording))


def test_a_gate_whose_reviewers_github_dropped_fails_and_names_them() -> None:
    kept = {"teams": [7]}
    assert _kept("environments[production].approvers", "production", [7], [kept]) == "production"
    for reviewers in (None, [], [{}], [kept]):
        with pytest.raises(pulumi.RunError, match=r"environments\[production\].approvers: .* 8 "):
            _kept("environments[production].approvers", "production", [8], reviewers)


def test_what_github_reads_back_otherwise_is_declared_as_it_reads_back() -> None:
    members = platform(changed("teams.1.members", [{"login": "Dana-X"}])).one("web-members")
    assert [member["username"] for member in members.inputs["members"]] == ["dana-x"]


def test_only_the_program_on_main_reaches_an_environment() -> None:
    recording = platform()
    policies = recording.of(":RepositoryEnvironmentDeploymentPolicy")
    assert {policy.inputs["environment"] for policy in policies} == {"dev", "staging", "production"}
    assert {policy.inputs["branchPattern"] for policy in policies} == {"main"}


def test_each_repository_gets_the_key_of_its_own_app() -> None:
    secrets = {
        (plain(secret.inputs["repository"]), secret.inputs["secretName"], plain(secret.inputs["value"]))
        for secret in platform().of(":ActionsSecret")
    }
    assert secrets == {
        ("environments", "PROMOTER_PRIVATE_KEY", pem("promoter")),
        ("guestbook", "REQUESTER_PRIVATE_KEY", pem("requester")),
    }


def test_workflows_know_their_apps() -> None:
    variables = {
        (variable.inputs["repository"], variable.inputs["variableName"], variable.inputs["value"])
        for variable in platform().of(":ActionsVariable")
    }
    assert variables == {("environments", "PROMOTER_APP_ID", str(PROMOTER))}
    files = platform().one("environments-files").inputs["owned"]
    assert f'app-id: "{REQUESTER}"' in files[".github/workflows/release.yml"]


def test_workflows_may_only_read_by_default() -> None:
    permissions = platform().of(":WorkflowRepositoryPermissions")
    assert {one.inputs["repository"] for one in permissions} == {"environments", "guestbook"}
    assert {one.inputs["defaultWorkflowPermissions"] for one in permissions} == {"read"}


def test_a_registry_with_an_account_of_its_own_is_told_to_every_workflow() -> None:
    stack = values(registry={"host": "r.example.com", "username": "pusher"}, registryPassword="hush-hush")
    names = {
        (secret.inputs["repository"], secret.inputs["secretName"]) for secret in platform(stack).of(":ActionsSecret")
    }
    assert {("environments", "REGISTRY_PASSWORD"), ("guestbook", "REGISTRY_PASSWORD")} <= names


def test_a_team_reaches_its_service_and_the_environment_repository() -> None:
    access = {
        (one.inputs["teamId"], one.inputs["repository"]): one.inputs["permission"]
        for one in platform().of(":TeamRepository")
    }
    web, owners = str(team_number("web")), str(team_number("platform"))
    assert access == {
        (web, "guestbook"): "push",
        (web, "environments"): "push",
        (owners, "environments"): "maintain",
    }


def test_a_team_that_exists_is_only_looked_up() -> None:
    recording = platform(changed("teams.1", {"name": "web", "existing": True}))
    assert [team.inputs["name"] for team in recording.of(":Team")] == ["platform"]
    assert len(recording.of(":TeamMembers")) == 1


def test_reusable_workflows_may_be_called_from_the_organisation() -> None:
    (level,) = platform().of(":ActionsRepositoryAccessLevel")
    assert (level.inputs["repository"], level.inputs["accessLevel"]) == ("environments", "organization")


def test_services_start_when_what_their_workflows_call_is_there() -> None:
    recording = platform()
    before = recording.dependencies(recording.one("guestbook-files"))
    assert {"environments-files", "environments-workflow-access"} <= before


def test_no_foreign_action_runs_beside_the_promoters_key() -> None:
    (permissions,) = platform().of(":ActionsRepositoryPermissions")
    assert permissions.inputs["repository"] == "environments"
    assert permissions.inputs["allowedActions"] == "selected"
    assert permissions.inputs["allowedActionsConfig"]["patternsAlloweds"] == ["acme/*"]


def test_public_repositories_have_no_access_level() -> None:
    """GitHub refuses it: everybody can call their workflows anyway."""
    assert not platform(changed("github.visibility", "public")).of(":ActionsRepositoryAccessLevel")


def test_github_tells_argo_cd_of_pushes() -> None:
    (hook,) = platform().of(":RepositoryWebhook")
    configuration = plain(hook.inputs["configuration"])
    assert configuration["url"] == "https://argocd.example.com/api/webhook"
    assert (configuration["contentType"], configuration["secret"]) == ("json", "hush")


@pytest.mark.parametrize(("path", "value"), [("argocd", {}), ("argocd.webhook", False)])
def test_without_an_address_there_is_no_webhook(path: str, value: Any) -> None:
    assert not platform(changed(path, value)).of(":RepositoryWebhook")


def test_repositories_say_whose_they_are() -> None:
    for repository in platform().of(":Repository"):
        assert repository.inputs["description"].endswith("[slipway-test]")
        assert repository.inputs["visibility"] == "private"
        assert repository.protect


def test_a_service_costs_few_resources() -> None:
    """A hundred services of three environments must plan within seconds."""
    stack = values()
    one = len(platform(stack).resources)
    stack["services"].append({"name": "clock", "template": "go-web", "team": "web"})
    assert len(platform(stack).resources) - one <= 13
