"""Repositories, their rules and who may do what in them."""

from typing import Any

import pulumi
import pytest
import yaml

from components.github.guarded_environment import _kept, guarded_environment
from components.github.tree import blob_sha
from manifests.model import AUTOMATION
from slipway_release import announce
from tests.components.builders import platform
from tests.keys import pem
from tests.recorder import Recording, Registration, plain, record
from tests.stacks.builders import MARK, changed, values

PROMOTER, REQUESTER = 11, 12


def actors(ruleset: Registration) -> set[tuple[str, int | None]]:
    found = [(actor["actorType"], actor.get("actorId")) for actor in ruleset.inputs.get("bypassActors", [])]
    return {(kind, None if number is None else int(number)) for kind, number in found}


def production_gate(recording: Recording) -> Registration:
    return recording.one("environments-production-environment")


def reviewed(rules: dict[str, Any]) -> bool:
    """Whether somebody else has to approve what is merged, and exactly that."""
    asked = rules["pullRequest"]
    named = ("requiredApprovingReviewCount", "dismissStaleReviewsOnPush", "requireLastPushApproval")
    return tuple(asked[name] for name in named) == (1, True, True)


def team_number(name: str) -> int:
    return sum(f"{name}-team".encode())


def test_main_changes_by_reviewed_pull_requests_in_a_line() -> None:
    for name in ("guestbook-main-rules", "environments-main-rules"):
        rules = platform().one(name).inputs["rules"]
        assert reviewed(rules)
        assert (rules["nonFastForward"], rules["deletion"], rules["requiredLinearHistory"]) == (True, True, True)


def test_the_environment_repository_is_validated_and_its_owners_are_asked() -> None:
    rules = platform().one("environments-main-rules").inputs["rules"]
    (check,) = rules["requiredStatusChecks"]["requiredChecks"]
    # Jobs of all workflows report as one App, so a branch could bring a job of this name: the promoter's App says it.
    assert (check["context"], check["integrationId"]) == ("Validate", PROMOTER)
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


@pytest.mark.parametrize(
    ("owner", "patterns", "actor"),
    [
        (
            "automation",
            {f"{kind}{rest}" for kind in ("release", "rollback", "hold", "restore") for rest in ("", "/**/*")},
            ("Integration", PROMOTER),
        ),
        ("settings", {"slipway", "slipway/files", "slipway/files/**/*"}, ("OrganizationAdmin", None)),
    ],
)
def test_a_branch_that_vouches_for_its_change_is_pushed_by_its_owner_alone(
    owner: str, patterns: set[str], actor: tuple[str, int | None]
) -> None:
    rules = platform().one(f"environments-{owner}-proposal-rules")
    assert set(rules.inputs["conditions"]["refName"]["includes"]) == {f"refs/heads/{one}" for one in patterns}
    assert rules.inputs["rules"] == {"creation": True, "update": True}
    assert actors(rules) == {actor}


def test_where_a_pull_request_delivers_its_review_is_the_only_approval() -> None:
    recording = platform(changed("environments.2.delivery", "pull-request"))
    assert "reviewers" not in recording.one("environments-production-environment").inputs


def test_a_maintenance_branch_changes_by_review_and_is_made_by_owners_alone() -> None:
    rules = platform(changed("services.0.maintenanceBranch", "release/{major}.{minor}")).one(
        "guestbook-maintenance-rules"
    )
    assert rules.inputs["conditions"]["refName"]["includes"] == ["refs/heads/release/*.*"]
    assert {"creation", "deletion", "nonFastForward"} <= set(rules.inputs["rules"])
    assert reviewed(rules.inputs["rules"])
    assert actors(rules) == {("OrganizationAdmin", None)}


CLOSED = {"creation": True, "update": True, "deletion": True, "nonFastForward": True}


