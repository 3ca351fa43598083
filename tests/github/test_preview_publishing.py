"""The comment of a preview is one that is kept up to date, on the model of GitHub."""

from components.github.api import GitHubApi
from components.github.credentials import Token
from stacks.preview_changes import Preview
from stacks.preview_comment import comment, publish
from tests.github.conftest import Hub, Repository


def test_a_second_preview_changes_the_first_ones_comment_and_nobody_elses(hub: Hub, repository: Repository) -> None:
    number = repository.pull("change")
    token = hub.workflow_token(repository.full_name, contents="read", pull_requests="write")
    api = GitHubApi(f"{hub.url}/api/v3", Token(token))
    text = comment(Preview((), 3), "acme", {})
    with hub.user("alice") as alice:
        # A quotation of it by a person is not ours.
        alice.post(f"{repository.path}/issues/{number}/comments", json={"body": text})
    first = publish(api, repository.full_name, number, "acme", text)
    second = publish(api, repository.full_name, number, "acme", text + "\nagain")
    other = publish(api, repository.full_name, number, "other", comment(Preview((), 3), "other", {}))
    found = repository.ask("GET", f"/issues/{number}/comments").json()
    assert first == second != other
    assert [one["body"].endswith("again") for one in found] == [False, True, False]
