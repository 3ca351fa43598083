"""What is told of the engine's events."""

from typing import Any

from pulumi.automation import EngineEvent

from sandbox.pulumi.events import Watch

TEAM = "urn:pulumi:s::t::slipway:index:TeamAccess$github:index/team:Team::web-team"
STACK = "urn:pulumi:s::t::pulumi:pulumi:Stack::t-s"


def step(what: str, urn: str, operation: str, **more: Any) -> EngineEvent:
    metadata = {"urn": urn, "op": operation, "type": "", "provider": "", **more}
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, what: {"metadata": metadata}})


def said(urn: str, message: str, severity: str, *, passing: bool = False) -> EngineEvent:
    event = {"urn": urn, "message": message, "severity": severity, "ephemeral": passing, "color": "never"}
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, "diagnosticEvent": event})


def test_what_is_being_done_is_told_with_what_it_waits_for() -> None:
    told: list[str] = []
    watch = Watch(told.append)
    for event in (
        step("resourcePreEvent", STACK, "same"),
        step("resourcePreEvent", TEAM, "update"),
        said(TEAM, "waiting for members", "info", passing=True),
        step("resOutputsEvent", TEAM, "update"),
    ):
        watch.event(event)
    assert told == ["web-team", "web-team waiting for members"]
    assert [(item.operation, item.name, item.type) for item in watch.steps] == [
        ("same", "t-s", "pulumi:pulumi:Stack"),
        ("update", "web-team", "github:index/team:Team"),
    ]


def test_a_failure_is_told_by_its_resource_and_not_by_its_echoes() -> None:
    watch = Watch()
    watch.event(said(TEAM, "<{%reset%}>403 not yours<{%reset%}>\n", "error"))
    watch.event(said(STACK, "update failed", "error"))
    assert watch.failure("noise") == "web-team (github:index/team:Team): 403 not yours"


def test_what_the_command_writes_is_told_where_no_event_tells() -> None:
    assert Watch().failure("\n code: 1\n stdout: \n stderr: error: no such stack") == "no such stack"


def test_warnings_are_kept_and_the_engines_word_about_plugins_on_path_is_not() -> None:
    watch = Watch()
    watch.event(said("", "using pulumi-resource-github from $PATH at /bin", "warning"))
    watch.event(said(TEAM, "a team without members", "warning"))
    watch.event(said(STACK, "said by the program", "info"))
    watch.event(said(STACK, "said by the program", "info"))
    assert watch.messages == ["web-team: a team without members", "said by the program"]


def test_what_a_refresh_does_not_find_is_kept_by_name() -> None:
    watch = Watch()
    old = {"type": "", "urn": TEAM, "id": "1", "parent": "", "provider": ""}
    watch.event(step("resOutputsEvent", TEAM, "refresh", old=old))
    assert watch.removed == [TEAM]
