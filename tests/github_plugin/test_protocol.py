"""What the engine asks beside resources, and how the plugin says no."""

import os
import signal
import subprocess
import sys
import time

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2 as pb

from sandbox.github_plugin.kinds import KINDS
from sandbox.github_plugin.wire import UNKNOWN, Json, decoded, encoded
from tests.github_plugin.conftest import Engine, RefusedError, urn


def test_an_unknown_kind_is_named(engine: Engine) -> None:
    with pytest.raises(RefusedError, match=r"github:index/release:Release.*does not know"):
        engine.check("Release", {})


def test_an_unknown_function_is_named(engine: Engine) -> None:
    with pytest.raises(RefusedError, match=r"github:index/getUser:getUser.*no such function"):
        engine.call("Invoke", pb.InvokeRequest(tok="github:index/getUser:getUser"))


@pytest.mark.parametrize(
    ("inputs", "where"),
    [
        ({"repositry": "x", "name": "l", "color": "f", "repository": "r"}, "repositry"),
        ({"name": "l", "repository": "r"}, "color"),
        ({"name": ["l"], "color": "f", "repository": "r"}, "name"),
        ({"name": "l", "color": "f", "repository": "r", "url": "u"}, "url"),
    ],
)
def test_a_property_that_is_wrong_is_named(engine: Engine, inputs: Json, where: str) -> None:
    _, failures = engine.check("IssueLabel", inputs)
    assert [failure.partition(":")[0] for failure in failures] == [where]


def test_everything_that_is_wrong_is_said_at_once_with_its_path(engine: Engine) -> None:
    rules = {"deletion": "yes", "mergeQueue": {}, "pullRequest": {"count": 1}}
    _, failures = engine.check("RepositoryRuleset", {"name": "x", "rules": rules, "target": "tags"})
    assert {failure.partition(":")[0] for failure in failures} == {
        "enforcement", "repository", "rules.deletion", "rules.mergeQueue", "rules.pullRequest.count", "target",
    }  # fmt: skip


def test_what_is_not_known_yet_is_taken_and_is_a_change(engine: Engine, repository: str, team: str) -> None:
    inputs = {"repository": repository, "teamId": UNKNOWN}
    checked, failures = engine.check("TeamRepository", inputs)
    assert (checked, failures) == (inputs, [])
    made = engine.create("TeamRepository", {"repository": repository, "teamId": team})
    answer = engine.diff(made, inputs)
    assert list(answer.replaces) == ["teamId"]


def test_what_the_engine_keeps_for_itself_is_not_a_property(engine: Engine) -> None:
    checked, failures = engine.check("IssueLabel", {"__defaults": [], "name": "l", "color": "f", "repository": "r"})
    assert failures == []
    assert "__defaults" not in checked


def test_a_number_is_taken_for_a_text_and_the_other_way_round(engine: Engine) -> None:
    checked, failures = engine.check("TeamRepository", {"repository": "r", "teamId": 7})
    assert (checked["teamId"], failures) == ("7", [])


def test_a_team_is_looked_up(engine: Engine, team: str, repository: str) -> None:
    engine.create("TeamRepository", {"repository": repository, "teamId": team, "permission": "push"})
    request = pb.InvokeRequest(tok="github:index/getTeam:getTeam", args=encoded({"slug": f"team-{repository}"}))
    found = decoded(getattr(engine.call("Invoke", request), "return"))
    assert (found["id"], found["privacy"], found["repositories"]) == (team, "closed", [repository])


def test_a_team_that_is_not_there_is_said(engine: Engine) -> None:
    request = pb.InvokeRequest(tok="github:index/getTeam:getTeam", args=encoded({"slug": "absent"}))
    with pytest.raises(RefusedError, match="slug: acme has no team 'absent'"):
        engine.call("Invoke", request)


def test_wrong_settings_are_named_before_anything_is_asked(bare_engine: Engine) -> None:
    request = pb.CheckRequest(urn=urn("Team"), news=encoded({"baseUrl": "nowhere"}))
    failures = bare_engine.call("CheckConfig", request).failures
    assert [failure.property for failure in failures] == ["baseUrl"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"token": "wrong"}, "401"),
        ({"baseUrl": "http://127.0.0.1:9/"}, "http://127.0.0.1:9/api/v3 cannot be reached"),
        ({"token": "", "appAuth": {"id": "1", "installationId": "2", "pemFile": "no key"}}, "appAuth.pemFile"),
    ],
)
def test_a_provider_that_cannot_log_in_says_why(bare_engine: Engine, access: Json, change: Json, said: str) -> None:
    with pytest.raises(RefusedError, match=said) as refused:
        bare_engine.configure(access | change)
    assert refused.value.code is grpc.StatusCode.FAILED_PRECONDITION


def test_no_request_is_started_after_a_cancel(engine: Engine, repository: str) -> None:
    engine.call("Cancel", Empty())
    with pytest.raises(RefusedError, match="cancelled"):
        engine.imported("Repository", repository)


def test_the_schema_has_every_kind(engine: Engine) -> None:
    assert all(token in engine.call("GetSchema", pb.GetSchemaRequest()).schema for token in KINDS)


def test_the_program_prints_its_port_and_ends_with_the_engine_that_started_it() -> None:
    command = f"{sys.executable} -m sandbox.github_plugin 127.0.0.1:9 & echo $!; wait"
    engine = subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE, text=True)
    assert engine.stdout is not None
    plugin, port = int(engine.stdout.readline()), int(engine.stdout.readline())
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    grpc.channel_ready_future(channel).result(timeout=60)
    channel.close()
    engine.send_signal(signal.SIGKILL)
    engine.wait()
    deadline = time.monotonic() + 60
    while _runs(plugin):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = open(f"/proc/{process}/stat").read()  # noqa: SIM115, PTH123
    return stat.rpartition(")")[2].split()[0] != "Z"
