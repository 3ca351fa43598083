"""What the platform's settings become in the values of Argo CD's chart."""

from typing import Any

import pytest

from manifests.argocd.values import helm_values, merged
from tests.argocd.example import PRODUCTION, settings

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
