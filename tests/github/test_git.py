"""Real git against the server, the contents API, refs and comparisons."""

import base64
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from sandbox.github.core.events import Event
from tests.github.conftest import Hub, Repository, git


def test_push_is_seen_by_the_api_and_told_to_everyone(hub: Hub, repository: Repository, tmp_path: Path) -> None:
    clone = repository.clone(tmp_path / "work")
    before = repository.head()
    sha = clone.commit("a/b.txt", "hello")
    assert clone.git("push", "origin", "main").returncode == 0
    assert repository.head() == sha
    shown = repository.ask("GET", "/contents/a/b.txt").json()
    assert base64.b64decode(shown["content"]) == b"hello"
    assert shown["url"].endswith("/contents/a/b.txt?ref=main")
    event = hub.named(repository.full_name, "push")[-1]
    assert (event.ref, event.sha, event.actor) == ("refs/heads/main", sha, "slipway")
    assert (event.payload["before"], event.payload["after"]) == (before, sha)
    assert [commit["added"] for commit in event.payload["commits"]] == [["a/b.txt"]]


def test_first_push_into_an_empty_repository_sets_its_default_branch(
    new_repository: Callable[..., Repository], tmp_path: Path
) -> None:
    repository = new_repository(auto_init=False)
    assert repository.ask("GET", "/contents/x").json()["message"] == "This repository is empty."
    assert repository.ask("POST", "/git/blobs", json={"content": "x"}).status_code == 409
    clone = repository.clone(tmp_path / "work")
    clone.git("checkout", "-q", "-b", "trunk")
    clone.commit()
    assert clone.git("push", "origin", "trunk").returncode == 0
    assert repository.ask("GET").json()["default_branch"] == "trunk"


def test_tags_are_events_unless_there_are_more_than_three(hub: Hub, repository: Repository, tmp_path: Path) -> None:
    clone = repository.clone(tmp_path / "work")
    for name in ("v1", "v2", "v3", "v4"):
        clone.git("tag", name)
    clone.git("push", "origin", "--tags")
    assert len(repository.ask("GET", "/tags").json()) == 4
    assert not hub.named(repository.full_name, "create")
    clone.git("tag", "-a", "v5", "-m", "five")
    clone.git("push", "origin", "v5")
    created = hub.named(repository.full_name, "create")[-1]
    pushed = hub.named(repository.full_name, "push")[-1]
    assert (created.ref, created.payload["ref_type"]) == ("refs/tags/v5", "tag")
    assert pushed.sha == repository.head()
    assert pushed.payload["after"] != pushed.sha


def test_git_needs_a_credential_that_reaches_the_repository(hub: Hub, repository: Repository, tmp_path: Path) -> None:
    host = hub.url.partition("://")[2]
    assert git(tmp_path, "ls-remote", f"http://{host}/{repository.full_name}.git").returncode != 0
    reader = hub.workflow_token(repository.full_name, contents="read")
    clone = repository.clone(tmp_path / "work", reader)
    clone.commit()
    refused = clone.git("push", "origin", "main")
    assert refused.returncode != 0
    assert "403" in refused.stderr


def test_contents_are_locked_by_the_id_of_what_they_replace(repository: Repository) -> None:
    assert repository.put_file("data.json", "1").status_code == 201
    sha = repository.ask("GET", "/contents/data.json").json()["sha"]
    assert repository.put_file("data.json", "2").status_code == 422
    assert repository.put_file("data.json", "2", sha="0" * 40).status_code == 409
    assert repository.put_file("data.json", "2", sha=sha).status_code == 200
    assert repository.put_file("data.json", "3", sha=sha).status_code == 409
    assert repository.put_file("new.json", "3", sha=sha).status_code == 409
    assert repository.put_file("data.json", "3", branch="absent").status_code == 404
    gone = repository.ask("DELETE", "/contents/data.json", content=json.dumps({"message": "m", "sha": sha}))
    assert gone.status_code == 409


def test_commit_by_git_data_changes_many_files_at_once(repository: Repository) -> None:
    head = repository.head()
    entries = [
        {"path": "a/one.txt", "mode": "100644", "type": "blob", "content": "1"},
        {"path": "run.sh", "mode": "100755", "type": "blob", "content": "#!/bin/sh\n"},
        {"path": "README.md", "mode": "100644", "type": "blob", "sha": None},
    ]
    tree = repository.ask("POST", "/git/trees", json={"base_tree": head, "tree": entries}).json()["sha"]
    body = {"message": "Many", "tree": tree, "parents": [head]}
    commit = repository.ask("POST", "/git/commits", json=body).json()["sha"]
    assert repository.ask("PATCH", "/git/refs/heads/main", json={"sha": commit}).status_code == 200
    listed = repository.ask("GET", "/git/trees/main", params={"recursive": "1"}).json()["tree"]
    assert {entry["path"]: entry["mode"] for entry in listed} == {
        "a": "040000",
        "a/one.txt": "100644",
        "run.sh": "100755",
    }
    assert repository.ask("PATCH", "/git/refs/heads/main", json={"sha": head}).status_code == 422
    assert repository.ask("PATCH", "/git/refs/heads/main", json={"sha": head, "force": True}).status_code == 200


