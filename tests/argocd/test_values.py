"""What the platform's settings become in the values of Argo CD's chart."""

from typing import Any

import pytest
import yaml

from manifests.argocd.values import helm_values, merged
from stacks.problems import SettingsError
from stacks.settings import settings_of
from tests.argocd.example import PRODUCTION, settings
from tests.stacks.builders import texts, values

APPS = ("promoter", "requester", "argocd")
URL = "https://cd.example.com"


def configuration(**argocd: Any) -> dict[str, Any]:
    return helm_values(settings(argocd=argocd))["configs"]["cm"]


def test_the_stacks_own_values_win_and_leave_their_neighbours() -> None:
    own = {"dex": {"enabled": True}, "configs": {"params": {"server.insecure": True}}}
    values = helm_values(settings(argocd={"values": own}))
    assert values["dex"] == {"enabled": True}
    assert values["configs"]["params"]["server.insecure"] is True
    assert values["configs"]["params"]["controller.resource.health.persist"] is True


def test_the_stacks_own_policy_and_subscriptions_add_to_the_platforms() -> None:
    """A rule for one more group must not take the rights of every team, nor a subscription the ledger's reports."""
    rule = "g, acme:auditors, role:readonly"
    mine = {"recipients": ["email:ops@example.com"], "triggers": ["on-sync-failed"]}
    own = {"configs": {"rbac": {"policy.csv": rule}}, "notifications": {"subscriptions": [mine]}}
    plain, added = helm_values(settings()), helm_values(settings(argocd={"values": own}))
    assert added["configs"]["rbac"]["policy.csv"] == plain["configs"]["rbac"]["policy.csv"] + rule
    assert added["configs"]["rbac"]["scopes"] == plain["configs"]["rbac"]["scopes"]
    assert added["notifications"]["subscriptions"] == [*plain["notifications"]["subscriptions"], mine]


def test_git_is_asked_less_often_where_a_webhook_tells_of_pushes() -> None:
    seconds = [
        int(configuration(**argocd)["timeout.reconciliation"].removesuffix("s"))
        for argocd in ({"url": URL}, {"url": URL, "webhook": False}, {})
    ]
    assert seconds[0] > seconds[1] == seconds[2]


def test_the_right_to_sync_is_the_right_to_sync_the_followed_revision() -> None:
    assert configuration()["application.sync.requireOverridePrivilegeForRevisionSync"] == "true"


def test_a_broken_submodule_stops_no_service() -> None:
    assert helm_values(settings())["configs"]["params"]["reposerver.enable.git.submodule"] is False


SSO = {"clientId": "slipway"}


def test_people_log_in_with_githubs_teams_and_the_built_in_admin_is_off() -> None:
    values = helm_values(settings(argocd={"url": URL, "sso": SSO}, ssoClientSecret="hush"))
    cm = values["configs"]["cm"]
    (connector,) = yaml.safe_load(cm["dex.config"])["connectors"]
    assert (values["dex"]["enabled"], cm["admin.enabled"]) == (True, False)
    assert connector["config"] == {
        "clientID": "slipway",
        "clientSecret": "$argocd-sso:clientSecret",
        "orgs": [{"name": "acme"}],
        "teamNameField": "slug",
    }
    assert "hush" not in str(values)


def test_a_github_of_ones_own_is_asked_there() -> None:
    github = {"baseUrl": "https://github.example.com/", "owner": "acme", "platformTeam": "platform"}
    apps = {name: {"id": str(number), "installationId": "1"} for number, name in enumerate(APPS, start=1)}
    cm = helm_values(settings(github=github | apps, argocd={"url": URL, "sso": SSO}, ssoClientSecret="hush"))
    (connector,) = yaml.safe_load(cm["configs"]["cm"]["dex.config"])["connectors"]
    assert connector["config"]["hostName"] == "github.example.com"


def test_a_provider_of_openid_connect_needs_no_dex_and_names_its_claim() -> None:
    sso = {**SSO, "provider": "oidc", "issuer": "https://id.example.com", "groupsClaim": "roles", "admin": True}
    values = helm_values(settings(argocd={"url": URL, "sso": sso}, ssoClientSecret="hush"))
    cm = values["configs"]["cm"]
    oidc = yaml.safe_load(cm["oidc.config"])
    assert (values["dex"]["enabled"], cm["admin.enabled"]) == (False, True)
    assert (oidc["issuer"], oidc["clientSecret"]) == ("https://id.example.com", "$argocd-sso:clientSecret")
    assert oidc["enablePKCEAuthentication"] is True
    assert values["configs"]["rbac"]["scopes"] == "[roles]"
    named = {**sso, "groupsClaim": "https://acme.example/groups"}
    values = helm_values(settings(argocd={"url": URL, "sso": named}, ssoClientSecret="hush"))
    assert yaml.safe_load(values["configs"]["rbac"]["scopes"]) == ["https://acme.example/groups"]


@pytest.mark.parametrize(
    ("argocd", "github", "path"),
    [
        ({"sso": SSO}, {}, "argocd.sso"),
        ({"url": URL, "sso": {**SSO, "provider": "oidc"}}, {}, "argocd.sso.issuer"),
        ({"url": URL, "sso": {**SSO, "issuer": URL}}, {}, "argocd.sso.issuer"),
        ({"url": URL, "sso": {**SSO, "cliClientId": "cli"}}, {}, "argocd.sso.cliClientId"),
        ({"url": URL, "sso": SSO}, {"platformTeam": None}, "argocd.sso"),
    ],
)
def test_single_sign_on_that_would_lock_people_out_is_refused(
    argocd: dict[str, Any], github: dict[str, Any], path: str
) -> None:
    stack = values(argocd=argocd, ssoClientSecret="hush-hush")
    stack["github"] = {key: value for key, value in (stack["github"] | github).items() if value is not None}
    with pytest.raises(SettingsError) as refused:
        settings_of("test", texts(stack))
    assert path in {problem.path for problem in refused.value.problems}


def test_a_secret_is_passed_on_untouched() -> None:
    """It is an output of Pulumi's, which must stay one."""
    secret = object()
    assert helm_values(settings(), webhook_secret=secret)["configs"]["secret"]["githubSecret"] is secret
    assert "githubSecret" not in helm_values(settings())["configs"]["secret"]


def test_image_and_version_are_the_charts_unless_set() -> None:
    assert helm_values(settings())["global"]["image"] == {}
    assert helm_values(settings(argocd={"version": "v3.5.7"}))["global"]["image"] == {"tag": "v3.5.7"}


def test_no_sync_hangs_longer_than_the_most_patient_environment() -> None:
    environments = [{"name": "dev", "verificationDeadlineSeconds": 60}, PRODUCTION]
    parameters = helm_values(settings(environments=environments))["configs"]["params"]
    assert parameters["controller.sync.timeout.seconds"] == PRODUCTION["verificationDeadlineSeconds"]


@pytest.mark.parametrize(
    ("base", "more", "result"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
    ],
)
def test_values_merge_as_helm_merges_them(base: dict[str, Any], more: dict[str, Any], result: dict[str, Any]) -> None:
    assert merged(base, more) == result
