"""The release file, edited by hand in every field: it is read, or what is wrong with it is said in words."""

import itertools
import json

import pytest

from slipway_release import release_file, selection
from slipway_release.errors import RefusedError, ReleaseError
from slipway_release.history import Relation
from slipway_release.release_file import ReleaseFile
from slipway_release.selection import Situation
from tests.release.builders import environment, platform, release

FIELDS = ("version", "tag", "image", "digest", "commit", "run", "rollback")
VALUES: list[object] = [
    None, "", "x", 1, 0, False, True, 1.5, [], {}, [1], {"from": 1}, {"from": "1.0.1", "reason": [], "at": {}},
    "v9.9.9", "1.0.0", "1.0.0; rm", "1.0.0+b", "01.0.0", "\n1.0.0", "1" * 5000 + ".0.0", "prod-v1.0.0", "main",
    "main-0123456789ab", "../x", "sha256:" + "0" * 64, "\u202e",
]  # fmt: skip


def test_every_field_may_hold_anything_and_nothing_ends_in_a_traceback() -> None:
    whole = json.loads(ReleaseFile(release("1.0.0")).dump())
    place = platform(environment("dev")).environment("dev")
    asked = release("1.1.0"), release("main-0123456789ac", tag=None)
    read = 0
    for edited in (*itertools.combinations(FIELDS, 1), *itertools.combinations(FIELDS, 2)):
        for values in itertools.product(VALUES, repeat=len(edited)):
            text = json.dumps(whole | {"release": whole["release"] | dict(zip(edited, values, strict=True))})
            try:
                file = release_file.parse(text, "release.yaml")
                for wanted in asked:
                    around = Situation(file, None, (), lambda _commit, _base: Relation.UNRELATED)
                    selection.decide(place, wanted, around)
                    assert selection.cleared(file, wanted).release == wanted
            except ReleaseError:
                continue
            read += 1
            assert release_file.parse(file.dump(), "release.yaml") == file
            assert file.release is None or not file.release.is_for_one or file.release.tag == "prod-v1.0.0"
    assert read


@pytest.mark.parametrize("version", ["latest", "v1.0.0", "1.0", "main", "main-0123", "../1.0.0", "1.0.0; rm"])
def test_a_version_is_one_or_the_image_of_a_branch(version: str) -> None:
    """It stands in names of branches and tags, and in words that people read."""
    whole = json.loads(ReleaseFile(release("1.0.0")).dump())
    text = json.dumps(whole | {"release": whole["release"] | {"version": version, "tag": None}})
    with pytest.raises(RefusedError, match="is neither a version such as"):
        release_file.parse(text, "release.yaml")


@pytest.mark.parametrize("commit", ["main", "0123456", "x" * 40, "A" * 40, "../../actions"])
def test_a_commit_is_a_whole_one(commit: str) -> None:
    """It becomes part of addresses that are asked, and what it is compared with is whole."""
    whole = json.loads(ReleaseFile(release("1.0.0")).dump())
    text = json.dumps(whole | {"release": whole["release"] | {"commit": commit}})
    with pytest.raises(RefusedError, match=r"release\.commit: .* is not a commit"):
        release_file.parse(text, "release.yaml")
