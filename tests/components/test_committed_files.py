"""All files of a repository in one commit: owned ones are kept, seeded ones are left alone."""

import json
from typing import Any

import httpx
import pytest
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.dynamic.dynamic import serialize_provider

from components.github.errors import GitHubError
from components.github.file_delivery import FILES_BRANCH, FileDelivery
from components.github.files_provider import FilesProvider
from components.github.tree import PROGRAM, WantedFiles, blob_sha
from manifests.model import OwnedFiles
from tests.components.builders import platform
from tests.components.git_data import GitData
from tests.recorder import is_secret, plain
from tests.stacks.builders import VALUES

OWNED = {".github/workflows/release.yml": "on: push\n"}
SEEDED = {"app.py": "print()\n", "Makefile": "test:\n"}


def properties(**changes: Any) -> dict[str, Any]:
    return {
        "repository": "guestbook",
        "owned": OWNED,
        "seeded": SEEDED,
        "executable": [],
        "message": "Start",
        "trailer": "[skip ci]",
        "changes": "commit",
        **changes,
    }


def provider(data: GitData) -> FilesProvider:
    made = FilesProvider()
    made._owner, made._api = "acme", data.api()
    return made


def test_everything_is_one_commit_and_three_writes() -> None:
    data = GitData.initialised()
    provider(data).create(properties())
    assert data.writes == ["POST /git/trees", "POST /git/commits", "PATCH /git/refs/heads/main"]
    assert data.history() == ["Start\n\n[skip ci]", "Initial commit"]
    assert set(data.files()) == {"README.md", *OWNED, *SEEDED}


@pytest.mark.parametrize("text", ["# guestbook", "# guestbook\nA book of guests\n", "# guestbook\n\nA book of guests"])
def test_the_readme_that_github_writes_into_a_new_repository_is_not_the_teams(text: str) -> None:
    data = GitData.initialised({"README.md": text})
    data.description = "A book of guests"
    made = provider(data).create(properties(seeded={**SEEDED, "README.md": "# What to do next\n"}))
    assert data.files()["README.md"].sha == blob_sha("# What to do next\n")
    assert made.outs is not None
    assert "README.md" in made.outs["handled"]


def test_a_readme_that_a_person_has_written_stays() -> None:
    seeded = {**SEEDED, "README.md": "# What to do next\n"}
    for files in ({"README.md": "# guestbook\nMine\n"}, {"README.md": "# guestbook\n", "mine.py": "1\n"}):
        data = GitData.initialised(files)
        provider(data).create(properties(seeded=seeded))
        assert data.files()["README.md"].sha == blob_sha(files["README.md"])


def test_a_readme_waits_in_the_pull_request_with_everything_else() -> None:
    data = GitData.initialised()
    data.rules.append("pull_request")
    seeded = {**SEEDED, "README.md": "# What to do next\n"}
    given = properties(seeded=seeded, changes="pull-request")
    made = provider(data).create(given)
    assert made.outs is not None
    provider(data).update("", made.outs, given)
    assert data.files(FILES_BRANCH)["README.md"].sha == blob_sha("# What to do next\n")


def test_many_files_are_still_one_commit() -> None:
    data = GitData.initialised()
    provider(data).create(properties(seeded={f"file-{number}": str(number) for number in range(1000)}))
    assert len(data.history()) == 2
    assert len(data.files()) == 1002


def test_an_empty_repository_gets_its_first_commit() -> None:
    data = GitData()
    provider(data).create(properties())
    assert set(data.files()) == {*OWNED, *SEEDED}
    assert len(data.history()) == 2


def test_a_first_branch_of_another_name_becomes_main() -> None:
    data = GitData(default_branch="master")
    data.commit("master", {"README.md": "x"})
    provider(data).create(properties())
    assert set(data.branches) == {"main"}
    assert set(data.files()) == {"README.md", *OWNED, *SEEDED}


def test_creating_again_writes_nothing() -> None:
    """An interrupted `up` is run again."""
    data = GitData.initialised()
    provider(data).create(properties())
    data.writes.clear()
    provider(data).create(properties())
    assert data.writes == []


def test_a_file_that_is_there_is_not_seeded_over() -> None:
    data = GitData.initialised({"app.py": "mine\n"})
    provider(data).create(properties())
    assert data.files()["app.py"].sha == blob_sha("mine\n")


def test_an_unchanged_resource_shows_no_difference() -> None:
    data = GitData.initialised()
    files = provider(data)
    state = files.create(properties()).outs or {}
    assert files.diff("id", state, properties()).changes is False
    refreshed = files.read("id", state).outs
    assert refreshed == state


