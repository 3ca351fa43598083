"""The stack of the sandbox by the real CLI, from an empty cluster; `test_stories.py` goes on with that platform."""

from copy import deepcopy
from dataclasses import replace

from sandbox.pulumi import operations
from sandbox.pulumi.operations import Run
from sandbox.pulumi.settings import StackConfig
from tests.sandbox.platforms import Platform


def with_another_role(settings: StackConfig) -> StackConfig:
    """The same settings, but one member of one team may do more."""
    teams = deepcopy(settings.values["slipway:teams"])
    member = next(member for team in teams for member in team["members"] if member["login"] == "sam")
    member["role"] = "maintainer"
    return replace(settings, values=settings.values | {"slipway:teams": teams})


def test_a_preview_on_an_empty_cluster_creates_everything_and_nothing_yet(platform: Platform) -> None:
    """Also what is of kinds that the cluster does not know before Argo CD is there."""
    before = platform.repositories()
    assert set(operations.preview(platform.place, platform.settings).counts) == {"create"}
    assert platform.repositories() == before


def test_the_first_up_creates_and_changes_nothing(platform: Platform, deployed: Run) -> None:
    assert set(deployed.counts) <= {"create", "same", "read"}
    assert deployed.counts["create"] > 60
    assert {"environments", "guestbook", "clock"} <= platform.repositories()


def test_secrets_do_not_lie_in_the_state(platform: Platform, deployed: Run) -> None:
    assert deployed.total
    files = [path for path in (platform.config.directory / "pulumi" / "state").rglob("*") if path.is_file()]
    assert files
    for key in platform.settings.secrets:
        # A whole line of it: JSON escapes the line breaks of a key.
        line = max(str(platform.settings.values[key]).splitlines(), key=len)
        assert not [path.name for path in files if line in path.read_text(errors="replace")], key


def test_an_up_finds_no_drift_and_changes_nothing(platform: Platform, deployed: Run) -> None:
    """It begins with a refresh. Jobs have run and Argo CD has synced by then; that is not drift."""
    again = operations.up(platform.place, platform.settings)
    assert again.counts == {"same": deployed.total}
    assert again.exports == deployed.exports


def test_one_changed_setting_is_one_update(platform: Platform, deployed: Run) -> None:
    """The next story's first update takes it back with its own change."""
    changed = with_another_role(platform.settings)
    done = operations.up(platform.place, changed)
    assert done.counts == {"update": 1, "same": deployed.total - 1}
    team = platform.github("GET", "/orgs/acme/teams/web/memberships/sam")
    assert team["role"] == "maintainer"
