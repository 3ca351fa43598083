"""The printed matrix of rights."""

import json
from pathlib import Path

import pytest

from manifests.access import Action, Role, rights_in
from stacks import access
from stacks.settings import settings_of
from tests.stacks.builders import changed, texts, values

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("stack", ["example", "sandbox"])
def test_the_matrix_of_a_stack_file_is_printed_without_its_secrets(
    stack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert access.main(["--stack", stack, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"team", "service", "environment", "roles", "actions"} == set(found[0])


def test_an_unknown_stack_is_named_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert access.main(["--stack", "nowhere"]) == 2
    assert "choose one of example, sandbox" in capsys.readouterr().err


def test_who_owns_a_service_syncs_it_unless_others_approve() -> None:
    settings = settings_of("test", texts(values()))
    (service,) = settings.services
    roles = {
        environment.name: {right.team: right.roles for right in rights_in(settings, service, environment)}
        for environment in settings.environments
    }
    assert roles["dev"] == {"web": (Role.OPERATOR,), "platform": (Role.PLATFORM,)}
    assert roles["production"] == {"web": (Role.DEVELOPER,), "platform": (Role.APPROVER, Role.PLATFORM)}


def test_nobody_changes_production_by_hand() -> None:
    settings = settings_of("test", texts(values()))
    for environment in settings.environments:
        for right in rights_in(settings, settings.services[0], environment):
            wanted = environment.name != "production" and right.team == "web"
            assert (Action.CHANGE in right.actions) is wanted


def test_without_a_platform_team_it_is_said_who_stands_in() -> None:
    stack = changed("github.platformTeam", None)
    assert "the organisation's owners stand in" in access.table(settings_of("test", texts(stack)), [])
