"""Who agrees to a pull request with which `pulumi up` changes a repository's files."""

from collections.abc import Callable

import pytest

from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.people import agree, agree_to_settings
from sandbox.rehearsal import Rehearsal
from tests.github.conftest import Hub, Repository


@pytest.fixture
def rehearsal(hub: Hub, config: SandboxConfig) -> Rehearsal:
    return Rehearsal(config, _clients={login: hub.user(login) for login in hub.people} | {"": hub.admin})


@pytest.fixture
def config(tmp_path_factory: pytest.TempPathFactory) -> SandboxConfig:
    directory = tmp_path_factory.mktemp("sandbox")
    return SandboxConfig(root=directory, directory=directory, network="127.9", cache=directory / "cache")


def settings(repository: str, web: list[str]) -> dict[str, object]:
    return {
        "slipway:github": {"platformTeam": "platform"},
        "slipway:teams": [
            {"name": "platform", "members": [{"login": "bob"}]},
            {"name": "web", "members": [{"login": login} for login in web]},
        ],
        "slipway:services": [{"name": "clock", "repository": repository, "team": "web"}],
    }


def test_the_team_that_owns_a_repository_merges_there_and_the_platform_team_may_not(
    rehearsal: Rehearsal, new_repository: Callable[..., Repository]
) -> None:
    made = new_repository(private=True)
    assert made.ask("PUT", "/collaborators/alice", json={"permission": "push"}).status_code < 300
    made.ask("PUT", "/collaborators/bob", json={"permission": "pull"})
    number = made.pull("slipway/files")
    pull = made.ask("GET", f"/pulls/{number}").json()
    with pytest.raises(SandboxError, match="403"):
        agree(rehearsal, made.name, number, reviewer="bob", seconds=0.5)
    author = pull["user"]["login"]
    commit = agree_to_settings(rehearsal, pull["html_url"], settings(made.name, [author, "alice"]))
    assert made.head() == commit
    assert made.ask("GET", f"/pulls/{number}").json()["merged_by"]["login"] == "alice"


def test_a_team_of_the_author_alone_is_told_to_add_a_member(rehearsal: Rehearsal, repository: Repository) -> None:
    pull = repository.ask("GET", f"/pulls/{repository.pull('slipway/files')}").json()
    with pytest.raises(SandboxError, match="add a member to the team"):
        agree_to_settings(rehearsal, pull["html_url"], settings(repository.name, [pull["user"]["login"]]))
    assert repository.ask("GET", f"/pulls/{pull['number']}").json()["merged"] is False
