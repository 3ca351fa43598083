"""Commands of the documentation that no other test needs, typed on a sandbox that has seen many releases."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.clone import Clone
from sandbox.rehearsal import JsonObject, Rehearsal
from tests.docs.documented import documented
from tests.sandbox.conftest import Sandbox

SERVICE = "guestbook"
PRODUCTION = f"{SERVICE}-production"


@pytest.fixture(scope="module")
def clone(rehearsal: Rehearsal) -> Iterator[Clone]:
    with rehearsal.clone(rehearsal.environment_repository, "dana") as clone:
        yield clone


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (documented("python3 .slipway/slipway_release validate"), "all charts render"),
        (documented("git worktree add ../base origin/main"), ""),
        (documented("python3 .slipway/slipway_release diff ../base . --output difference.md"), ""),
        (documented("python3 .slipway/slipway_release dora"), "SERVICE"),
        (documented("python3 .slipway/slipway_release dora --days 90"), "production"),
        (documented("python3 .slipway/slipway_release dora --json"), '"change_failure_rate"'),
        (documented("python3 .slipway/slipway_release page status.html"), "status.html"),
        (documented("python3 .slipway/slipway_release releases"), " to dev: ✓ verified"),
        (documented("git rm -r helm-charts/orders").replace("orders", "clock"), "helm-charts/clock/Chart.yaml"),
        (documented("python3 .slipway/slipway_release validate"), "clock"),
    ],
)
def test_a_clone_of_the_environment_repository_checks_and_shows_itself(
    sandbox: Sandbox, rehearsal: Rehearsal, clone: Clone, line: str, said: str
) -> None:
    """The steps are one after the other in one clone; what `gh auth token` gives is dana's."""
    given = dataclasses.replace(sandbox, environment=sandbox.environment | {"GITHUB_TOKEN": rehearsal.token("dana")})
    base = clone.directory.with_name(f"{clone.directory.name}-base")
    assert said in given.types(f"{line.replace('../base', str(base))} 2>&1", clone.directory)


def test_a_kubeconfig_is_made_of_one_file(sandbox: Sandbox) -> None:
    flat = sandbox.types(documented("kubectl config view --flatten"))
    assert "client-key-data: " in flat
    assert "OMITTED" not in flat


def test_the_matrix_of_rights_is_shown(sandbox: Sandbox) -> None:
    assert "dana, sam" in sandbox.types(documented("make access"))


def test_the_status_page_is_written(sandbox: Sandbox) -> None:
    page = Path(sandbox.types(documented("make page")).strip().removeprefix("file://"))
    assert SERVICE in page.read_text()


def test_an_approver_agrees_to_a_release(sandbox: Sandbox, rehearsal: Rehearsal) -> None:
    def asked() -> JsonObject | None:
        pulls = rehearsal.open_pull_requests(rehearsal.environment_repository)
        return next((pull for pull in pulls if pull["head"]["ref"].startswith(f"release/production/{SERVICE}/")), None)

    pull = rehearsal.wait("a pull request for production", asked)
    line = documented(
        ".venv/bin/python -m sandbox approve http://10.201.0.1:3000/acme/environments/pull/1 --person sam"
    )
    assert "merged as" in sandbox.types(line.replace("pull/1", f"pull/{pull['number']}"))


def test_production_goes_back_without_github(sandbox: Sandbox, rehearsal: Rehearsal) -> None:
    """As `docs/break-glass.md` has it."""
    rehearsal.wait("production OutOfSync", lambda: rehearsal.state(PRODUCTION)[0] == "OutOfSync")
    rehearsal.sync(PRODUCTION, user="sam")
    rehearsal.wait_for_state(PRODUCTION, "Synced", "Healthy")
    assert "rolled back" in sandbox.types(documented("kubectl --namespace guestbook-production rollout undo"))
    rehearsal.wait("production OutOfSync", lambda: rehearsal.state(PRODUCTION)[0] == "OutOfSync")
    rehearsal.sync(PRODUCTION, user="sam")
    rehearsal.wait_for_state(PRODUCTION, "Synced", "Healthy")
