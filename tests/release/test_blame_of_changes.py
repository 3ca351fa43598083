"""What is blamed where several changes of release and configuration come between two reports."""

from collections.abc import Callable

import pytest

from slipway_release import hold
from tests.release.builders import environment
from tests.release.world import World

Make = Callable[..., World]
VALUES = "environments/dev/guestbook/values.yaml"
CHART = "helm-charts/guestbook/values.yaml"
BROKEN = "command: [broken]\n"


@pytest.fixture
def here(world: Make) -> World:
    """1.0.0 is verified with values and chart of its own."""
    made = world(environment("dev"))
    made.commit("environments", VALUES, "replicas: 1\n")
    made.commit("environments", CHART, "replicas: 1\n")
    made.verified_release("1.0.0", "dev")
    return made


def change(here: World, path: str, text: str) -> str:
    return here.commit("environments", path, text)


def blames_values(here: World, commit: str) -> bool:
    """Whether a failure is blamed on the values alone, and nothing is held or taken back for it."""
    before = here.wanted("dev")
    reason = here.fail("dev", commit).reason
    assert (here.wanted("dev"), here.file("dev").held) == (before, ()), reason
    return f"is not what broke: {VALUES} changed" in reason


def blames_either(here: World, commit: str) -> bool:
    """Whether release and configuration go back, and a person is told to find out which it was."""
    assert here.fail("dev", commit).target is not None
    (held,) = here.file("dev").held
    return "either may be what broke. Both are put back" in held.reason


def blames_release(here: World, commit: str) -> bool:
    """Whether a release is taken back because it alone is at fault."""
    assert here.fail("dev", commit).target is not None
    (held,) = here.file("dev").held
    return held.reason == "Degraded: crash loop"


def test_a_change_of_the_chart_hides_no_values_that_were_broken_before(here: World) -> None:
    """The next release comes onto the values, and the chart changes before anything is reported of it."""
    here.fail("dev", change(here, VALUES, BROKEN))
    here.release("1.1.0", "dev")
    assert blames_values(here, change(here, CHART, "replicas: 2\n"))
    (pull,) = here.pulls()
    here.call("PUT", f"/repos/{here.repository}/pulls/{pull['number']}/merge", {"merge_method": "squash"})
    assert here.text(VALUES, "main") == "replicas: 1\n"
    assert here.text(CHART, "main") == "replicas: 2\n", "what is not to blame stays"


def test_values_stay_blamed_through_releases_that_were_never_well(here: World) -> None:
    """Each comes onto them, with another change of the chart before it or after."""
    here.release("1.1.0", "dev")
    assert blames_values(here, change(here, VALUES, BROKEN))
    change(here, CHART, "replicas: 2\n")
    assert blames_values(here, here.release("1.2.0", "dev"))
    here.release("1.3.0", "dev")
    assert blames_values(here, change(here, CHART, "replicas: 3\n"))
    assert blames_values(here, change(here, CHART, "replicas: 4\n")), "the same release, with one more change"
    assert len(here.pulls()) == 1, "the same restoration, proposed once"


def test_a_hold_and_a_change_of_the_chart_hide_no_broken_values(here: World) -> None:
    here.fail("dev", change(here, VALUES, BROKEN))
    here.release("1.1.0", "dev")
    place, guestbook = here.platform.environment("dev"), here.platform.service("guestbook")
    hold.hold(here.context(), place, guestbook, "1.2.0", reason="no", login="dana")
    change(here, CHART, "replicas: 2\n")
    assert f"{VALUES} changed" in here.fail("dev", here.head("environments")).reason
    assert (here.wanted("dev"), here.file("dev").hold_of("1.1.0")) == ("1.1.0", None)


def test_broken_values_that_come_back_after_a_revert_by_hand_are_known(here: World) -> None:
    here.fail("dev", change(here, VALUES, BROKEN))
    here.succeed("dev", change(here, VALUES, "replicas: 1\n"))
    change(here, VALUES, BROKEN)
    assert blames_values(here, here.release("1.1.0", "dev"))


def test_values_that_were_well_since_are_not_blamed_any_more(here: World) -> None:
    """The chart was what did not fit them."""
    here.fail("dev", change(here, VALUES, BROKEN))
    change(here, CHART, "command: wanted\n")
    here.succeed("dev", here.release("1.1.0", "dev"))
    assert blames_release(here, here.release("1.2.0", "dev"))


def test_values_that_were_well_since_and_a_chart_that_comes_with_a_release_leave_open_which_it_is(here: World) -> None:
    here.fail("dev", change(here, VALUES, BROKEN))
    change(here, CHART, "command: wanted\n")
    here.succeed("dev", here.release("1.1.0", "dev"))
    change(here, CHART, "command: unknown\n")
    assert blames_either(here, here.release("1.2.0", "dev"))
    assert here.text(CHART, "main") == "command: wanted\n"


def test_a_configuration_that_was_well_and_came_back_is_not_blamed_for_a_bad_release(here: World) -> None:
    here.succeed("dev", change(here, VALUES, "replicas: 2\n"))
    here.succeed("dev", change(here, VALUES, "replicas: 1\n"))
    here.release("1.1.0", "dev")
    assert blames_release(here, change(here, VALUES, "replicas: 2\n"))


def test_an_outage_before_a_change_of_values_says_nothing_of_the_release(here: World) -> None:
    here.fail("dev", here.release("1.1.0", "dev"), "Sync failed: failed calling webhook: connection refused")
    assert blames_values(here, change(here, VALUES, BROKEN))


def test_values_that_fail_again_after_a_mend_of_which_nothing_was_reported_leave_open_which_it_is(here: World) -> None:
    """It looks like a bad release, and values that were mended in vain."""
    here.release("1.1.0", "dev")
    assert blames_values(here, change(here, VALUES, BROKEN))
    change(here, VALUES, "replicas: 2\n")
    assert blames_either(here, change(here, VALUES, "command: [broken again]\n"))
    assert (here.wanted("dev"), here.text(VALUES, "main")) == ("1.0.0", "replicas: 1\n")


def test_values_that_fail_again_are_blamed_again_where_the_release_was_well_before(here: World) -> None:
    for text in (BROKEN, "command: [broken again]\n"):
        change(here, VALUES, "replicas: 2\n")
        assert blames_values(here, change(here, VALUES, text))


def test_a_bad_release_onto_broken_values_is_taken_back_once_they_are_mended(here: World) -> None:
    """A rollback came before, and another change of the chart with it."""
    assert here.fail("dev", here.release("1.1.0", "dev")).target is not None
    here.succeed("dev", here.head("environments"))
    here.fail("dev", change(here, VALUES, BROKEN))
    here.release("1.2.0", "dev")
    assert f"{VALUES} changed" in here.fail("dev", change(here, CHART, "replicas: 2\n")).reason
    assert here.fail("dev", change(here, VALUES, "replicas: 1\n")).target is not None
    assert (here.wanted("dev"), here.file("dev").hold_of("1.2.0") is not None) == ("1.0.0", True)
