"""A request is believed only as far as GitHub and the registry confirm it."""

from typing import Any

import pytest

from slipway_release import claims
from slipway_release.claims import PromotionRequest
from slipway_release.errors import RefusedError
from slipway_release.people import Person
from tests.release.builders import COMMIT, DIGEST, RUN, answer, context

REPOSITORY = "/repos/acme/guestbook"
OTHER = "e" * 40
HEAD = "f" * 40

CALLED = ".github/workflows/release.yml@main"


def run(**changes: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "event": "push",
        "path": ".github/workflows/release.yml",
        "head_branch": "v1.2.3",
        "head_sha": COMMIT,
        "status": "in_progress",
        "conclusion": None,
        "html_url": RUN,
        "repository": {"full_name": "acme/guestbook"},
        "referenced_workflows": [{"path": f"acme/environments/{CALLED}", "sha": OTHER}],
    } | changes


def jobs(*ended: tuple[str, str | None]) -> dict[str, Any]:
    """Jobs of a run, in any attempt, with how they ended; None for one that has not."""
    return {"jobs": [{"name": name, "conclusion": conclusion} for name, conclusion in ended]}


def world(**changes: Any) -> dict[str, Any]:
    """What GitHub says about a good request."""
    return {
        f"GET {REPOSITORY}": {"default_branch": "main"},
        f"GET {REPOSITORY}/actions/runs/7": run(),
        f"GET {REPOSITORY}/actions/runs/7/jobs": jobs(("release / Test", "success"), ("release / Build", "success")),
        f"GET {REPOSITORY}/git/ref/tags/v1.2.3": {"object": {"type": "commit", "sha": COMMIT}},
        f"GET {REPOSITORY}/git/ref/heads/main": {"object": {"type": "commit", "sha": HEAD}},
        f"GET {REPOSITORY}/compare/{HEAD}...{COMMIT}": {"status": "behind"},
        f"GET {REPOSITORY}/commits/{COMMIT}": {"commit": {"committer": {"date": "2026-01-01T00:00:00Z"}}},
    } | {f"GET {REPOSITORY}/{path}": content for path, content in changes.items()}


def checked(
    answers: dict[str, Any], *, number: str = "7", digest: str = DIGEST, built_from: str = COMMIT
) -> PromotionRequest:
    around = context(answers, {DIGEST: built_from})
    return claims.check(around, around.platform.service("guestbook"), number, digest)


def test_a_true_request_becomes_a_release() -> None:
    request = checked(world())
    assert (request.release.version, request.release.tag, request.release.commit) == ("1.2.3", "v1.2.3", COMMIT)
    assert request.committed_at == "2026-01-01T00:00:00Z"


def test_who_ran_a_release_again_has_asked_for_it_as_who_pushed_the_tag_has() -> None:
    again = run(actor={"login": "dana"}, triggering_actor={"login": "pat"})
    assert checked(world(**{"actions/runs/7": again})).asked_by == (Person("dana"), Person("pat"))


def test_an_annotated_tag_is_followed_to_its_commit() -> None:
    answers = world(
        **{
            "git/ref/tags/v1.2.3": {"object": {"type": "tag", "sha": OTHER}},
            f"git/tags/{OTHER}": {"object": {"type": "commit", "sha": COMMIT}},
        }
    )
    assert checked(answers).release.commit == COMMIT


