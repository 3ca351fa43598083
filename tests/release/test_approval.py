"""Who may let a delivery through, and whose image it may be."""

import dataclasses
from typing import Any

import pytest

from slipway_release import approval, claims
from slipway_release.claims import PromotionRequest
from slipway_release.errors import RefusedError
from slipway_release.people import Person
from slipway_release.registry import Image, Registry
from tests.release.builders import context, environment, platform, release

RUN = "/repos/acme/environments/actions/runs/7"


def approved(*logins: str, place: str = "production", state: str = "approved") -> list[dict[str, Any]]:
    return [{"state": state, "user": {"login": login}, "environments": [{"name": place}]} for login in logins]


def check(reviews: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    monkeypatch.setenv("GITHUB_RUN_ID", "7")
    of = platform(environment("production", **({"approval": True} | changes)))
    around = context({f"GET {RUN}/approvals": reviews}, of=of)
    request = PromotionRequest(
        of.service("guestbook"), release("1.0.0"), None, None, None, (Person("Dana"), Person("sam"))
    )
    approval.check(around, request, of.environment("production"))


@pytest.mark.parametrize("reviews", [approved("pat"), approved("dana", "pat")])
def test_somebody_else_than_who_released_approves(
    monkeypatch: pytest.MonkeyPatch, reviews: list[dict[str, Any]]
) -> None:
    check(reviews, monkeypatch)


@pytest.mark.parametrize(
    ("reviews", "why"),
    [
        (approved("dana"), "dana released 1.0.0 and approved it too"),
        # Who runs the service's workflow again asks as well.
        (approved("dana", "sam"), "approved it too"),
        ([], "was not approved"),
        (approved("pat", place="staging"), "was not approved"),
        (approved("pat", state="rejected"), "was not approved"),
    ],
)
def test_a_release_is_not_approved_by_who_asked_for_it(
    monkeypatch: pytest.MonkeyPatch, reviews: list[dict[str, Any]], why: str
) -> None:
    with pytest.raises(RefusedError, match=why):
        check(reviews, monkeypatch)


@pytest.mark.parametrize("changes", [{"approval": False}, {"delivery": "pull-request"}])
def test_where_no_job_is_approved_nobody_is_looked_for(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    check([], monkeypatch, **changes)


@pytest.mark.parametrize(
    ("source", "now", "may"),
    [
        ("guestbook", None, True),
        ("other", None, False),
        ("other", "acme/other", False),
        ("former", "acme/guestbook", True),
        ("a/b", "acme/guestbook", False),
        ("..", "acme/guestbook", False),
    ],
)
def test_an_image_that_another_repository_built_is_refused(source: str, now: str | None, *, may: bool) -> None:
    """GitHub leads from the former name of a repository to where it is now, until somebody else takes the name."""
    around = context({f"GET /repos/acme/{source}": {"full_name": now}} if now else {})
    digest, commit = "sha256:" + "a" * 64, "c" * 40
    labels = {
        "org.opencontainers.image.revision": commit,
        "org.opencontainers.image.source": f"{around.platform.server_url}/acme/{source}",
    }

    class Pushed(Registry):
        def image(self, name: str, reference: str, *, hidden_is_absent: bool = False) -> Image:
            return Image(reference, labels)

    around = dataclasses.replace(around, registry=Pushed("registry.test"))
    service = around.platform.service("guestbook")
    if may:
        claims.check_image(around, service, digest, commit)
    else:
        with pytest.raises(RefusedError, match=r"built from .*acme/"):
            claims.check_image(around, service, digest, commit)
