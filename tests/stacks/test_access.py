"""The printed matrix of rights."""

import json
import re
from pathlib import Path

import pytest
import yaml

from manifests.access import Action, Role, repository_permission, rights, rights_by_place, teams_that_freeze
from manifests.infrastructure import infrastructure_files
from manifests.model import Settings
from stacks import access
from stacks.access_check import cases
from stacks.settings import settings_of
from tests.docs.documented import documented, typed
from tests.stacks.builders import changed, texts, values

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("stack", ["example", "sandbox"])
def test_the_matrix_of_a_stack_file_is_printed_without_its_secrets(
    stack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert access.main(["--stack", stack, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"team", "service", "environment", "roles", "actions"} == set(found[0])


def test_make_prints_who_is_of_a_team_and_what_it_may_do_where() -> None:
    said = typed(documented("make access STACK=acme").replace("acme", "example")).splitlines()
    assert max(map(len, said)) <= 80
    assert "team web: dana, sam" in said
    assert "team payments: managed elsewhere" in said
    here = said.index("guestbook in production") + 1
    assert said[here] == "  web (developer): view, logs, propose, hold"
    assert said[here + 1].startswith("  platform (approver, platform): view, logs, propose, hold, sync, approve")


def test_what_holds_for_several_services_and_environments_is_said_once() -> None:
    stack = values()
    stack["services"] = [stack["services"][0] | {"name": name} for name in ("orders", "invoices")]
    stack["environments"] = [{"name": "dev"}, {"name": "qa"}]
    settings = settings_of("test", texts(stack))
    said = access.table(settings, list(rights(settings)))
    assert "\norders, invoices in dev, qa\n  " in said
    assert said.count("orders") == 1


def test_what_was_asked_is_counted_beside_what_differs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that asked nothing would agree with everything."""
    monkeypatch.setattr(access, "differences", lambda _: iter(()))
    assert access.main(["--stack", "sandbox", "--check"]) == 0
    said = capsys.readouterr().err
    counted = {system: int(count) for count, system in re.findall(r"(\d+) of (GitHub|Argo CD|Kubernetes)", said)}
    assert set(counted) == {"GitHub", "Argo CD", "Kubernetes"}, said
    # More than one case for each team in each place that the stack has.
    assert min(counted.values()) > 12, said


def test_a_cluster_that_cannot_be_asked_counts_no_case() -> None:
    stack = values()
    counted = [cases(settings_of("test", texts(stack)))["Kubernetes"]]
    for more in ({"cluster": "edge"}, {"context": "edge", "server": "https://edge.example:6443"}):
        stack["environments"][2] |= more
        counted.append(cases(settings_of("test", texts(stack)))["Kubernetes"])
    assert counted[0] == counted[2] > counted[1]


def test_an_unknown_stack_is_named_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert access.main(["--stack", "nowhere"]) == 2
    assert "choose one of example, sandbox" in capsys.readouterr().err


def test_who_owns_a_service_syncs_it_unless_others_approve() -> None:
    settings = settings_of("test", texts(values()))
    (service,) = settings.services
    roles = {
        environment.name: {
            right.team: right.roles for right in rights_by_place(settings)[service.name, environment.name]
        }
        for environment in settings.environments
    }
    assert roles["dev"] == {"web": (Role.OPERATOR,), "platform": (Role.PLATFORM,)}
    assert roles["production"] == {"web": (Role.DEVELOPER,), "platform": (Role.APPROVER, Role.PLATFORM)}


def test_nobody_changes_production_by_hand() -> None:
    settings = settings_of("test", texts(values()))
    for environment in settings.environments:
        for right in rights_by_place(settings)[settings.services[0].name, environment.name]:
            wanted = environment.name != "production" and right.team == "web"
            assert (Action.CHANGE in right.actions) is wanted


TEAMS = [{"name": name, "existing": True} for name in ("platform", "web", "leads", "sre", "support")]


def with_teams(**production: object) -> Settings:
    stack = changed("environments.2", {"name": "production", "sync": "manual", **production})
    return settings_of("test", texts(stack | {"teams": TEAMS}))


def test_every_role_has_its_rights_and_no_other() -> None:
    settings = with_teams(approvers=["leads"], operators=["sre"], viewers=["support"])
    found = {right.team: right for right in rights(settings) if right.environment.name == "production"}
    looks = {Action.VIEW, Action.LOGS}
    assert found["support"].actions == looks
    assert found["web"].actions == looks | {Action.PROPOSE, Action.HOLD}
    assert found["leads"].actions == looks | {Action.HOLD, Action.SYNC, Action.APPROVE, Action.FREEZE}
    assert found["sre"].actions == looks | {Action.PROPOSE, Action.HOLD, Action.SYNC, Action.FREEZE}
    assert found["platform"].actions == set(Action) - {Action.APPROVE, Action.CHANGE, Action.EXEC}
    permissions = {team.name: repository_permission(settings, team) for team in settings.teams}
    wanted = {"platform": "maintain", "web": "push", "leads": "push", "sre": "push", "support": "pull"}
    assert permissions == wanted


def test_a_team_freezes_an_environment_whose_services_are_all_its_own_to_sync() -> None:
    alone = with_teams()
    assert teams_that_freeze(alone, alone.environments[2]) == ("web", "platform")
    stack = changed("services", [{"name": n, "template": "go-web", "team": t} for n, t in (("a", "web"), ("b", "sre"))])
    shared = settings_of("test", texts(stack | {"teams": TEAMS}))
    assert teams_that_freeze(shared, shared.environments[0]) == ("platform",)


def test_role_bindings_are_those_of_the_matrix() -> None:
    settings = with_teams(approvers=["leads"], viewers=["support"])
    groups = {
        (binding["metadata"]["namespace"], subject["name"]): binding["roleRef"]["name"]
        for environment in settings.environments
        for binding in yaml.safe_load_all(
            infrastructure_files(settings)[f"infrastructure/{environment.name}/role-bindings.yaml"]
        )
        for subject in binding["subjects"]
    }
    wanted = {
        (f"guestbook-{right.environment.name}", f"acme:{right.team}"): "edit"
        if Action.EXEC in right.actions
        else "view"
        for right in rights(settings)
        if right.team != "platform"
    }
    assert groups == wanted


def test_without_a_platform_team_it_is_said_who_stands_in() -> None:
    stack = changed("github.platformTeam", None)
    assert "the organisation's owners stand in" in access.table(settings_of("test", texts(stack)), [])


def test_it_is_said_when_sync_windows_permit_syncs_and_whether_people_may_sync_all_the_same() -> None:
    windows = [
        {"kind": "deny", "schedule": "0 22 * * 5", "duration": "58h", "timeZone": "Europe/Berlin"},
        {"kind": "allow", "schedule": "0 8 * * 1-5", "duration": "8h", "manualSync": True},
    ]
    stack = changed("environments.2.syncWindows", windows)
    denied = "denied for 58h from 0 22 * * 5 (Europe/Berlin), by hand too"
    allowed = "allowed for 8h from 0 8 * * 1-5 (UTC), else by hand only"
    said = " ".join(access.table(settings_of("test", texts(stack)), []).split())
    assert f"Syncs of production are {denied}; {allowed}." in said
    assert "Syncs of" not in access.table(settings_of("test", texts(changed("mark", "x"))), [])


@pytest.mark.parametrize(
    ("visibility", "delivery", "said"),
    [("private", "commit", True), ("private", "pull-request", False), ("public", "commit", False)],
)
def test_it_is_said_where_a_plan_has_no_reviewers(visibility: str, delivery: str, *, said: bool) -> None:
    stack = changed("github.visibility", visibility)
    production = next(one for one in stack["environments"] if one["name"] == "production")
    production |= {"approvers": ["platform"], "delivery": delivery}
    shown = access.table(settings_of("test", texts(stack)), [])
    assert ("Approvers of production are required reviewers of a GitHub environment" in shown) is said


def test_it_is_said_which_claim_a_login_needs() -> None:
    sso = {"clientId": "argocd", "provider": "oidc", "issuer": "https://id.example.com", "groupsClaim": "roles"}
    stack = values(argocd={"url": "https://argocd.example.com", "sso": sso}, ssoClientSecret="hush-hush")
    settings = settings_of("test", texts(stack))
    assert "`roles`" in access.table(settings, [])
