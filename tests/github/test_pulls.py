"""Pull requests: opening, merging in three ways, reviews, owners, auto-merge, and what pushes do to them."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.github.conftest import Hub, Repository

ENABLE = """mutation($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) { pullRequest { number autoMergeRequest { mergeMethod } } } }"""
APPROVAL = {"type": "pull_request", "parameters": {"required_approving_review_count": 1}}


@pytest.mark.parametrize(
    ("method", "parents", "title"), [("merge", 2, "Merge pull request"), ("squash", 1, "Write"), ("rebase", 1, "Write")]
)
def test_merge_methods_leave_the_history_they_promise(
    repository: Repository, method: str, parents: int, title: str
) -> None:
    number = repository.pull("side")
    repository.put_file("meanwhile.txt", "x")
    merged = repository.ask("PUT", f"/pulls/{number}/merge", json={"merge_method": method})
    assert merged.status_code == 200, merged.text
    commit = repository.ask("GET", f"/commits/{merged.json()['sha']}").json()
    assert len(commit["parents"]) == parents
    assert commit["commit"]["message"].startswith(title)
    assert repository.head() == merged.json()["sha"]
    assert repository.ask("GET", "/contents/change.txt").status_code == 200
    assert repository.ask("GET", f"/pulls/{number}").json()["merged"] is True


def test_lists_find_pull_requests_by_head_base_and_state(repository: Repository) -> None:
    number = repository.pull("side")
    again = repository.ask("POST", "/pulls", json={"title": "t", "head": "side", "base": "main"})
    assert again.json()["errors"][0]["message"] == "A pull request already exists for acme:side."
    find = {"head": "acme:side", "base": "main", "state": "open"}
    assert [found["number"] for found in repository.ask("GET", "/pulls", params=find).json()] == [number]
    assert repository.ask("GET", "/pulls", params={"head": "acme:other"}).json() == []
    assert repository.ask("PATCH", f"/pulls/{number}", json={"state": "closed"}).json()["state"] == "closed"
    assert repository.ask("GET", "/pulls").json() == []
    nothing = repository.ask("POST", "/pulls", json={"title": "t", "head": "main", "base": "main"})
    assert nothing.status_code == 422


def test_push_to_the_head_updates_the_pull_request_and_is_told(hub: Hub, repository: Repository) -> None:
    number = repository.pull("side")
    repository.put_file("more.txt", "x", branch="side")
    shown = repository.ask("GET", f"/pulls/{number}").json()
    assert shown["head"]["sha"] == repository.head("side")
    assert (shown["mergeable"], shown["changed_files"]) == (True, 2)
    events = hub.named(repository.full_name, "pull_request")
    assert [event.action for event in events] == ["opened", "synchronize"]
    assert events[-1].ref == f"refs/pull/{number}/merge"
    # A workflow runs on the merge, not on the head.
    assert events[-1].sha == shown["merge_commit_sha"] != shown["head"]["sha"]


def test_conflict_leaves_nothing_to_run_or_merge(hub: Hub, repository: Repository) -> None:
    number = repository.pull("side", file="same.txt")
    repository.put_file("same.txt", "other")
    shown = repository.ask("GET", f"/pulls/{number}").json()
    assert (shown["mergeable"], shown["mergeable_state"]) == (False, "dirty")
    assert repository.ask("PUT", f"/pulls/{number}/merge").status_code == 405
    repository.put_file("more.txt", "x", branch="side")
    assert hub.named(repository.full_name, "pull_request")[-1].sha == ""


def test_merge_expects_the_head_that_was_seen(repository: Repository) -> None:
    number = repository.pull("side")
    seen = repository.head("side")
    repository.put_file("more.txt", "x", branch="side")
    assert repository.ask("PUT", f"/pulls/{number}/merge", json={"sha": seen}).status_code == 409


def test_merged_branch_is_deleted_where_the_repository_says_so(repository: Repository) -> None:
    repository.ask("PATCH", json={"delete_branch_on_merge": True, "allow_squash_merge": False})
    number = repository.pull("side")
    refused = repository.ask("PUT", f"/pulls/{number}/merge", json={"merge_method": "squash"})
    assert (refused.status_code, refused.json()["message"]) == (
        405,
        "Squash merges are not allowed on this repository.",
    )
    repository.ask("PUT", f"/pulls/{number}/merge")
    assert repository.ask("GET", "/branches/side").status_code == 404


def test_own_approval_and_stale_approval_do_not_count(hub: Hub, repository: Repository) -> None:
    stale = {"required_approving_review_count": 1, "dismiss_stale_reviews_on_push": True}
    number = repository.pull("side", token=hub.people["alice"])
    repository.ruleset({"type": "pull_request", "parameters": stale})
    assert repository.approve(number, "alice").status_code == 422
    assert repository.approve(number, "bob").status_code == 200
    repository.put_file("more.txt", "x", branch="side")
    assert repository.ask("PUT", f"/pulls/{number}/merge").status_code == 405
    repository.approve(number, "bob")
    assert repository.ask("PUT", f"/pulls/{number}/merge").status_code == 200


def test_code_owner_must_approve_what_is_theirs(hub: Hub, repository: Repository) -> None:
    repository.put_file("CODEOWNERS", "*.txt @alice\n/docs/ @bob\n")
    number = repository.pull("side", file="docs/page.txt")
    other = repository.pull("other", file="page.txt")
    owned = {"require_code_owner_review": True}
    repository.ruleset({"type": "pull_request", "parameters": owned})
    repository.approve(number, "alice")
    refused = repository.ask("PUT", f"/pulls/{number}/merge")
    assert "Waiting on code owner review from bob" in refused.json()["message"]
    repository.approve(number, "bob")
    assert repository.ask("PUT", f"/pulls/{number}/merge").status_code == 200
    repository.approve(other, "alice")
    assert repository.ask("PUT", f"/pulls/{other}/merge").status_code == 200


def enable(hub: Hub, repository: Repository, number: int, token: str) -> dict[str, Any]:
    node = repository.ask("GET", f"/pulls/{number}").json()["node_id"]
    return hub.graphql(token, ENABLE, input={"pullRequestId": node, "mergeMethod": "SQUASH"})


def test_auto_merge_merges_once_everything_is_there(hub: Hub, repository: Repository) -> None:
    number, token = repository.pull("side"), hub.app_token("promoter")
    repository.ruleset(
        APPROVAL, {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "ci"}]}}
    )
    refused = enable(hub, repository, number, token)
    assert "Auto merge is not allowed for this repository" in refused["errors"][0]["message"]
    repository.ask("PATCH", json={"allow_auto_merge": True})
    assert enable(hub, repository, number, hub.people["alice"])["data"]
    assert enable(hub, repository, number, token)["data"]
    repository.approve(number)
    assert repository.ask("GET", f"/pulls/{number}").json()["auto_merge"]["merge_method"] == "squash"
    status = {"state": "success", "context": "ci"}
    repository.ask("POST", f"/statuses/{repository.head('side')}", json=status)
    shown = repository.ask("GET", f"/pulls/{number}").json()
    assert (shown["merged"], shown["merged_by"]["login"]) == (True, "promoter[bot]")


def test_auto_merge_is_refused_where_there_is_nothing_to_wait_for(hub: Hub, repository: Repository) -> None:
    number = repository.pull("side")
    repository.ask("PATCH", json={"allow_auto_merge": True})
    answer = enable(hub, repository, number, hub.secrets.github_token)
    assert "clean status" in answer["errors"][0]["message"]


def test_actions_may_open_pull_requests_only_where_it_is_allowed_to(
    hub: Hub, repository: Repository, policy: Callable[..., httpx.Response]
) -> None:
    repository.branch("side")
    repository.put_file("x", "x", branch="side")
    token = hub.workflow_token(repository.full_name, pull_requests="write", contents="write")
    body = {"title": "t", "head": "side", "base": "main"}
    assert repository.ask("POST", "/pulls", token=token, json=body).status_code == 403
    setting = {"can_approve_pull_request_reviews": True}
    policy("/workflow", **setting)
    assert repository.ask("PUT", "/actions/permissions/workflow", json=setting).status_code == 204
    assert repository.ask("POST", "/pulls", token=token, json=body).status_code == 201
    assert hub.named(repository.full_name, "pull_request")[-1].from_workflow_token is True


def test_comments_can_be_written_found_and_kept_up_to_date(repository: Repository) -> None:
    number = repository.pull("side")
    made = repository.ask("POST", f"/issues/{number}/comments", json={"body": "one"}).json()
    assert repository.ask("PATCH", f"/issues/comments/{made['id']}", json={"body": "x" * 65_537}).status_code == 422
    assert repository.ask("PATCH", f"/issues/comments/{made['id']}", json={"body": "two"}).status_code == 200
    assert [one["body"] for one in repository.ask("GET", f"/issues/{number}/comments").json()] == ["two"]
    labels = repository.ask("POST", f"/issues/{number}/labels", json={"labels": ["release"]}).json()
    assert [label["name"] for label in labels] == ["release"]
