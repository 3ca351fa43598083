"""Two versions of one image: a candidate and the release of the same commit, built to the same bytes."""

import dataclasses
from collections.abc import Callable

from slipway_release.claims import PromotionRequest
from slipway_release.ledger import Ledger
from tests.release.builders import DIGEST, environment
from tests.release.test_lost import reconciled
from tests.release.world import World

Make = Callable[..., World]
CANDIDATE, RELEASE = "1.0.0-rc.1", "1.0.0"


def of_one_image(here: World, version: str) -> PromotionRequest:
    request = here.request(version)
    return dataclasses.replace(request, release=dataclasses.replace(request.release, digest=DIGEST))


def test_a_release_does_not_overtake_itself(world: Make) -> None:
    here = world(environment("dev"))
    here.deliver(of_one_image(here, CANDIDATE), "dev")
    here.deliver(of_one_image(here, RELEASE), "dev")
    assert here.statuses("environments", "dev/guestbook") == [
        f"in_progress: {RELEASE}: delivered, being verified",
        f"inactive: {CANDIDATE}: overtaken by {RELEASE} before it was verified",
        f"in_progress: {CANDIDATE}: delivered, being verified",
    ]


def test_a_delivery_that_was_cut_off_before_the_ledger_is_taken_up_again(world: Make) -> None:
    here = world(environment("dev"))
    here.deliver(of_one_image(here, CANDIDATE), "dev")
    dev, service = here.platform.environment("dev"), here.platform.service("guestbook")
    assert Ledger(here.context(), service).knows(dev, of_one_image(here, RELEASE).release) is False


def test_the_deployment_of_what_was_verified_is_marked(world: Make) -> None:
    here = world(environment("dev"))
    here.deliver(of_one_image(here, CANDIDATE), "dev")
    here.deliver(of_one_image(here, RELEASE), "dev")
    here.succeed("dev", here.commit("environments", "README.md", "Moves the branch on"))
    told = here.statuses("environments", "dev/guestbook")
    assert f"success: {RELEASE}: Synced, Healthy and Succeeded" in told
    assert not [text for text in told if text.startswith(f"success: {CANDIDATE}")]
    assert reconciled(here) == []
