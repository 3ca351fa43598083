"""What a refresh shows, because the real plugin shows it."""

import pytest

from sandbox.github_plugin.client import GitHub
from sandbox.github_plugin.wire import Json
from tests.github_plugin.conftest import OWNER, Engine, Resource


def refreshed(engine: Engine, resource: Resource) -> Resource:
    seen = engine.refresh(resource)
    assert seen is not None
    return seen


def members(*pairs: tuple[str, str]) -> list[Json]:
    return [{"username": login, "role": role} for login, role in pairs]


def test_logins_are_lower_case_when_they_are_read(engine: Engine, team: str) -> None:
    made = engine.create("TeamMembers", {"teamId": team, "members": members(("Dana", "member"))})
    assert made.state["members"] == members(("dana", "member"))
    assert engine.changed(made) == {"members"}


def test_an_owner_of_the_organisation_reads_back_as_maintainer(engine: Engine, team: str) -> None:
    made = engine.create("TeamMembers", {"teamId": team, "members": members(("root", "member"))})
    assert made.state["members"] == members(("root", "maintainer"))
    assert engine.changed(made) == {"members"}


def test_an_invitation_that_is_not_accepted_is_drift(engine: Engine, team: str) -> None:
    made = engine.create("TeamMembers", {"teamId": team, "members": members(("pat", "member"))})
    assert made.state["members"] == []
    assert engine.changed(made) == {"members"}


def test_the_order_of_members_is_not_a_change(engine: Engine, team: str) -> None:
    made = engine.create("TeamMembers", {"teamId": team, "members": members(("sam", "member"), ("dana", "member"))})
    assert engine.changed(made, {"teamId": team, "members": members(("dana", "member"), ("sam", "member"))}) == set()


def test_members_who_are_not_declared_leave(engine: Engine, team: str, github: GitHub) -> None:
    made = engine.create("TeamMembers", {"teamId": team, "members": members(("sam", "member"))})
    slug = github.require(f"{github.team_path}/{team}")["slug"]
    github.write("PUT", f"/orgs/{OWNER}/teams/{slug}/memberships/dana", {"role": "member"})
    seen = refreshed(engine, made)
    assert engine.changed(seen, made.inputs) == {"members"}
    assert engine.update(seen, made.inputs).state["members"] == members(("sam", "member"))


@pytest.mark.parametrize(("sent", "changes"), [(1, {"bypassActors"}), (None, set[str]())])
def test_organisation_admins_read_back_without_a_number(
    engine: Engine, repository: str, sent: int | None, changes: set[str]
) -> None:
    actor = {"actorType": "OrganizationAdmin", "bypassMode": "always"} | ({} if sent is None else {"actorId": sent})
    inputs = {
        "repository": repository,
        "name": "main",
        "target": "branch",
        "enforcement": "active",
        "conditions": {"refName": {"includes": ["~DEFAULT_BRANCH"], "excludes": []}},
        "bypassActors": [actor],
        "rules": {"deletion": True},
    }
    assert engine.changed(engine.create("RepositoryRuleset", inputs)) == changes


def test_a_secret_that_somebody_wrote_again_is_drift_that_an_update_mends(
    engine: Engine, repository: str, github: GitHub
) -> None:
    place = {"repository": repository, "environment": "slipway"}
    engine.create("RepositoryEnvironment", place)
    made = engine.create("ActionsEnvironmentSecret", {**place, "secretName": "KEY", "value": "hidden"})
    made.state["updatedAt"] = "2020-01-01 00:00:00 +0000 UTC"
    seen = refreshed(engine, made)
    assert engine.changed(seen, made.inputs) == {"updatedAt"}
    assert engine.changed(engine.update(seen, made.inputs)) == set()


def test_a_secret_of_a_webhook_stays_in_the_state_and_a_new_one_is_a_change(engine: Engine, repository: str) -> None:
    hook = {"url": "http://127.0.0.1:9/", "contentType": "json", "secret": "hidden"}
    made = engine.create("RepositoryWebhook", {"repository": repository, "events": ["push"], "configuration": hook})
    assert refreshed(engine, made).state["configuration"]["secret"] == "hidden"
    rotated = {**made.inputs, "configuration": {**hook, "secret": "new"}}
    assert engine.changed(made, rotated) == {"configuration.secret"}


def test_a_role_that_somebody_changed_is_drift(engine: Engine, repository: str, team: str, github: GitHub) -> None:
    made = engine.create("TeamRepository", {"teamId": team, "repository": repository, "permission": "push"})
    path = f"{github.team_path}/{team}/repos/{OWNER}/{repository}"
    github.write("PUT", path, {"permission": "admin"})
    assert engine.changed(refreshed(engine, made), made.inputs) == {"permission"}


def test_what_somebody_deleted_is_gone(engine: Engine, repository: str, github: GitHub) -> None:
    made = engine.create("IssueLabel", {"repository": repository, "name": "x", "color": "ffffff"})
    github.remove(f"{github.repository_path(repository)}/labels/x")
    assert engine.refresh(made) is None


def test_rules_of_another_type_that_somebody_added_are_not_looked_at(
    engine: Engine, repository: str, github: GitHub
) -> None:
    inputs = {
        "repository": repository,
        "name": "tags",
        "target": "tag",
        "enforcement": "active",
        "conditions": {"refName": {"includes": ["refs/tags/v*"], "excludes": []}},
        "rules": {"update": True},
    }
    made = engine.create("RepositoryRuleset", inputs)
    assert engine.changed(made) == set()
    path = f"{github.repository_path(repository)}/rulesets/{made.id}"
    github.write("PUT", path, {"rules": [{"type": "deletion"}]})
    assert engine.changed(refreshed(engine, made), made.inputs) == {"rules.update", "rules.deletion"}
