"""One job plans and delivers; what people approve has a job of its own."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway_release import deliveries, release_file
from slipway_release.errors import ReleaseError
from tests.release.builders import environment
from tests.release.world import World

Make = Callable[..., World]


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "output"
    monkeypatch.setenv("GITHUB_OUTPUT", str(path))
    return path


def approved(output: Path) -> list[str]:
    """The environments that the first job leaves to jobs which people approve."""
    return json.loads(output.read_text().splitlines()[1])


def protect(here: World, *environments: str) -> None:
    """Refuses deliveries to some environments for good."""
    for name in environments:
        path = release_file.path_of(name, "guestbook")
        text = "Repository rule violations found\n\nChanges must be made through a pull request."
        match = f"PUT /api/v3/repos/{here.repository}/contents/{path}"
        here.fault(match=match, status=409, message=text)


def test_the_first_job_delivers_where_nobody_approves_and_leaves_the_rest(world: Make, output: Path) -> None:
    here = world(
        environment("dev"),
        environment("staging"),
        environment("partner", approval=True, delivery="pull-request"),
        environment("production", approval=True, approvers=["web"]),
    )
    deliveries.promote(here.context(), here.request("1.0.0"))
    assert approved(output) == ["production"]
    assert [here.wanted(name) for name in ("dev", "staging", "production")] == ["1.0.0", "1.0.0", None]
    assert [pull["title"] for pull in here.pulls()] == ["Release guestbook 1.0.0 to partner"]


def test_a_delivery_that_fails_keeps_no_other_environment_waiting(world: Make, output: Path) -> None:
    here = world(
        environment("dev"), environment("staging"), environment("production", approval=True, approvers=["web"])
    )
    protect(here, "dev")
    with pytest.raises(ReleaseError, match="pull-request"):
        deliveries.promote(here.context(), here.request("1.0.0"))
    assert (here.wanted("dev"), here.wanted("staging")) == (None, "1.0.0")
    assert approved(output) == ["production"]


def test_a_job_that_nobody_has_approved_delivers_nothing(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world(environment("production", approval=True, approvers=["web"]))
    monkeypatch.setenv("GITHUB_RUN_ID", "999999")
    context = here.context()
    with pytest.raises(ReleaseError, match="approv"):
        deliveries.deliver(context, here.request("1.0.0"), context.platform.environment("production"))
    assert here.wanted("production") is None
