"""Who may do what, decided by Argo CD itself on the policy that the settings become."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from manifests.argocd.rbac import BUILT_IN, policy, rbac_values
from manifests.argocd.values import helm_values
from stacks.access_check.argocd import configured, evaluated, questions, unchecked
from tests.argocd.example import PRODUCTION, settings

OWN_DEV = "dev/guestbook-dev"
OWN_PRODUCTION = "production/guestbook-production"


May = Callable[..., bool]


@pytest.fixture
def may(argocd: Path, no_cluster: dict[str, str], tmp_path: Path) -> May:
    """Asks Argo CD whether somebody may do something."""

    def asked(who: str, action: str, what: str, resource: str = "applications", **sections: Any) -> bool:
        file = tmp_path / "policy.csv"
        rbac = rbac_values(settings(**sections))
        file.write_text(f"{rbac['policy.csv']}{rbac.get(BUILT_IN, '')}")
        command = [argocd, "admin", "settings", "rbac", "can", who, action, resource, what, "--policy-file", file]
        ran = subprocess.run(command, env=no_cluster, capture_output=True, text=True, check=False)
        assert ran.stdout.strip() in {"Yes", "No"}, ran.stdout + ran.stderr
        return ran.stdout.strip() == "Yes"

    return asked


@pytest.mark.parametrize(
    "group", ["b1946ac9-2492-4d23-47b3-0000c0ffee00", "CN=Web,OU=Teams", 'a "b"', "web developers"]
)
def test_a_group_of_a_directory_has_the_rights_of_its_team(may: May, group: str) -> None:
    teams: list[dict[str, Any]] = [{"name": name, "existing": True} for name in ("leads", "data", "platform")]
    teams.append({"name": "web", "ssoGroup": group})
    assert may(group, "get", OWN_DEV, teams=teams)
    assert not may("acme:web", "get", OWN_DEV, teams=teams)
    assert not may(group, "get", "dev/lake-dev", teams=teams)


def test_the_policy_is_valid(argocd: Path, no_cluster: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "policy.csv"
    file.write_text(policy(settings()))
    command = [argocd, "admin", "settings", "rbac", "validate", "--policy-file", file]
    ran = subprocess.run(command, env=no_cluster, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_person_and_an_account_that_somebody_let_in_by_hand_are_named() -> None:
    stack = settings()
    rules, configuration = rbac_values(stack), helm_values(stack)["configs"]["cm"]
    assert list(configured(stack, rules, configuration)) == []
    given = "g, dana, role:admin"
    let_in = {"accounts.robot": "apiKey", "users.anonymous.enabled": "true"}
    more = rules | {"policy.csv": f"{rules['policy.csv']}# a comment\n{given}\n"}
    assert [line.split("; ")[0] for line in configured(stack, more, configuration | let_in)] == [
        f"Argo CD: argocd-rbac-cm has the line '{given}', which is not declared",
        "Argo CD: argocd-cm has accounts.robot, which lets in who does not sign on",
        "Argo CD: argocd-cm has users.anonymous.enabled, which lets in who does not sign on",
    ]


def test_a_login_that_somebody_switched_off_by_hand_is_named() -> None:
    stack = settings()
    declared = helm_values(stack)["configs"]
    data = {"argocd-cm": declared["cm"], "argocd-cmd-params-cm": {"server.disable.auth": "false"}}
    assert list(unchecked(stack, data)) == []
    opened = {
        "argocd-cm": {"oidc.tls.insecure.skip.verify": "true"},
        "argocd-cmd-params-cm": {"server.disable.auth": "1"},
    }
    assert [line.split(", so that")[0] for line in unchecked(stack, opened)] == [
        "Argo CD: argocd-cmd-params-cm has server.disable.auth",
        "Argo CD: argocd-cm has oidc.tls.insecure.skip.verify",
    ]


def test_what_the_stack_adds_to_argo_cd_is_declared() -> None:
    own = {"policy.csv": "g, robot, role:admin"}
    stack = settings(argocd={"values": {"configs": {"rbac": own, "cm": {"accounts.robot": "apiKey"}}}})
    declared = helm_values(stack)["configs"]
    assert list(configured(stack, declared["rbac"], declared["cm"])) == []


@pytest.mark.parametrize(
    ("who", "action", "what"),
    [
        ("acme:web", "get", OWN_DEV),
        ("acme:web", "sync", OWN_DEV),
        ("acme:web", "get", OWN_PRODUCTION),
        ("acme:web", "get", "infrastructure/infrastructure-production"),
        ("acme:leads", "get", OWN_PRODUCTION),
        ("acme:leads", "sync", OWN_PRODUCTION),
        ("acme:platform", "sync", OWN_PRODUCTION),
        ("acme:platform", "override", OWN_PRODUCTION),
        ("acme:data", "sync", "dev/lake-dev"),
    ],
)
def test_a_team_may_do_its_work(may: May, who: str, action: str, what: str) -> None:
    assert may(who, action, what)


@pytest.mark.parametrize(
    ("who", "action", "what"),
    [
        # Production is synced by those who approve, and not by those who wrote it.
        ("acme:web", "sync", OWN_PRODUCTION),
        # Nobody goes around Git, approvers included.
        ("acme:web", "override", OWN_DEV),
        ("acme:web", "update", OWN_DEV),
        ("acme:web", "delete", OWN_DEV),
        ("acme:leads", "override", OWN_PRODUCTION),
        ("acme:leads", "action/apps/Deployment/restart", OWN_PRODUCTION),
        # Approving for production gives nothing in another environment, or with a service that is not there.
        ("acme:leads", "sync", OWN_DEV),
        ("acme:leads", "sync", "production/lake-production"),
        # What another team owns is not even seen.
        ("acme:data", "get", OWN_DEV),
        ("acme:web", "get", "dev/lake-dev"),
        ("acme:web", "sync", "infrastructure/infrastructure-production"),
        # Somebody who is of no team, of a team that is not in the settings, or of a team of that name elsewhere.
        ("somebody", "get", OWN_DEV),
        ("acme:interns", "get", OWN_DEV),
        ("other:web", "get", OWN_DEV),
    ],
)
def test_nobody_may_do_more(may: May, who: str, action: str, what: str) -> None:
    assert not may(who, action, what)


@pytest.mark.parametrize(
    ("resource", "action", "what"),
    [
        ("exec", "create", OWN_DEV),
        ("repositories", "create", "*"),
        ("clusters", "create", "*"),
        ("projects", "update", "dev"),
        ("applicationsets", "create", "dev/more"),
    ],
)
def test_a_team_does_not_change_the_platform(may: May, resource: str, action: str, what: str) -> None:
    assert not may("acme:web", action, what, resource)


def test_a_team_reads_the_logs_of_its_own_service(may: May) -> None:
    assert may("acme:web", "get", OWN_PRODUCTION, "logs")
    assert not may("acme:web", "get", "dev/lake-dev", "logs")


def test_without_approvers_the_owning_team_starts_the_sync(may: May) -> None:
    environments = [{"name": "dev"}, {**PRODUCTION, "approvers": []}]
    assert may("acme:web", "sync", OWN_PRODUCTION, environments=environments)
    assert not may("acme:leads", "sync", OWN_PRODUCTION, environments=environments)


def test_a_person_whom_the_policy_does_not_name_has_no_role() -> None:
    assert not rbac_values(settings())["policy.default"]


SSO: dict[str, Any] = {
    "argocd": {"url": "https://cd.example.com", "sso": {"clientId": "slipway"}},
    "ssoClientSecret": "hush",
}
EVERYTHING = [
    ("applications", "get", OWN_DEV),
    ("applications", "sync", OWN_PRODUCTION),
    ("applications", "override", OWN_PRODUCTION),
    ("applications", "update/apps/Deployment/dev/guestbook", OWN_DEV),
    ("applications", "delete/apps/Deployment/dev/guestbook", OWN_DEV),
    ("applications", "action/apps/Deployment/restart", OWN_DEV),
    ("applicationsets", "create", "dev/more"),
    ("logs", "get", OWN_DEV),
    ("exec", "create", OWN_DEV),
    ("projects", "update", "dev"),
    ("clusters", "create", "*"),
    ("repositories", "delete", "*"),
    ("certificates", "delete", "*"),
    ("accounts", "update", "admin"),
    ("gpgkeys", "create", "*"),
]
"""One thing of each resource that Argo CD has."""


@pytest.mark.parametrize("group", ["admin", "role:admin"])
@pytest.mark.parametrize(("resource", "action", "what"), EVERYTHING)
def test_a_group_that_is_called_like_argo_cd_s_administrator_has_no_rights(
    may: May, group: str, resource: str, action: str, what: str
) -> None:
    """The provider of `argocd.sso` may have a group of that name; Argo CD would not tell it from its own."""
    assert may(group, action, what, resource)
    assert not may(group, action, what, resource, **SSO)
    assert may("acme:platform", action, what, resource, **SSO)


def test_argo_cd_s_own_administrator_keeps_its_rights_where_it_may_log_in(may: May) -> None:
    sso = SSO["argocd"]["sso"] | {"admin": True}
    assert may("admin", "update", "admin", "accounts", **{**SSO, "argocd": SSO["argocd"] | {"sso": sso}})


@pytest.fixture
def program(argocd: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARGOCD", str(argocd))
    return argocd


MORE_TEAMS: dict[str, Any] = {
    "teams": [{"name": name, "existing": True} for name in ("web", "leads", "platform", "sre", "support")],
    "environments": [{"name": "dev"}, {**PRODUCTION, "operators": ["sre"], "viewers": ["support"]}],
    "services": [{"name": "guestbook", "template": "python-web", "team": "web"}],
}


def test_argo_cd_allows_what_is_declared_and_nothing_else(program: Path) -> None:
    """Every team, place and action, against the model that the matrix is printed from."""
    given = settings(**MORE_TEAMS)
    assert list(evaluated(given, rbac_values(given))) == []
    # Teams × places × questions.
    assert len(set(questions(given))) == 5 * 2 * 8


def test_a_changed_policy_is_found_by_what_it_allows(program: Path) -> None:
    given = settings(**MORE_TEAMS)
    lost = f"p, role:team-leads, applications, sync, {OWN_PRODUCTION}, allow"
    more = "p, role:team-web, exec, create, dev/*, allow\ng, acme:support, role:admin\n"
    assert lost in policy(given)
    changed = rbac_values(given) | {"policy.csv": policy(given).replace(lost, ""), "policy.more.csv": more}
    found = {line.partition(";")[0] for line in evaluated(given, changed)}
    assert found >= {
        f"Argo CD: acme:leads may not sync applications {OWN_PRODUCTION}, and it is declared",
        f"Argo CD: acme:web may create exec {OWN_DEV}, and it is not declared",
        f"Argo CD: acme:support may sync applications {OWN_DEV}, and it is not declared",
    }
    assert not any("acme:sre" in line or "acme:platform" in line for line in found)


def test_who_takes_argo_cd_s_administrator_out_of_the_deny_is_found(program: Path) -> None:
    given = settings(**MORE_TEAMS, **SSO)
    declared = rbac_values(given)
    assert list(evaluated(given, declared)) == []
    narrower = declared | {BUILT_IN: "p, admin, applications, *, *, deny\n"}
    assert [line.partition(";")[0] for line in evaluated(given, narrower)] == [
        f"Argo CD: {name} may update accounts *, and it is not declared" for name in ("admin", "role:admin")
    ]
    (line,) = configured(given, narrower, helm_values(given)["configs"]["cm"])
    assert "has the line 'p, admin, applications, *, *, deny', which is not declared" in line


def test_a_viewer_sees_and_reads_logs_and_does_nothing(may: May) -> None:
    assert may("acme:support", "get", OWN_PRODUCTION, **MORE_TEAMS)
    assert may("acme:support", "get", OWN_PRODUCTION, "logs", **MORE_TEAMS)
    assert not may("acme:support", "sync", OWN_PRODUCTION, **MORE_TEAMS)
    assert not may("acme:support", "get", OWN_DEV, **MORE_TEAMS)


@pytest.mark.parametrize(("sent", "yes"), [("Shop Developers", True), ("shop developers", True), ("acme:web", False)])
def test_a_team_is_known_by_the_group_that_its_provider_sends(may: May, sent: str, *, yes: bool) -> None:
    teams: list[dict[str, Any]] = [{"name": name, "existing": True} for name in ("leads", "data", "platform")]
    teams.append({"name": "web", "ssoGroup": "Shop Developers"})
    assert may(sent, "sync", OWN_DEV, teams=teams) is yes
