"""A repository that was renamed answers under its former name with a redirect, and clients follow it."""

from collections.abc import Callable

from components.github.api import GitHubApi
from components.github.credentials import Token
from components.github.file_delivery import FileDelivery
from components.github.tree import WantedFiles
from manifests.model import OwnedFiles
from slipway_release.contents import Contents
from slipway_release.github import GitHub
from tests.github.conftest import Hub, Repository


def test_files_are_read_and_written_under_the_former_name(hub: Hub, new_repository: Callable[..., Repository]) -> None:
    clock = new_repository("clock")
    assert clock.ask("PATCH", json={"name": "watch"}).status_code == 200
    token = hub.secrets.github_token
    files = FileDelivery(GitHubApi(f"{hub.url}/api/v3", Token(token)), "acme", "clock")
    assert files.read() is not None
    files.deliver(WantedFiles(owned={"a.txt": "a\n"}, seeded={}), "Write", OwnedFiles.COMMIT)
    contents = Contents(GitHub(f"{hub.url}/api/v3", token), "acme/clock")
    found = contents.read("a.txt", "main")
    assert found is not None
    contents.write("a.txt", "b\n", "Write again", "main", found.sha)
    assert Repository(hub, "watch").head() == contents.last_commit("a.txt", "main")
