"""A platform that nobody has touched shows no change, night after night, under the real engine."""

import pytest

from sandbox.github import seed
from sandbox.github.core import clock
from tests.github.conftest import Hub
from tests.github.story import Story

DAY = 24 * 60 * 60


def test_a_platform_with_open_invitations_is_as_it_was_on_the_next_day(
    story: Story, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed.apply(hub.forge, {"users": [{"login": "Newcomer", "token": "ghp_newcomer"}]})
    story.members = ["Alice", "Newcomer"]
    story.up()
    # Undone after the test; over HTTP it never goes back.
    monkeypatch.setattr(clock, "_moved", clock.dt.timedelta(seconds=DAY))
    assert set(story.preview(refresh=True)) == {"same"}
    with hub.client("ghp_newcomer") as newcomer:
        newcomer.patch("/user/memberships/orgs/acme", json={"state": "active"}).raise_for_status()
    assert set(story.preview(refresh=True)) == {"same"}
    assert story.preview()["update"] == 1, "without a refresh the state learns of it by an update"