def test_drift_of_an_owned_file_is_shown_and_mended() -> None:
    data = GitData.initialised()
    files = provider(data)
    state = files.create(properties()).outs or {}
    data.commit("main", {".github/workflows/release.yml": "on: never\n", "app.py": "theirs\n"})
    seen = files.read("id", state).outs or {}
    assert files.diff("id", seen, properties()).changes is True
    files.update("id", seen, properties())
    assert data.files()[".github/workflows/release.yml"].sha == blob_sha("on: push\n")
    assert data.files()["app.py"].sha == blob_sha("theirs\n")


def test_changes_of_seeded_files_are_not_a_difference() -> None:
    data = GitData.initialised()
    files = provider(data)
    state = files.create(properties()).outs or {}
    data.commit("main", {"app.py": "theirs\n"})
    seen = files.read("id", state).outs or {}
    assert files.diff("id", seen, properties(seeded={**SEEDED, "app.py": "a new template\n"})).changes is False


def test_a_seeded_file_that_was_deleted_stays_deleted() -> None:
    data = GitData.initialised()
    files = provider(data)
    state = files.create(properties()).outs or {}
    del data.files()["app.py"]
    files.update("id", state, properties(seeded={**SEEDED, "new.py": "x\n"}))
    assert "app.py" not in data.files()
    assert "new.py" in data.files()


@pytest.mark.parametrize(("whole", "written"), [([""], set[str]()), (["chart/"], {"new.py"})])
def test_a_later_version_of_a_template_plants_nothing_in_what_was_started_from_an_earlier_one(
    whole: list[str], written: set[str]
) -> None:
    data = GitData.initialised()
    files = provider(data)
    chart = {"chart/Chart.yaml": "x\n", "chart/values.yaml": "x\n"}
    state = files.create(properties(seeded={**SEEDED, **chart})).outs or {}
    later = {**SEEDED, **chart, "chart/checks.yaml": "x\n", "new.py": "x\n"}
    news = properties(seeded=later, whole=whole)
    before = set(data.files())
    state = files.update("id", state, news).outs or {}
    assert set(data.files()) - before == written
    assert files.diff("id", state, news).changes is False
    # Neither then, nor once the version of before is named no longer.
    files.update("id", state, properties(seeded=later))
    assert set(data.files()) - before == written


def test_a_start_that_waits_in_a_pull_request_is_brought_up_to_date_with_its_template() -> None:
    data = GitData.initialised()
    data.rules.append("pull_request")
    files = provider(data)
    state = files.create(properties(changes="pull-request", seeded={**SEEDED, "README.md": "x\n"})).outs or {}
    later = {**SEEDED, "README.md": "x\n", "new.py": "x\n"}
    news = properties(changes="pull-request", seeded=later, whole=[""])
    assert files.diff("id", state, news).changes is True
    files.update("id", state, news)
    assert "new.py" in data.files("slipway/files")


def test_what_is_owned_no_longer_is_removed() -> None:
    data = GitData.initialised()
    files = provider(data)
    state = files.create(properties(owned={**OWNED, "infrastructure/dev/quotas.yaml": "x\n"})).outs or {}
    assert files.diff("id", state, properties()).changes is True
    files.update("id", state, properties())
    assert "infrastructure/dev/quotas.yaml" not in data.files()


def test_deleting_the_resource_leaves_the_files() -> None:
    data = GitData.initialised()
    files = provider(data)
    state = files.create(properties()).outs or {}
    data.writes.clear()
    files.delete("id", state)
    assert data.writes == []


def test_programs_are_executable() -> None:
    data = GitData.initialised()
    files = provider(data)
    state = files.create(properties(executable=["Makefile"])).outs or {}
    assert data.files()["Makefile"].mode == PROGRAM
    assert files.diff("id", state, properties(executable=["Makefile"])).changes is False


def test_a_protected_main_is_changed_by_a_pull_request() -> None:
    data = GitData.initialised()
    files = provider(data)
    state = files.create(properties(changes="pull-request")).outs or {}
    assert state["pull_request"] == ""
    data.rules.append("pull_request")
    new = properties(changes="pull-request", owned={**OWNED, ".github/workflows/main.yml": "on: push\n"})
    before = data.branches["main"]
    state = files.update("id", state, new).outs or {}
    assert state["pull_request"] == data.pulls[0]["html_url"]
    assert data.branches["main"] == before
    assert ".github/workflows/main.yml" in data.files(FILES_BRANCH)
    assert "skip ci" not in data.commits[data.branches[FILES_BRANCH]].message, "its checks must run"
    assert files.diff("id", state, new).changes is True