def test_of_many_who_make_one_branch_at_once_one_does_and_the_others_hear_so(repository: Repository) -> None:
    sha = repository.head()

    def make(number: int) -> tuple[int, str | None]:
        answer = repository.ask("POST", "/git/refs", json={"ref": f"refs/heads/raced-{number % 4}", "sha": sha})
        return answer.status_code, answer.json().get("message")

    with ThreadPoolExecutor(8) as people:
        told = [*people.map(make, range(16))]
    assert [code for code, _ in told].count(201) == 4
    assert {answer for answer in told if answer[0] != 201} == {(422, "Reference already exists")}


def test_comparison_says_how_far_two_refs_are_apart(repository: Repository) -> None:
    repository.branch("side")
    repository.put_file("main.txt", "m")
    assert repository.ask("GET", "/compare/main...main").json()["status"] == "identical"
    behind = repository.ask("GET", "/compare/main...side").json()
    assert (behind["status"], behind["behind_by"]) == ("behind", 1)
    ahead = repository.ask("GET", "/compare/side...main").json()
    assert (ahead["status"], [file["filename"] for file in ahead["files"]]) == ("ahead", ["main.txt"])
    repository.put_file("side.txt", "s", branch="side")
    assert repository.ask("GET", "/compare/main...side").json()["status"] == "diverged"
    heads = repository.ask("GET", f"/commits/{repository.head('side')}/branches-where-head").json()
    assert [branch["name"] for branch in heads] == ["side"]
    refs = repository.ask("GET", "/git/matching-refs/heads/si").json()
    assert [ref["ref"] for ref in refs] == ["refs/heads/side"]


def test_lists_are_paged_with_links_and_unchanged_answers_are_not_sent_again(repository: Repository) -> None:
    for number in range(3):
        repository.put_file(f"{number}.txt", "x")
    first = repository.ask("GET", "/commits", params={"per_page": 2})
    assert len(first.json()) == 2
    following = first.links["next"]["url"]
    with repository.hub.admin as admin:
        assert len(admin.get(following).json()) == 2
    shown = repository.ask("GET")
    again = repository.ask("GET", headers={"If-None-Match": shown.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_archive_holds_the_files_of_a_ref(repository: Repository) -> None:
    answer = repository.ask("GET", "/tarball/main")
    assert answer.status_code == 302
    answer = httpx.get(answer.headers["Location"], timeout=60, trust_env=False)
    assert answer.content[:2] == b"\x1f\x8b"


def test_writers_of_one_branch_lose_no_file(repository: Repository) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda number: repository.put_file(f"{number}.txt", "x").status_code, range(12)))
    assert set(answers) == {201}
    listed = repository.ask("GET", "/contents").json()
    assert len(listed) == 13


def test_listeners_are_told_when_nobody_holds_the_repository(hub: Hub, repository: Repository) -> None:
    """A listener that waits for its own lock must not keep other writers of the repository out."""
    document = hub.forge.repository(repository.full_name)
    assert document is not None
    lock = hub.forge.git.by_id(document["id"]).lock
    free: list[bool] = []

    def attempt() -> None:
        free.append(lock.acquire(blocking=False))
        if free[-1]:
            lock.release()

    def listen(event: Event) -> None:
        if event.repository == repository.full_name:
            other = threading.Thread(target=attempt)
            other.start()
            other.join()

    hub.forge.events.subscribe(listen)
    number = repository.pull("side")
    repository.ask("PUT", f"/pulls/{number}/merge")
    assert free
    assert all(free)


def test_a_replaced_commit_is_read_by_nobody_as_another_one(hub: Hub, repository: Repository, tmp_path: Path) -> None:
    """Everybody who may push can push `refs/replace/…`: Git reads another commit by it, and GitHub reads none."""
    clone = repository.clone(tmp_path / "work", hub.people["alice"])
    head = repository.head()
    evil = clone.commit("README.md", "evil")
    clone.git("push", "--quiet", "origin", "HEAD:refs/heads/evil")
    replacing = clone.git("commit-tree", f"{evil}^{{tree}}", "-p", evil, "-m", "On main").stdout.strip()
    assert clone.git("push", "--quiet", "origin", f"{replacing}:refs/replace/{head}").returncode == 0
    shown = repository.ask("GET", "/contents/README.md").json()
    assert base64.b64decode(shown["content"]) != b"evil"
    assert repository.ask("GET", f"/compare/main...{evil}").json()["status"] == "ahead"
    assert repository.ask("GET", "/compare/main...evil").json()["merge_base_commit"]["sha"] == head
    assert [found["sha"] for found in repository.ask("GET", "/commits?sha=main").json()] == [head]
