"""After an upgrade from v0.1.0: what its program wrote of releases counts, and releases go on.

By v0.1.0, 1.0.0 and 1.1.0 of guestbook were verified in dev and staging; 1.2.0 was taken back in dev and is on hold.
`record_first_version` has recorded it from that version's own program.
"""

import json
from collections.abc import Callable
from typing import Any

from tests.release.record_first_version import RECORDED
from tests.release.test_reconcile import dispatched, recorded, run
from tests.release.world import World

Make = Callable[..., World]


def restored(here: World) -> World:
    """The organisation as v0.1.0 left it: release files, deployments and reports, and no record."""
    kept: dict[str, Any] = json.loads(RECORDED.read_text())
    commit = here.head("guestbook")
    for version in ("1.0.0", "1.1.0"):
        here.tag(f"v{version}")
    commits: dict[str, str] = {}
    for one in kept["commits"]:
        document = json.loads(one["text"])
        document["release"] |= {"commit": commit, "run": f"{here.url}{here.owner}/guestbook/actions/runs/7"}
        commits[one["sha"]] = here.commit("environments", one["path"], json.dumps(document, indent=2) + "\n")
    path = f"/repos/{here.repository}/deployments"
    for one in kept["deployments"]:
        body = {"ref": commits[one["sha"]], "auto_merge": False, "required_contexts": []}
        made = here.call("POST", path, body | {name: one[name] for name in ("environment", "description", "payload")})
        for status in one["statuses"]:
            here.call("POST", f"{path}/{made['id']}/statuses", status | {"auto_inactive": False})
    return here


def test_what_was_verified_is_recorded_once_and_goes_on_to_where_it_is_required(world: Make) -> None:
    here = restored(world())
    assert recorded(here, "dev") == recorded(here, "staging") == set()
    done, asked = run(here)
    assert recorded(here, "dev") == recorded(here, "staging") == {"1.0.0", "1.1.0"}
    assert dispatched(asked) >= 1, done
    assert here.wanted("dev") == here.wanted("staging") == "1.1.0"
    assert [one.version for one in here.file("dev").held] == ["1.2.0"]
    assert not any("recorded" in one for one in run(here)[0])


def test_a_bad_release_goes_back_to_what_was_verified_before_the_upgrade(world: Make) -> None:
    here = restored(world())
    run(here)
    here.fail("dev", here.release("1.3.0", "dev"))
    assert here.wanted("dev") == "1.1.0"
    here.fail("staging", here.release("1.4.0", "staging"))
    assert here.wanted("staging") == "1.1.0"


def test_a_hold_from_before_keeps_its_version_out_until_a_newer_one_comes(world: Make) -> None:
    here = restored(world())
    assert here.plan(here.request("1.2.0"), "dev") == []
    here.verified_release("1.3.0", "dev")
    assert "1.3.0" in recorded(here, "dev")
    assert here.wanted("dev") == "1.3.0"
    assert [one.version for one in here.file("dev").held] == []