def test_an_open_pull_request_is_found_again() -> None:
    data = GitData.initialised()
    data.rules.append("pull_request")
    files = provider(data)
    new = properties(changes="pull-request")
    state = files.create(new).outs or {}
    branch = data.branches[FILES_BRANCH]
    again = files.update("id", state, new).outs or {}
    assert again == state
    assert (len(data.pulls), data.branches[FILES_BRANCH]) == (1, branch)


def test_a_merged_pull_request_ends_the_wait() -> None:
    data = GitData.initialised()
    data.rules.append("pull_request")
    files = provider(data)
    new = properties(changes="pull-request")
    state = files.create(new).outs or {}
    data.branches["main"] = data.branches[FILES_BRANCH]
    data.pulls.clear()
    state = files.update("id", state, new).outs or {}
    assert state["pull_request"] == ""
    assert files.diff("id", state, new).changes is False


def test_seeds_in_a_pull_request_wait_with_it() -> None:
    data = GitData.initialised()
    data.rules.append("pull_request")
    files = provider(data)
    state = files.create(properties(changes="pull-request")).outs or {}
    assert state["handled"] == []


def test_a_faster_writer_loses_nothing() -> None:
    data = GitData.initialised()
    moves = iter([{"theirs-1": "x"}, {"theirs-2": "x"}])

    def somebody_is_faster(request: httpx.Request) -> None:
        if request.method == "PATCH" and (files := next(moves, None)):
            data.commit("main", files)

    data.refuse = somebody_is_faster
    provider(data).create(properties())
    assert {"theirs-1", "theirs-2", *OWNED, *SEEDED} <= set(data.files())


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502),
        httpx.Response(429, headers={"retry-after": "3"}),
        httpx.Response(403, json={"message": "You have exceeded a secondary rate limit"}),
    ],
)
def test_a_passing_refusal_is_waited_out(answer: httpx.Response) -> None:
    data = GitData.initialised()
    refusals = iter([answer, answer])
    data.refuse = lambda request: next(refusals, None) if request.url.path.endswith("/git/commits") else None
    provider(data).create(properties())
    assert len(data.history()) == 2
    assert len(data.naps) == 2


def test_a_repository_that_is_still_being_made_is_waited_for() -> None:
    data = GitData.initialised()
    busy = iter([httpx.Response(409, json={"message": "Reference cannot be updated"})] * 2)
    data.refuse = lambda request: next(busy, None) if request.method == "PATCH" else None
    provider(data).create(properties())
    assert len(data.history()) == 2


def test_rules_that_refuse_a_commit_name_the_remedy() -> None:
    data = GitData.initialised()
    data.rules.append("pull_request")
    with pytest.raises(GitHubError, match="ownedFiles: pull-request"):
        provider(data).create(properties(changes="commit"))
    assert data.naps == []


def test_a_definite_refusal_names_the_thing_and_the_remedy() -> None:
    data = GitData.initialised()
    data.refuse = lambda request: (
        httpx.Response(404, json={"message": "Not Found"}) if request.method == "POST" else None
    )
    with pytest.raises(GitHubError, match=r"guestbook/git/trees.*workflows: write"):
        provider(data).create(properties())
    assert data.naps == []


def test_the_state_holds_neither_credential_nor_content() -> None:
    data = GitData.initialised()
    state = provider(data).create(properties()).outs or {}
    assert "ghs_token" not in str(state)
    assert "print()" not in str(state)
    assert len(serialize_provider(FilesProvider())) < 300


def test_credentials_come_from_the_settings() -> None:
    github = json.dumps(VALUES["github"])
    made = FilesProvider()
    made.configure(ConfigureRequest(Config({"slipway:github": github, "slipway:githubToken": "ghp_x"}, "slipway")))
    assert made._api._anonymous.api_url == "https://api.github.com"


def test_the_plugin_runs_it_with_nothing_but_what_it_needs() -> None:
    """The stack's own dynamic provider would be denied, and would see every secret."""
    recording = platform()
    host = recording.one("files")
    assert host.type == "pulumi:providers:pulumi-python"
    assert set(host.inputs) == {"slipway:github", "slipway:githubToken"}
    assert is_secret(host.inputs["slipway:githubToken"])
    given = plain(host.inputs)
    made = FilesProvider()
    made.configure(ConfigureRequest(Config(given, "project")))
    assert made._owner == "acme"


def test_a_path_that_is_seeded_from_now_on_is_not_removed() -> None:
    wanted = WantedFiles(owned={}, seeded={"README.md": "x"}, dropped={"README.md"})
    data = GitData.initialised({"README.md": "y"})
    FileDelivery(data.api(), "acme", "guestbook").deliver(wanted, "m", OwnedFiles.COMMIT)
    assert data.files()["README.md"].sha == blob_sha("y")