def test_every_tag_beside_the_workflows_that_services_call_is_the_promoters_alone() -> None:
    """The record is made of tags, and GitHub prefers a tag `main` to the branch."""
    rules = platform().one("environments-record-rules")
    assert rules.inputs["target"] == "tag"
    assert rules.inputs["conditions"]["refName"]["includes"] == ["~ALL"]
    assert rules.inputs["rules"] == CLOSED
    assert actors(rules) == {("Integration", PROMOTER)}


def test_environment_branches_are_the_automations() -> None:
    recording = platform(changed("environments.1.delivery", "branch"))
    branch = recording.one("environments-staging-branch")
    assert branch.inputs["branch"] == "environment/staging"
    rules = recording.one("environments-branch-rules")
    assert rules.inputs["conditions"]["refName"]["includes"] == [
        "refs/heads/environment",
        "refs/heads/environment/**/*",
    ]
    assert rules.inputs["rules"] == CLOSED
    assert actors(rules) == {("Integration", PROMOTER), ("OrganizationAdmin", None)}
    # Those of 0.1.0 would keep out who brings main's workflows to the branch.
    assert "environments-branch-rules" in recording.dependencies(branch)
    reported, owned = ".github/workflows/reported.yml", recording.one("environments-files").inputs["owned"]
    assert branch.inputs["workflows"][reported] == blob_sha(owned[reported])
    assert recording.one("environments-dev-branch").inputs["workflows"] == {}


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


def reached_from(repository: str) -> dict[str, set[tuple[str, str]]]:
    """The refs that reach each environment of a repository."""
    found: dict[str, set[tuple[str, str]]] = {}
    for policy in platform().of(":RepositoryEnvironmentDeploymentPolicy"):
        if plain(policy.inputs["repository"]) == repository:
            kind = "branch" if "branchPattern" in policy.inputs else "tag"
            found.setdefault(policy.inputs["environment"], set()).add((kind, policy.inputs[f"{kind}Pattern"]))
    return found


def test_only_the_program_on_main_reaches_an_environment() -> None:
    main = {("branch", "main")}
    names = ("dev", "staging", "production", AUTOMATION)
    assert reached_from("environments") == dict.fromkeys(names, main)


def test_release_tags_and_followed_branches_reach_the_key_of_a_service() -> None:
    assert reached_from("guestbook") == {AUTOMATION: {("branch", "main"), ("tag", "v*"), ("tag", "prod-v*")}}


def test_every_environment_refuses_what_no_policy_names() -> None:
    environments = platform().of(":RepositoryEnvironment")
    assert len(environments) == 5
    for one in environments:
        assert one.inputs["deploymentBranchPolicy"] == {"protectedBranches": False, "customBranchPolicies": True}
        assert one.inputs["canAdminsBypass"] is False


def test_a_key_lies_in_environments_alone_and_each_repository_gets_that_of_its_own_app() -> None:
    recording = platform()
    assert not recording.of(":ActionsSecret")
    secrets = {
        (
            plain(one.inputs["repository"]),
            one.inputs["environment"],
            one.inputs["secretName"],
            plain(one.inputs["value"]),
        )
        for one in recording.of(":ActionsEnvironmentSecret")
    }
    assert secrets == {
        *(
            ("environments", name, "PROMOTER_PRIVATE_KEY", pem("promoter"))
            for name in ("dev", "staging", "production", AUTOMATION)
        ),
        ("guestbook", AUTOMATION, "REQUESTER_PRIVATE_KEY", pem("requester")),
    }


def test_promotions_can_tell_the_chat_of_the_settings() -> None:
    chat = {"slackChannel": "#releases", "webhookUrl": "https://events.test/1"}
    recording = platform(values(notifications=chat, slackToken="xoxb"))
    told = {
        (plain(one.inputs["repository"]), one.inputs["secretName"]): plain(one.inputs["value"])
        for one in recording.of(":ActionsEnvironmentSecret")
        if str(one.inputs["secretName"]).startswith("NOTIFY_")
    }
    assert told == {
        ("environments", announce.WEBHOOK): "https://events.test/1",
        ("environments", announce.SLACK_TOKEN): "xoxb",
    }
    variables = {one.inputs["variableName"]: one.inputs["value"] for one in recording.of(":ActionsVariable")}
    assert variables[announce.SLACK_CHANNEL] == "releases"


