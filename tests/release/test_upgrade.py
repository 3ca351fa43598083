"""After an upgrade: what an older program wrote of releases counts, what it has asked for is done, and releases go on.

By v0.1.0, 1.0.0 and 1.1.0 of guestbook were verified in dev and staging; 1.2.0 was taken back in dev and is on hold.
`record_first_version` has recorded it from that version's own program.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from manifests.repository_files import environment_repository_files
from slipway_release import ask, cli, merged
from stacks.settings import settings_of
from tests.release.builders import DIGEST, environment
from tests.release.record_first_version import RECORDED
from tests.release.test_reconcile import dispatched, recorded, run
from tests.release.world import World
from tests.stacks.builders import texts, values

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


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        pytest.param("promote.yml", {"service", "run", "digest"}, id="a service's own start, of 0.1.0"),
        pytest.param("promote.yml", {"service", "run", "digest"}, id="a request that a job handed on"),
        pytest.param("promote.yml", {"service", "run", "digest", "environments"}, id="what goes on"),
        pytest.param("verified.yml", {"deployment", "placement"}, id="a success that was handed on"),
        pytest.param("rollback.yml", {"deployment", "placement"}, id="a failure that was handed on"),
    ],
)
def test_a_workflow_takes_what_those_of_before_start_it_with(name: str, inputs: set[str]) -> None:
    """GitHub refuses a start with an input that it does not know, or without one that it demands."""
    text = environment_repository_files(settings_of("test", texts(values()))).owned[f".github/workflows/{name}"]
    # YAML 1.1 reads the word `on` as a truth value.
    known = yaml.safe_load(text)[True]["workflow_dispatch"]["inputs"]
    assert inputs <= known.keys()
    assert {one for one, said in known.items() if said["required"]} <= inputs


@pytest.mark.parametrize("command", ["check-tag", "build", "request", "forward", "forward-review", "name", "merged"])
def test_the_program_has_every_command_that_a_run_from_before_takes_main_s_program_for(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its steps are those of the older workflow, and the program is fetched by each job."""
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    assert command in capsys.readouterr().out


def test_a_request_of_the_release_workflow_of_nine_jobs_is_read() -> None:
    """The commit status that its last job sets, and what starts requested.yml once main has the new one."""
    status = {"context": "slipway/request/guestbook/7", "description": DIGEST}
    assert ask.claimed(status["context"]) == ("guestbook", "7")


def test_a_pull_request_from_before_is_a_delivery_once_it_is_merged(world: Make) -> None:
    """Its commit does not name who asked."""
    here = world(environment("production", delivery="pull-request", approval=True))
    here.deliver(here.request("1.0.0"), "production")
    (pull,) = here.pulls()
    branch = pull["head"]["ref"]
    assert branch == "release/production/guestbook/1.0.0"
    message = "Release guestbook 1.0.0 to production\n\nSource: acme/guestbook@c0ffee (v1.0.0)\n"
    tree = here.call("GET", f"/repos/{here.repository}/git/commits/{pull['head']['sha']}")["tree"]["sha"]
    body = {"message": message, "tree": tree, "parents": [here.head("environments")]}
    made = here.call("POST", f"/repos/{here.repository}/git/commits", body)["sha"]
    here.call("PATCH", f"/repos/{here.repository}/git/refs/heads/{branch}", {"sha": made, "force": True})
    path = f"/repos/{here.repository}/pulls/{pull['number']}/merge"
    commit = here.call("PUT", path, {"merge_method": "squash"})["sha"]
    merged.record(here.context(), branch, commit)
    here.succeed("production", commit)
    assert recorded(here, "production") == {"1.0.0"}
