"""What GitHub refuses or answers in a way of its own, and what a kinder model would hide."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.github import seed
from sandbox.github.rules import kinds
from tests.github.conftest import Hub, Repository

REQUIRED: dict[str, Any] = {"name": "strict", "enforcement": "active", "target": "branch"}


def rules(repository: Repository, **fields: Any) -> Any:
    return repository.ask("POST", "/rulesets", json=REQUIRED | fields)


@pytest.mark.parametrize(
    ("rule", "missing"),
    [
        ({"type": "pull_request", "parameters": {"required_approving_review_count": 1}}, "require_code_owner_review"),
        ({"type": "required_status_checks"}, "strict_required_status_checks_policy"),
        ({"type": "tag_name_pattern", "parameters": {"operator": "regex"}}, "pattern"),
    ],
)
def test_a_rule_needs_its_parameters(repository: Repository, rule: dict[str, Any], missing: str) -> None:
    refused = rules(repository, rules=[rule])
    assert refused.status_code == 422
    assert missing in refused.json()["errors"][0]


@pytest.mark.parametrize(
    ("refs", "said"),
    [
        ({"include": ["main"], "exclude": []}, "Invalid target patterns: 'main'"),
        ({"include": ["refs/heads/main"]}, "Invalid target patterns: ''"),
        ({"include": ["~ALL", "refs/heads/release/*"], "exclude": ["~DEFAULT_BRANCH"]}, None),
    ],
)
def test_refs_of_a_ruleset_are_whole_ones(repository: Repository, refs: dict[str, Any], said: str | None) -> None:
    answer = rules(repository, conditions={"ref_name": refs})
    assert (answer.json().get("errors") or [None])[0] == said


def test_a_ruleset_of_tags_asks_for_no_pull_request(repository: Repository) -> None:
    parameters = dict.fromkeys(kinds.REQUIRED["pull_request"], False) | {"required_approving_review_count": 1}
    rule = {"type": "pull_request", "parameters": parameters}
    refused = rules(repository, target="tag", rules=[rule])
    assert refused.json()["errors"] == ["Invalid rule 'pull_request': "]
    parameters["required_approving_review_count"] = 11
    assert "between 0 and 10" in rules(repository, rules=[rule]).json()["errors"][0]


def test_a_repository_has_at_most_75_rulesets(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.github.rules.rulesets.MOST_RULESETS", 1)
    assert rules(repository).status_code == 201
    assert rules(repository, name="another").status_code == 422


def test_rulesets_of_an_organization_have_names_of_their_own(hub: Hub) -> None:
    names = {"repository_name": {"include": ["none-*"], "exclude": []}}
    body = REQUIRED | {"name": "strict-names", "conditions": names, "rules": [{"type": "deletion"}]}
    with hub.admin as admin:
        made = admin.post("/orgs/acme/rulesets", json=body)
        assert made.status_code == 201
        assert admin.post("/orgs/acme/rulesets", json=body).json()["errors"] == ["Name must be unique"]
        assert admin.put(f"/orgs/acme/rulesets/{made.json()['id']}", json=body).status_code == 200
        assert admin.delete(f"/orgs/acme/rulesets/{made.json()['id']}").status_code == 204


@pytest.mark.parametrize(("length", "status"), [(255, 200), (256, 422)])
def test_the_name_of_an_environment_has_at_most_255_characters(
    repository: Repository, length: int, status: int
) -> None:
    assert repository.ask("PUT", f"/environments/{'a' * length}", json={}).status_code == status


def test_there_is_room_for_so_many_variables(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.github.deployments.secret_routes.MOST_VARIABLES", 1)
    one, two = ({"name": name, "value": "x"} for name in ("ONE", "TWO"))
    assert repository.ask("POST", "/actions/variables", json=one).status_code == 201
    assert "limit of 1" in repository.ask("POST", "/actions/variables", json=two).json()["message"]


@pytest.mark.parametrize("change", [{"new_name": "x" * 51}, {"description": "x" * 101}, {"new_name": "Taken"}])
def test_a_label_is_changed_by_the_rules_by_which_it_is_made(repository: Repository, change: dict[str, str]) -> None:
    for name in ("taken", "mine"):
        assert repository.ask("POST", "/labels", json={"name": name}).status_code == 201
    assert repository.ask("PATCH", "/labels/mine", json=change).status_code == 422
    assert repository.ask("PATCH", "/labels/mine", json={"new_name": "MINE", "color": "ffffff"}).status_code == 200


def test_a_secret_team_is_not_nested(hub: Hub, repository: Repository) -> None:
    name = repository.name
    with hub.admin as admin:
        closed = admin.post("/orgs/acme/teams", json={"name": f"{name} top", "privacy": "closed"}).json()
        under = {"name": f"{name} under", "privacy": "secret", "parent_team_id": closed["id"]}
        assert admin.post("/orgs/acme/teams", json=under).status_code == 422
        child = admin.post("/orgs/acme/teams", json=under | {"privacy": "closed"}).json()
        assert child["parent"]["id"] == closed["id"]
        above = f"/orgs/acme/teams/{closed['slug']}"
        assert admin.patch(above, json={"privacy": "secret"}).status_code == 422
        assert admin.patch(above, json={"parent_team_id": child["id"]}).status_code == 422


def test_a_webhook_is_not_changed_into_another_one(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def hook(port: int) -> dict[str, Any]:
        return {"config": {"url": f"http://127.0.0.1:{port}/"}, "events": ["push"], "active": False}

    assert repository.ask("POST", "/hooks", json=hook(9)).status_code == 201
    other = repository.ask("POST", "/hooks", json=hook(10)).json()["id"]
    assert "already exists" in repository.ask("PATCH", f"/hooks/{other}", json={"config": hook(9)["config"]}).text
    assert repository.ask("PATCH", f"/hooks/{other}", json={"active": True}).status_code == 200
    monkeypatch.setattr("sandbox.github.git.webhooks.MOST_OF_EVENT", 2)
    assert "cannot have more than 2 hooks" in repository.ask("POST", "/hooks", json=hook(11)).text


def test_titles_and_texts_have_a_length(repository: Repository) -> None:
    for field, length in (("title", 257), ("body", 65_537)):
        refused = repository.ask("POST", "/issues", json={"title": "a", "body": "b"} | {field: "x" * length})
        assert refused.json()["errors"][0]["field"] == field
    made = repository.ask("POST", "/issues", json={"title": "x" * 256, "body": "x" * 65_536})
    assert made.status_code == 201


def test_one_context_of_a_commit_has_at_most_1000_statuses(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.github.deployments.statuses.MOST_OF_CONTEXT", 1)
    sha = repository.ask("GET", "/commits/main").json()["sha"]
    made = [
        repository.ask("POST", f"/statuses/{sha}", json={"state": "pending", "context": context}).status_code
        for context in ("one", "two", "one")
    ]
    assert made == [201, 201, 422]


def test_a_secret_team_cannot_bypass(hub: Hub, repository: Repository) -> None:
    with hub.admin as admin:
        team = admin.post("/orgs/acme/teams", json={"name": f"secret {repository.name}"}).json()
    assert team["privacy"] == "secret"
    refused = rules(repository, bypass_actors=[{"actor_type": "Team", "actor_id": team["id"]}])
    assert refused.status_code == 422
    assert "must be visible" in refused.json()["errors"][0]


@pytest.mark.parametrize("kind", ["Team", "Integration", "User"])
def test_what_is_not_there_cannot_bypass(repository: Repository, kind: str) -> None:
    refused = rules(repository, bypass_actors=[{"actor_type": kind, "actor_id": 999_999}])
    assert refused.status_code == 422


def test_an_organization_admin_reads_back_without_its_id(repository: Repository) -> None:
    made = rules(repository, bypass_actors=[{"actor_type": "OrganizationAdmin", "actor_id": 1}])
    assert made.json()["bypass_actors"][0]["actor_id"] is None


def test_defaults_of_a_rule_read_back(repository: Repository) -> None:
    parameters = {"required_status_checks": [{"context": "Test"}], "strict_required_status_checks_policy": True}
    made = rules(repository, rules=[{"type": "required_status_checks", "parameters": parameters}]).json()
    assert made["rules"][0]["parameters"] == parameters | {"do_not_enforce_on_create": False}


@pytest.mark.parametrize("topics", [["Upper"], ["with space"], ["-dash"], [f"topic-{number}" for number in range(21)]])
def test_topics_that_github_refuses(repository: Repository, topics: list[str]) -> None:
    assert repository.ask("PUT", "/topics", json={"names": topics}).status_code == 422


def test_an_unknown_event_of_a_webhook_is_refused(repository: Repository) -> None:
    body = {"config": {"url": "http://127.0.0.1:9/"}, "events": ["push", "pushes"]}
    refused = repository.ask("POST", "/hooks", json=body)
    assert refused.status_code == 422
    assert "pushes" in refused.text


def test_a_dispatch_has_at_most_ten_properties(repository: Repository) -> None:
    body = {"event_type": "try", "client_payload": {f"key{number}": 1 for number in range(11)}}
    refused = repository.ask("POST", "/dispatches", json=body)
    assert refused.status_code == 422
    assert "No more than 10" in refused.json()["message"]


def test_a_former_name_redirects_reads_with_301_and_writes_with_307(repository: Repository) -> None:
    former = repository.name
    assert repository.ask("PATCH", json={"name": f"{former}-new"}).status_code == 200
    read = repository.ask("GET", "/branches?per_page=1")
    assert read.status_code == 301
    assert read.headers["Location"].endswith("/branches?per_page=1")
    assert repository.ask("PUT", "/topics", json={"names": ["a"]}).status_code == 307
    followed = repository.ask("PUT", "/topics", json={"names": ["a"]}, follow_redirects=True)
    assert followed.json() == {"names": ["a"]}


def test_a_label_that_is_put_on_a_pull_request_exists_from_then_on(repository: Repository) -> None:
    number = repository.pull("side")
    shown = repository.ask("POST", f"/issues/{number}/labels", json={"labels": ["new-one"]}).json()
    assert repository.ask("GET", "/labels/new-one").json()["id"] == shown[0]["id"]


def test_permissions_without_actions_say_nothing_of_allowed_actions(repository: Repository) -> None:
    assert repository.ask("PUT", "/actions/permissions", json={"enabled": False}).status_code == 204
    assert "allowed_actions" not in repository.ask("GET", "/actions/permissions").json()


def test_a_public_repository_can_be_forked(repository: Repository) -> None:
    assert repository.ask("GET").json()["allow_forking"] is False
    assert repository.ask("PATCH", json={"visibility": "public"}).json()["allow_forking"] is True


def test_seven_reviewers_are_too_many(repository: Repository) -> None:
    reviewers = [{"type": "User", "id": number} for number in range(7)]
    refused = repository.ask("PUT", "/environments/production", json={"reviewers": reviewers})
    assert refused.status_code == 422
    assert refused.json()["message"] == "reviewers can have at most 6 reviewers"


def test_a_trailing_slash_is_another_path(hub: Hub) -> None:
    with hub.admin as admin:
        assert admin.get("/orgs/acme/teams/").status_code == 404
        assert admin.get("/users/alice/gpg_keys").json() == []


def test_branch_protection_reads_actors_as_the_provider_does(hub: Hub) -> None:
    query = "query($id: ID!) { node(id: $id) { ... on BranchProtectionRule { pushAllowances(first: 1) { nodes { actor {"
    query += " ... on App { id name slug } ... on Team { id name slug } ... on User { id name login } } } } } } }"
    answer = hub.graphql(hub.secrets.github_token, query, id="BPR_0")
    assert "conflict" not in answer["errors"][0]["message"]


def test_an_invited_person_is_pending_and_reaches_nothing_until_it_accepts(hub: Hub, repository: Repository) -> None:
    seed.apply(hub.forge, {"users": [{"login": "invitee", "token": "ghp_invitee"}]})
    with hub.admin as admin, hub.client("ghp_invitee") as newcomer:
        slug = admin.post("/orgs/acme/teams", json={"name": f"team {repository.name}"}).json()["slug"]
        admin.put(f"/orgs/acme/teams/{slug}/repos/{repository.full_name}", json={"permission": "push"})
        invited = admin.put(f"/orgs/acme/teams/{slug}/memberships/invitee").json()
        assert invited["state"] == "pending"
        assert admin.get("/orgs/acme/memberships/invitee").json()["state"] == "pending"
        assert admin.get(f"/orgs/acme/teams/{slug}/members").json() == []
        assert [one["login"] for one in admin.get(f"/orgs/acme/teams/{slug}/invitations").json()] == ["invitee"]
        assert newcomer.get(repository.path).status_code == 404
        assert newcomer.patch("/user/memberships/orgs/acme", json={"state": "active"}).status_code == 200
        assert admin.get(f"/orgs/acme/teams/{slug}/memberships/invitee").json()["state"] == "active"
        assert newcomer.get(repository.path).status_code == 200
        admin.delete("/orgs/acme/memberships/invitee")


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("POST", "/git/refs", {"ref": f"refs/heads/{'f' * 40}"}, "GH002"),
        ("POST", "/git/refs", {"ref": f"refs/tags/{'f' * 40}"}, "GH002"),
        ("POST", "/git/refs", {"ref": "refs/heads/refs/heads/main"}, "GH002"),
        ("POST", "/git/refs", {"ref": f"refs/heads/{'f/' * 125}f"}, "GH005"),
        ("POST", "/statuses/{sha}", {"state": "success", "description": "x" * 141}, "maximum is 140"),
        ("POST", "/labels", {"name": "x" * 51}, "maximum is 50"),
        ("POST", "/labels", {"name": "x", "description": "x" * 101}, "maximum is 100"),
        ("PATCH", "", {"description": "x" * 351}, "maximum is 350"),
        ("PATCH", "", {"description": "a\nb"}, "control characters"),
    ],
)
def test_names_and_texts_have_the_lengths_of_github(
    repository: Repository, method: str, path: str, body: dict[str, Any], said: str
) -> None:
    sha = repository.head()
    answer = repository.ask(method, path.format(sha=sha), json={"sha": sha, **body} if "git" in path else body)
    assert (answer.status_code, said in answer.text) == (422, True), answer.text


def test_a_commit_is_no_name_of_a_branch_by_push_either(repository: Repository, tmp_path: Path) -> None:
    clone = repository.clone(tmp_path / "clone")
    clone.commit()
    assert "GH002" in clone.git("push", "origin", f"HEAD:refs/heads/{'f' * 40}").stderr


def test_endings_that_github_keeps_for_itself(hub: Hub) -> None:
    with hub.admin as admin:
        made = admin.post("/orgs/acme/repos", json={"name": "ending.GIT", "private": True}).json()
        assert made["name"] == "ending"
        assert admin.post("/orgs/acme/repos", json={"name": "ending.wiki"}).status_code == 422
