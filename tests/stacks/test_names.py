"""Names that look right, and that Git, GitHub, DNS, Helm or Argo CD would refuse or take for something else."""

from typing import Any

import pytest

from stacks.settings import settings_of
from tests.stacks.builders import Values, changed, texts, values
from tests.stacks.test_settings import problems


def _branch(name: str) -> Values:
    stack = changed("environments.0.images", "branch")
    stack["environments"][0]["branch"] = name
    return stack


@pytest.mark.parametrize("name", ["HEAD", "a/.b", "refs/heads/main", "a" * 40, "a.lock/b", "a//b", "-a", "a..b"])
def test_a_branch_that_git_does_not_take_is_refused(name: str) -> None:
    assert "environments[dev].branch" in problems(_branch(name))


@pytest.mark.parametrize("name", ["Main", "a/-b", "release/1.0", "a" * 39, "v1.2.3"])
def test_a_branch_that_git_takes_is_taken(name: str) -> None:
    assert settings_of("test", texts(_branch(name)))


@pytest.mark.parametrize("name", ["x.git", "x.GIT", "x.Wiki", ".", "..", "a" * 101, ".GitHub"])
@pytest.mark.parametrize("path", ["github.environmentRepository", "services.0.repository"])
def test_a_repository_that_github_keeps_for_itself_is_refused(path: str, name: str) -> None:
    where = path.replace("services.0", "services[guestbook]")
    assert where in problems(changed(path, name))


@pytest.mark.parametrize("name", ["a-" * 19 + "ab", "a" * 40, "acme-", "ac--me"])
def test_an_owner_that_github_cannot_have_is_refused(name: str) -> None:
    assert "up to 39" in problems(changed("github.owner", name))["github.owner"]


def test_an_owner_may_be_as_long_as_github_lets_it() -> None:
    assert settings_of("test", texts(changed("github.owner", "a-" * 19 + "a")))


# Names that are made of two


def _service(**given: Any) -> Values:
    return {"name": "web", "template": "python-web", "team": "web", **given}


@pytest.mark.parametrize(
    ("environments", "services", "said"),
    [
        (["b", "a-b"], [_service(name="infrastructure-a")], "that of the infrastructure of a-b"),
        (
            ["dev", "requests"],
            [_service(pullRequests={}), _service(name="web-pull", environments=["requests"])],
            "web-pull-requests, its namespace and Application, is that of web in pull-requests",
        ),
        (["dev", "web-pull-requests"], [_service(pullRequests={})], "the environment web-pull-requests"),
        (["dev"], [_service(name="w" * 48, pullRequests={})], "at most 47"),
    ],
)
def test_two_things_of_one_name_are_refused(environments: list[str], services: list[Values], said: str) -> None:
    stack = values(environments=[{"name": name} for name in environments], services=services)
    assert said in " ".join(problems(stack).values())


# The way in


def _entry(kind: str, **given: Any) -> Values:
    required = {"gateway": "public", "gatewayNamespace": "infra"} if kind == "httpRoute" else {}
    stack = changed(f"environments.0.{kind}", {"host": "{service}.example.com", **required, **given})
    stack["cluster"]["ingressNamespaces"] = ["ingress"]
    return stack


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("10.0.0.1", "is not a host name"),
        ("{service}.1", "is not a host name"),
        ("{service}-" + "a" * 54 + ".example.com", "longer than DNS takes"),
        ("{service}." + "a." * 120 + "example.com", "longer than DNS takes"),
    ],
)
@pytest.mark.parametrize("kind", ["ingress", "httpRoute"])
def test_a_host_at_which_no_service_could_answer_is_refused(kind: str, host: str, said: str) -> None:
    (text,) = problems(_entry(kind, host=host)).values()
    assert said in text


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("ingress", {"className": "nginx.internal"}),
        ("ingress", {"tlsSecret": "{service}.tls"}),
        ("ingress", {"annotations": {"Example.com/Key": "x", "cert-manager.io/cluster-issuer": "letsencrypt"}}),
        ("ingress", {"annotations": {"argocd.argoproj.io/sync-wave": "1"}}),
        ("httpRoute", {"gateway": "public.example", "sectionName": "https.acme"}),
    ],
)
def test_objects_of_the_way_in_have_the_names_that_kubernetes_gives(kind: str, given: Values) -> None:
    assert settings_of("test", texts(_entry(kind, **given)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"className": "public/nginx"}, "name of an object"),
        ({"tlsSecret": "infra/tls"}, "name of an object"),
        ({"annotations": {"cert manager/issuer": "x"}}, "key of an annotation"),
        ({"annotations": {"a/b/c": "x"}}, "key of an annotation"),
        ({"annotations": {"slipway.dev/url": "x"}}, "the platform's own"),
        ({"annotations": {"argocd.argoproj.io/sync-wave": "first"}}, "'first' is not a whole number"),
        ({"annotations": {"argocd.argoproj.io/hook": "Sync"}}, "take objects from the Application"),
    ],
)
def test_names_that_no_ingress_can_have_are_refused(given: Values, said: str) -> None:
    (text,) = problems(_entry("ingress", **given)).values()
    assert said in text


# Fields that others write


