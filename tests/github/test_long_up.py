"""An `up` that outlives the hour of its App's token, under the real engine: the next one goes on where it ended."""

import pytest
from pulumi import automation

from components.github.apps import OPERATOR, ROLES
from sandbox.github.core import clock
from sandbox.github.core.events import Event
from tests.github.conftest import Hub
from tests.github.story import Story
from tests.github.test_matrix import IDS, found_organization
from tests.keys import pem

HOUR = 3600


@pytest.mark.timeout(300)
def test_an_up_after_one_that_outlived_its_token_goes_on_and_doubles_nothing(
    story: Story, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.owner = "long"
    found_organization(hub, story.owner, "team")
    story.app_key = pem(OPERATOR.name)
    story.apps = {
        role.name: {"id": IDS[role.name][0], "installationId": IDS[role.name][1]} for role in (OPERATOR, *ROLES)
    }

    def an_hour_later(event: Event) -> None:
        """The token ends while the files of a repository are written; its rules come after them."""
        if event.name == "push" and event.repository.startswith(f"{story.owner}/") and not clock.ahead():
            monkeypatch.setattr(clock, "_moved", clock.dt.timedelta(seconds=HOUR + 60))

    hub.forge.events.subscribe(an_hour_later)
    with pytest.raises(automation.CommandError, match=r"401:? Bad credentials"):
        story.up()
    assert clock.ahead()
    assert (story.stack.export_stack().deployment or {}).get("pending_operations", []) == []
    before = story.ask("GET", f"/orgs/{story.owner}/repos")

    story.up()
    assert story.problems == []
    after = story.ask("GET", f"/orgs/{story.owner}/repos")
    assert {one["id"] for one in before} <= {one["id"] for one in after}
    assert {one["name"] for one in after} == {story.names["environments"], story.names["service"]}
    assert set(story.rulesets().values()) == {1}
    assert set(story.preview(refresh=True)) == {"same"}