def test_an_image_of_a_tracked_branch_is_named_by_its_commit() -> None:
    answers = world(**{"actions/runs/7": run(path=".github/workflows/main.yml", head_branch="main")})
    request = checked(answers)
    assert (request.release.version, request.release.tag, request.branch) == (f"main-{COMMIT[:12]}", None, "main")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"repository": {"full_name": "mallory/guestbook"}}, "mallory/guestbook"),
        ({"repository": {"full_name": "acme/renamed"}}, "If the repository was renamed, name it in the settings"),
        ({"event": "pull_request"}, "pull_request"),
        ({"event": "workflow_dispatch"}, "workflow_dispatch"),
        ({"path": ".github/workflows/evil.yml"}, "evil.yml"),
        ({"conclusion": "failure"}, "failure"),
        ({"referenced_workflows": []}, "did not call"),
        ({"referenced_workflows": [{"path": "mallory/x/.github/workflows/release.yml@main"}]}, "did not call"),
        *(
            ({"referenced_workflows": [{"path": f"acme/environments/.github/workflows/{file}"}]}, "did not call")
            for file in ("release.yml@quick", "release.yml@Main", "Release.yml@main", "release.yml@refs/tags/main")
        ),
        (
            {"referenced_workflows": [{"path": f"acme/environments/{CALLED}", "ref": "refs/tags/main"}]},
            "did not call",
        ),
        ({"head_branch": "v1.2.3;rm"}, "not SemVer"),
        ({"head_branch": "main"}, "not a release tag"),
        ({"path": ".github/workflows/main.yml", "head_branch": "feature"}, "which no environment of guestbook follows"),
    ],
)
def test_a_run_that_may_not_ask_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        checked(world(**{"actions/runs/7": run(**changes)}))


@pytest.mark.parametrize(
    "ended",
    [
        [("release / Test", None)],
        [("release / Test", "failure")],
        [("release / Test", "skipped")],
        [("release / Build", "success")],
        [("Test", "success")],
        [("mine / Test", "success"), ("release / Test", None)],
    ],
)
def test_nothing_is_promoted_before_its_tests_have_passed(ended: list[tuple[str, str | None]]) -> None:
    """The image is built beside them, and everybody who holds the requester's key can ask."""
    with pytest.raises(RefusedError, match="'Test' has not passed"):
        checked(world(**{"actions/runs/7/jobs": jobs(*ended)}))


def test_tests_that_passed_count_while_the_run_is_run_again() -> None:
    again = jobs(("release / Test", "success"), ("release / Test", None))
    assert checked(world(**{"actions/runs/7/jobs": again})).release.version == "1.2.3"


def test_a_run_that_has_ended_well_is_not_asked_for_its_tests() -> None:
    answers = world(**{"actions/runs/7": run(status="completed", conclusion="success")})
    del answers[f"GET {REPOSITORY}/actions/runs/7/jobs"]
    assert checked(answers).release.version == "1.2.3"


def test_a_run_of_another_repository_does_not_exist_in_the_service_s_own() -> None:
    with pytest.raises(RefusedError, match="run 8"):
        checked(world(), number="8")


@pytest.mark.parametrize("number", ["", "7; rm -rf /", "../1", "-7", "07", "٧", "7/../../x"])
def test_a_run_s_number_is_a_number(number: str) -> None:
    with pytest.raises(RefusedError, match="number of a run"):
        checked(world(), number=number)


@pytest.mark.parametrize("digest", ["", "latest", "sha256:abc", "sha256:" + "D" * 64, DIGEST + "\n", "v1.2.3"])
def test_an_image_is_named_by_digest_only(digest: str) -> None:
    with pytest.raises(RefusedError, match="digest"):
        checked(world(), digest=digest)


def test_a_moved_tag_is_refused() -> None:
    with pytest.raises(RefusedError, match="moved"):
        checked(world(**{"git/ref/tags/v1.2.3": {"object": {"type": "commit", "sha": OTHER}}}))


def test_a_deleted_tag_is_refused() -> None:
    answers = world()
    del answers[f"GET {REPOSITORY}/git/ref/tags/v1.2.3"]
    with pytest.raises(RefusedError, match="no longer"):
        checked(answers)


@pytest.mark.parametrize("status", ["ahead", "diverged"])
def test_a_commit_that_is_not_on_main_is_refused(status: str) -> None:
    with pytest.raises(RefusedError, match="not on main"):
        checked(world(**{f"compare/{HEAD}...{COMMIT}": {"status": status}}))


def test_an_image_that_is_not_there_is_refused() -> None:
    with pytest.raises(RefusedError, match="not in the registry"):
        checked(world(), digest="sha256:" + "a" * 64)


def test_an_image_built_from_another_commit_is_refused() -> None:
    with pytest.raises(RefusedError, match=OTHER):
        checked(world(), built_from=OTHER)


def test_an_expired_credential_is_named() -> None:
    with pytest.raises(RefusedError, match="expired"):
        checked(world(**{"actions/runs/7": answer({"message": "Bad credentials"}, 401)}))
