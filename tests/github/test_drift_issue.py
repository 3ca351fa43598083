"""Drift is one issue that is opened, kept up to date and closed, on the model of GitHub."""

from components.github.api import GitHubApi
from components.github.credentials import Token
from stacks.drift_issue import keep_issue
from stacks.preview_changes import Change, Preview
from tests.github.conftest import Hub, Repository

URN = "urn:pulumi:acme::slipway::slipway:index:TeamAccess$github:index/teamMembership:TeamMembership::{}"


def drift(*names: str) -> Preview:
    return Preview(tuple(Change("update", URN.format(name), "team web") for name in names), 3)


def test_one_issue_follows_what_is_found_and_nobody_elses_is_touched(hub: Hub, repository: Repository) -> None:
    token = hub.workflow_token(repository.full_name, contents="read", issues="write")
    api = GitHubApi(f"{hub.url}/api/v3", Token(token))

    def keep(preview: Preview) -> str:
        return keep_issue(api, repository.full_name, "acme", preview)

    assert keep(drift()) == "no drift"
    assert keep(drift("web-dana")).startswith("opened: ")
    (first,) = repository.ask("GET", "/issues").json()
    assert "`pulumi up --refresh` would do this" in first["body"]
    assert "web-dana" in first["body"]
    with hub.user("alice") as alice:
        # A quotation of it by a person is not ours.
        alice.post(f"{repository.path}/issues", json={"title": "Look", "body": first["body"]})
    assert keep(drift("web-dana", "web-sam")) == f"kept up to date: {first['html_url']}"
    assert "web-sam" in repository.ask("GET", f"/issues/{first['number']}").json()["body"]
    assert keep(drift()) == f"closed: {first['html_url']}\n"
    left = repository.ask("GET", "/issues").json()
    assert [issue["title"] for issue in left] == ["Look"]
    assert keep(drift("web-dana")).startswith("opened: ")
    assert len(repository.ask("GET", "/issues?state=all").json()) == 3
