"""A new service as a pull request on the platform repository, on the model of GitHub."""

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.github.api import GitHubApi
from components.github.errors import GitHubError
from stacks.new import main
from stacks.proposal import ProposalError, origin
from tests.github.conftest import Hub, Repository

ROOT = Path(__file__).parents[2]
FILE = "stacks/Pulumi.acme.yaml"
ARGUMENTS = ["service", "--stack", "acme", "--template", "go-web", "--team", "web", "--propose"]


@pytest.fixture
def platform(
    hub: Hub, new_repository: Callable[..., Repository], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Repository:
    made = new_repository()
    text = (ROOT / "stacks/Pulumi.example.yaml").read_text()
    text = text.replace("    owner: acme\n", f"    owner: acme\n    baseUrl: {hub.url}/\n", 1)
    assert made.put_file(FILE, text).status_code == 201
    (tmp_path / "stacks").mkdir()
    (tmp_path / FILE).write_text(text)
    monkeypatch.setenv("GITHUB_TOKEN", hub.secrets.github_token)
    monkeypatch.delenv("GITHUB_API_URL", raising=False)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(["git", "remote", "add", "origin", f"{hub.url}/{made.full_name}.git"], cwd=tmp_path, check=True)
    return made


def test_the_entry_is_proposed_and_the_clone_stays_as_it_is(
    platform: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (tmp_path / FILE).read_text()
    # Somebody merged another service in the meantime: the proposal is made from what main says now.
    newer = before.replace(
        "    - name: ledger\n", "    - name: newer\n      template: go-web\n      team: web\n    - name: ledger\n"
    )
    sha = platform.ask("GET", f"/contents/{FILE}").json()["sha"]
    platform.put_file(FILE, newer, sha=sha)
    assert main([*ARGUMENTS, "--name", "proposed"], tmp_path) == 0
    (pull,) = platform.ask("GET", "/pulls").json()
    assert pull["html_url"] in capsys.readouterr().out
    assert pull["title"] == "Add the service proposed"
    assert "Application and namespace proposed-dev" in pull["body"]
    (file,) = platform.ask("GET", f"/pulls/{pull['number']}/files").json()
    assert (file["filename"], file["deletions"], file["additions"]) == (FILE, 0, 3)
    clone = platform.clone(tmp_path / "clone")
    clone.git("checkout", "--quiet", "add-service-proposed")
    services = yaml.safe_load((tmp_path / "clone" / FILE).read_text())["config"]["slipway:services"]
    assert [one["name"] for one in services] == ["guestbook", "newer", "ledger", "proposed"]
    assert (tmp_path / FILE).read_text() == before

    assert main([*ARGUMENTS, "--name", "proposed"], tmp_path) == 2
    assert f"{pull['html_url']} proposes it already" in capsys.readouterr().err


def test_a_name_that_was_taken_in_the_meantime_is_refused(
    platform: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sha = platform.ask("GET", f"/contents/{FILE}").json()["sha"]
    newer = (tmp_path / FILE).read_text().replace("    - name: ledger\n", "    - name: raced\n")
    platform.put_file(FILE, newer, sha=sha)
    assert main([*ARGUMENTS, "--name", "raced"], tmp_path) == 2
    assert "'raced' is taken by services[raced]" in capsys.readouterr().err
    assert platform.ask("GET", "/branches").json()[0]["name"] == "main"
    assert platform.ask("GET", "/pulls").json() == []


def test_of_two_people_who_propose_one_service_at_once_one_is_told_and_nothing_is_half_made(
    platform: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadPoolExecutor(2) as people:
        codes = [*people.map(lambda _: main([*ARGUMENTS, "--name", "twice"], tmp_path), range(2))]
    assert sorted(codes) == [0, 2]
    said = capsys.readouterr().err
    assert "proposes it already" in said or "somebody proposes it right now" in said
    assert [pull["title"] for pull in platform.ask("GET", "/pulls").json()] == ["Add the service twice"]
    branches = platform.ask("GET", "/branches").json()
    assert sorted(branch["name"] for branch in branches) == ["add-service-twice", "main"]


def test_a_repository_that_exists_is_named_before_anything_is_made(
    platform: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*ARGUMENTS, "--name", "used", "--repository", platform.name], tmp_path) == 2
    assert f"acme/{platform.name} exists on GitHub" in capsys.readouterr().err
    assert platform.ask("GET", "/pulls").json() == []


def test_a_repository_out_of_reach_and_a_clone_of_nothing_are_named(
    platform: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*ARGUMENTS, "--name", "orders", "--platform-repository", "acme/nowhere"], tmp_path) == 2
    assert "acme/nowhere: the token reaches no such repository" in capsys.readouterr().err
    subprocess.run(["git", "remote", "remove", "origin"], cwd=tmp_path, check=True)
    with pytest.raises(ProposalError, match="does not say where it came from"):
        origin(tmp_path)


def test_what_a_workflow_proposes_says_how_its_preview_begins(
    platform: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stacks.proposal.OF_ACTIONS", platform.ask("GET", "").json()["owner"]["login"])
    opened = GitHubApi.post

    def post(api: GitHubApi, path: str, body: dict[str, Any]) -> Any:
        made = opened(api, path, body)
        return made | {"user": {"login": "acme"}} if path.endswith("/pulls") else made

    monkeypatch.setattr(GitHubApi, "post", post)
    assert main([*ARGUMENTS, "--name", "formed"], tmp_path) == 0
    (pull,) = platform.ask("GET", "/pulls").json()
    assert "Application and namespace formed-dev" in pull["body"]
    assert "**Close this pull request and open it again**: then its preview runs." in pull["body"]


def test_actions_that_may_not_propose_are_told_where_that_is_allowed(
    platform: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = GitHubApi.post
    message = "GitHub Actions is not permitted to create or approve pull requests."

    def post(api: GitHubApi, path: str, body: dict[str, Any]) -> Any:
        if path.endswith("/pulls"):
            raise GitHubError("POST", 403, message)
        return opened(api, path, body)

    monkeypatch.setattr(GitHubApi, "post", post)
    # As a run's page shows it.
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main([*ARGUMENTS, "--name", "formed"], tmp_path) == 2
    said = capsys.readouterr()
    assert f"::error::{platform.full_name}: GitHub Actions may not create pull requests here; allow it in" in said.out
    assert [branch["name"] for branch in platform.ask("GET", "/branches").json()] == ["main"]


def test_a_branch_without_a_pull_request_is_not_left_behind(
    platform: Repository, tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.ruleset({"type": "update"}, include="refs/heads/add-service-blocked")
    assert main([*ARGUMENTS, "--name", "blocked"], tmp_path) == 2
    assert [branch["name"] for branch in platform.ask("GET", "/branches").json()] == ["main"]
