"""Forks and the pull requests that come from them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.github import seed
from tests.github.conftest import Hub, Repository, git

OUTSIDER = "ghp_outsider"


@pytest.fixture
def public(hub: Hub, new_repository: Callable[..., Repository]) -> Repository:
    """A public repository, and somebody who is no member of its organisation."""
    seed.apply(hub.forge, {"users": [{"login": "outsider", "token": OUTSIDER}]})
    return new_repository(visibility="public")


@pytest.fixture
def private_forks(hub: Hub) -> Iterator[None]:
    """The organisation lets private repositories be forked."""
    with hub.admin as admin:
        admin.patch("/orgs/acme", json={"members_can_fork_private_repositories": True}).raise_for_status()
        yield
        admin.patch("/orgs/acme", json={"members_can_fork_private_repositories": False}).raise_for_status()


def fork(repository: Repository, token: str = OUTSIDER, **given: Any) -> Any:
    answer = repository.ask("POST", "/forks", token=token, json=given)
    assert answer.status_code == 202, answer.text
    return answer.json()


class Fork(Repository):
    """The fork that the outsider made."""

    @property
    def full_name(self) -> str:
        return f"outsider/{self.name}"

    @property
    def path(self) -> str:
        return f"/repos/{self.full_name}"


def proposed(hub: Hub, public: Repository, **given: Any) -> tuple[Fork, int]:
    """A pull request of a fork with one new file."""
    fork(public)
    made = Fork(hub, public.name)
    answer = made.put_file("theirs.txt", "x", token=OUTSIDER)
    assert answer.status_code == 201, answer.text
    body = {"title": "Theirs", "head": "outsider:main", "base": "main"} | given
    opened = public.ask("POST", "/pulls", token=OUTSIDER, json=body)
    assert opened.status_code == 201, opened.text
    return made, opened.json()["number"]


def test_a_fork_has_what_its_source_has_and_says_where_it_comes_from(hub: Hub, public: Repository) -> None:
    public.branch("side")
    made = fork(public)
    assert (made["full_name"], made["fork"]) == (f"outsider/{public.name}", True)
    assert made["parent"]["full_name"] == made["source"]["full_name"] == public.full_name
    assert Fork(hub, public.name).head("side") == public.head("side")
    assert fork(public)["id"] == made["id"]
    assert [one["id"] for one in public.ask("GET", "/forks").json()] == [made["id"]]
    assert public.ask("GET").json()["forks_count"] == 1
    (event,) = hub.named(public.full_name, "fork")
    assert event.payload["forkee"]["id"] == made["id"]


def test_a_private_repository_is_forked_where_organisation_and_repository_let_it(
    repository: Repository, private_forks: None
) -> None:
    del private_forks
    alice = repository.hub.people["alice"]
    refused = repository.ask("POST", "/forks", token=alice, json={})
    assert (refused.status_code, refused.json()["message"][-20:]) == (403, "forking is disabled.")
    assert repository.ask("PATCH", json={"allow_forking": True}).status_code == 200
    made = fork(repository, alice)
    assert (made["visibility"], made["owner"]["login"]) == ("private", "alice")
    with repository.hub.user("alice") as client:
        opened = client.patch(f"/repos/{made['full_name']}", json={"visibility": "public"})
        assert opened.status_code == 422
        repository.ask("DELETE")
        assert client.get(f"/repos/{made['full_name']}").status_code == 404


def test_an_organisation_forbids_private_forks_until_it_is_told_otherwise(repository: Repository) -> None:
    answer = repository.ask("PATCH", json={"allow_forking": True})
    assert answer.status_code == 422
    assert answer.json()["message"] == "This organization does not allow private repository forking"
    assert repository.ask("POST", "/forks", token=repository.hub.people["alice"]).status_code == 403


def test_who_may_not_create_repositories_in_an_organisation_cannot_fork_into_it(public: Repository) -> None:
    refused = public.ask("POST", "/forks", token=OUTSIDER, json={"organization": "acme", "name": "mine"})
    assert refused.status_code == 403
    assert public.ask("POST", "/forks", token=OUTSIDER, json={"organization": "nowhere"}).status_code == 422
    app = public.hub.workflow_token(public.full_name, contents="write")
    assert public.ask("POST", "/forks", token=app).status_code == 403
    admin = public.hub.secrets.github_token
    assert fork(public, admin, organization="acme", name=f"{public.name}-own")["fork"] is True


def test_a_pull_request_names_the_fork_as_its_head(hub: Hub, public: Repository) -> None:
    made, number = proposed(hub, public)
    shown = public.ask("GET", f"/pulls/{number}").json()
    assert shown["head"]["label"] == "outsider:main"
    assert (shown["head"]["repo"]["full_name"], shown["head"]["user"]["login"]) == (made.full_name, "outsider")
    assert (shown["head"]["repo"]["fork"], shown["base"]["repo"]["full_name"]) == (True, public.full_name)
    assert (shown["mergeable"], shown["author_association"]) == (True, "FIRST_TIME_CONTRIBUTOR")
    assert (
        shown["head"]["sha"] == made.head() == public.ask("GET", f"/git/ref/pull/{number}/head").json()["object"]["sha"]
    )
    assert [one["number"] for one in public.ask("GET", "/pulls?head=outsider:main").json()] == [number]
    # The base has a branch of this name too, and it is another one.
    assert public.ask("GET", "/pulls?head=acme:main").json() == []
    again = public.ask("POST", "/pulls", token=OUTSIDER, json={"title": "t", "head": "outsider:main", "base": "main"})
    assert again.json()["errors"][0]["message"] == "A pull request already exists for outsider:main."


def test_a_push_to_the_fork_is_told_to_the_base_and_one_to_the_base_of_its_name_is_not(
    hub: Hub, public: Repository
) -> None:
    made, number = proposed(hub, public)
    made.put_file("more.txt", "x", token=OUTSIDER)
    assert public.ask("GET", f"/pulls/{number}").json()["head"]["sha"] == made.head()
    public.put_file("ours.txt", "x")
    assert public.ask("GET", f"/pulls/{number}").json()["head"]["sha"] == made.head()
    assert [event.action for event in hub.named(public.full_name, "pull_request")] == ["opened", "synchronize"]


def test_a_merge_of_a_fork_leaves_its_branch_and_makes_its_author_a_contributor(hub: Hub, public: Repository) -> None:
    public.ask("PATCH", json={"delete_branch_on_merge": True})
    made, number = proposed(hub, public)
    head = made.head()
    assert public.ask("PUT", f"/pulls/{number}/merge", token=OUTSIDER).status_code == 403
    merged = public.ask("PUT", f"/pulls/{number}/merge")
    assert merged.status_code == 200, merged.text
    commit = public.ask("GET", f"/commits/{merged.json()['sha']}").json()
    assert commit["commit"]["message"].startswith(f"Merge pull request #{number} from outsider/main")
    assert made.head() == head
    assert public.ask("GET", f"/pulls/{number}").json()["author_association"] == "CONTRIBUTOR"


def test_maintainers_push_to_the_branch_that_is_lent_to_them_and_to_no_other(
    hub: Hub, public: Repository, tmp_path: Path
) -> None:
    made, number = proposed(hub, public)
    public.ask("PUT", "/collaborators/bob", json={"permission": "push"})
    clone = made.clone(tmp_path / "fork", hub.people["bob"])
    clone.commit("mend.txt")
    assert "denied to bob" in clone.git("push", "origin", "HEAD:refs/heads/other").stderr
    done = clone.git("push", "origin", "HEAD:refs/heads/main")
    assert done.returncode == 0, done.stderr
    assert public.ask("GET", f"/pulls/{number}").json()["changed_files"] == 2
    public.put_file("ours.txt", "x")
    updated = public.ask("PUT", f"/pulls/{number}/update-branch", token=hub.people["bob"])
    assert updated.status_code == 202, updated.text
    assert made.ask("GET", "/contents/ours.txt").status_code == 200

    closed = public.ask("PATCH", f"/pulls/{number}", token=OUTSIDER, json={"maintainer_can_modify": False})
    assert closed.json()["maintainer_can_modify"] is False
    git(tmp_path / "fork", "pull", "--quiet")
    clone.commit("again.txt")
    assert "error: 403" in clone.git("push", "origin", "HEAD:refs/heads/main").stderr


def test_a_head_that_is_nowhere_in_the_network_is_refused(hub: Hub, public: Repository) -> None:
    for head in ("outsider:main", "nobody:main"):
        answer = public.ask("POST", "/pulls", json={"title": "t", "head": head, "base": "main"})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["field"] == "head"
    proposed(hub, public)
    stranger = hub.people["alice"]
    answer = public.ask("POST", "/pulls", token=stranger, json={"title": "t", "head": "outsider:main", "base": "main"})
    assert answer.json()["errors"][0]["message"] == "must be a collaborator"


def test_a_fork_that_is_deleted_leaves_its_pull_request(hub: Hub, public: Repository) -> None:
    made, number = proposed(hub, public)
    assert made.ask("DELETE", token=OUTSIDER).status_code == 204
    shown = public.ask("GET", f"/pulls/{number}").json()
    assert (shown["state"], shown["head"]["repo"], shown["head"]["label"]) == ("open", None, "unknown:main")
    assert public.ask("GET", "/forks").json() == []
