"""The comment of a preview is one that is kept up to date, on the model of GitHub."""

import subprocess
import sys
from pathlib import Path

import pytest

from components.github.api import GitHubApi
from components.github.credentials import Token
from stacks.preview_changes import Preview
from stacks.preview_comment import comment
from stacks.pull_request_comment import HANDED_BYTES, LIMIT, hand_on, main, mark, of_others, publish
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


def test_the_text_of_a_pull_requests_own_code_says_so_and_reaches_nobody(
    hub: Hub, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = repository.pull("change")
    token = hub.workflow_token(repository.full_name, contents="read", pull_requests="write")
    text = f"{mark('acme')}\n@alice &#64;alice &commat;alice & <b> <!-- other tool -->\n" + "a\n" * LIMIT
    given = {"GITHUB_API_URL": f"{hub.url}/api/v3", "GITHUB_TOKEN": token, "GITHUB_REPOSITORY": repository.full_name}
    for name, value in {**given, "COMMENT": text}.items():
        monkeypatch.setenv(name, value)
    for _ in range(2):
        assert main(["--stack", "acme", "--pull-request", str(number)]) == 0
    (made,) = repository.ask("GET", f"/issues/{number}/comments").json()
    first, note, _, said, *_ = made["body"].splitlines()
    assert (first, note[:28]) == (mark("acme"), "> **Written by the code of t")
    assert said == "@\u200balice &\u200b#64;alice &\u200bcommat;alice & <b> <\u200b!-- other tool -->"
    assert len(of_others(text, "acme")) == LIMIT


def test_a_text_that_is_handed_on_fits_into_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    hand_on("a" + "é" * HANDED_BYTES)
    handed = (tmp_path / "output").read_text(encoding="utf-8").splitlines()[1]
    assert len(handed.encode()) == HANDED_BYTES - 1


def test_the_job_that_may_write_needs_no_package() -> None:
    command = [sys.executable, "-S", "-m", "stacks.pull_request_comment", "--help"]
    ran = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