def test_a_secret_comes_after_the_policies_of_its_environment() -> None:
    recording = platform()
    before = recording.dependencies(recording.one("environments-dev-promoter-private-key"))
    assert "environments-dev-from-main" in before


def test_a_job_that_reads_a_key_names_the_environment_that_holds_it() -> None:
    recording = platform()
    read = 0
    for repository in ("environments", "guestbook"):
        for path, text in recording.one(f"{repository}-files").inputs["owned"].items():
            if not path.startswith(".github/workflows/"):
                continue
            for name, job in yaml.safe_load(text)["jobs"].items():
                if "steps" in job and "_PRIVATE_KEY" in str(job):
                    read += 1
                    assert job.get("environment") in {AUTOMATION, "${{ matrix.environment }}"}, f"{path}: {name}"
    assert read >= 6


def test_workflows_know_their_apps() -> None:
    variables = {
        (variable.inputs["repository"], variable.inputs["variableName"], variable.inputs["value"])
        for variable in platform().of(":ActionsVariable")
    }
    assert variables == {("environments", "PROMOTER_APP_ID", str(PROMOTER))}
    files = platform().one("environments-files").inputs["owned"]
    assert f'client-id: "{REQUESTER}"' in files[".github/workflows/release.yml"]


def test_workflows_may_only_read_by_default() -> None:
    permissions = platform().of(":WorkflowRepositoryPermissions")
    assert {one.inputs["repository"] for one in permissions} == {"environments", "guestbook"}
    assert {one.inputs["defaultWorkflowPermissions"] for one in permissions} == {"read"}
    # One that approves would be a second person for the one who has pushed it.
    assert {one.inputs["canApprovePullRequestReviews"] for one in permissions} == {False}


def test_no_action_of_a_third_party_runs_beside_the_promoters_key() -> None:
    (allowed,) = platform().of(":ActionsRepositoryPermissions")
    assert (allowed.inputs["repository"], allowed.inputs["allowedActions"]) == ("environments", "selected")
    chosen = allowed.inputs["allowedActionsConfig"]
    assert (chosen["githubOwnedAllowed"], chosen["verifiedAllowed"]) == (True, False)
    assert chosen["patternsAlloweds"] == ["acme/*"]


def test_a_registry_with_an_account_of_its_own_is_told_to_every_workflow() -> None:
    stack = values(registry={"host": "r.example.com", "username": "pusher"}, registryPassword="hush-hush")
    recording = platform(stack)
    names = {
        (secret.inputs["repository"], secret.inputs["environment"])
        for secret in recording.of(":ActionsEnvironmentSecret")
        if secret.inputs["secretName"] == "REGISTRY_PASSWORD"
    }
    assert {("environments", "production"), ("environments", AUTOMATION), ("guestbook", AUTOMATION)} <= names
    jobs = yaml.safe_load(recording.one("environments-files").inputs["owned"][".github/workflows/release.yml"])["jobs"]
    assert {job["environment"] for name, job in jobs.items() if name != "test"} == {AUTOMATION}


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
        assert repository.inputs["description"].endswith(f"[{MARK}]")
        assert repository.inputs["visibility"] == "private"
        assert repository.protect


def test_a_service_costs_few_resources() -> None:
    """A hundred services of three environments must plan within seconds."""
    stack = values()
    one = len(platform(stack).resources)
    stack["services"].append({"name": "clock", "template": "go-web", "team": "web"})
    assert len(platform(stack).resources) - one <= 17


def test_a_preview_knows_the_environment_of_a_branch_rule_where_there_are_no_reviewers() -> None:
    """Known or not decides whether an update of the environment is shown as a replacement of the rule."""

    def program() -> None:
        guarded_environment("e", "environments", {"environment": "dev", "branches": ["main"]}, pulumi.ResourceOptions())

    rule = record(program, preview=True).one("e-from-main")
    assert rule.inputs["environment"] == "dev"