@pytest.mark.parametrize(
    "path",
    [
        "spec.replicas",
        "$.spec.replicas",
        ".spec.containers[",
        ".spec.containers[*].image",
        ".spec.containers.0.image",
        ".metadata.annotations.example.com/key",
        ".metadata.labels.a-b",
        '.metadata.labels["a]',
        ".spec | (.a",
    ],
)
def test_a_path_of_jq_that_argo_cd_cannot_read_is_refused(path: str) -> None:
    ignored = [{"kind": "Deployment", "group": "apps", "jqPathExpressions": [path]}]
    assert "is not a path of jq" in " ".join(problems(changed("environments.1.ignoreDifferences", ignored)).values())


@pytest.mark.parametrize(
    "path",
    [
        ".spec.replicas",
        '.metadata.annotations["example.com/a-key"]',
        '.metadata.labels."a-b"',
        ".webhooks[]?.clientConfig.caBundle",
        '.spec.template.spec.containers[] | select(.name == "a (b") | .image',
        ".spec.containers[0].resources",
        'select(.metadata.annotations["x"] == "y") | .spec.replicas',
    ],
)
def test_a_path_of_jq_is_taken(path: str) -> None:
    ignored = [{"kind": "Deployment", "group": "apps", "jqPathExpressions": [path]}]
    assert settings_of("test", texts(changed("environments.1.ignoreDifferences", ignored)))


# Values of Argo CD's chart


@pytest.mark.parametrize(
    ("own", "path"),
    [
        ({"notifications": {"enabled": False}}, "notifications.enabled"),
        ({"notifications": {"secret": {"create": True}}}, "notifications.secret.create"),
        ({"configs": {"rbac": {"create": False}}}, "configs.rbac.create"),
        ({"configs": {"rbac": {"policy.matchMode": "regex"}}}, "configs.rbac.policy.matchMode"),
        (
            {"configs": {"cm": {"application.resourceTrackingMethod": "label"}}},
            "configs.cm.application.resourceTrackingMethod",
        ),
        (
            {"configs": {"params": {"controller.resource.health.persist": None}}},
            "configs.params.controller.resource.health.persist",
        ),
    ],
)
def test_a_value_that_would_end_what_releases_hang_on_is_refused(own: Values, path: str) -> None:
    assert (
        "the platform's releases and rights need it" in problems(changed("argocd.values", own))[f"argocd.values.{path}"]
    )


@pytest.mark.parametrize(
    ("rule", "number"),
    [
        ("p, role:x, applications, get, */*", 1),
        ("# a comment\n\ng, acme:ops role:admin", 3),
        ("p, role:x, applications, get, */*, Allow", 1),
        ("role:x, applications, get, */*, allow", 1),
        ('g, "acme:ops, role:admin', 1),
    ],
)
@pytest.mark.parametrize("key", ["policy.csv", "policy.ops.csv"])
def test_a_rule_that_is_none_would_have_argo_cd_load_no_rule(key: str, rule: str, number: int) -> None:
    found = problems(changed("argocd.values", {"configs": {"rbac": {key: rule}}}))
    assert f"line {number}, " in found[f"argocd.values.configs.rbac.{key}"]


@pytest.mark.parametrize("rule", ["g, acme:ops, role:admin", "g, robot, admin"])
def test_a_role_that_is_denied_with_single_sign_on_is_not_given(rule: str) -> None:
    stack = changed("argocd.values", {"configs": {"rbac": {"policy.csv": f"# more\n{rule}"}}})
    assert settings_of("test", texts(stack))
    stack["argocd"] |= {"url": "https://cd.example.com", "sso": {"clientId": "slipway"}}
    stack["ssoClientSecret"] = "hush-hush"
    found = problems(stack)["argocd.values.configs.rbac.policy.csv"]
    assert found.startswith(f"line 2, {rule!r}: ")
    assert found.endswith("use role:team-platform")


def test_what_denies_argo_cd_s_own_administrator_is_not_replaced() -> None:
    found = problems(changed("argocd.values", {"configs": {"rbac": {"policy.built-in.csv": ""}}}))
    assert "argocd.sso.admin: true" in found["argocd.values.configs.rbac.policy.built-in.csv"]


def test_rules_as_argo_cd_takes_them_are_taken() -> None:
    text = '# more\np, role:x, applications, get, */*, allow\n\ng, "CN=Ops,OU=Groups", role:x\np,role:y,logs,get,*,deny'
    assert settings_of("test", texts(changed("argocd.values", {"configs": {"rbac": {"policy.csv": text}}})))


# Chats


@pytest.mark.parametrize(
    ("channel", "taken"),
    [
        ("releases", True),
        ("#relâches-équipe", True),
        ("C012AB3CD", True),
        ("GENERALCHAT", False),
        ("a b", False),
        ("@dana", False),
    ],
)
def test_a_channel_of_slack_goes_by_its_name_or_its_id(channel: str, taken: bool) -> None:
    stack = values(notifications={"slackChannel": channel}, slackToken="xoxb-1")
    if taken:
        assert settings_of("test", texts(stack)).notifications.slack_channel == channel
    else:
        assert "is not a channel of Slack" in problems(stack)["notifications.slackChannel"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("kinds", ["v1/ConfigMap"], "has a version in place of a group; use ConfigMap alone"),
        ("kinds", ["argoproj.io/ClusterWorkflowTemplate"], "is not namespaced"),
        ("ignoreDifferences", [{"kind": "Rollout", "jsonPointers": ["/spec/replicas"]}], "use its API group"),
        ("allowTo", ["fe80::%eth0/64"], "is not a range"),
    ],
)
def test_what_would_be_read_as_something_else_is_refused(key: str, value: Any, said: str) -> None:
    assert said in " ".join(problems(changed(f"environments.1.{key}", value)).values())
