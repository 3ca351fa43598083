"""Settings that say two things, or leave a place empty, and values of Argo CD's chart that contradict the platform."""

from typing import Any

import pytest

from stacks.problems import SettingsError
from stacks.settings import settings_of
from tests.stacks.builders import SECRETS, changed, texts, values
from tests.stacks.test_settings import problems

# Nothing behind a key


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("environments.2", "approvers"),
        ("environments.0", "sync"),
        ("environments.0", "quota"),
        ("environments.0", "namespaceLabels"),
        ("services.0", "overrides"),
        ("services.0", "environments"),
        ("github", "requiredApprovals"),
        ("github", "runners"),
        ("argocd", "values"),
        ("teams.1", "members"),
    ],
)
def test_a_key_with_nothing_behind_it_is_one_that_is_not_there(path: str, key: str) -> None:
    empty, absent = values(), values()
    *parents, last = path.split(".")
    for stack, without in ((empty, False), (absent, True)):
        here: Any = stack
        for part in [*parents, last]:
            here = here[int(part) if part.isdigit() else part]
        here.pop(key, None)
        if not without:
            here[key] = None
    assert said(empty) == said(absent)


def said(stack: dict[str, Any]) -> object:
    try:
        return settings_of("test", texts(stack))
    except SettingsError as error:
        return error.problems


def test_what_is_needed_is_missing_where_nothing_is_behind_it() -> None:
    stack = values()
    stack["services"][0]["team"] = None
    assert problems(stack)["services[guestbook].team"].startswith("missing; it is needed")


@pytest.mark.parametrize(("value", "word"), [(True, "true"), (False, "false")])
def test_a_wrong_word_is_quoted_as_it_is_written(value: bool, word: str) -> None:
    assert problems(changed("environments.0.sync", value))["environments[dev].sync"].startswith(
        f"{word} is not allowed"
    )


# Clusters


def clusters(*servers: tuple[str, str]) -> dict[str, Any]:
    found = [
        {"name": f"e{place}", "cluster": cluster, "context": cluster, "server": server}
        for place, (cluster, server) in enumerate(servers)
    ]
    return values(environments=found, services=[])


@pytest.mark.parametrize(
    "server",
    ["https://10.0.0.1", "https://10.0.0.1/", "https://10.0.0.1:443", "https://10.0.0.1:443/"],
)
def test_one_cluster_has_one_address_however_it_is_written(server: str) -> None:
    assert settings_of("test", texts(clusters(("eu", "https://10.0.0.1"), ("eu", server))))
    assert (
        "the address of eu too"
        in problems(clusters(("eu", "https://10.0.0.1"), ("us", server)))["environments[e1].server"]
    )


def test_clusters_below_one_host_are_several() -> None:
    proxy = "https://rancher.example.com/k8s/clusters"
    assert settings_of("test", texts(clusters(("eu", f"{proxy}/c-1"), ("us", f"{proxy}/c-2"))))
    assert settings_of("test", texts(clusters(("eu", "https://10.0.0.1"), ("us", "https://10.0.0.1:6443"))))


@pytest.mark.parametrize("host", ["kubernetes.default.svc", "kubernetes.default.svc:443", "KUBERNETES.default"])
def test_the_cluster_of_argo_cd_is_not_registered_a_second_time(host: str) -> None:
    text = problems(clusters(("eu", f"https://{host}")))["environments[e0].server"]
    assert "the cluster that Argo CD runs on" in text


# Names


@pytest.mark.parametrize("name", ["acme.github.io", "Acme.GitHub.io"])
def test_a_site_of_pages_is_no_repository_of_the_platform(name: str) -> None:
    """What is in it would be on the internet."""
    for path in ("github.environmentRepository", "services.0.repository"):
        (text,) = problems(changed(path, name)).values()
        assert "a site that GitHub Pages publishes" in text


@pytest.mark.parametrize("number", ["00", "011", "0x11"])
def test_an_id_has_its_own_digits(number: str) -> None:
    """Another writing of one App's id would pass for another App."""
    assert "is not an id" in problems(changed("github.promoter.id", number))["github.promoter.id"]


# Values of the chart


@pytest.mark.parametrize(
    ("own", "path", "what"),
    [
        ({"controller": {"replicas": 0}}, "controller.replicas", "1 or more"),
        ({"repoServer": {"replicas": 0}}, "repoServer.replicas", "1 or more"),
        ({"redis": {"enabled": False}}, "redis.enabled", "`redis-ha.enabled`"),
        ({"createClusterRoles": False}, "createClusterRoles", "true"),
        ({"crds": {"install": False}}, "crds.install", "because `argocd.installCrds` says it"),
        ({"configs": {"cm": {"url": "https://b.example.com"}}}, "configs.cm.url", "because `argocd.url` says it"),
        ({"configs": {"rbac": {"scopes": "[email]"}}}, "configs.rbac.scopes", "because `argocd.sso.groupsClaim` says"),
    ],
)
def test_values_that_leave_argo_cd_without_a_part_or_contradict_are_refused(
    own: dict[str, Any], path: str, what: str
) -> None:
    text = problems(changed("argocd.values", own))[f"argocd.values.{path}"]
    assert text.startswith("it has to be ")
    assert what in text


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("rbac", "policy.default", "role:admin"),
        ("rbac", "policy.default", "role:readonly"),
        ("cm", "users.anonymous.enabled", True),
        ("cm", "exec.enabled", "true"),
        ("cm", "application.sync.requireOverridePrivilegeForRevisionSync", False),
        ("cm", "application.sync.requireOverridePrivilegeForRevisionSync", None),
        ("cm", "oidc.tls.insecure.skip.verify", "true"),
        ("params", "server.disable.auth", True),
        ("params", "server.disable.auth", "true"),
    ],
)
def test_values_that_open_a_guard_of_argo_cd_are_refused(part: str, key: str, value: object) -> None:
    """What `make access` prints would not hold."""
    found = problems(changed("argocd.values", {"configs": {part: {key: value}}}))
    assert found[f"argocd.values.configs.{part}.{key}"].startswith("it has to be ")


@pytest.mark.parametrize(
    ("own", "path"),
    [
        ({"server": {"extraArgs": ["--loglevel=info", "--disable-auth"]}}, "server.extraArgs[1]"),
        ({"server": {"extraArgs": ["--disable-auth=true"]}}, "server.extraArgs[0]"),
        ({"server": {"env": [{"name": "ARGOCD_SERVER_DISABLE_AUTH", "value": "true"}]}}, "server.env[0]"),
        ({"global": {"env": [{"name": "ARGOCD_SERVER_DISABLE_AUTH", "value": "true"}]}}, "global.env[0]"),
    ],
)
def test_no_argument_or_variable_lets_people_in_who_have_not_logged_in(own: dict[str, Any], path: str) -> None:
    assert "without a login" in problems(changed("argocd.values", own))[f"argocd.values.{path}"]


@pytest.mark.parametrize("key", ["dex.config", "oidc.config"])
def test_values_that_have_people_log_in_elsewhere_are_refused_with_single_sign_on(key: str) -> None:
    """Another organisation, or another provider, could give itself the name of a team."""
    stack = changed("argocd.values", {"configs": {"cm": {key: "connectors: []"}}})
    assert settings_of("test", texts(stack))
    stack["argocd"] |= {"url": "https://cd.example.com", "sso": {"clientId": "slipway"}}
    stack["ssoClientSecret"] = "hush-hush"
    assert "because `argocd.sso` says it" in problems(stack)[f"argocd.values.configs.cm.{key}"]


def test_values_that_turn_on_argo_cd_s_own_administrator_are_refused_with_single_sign_on() -> None:
    stack = changed("argocd.values", {"configs": {"cm": {"admin.enabled": True}}})
    assert settings_of("test", texts(stack))
    stack["argocd"] |= {"url": "https://cd.example.com", "sso": {"clientId": "slipway"}}
    stack["ssoClientSecret"] = "hush-hush"
    assert "because `argocd.sso.admin` says it" in problems(stack)["argocd.values.configs.cm.admin.enabled"]


@pytest.mark.parametrize(
    "own",
    [
        {"controller": {"replicas": 2}},
        {"configs": {"rbac": {"policy.default": ""}, "cm": {"exec.enabled": False}}},
        {"configs": {"params": {"server.disable.auth": False}}, "server": {"extraArgs": ["--disable-auth=false"]}},
        {"redis": {"enabled": False}, "redis-ha": {"enabled": True}},
        {"redis": {"enabled": False}, "externalRedis": {"host": "redis.example.com"}},
        {"crds": {"install": True, "keep": False}},
        {"configs": {"cm": {"url": "https://argocd.example.com"}}},
    ],
)
def test_values_that_agree_are_taken(own: dict[str, Any]) -> None:
    assert settings_of("test", texts(changed("argocd.values", own)))


@pytest.mark.parametrize(
    ("own", "at"),
    [
        (
            {"configs": {"secret": {"extra": {"dex.github.clientSecret": "s3"}}}},
            '.secret.extra["dex.github.clientSecret"]',
        ),
        ({"configs": {"secret": {"githubSecret": "s3"}}}, ".secret.githubSecret"),
        ({"configs": {"repositories": {"a": {"url": "https://x", "password": "s3"}}}}, ".repositories.a.password"),
        ({"configs": {"credentialTemplates": {"a": {"sshPrivateKey": "s3"}}}}, ".credentialTemplates.a.sshPrivateKey"),
        ({"configs": {"clusterCredentials": {"a": {"config": {"bearerToken": "s3"}}}}}, ".config.bearerToken"),
        ({"notifications": {"secret": {"items": {"mail": "s3"}}}}, ".secret.items.mail"),
        ({"externalRedis": {"host": "r", "password": "s3"}}, ".externalRedis.password"),
    ],
)
def test_a_secret_in_clear_text_among_the_values_is_refused(own: dict[str, Any], at: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_of("test", texts(changed("argocd.values", own)), SECRETS)
    text = str(caught.value)
    assert "it is stored in clear text" in text
    assert "s3" not in text
    assert f"{at}'`" in text


@pytest.mark.parametrize(
    "own",
    [
        {"configs": {"secret": {"createSecret": True, "annotations": {"a": "b"}}}},
        {"configs": {"secret": {"argocdServerAdminPassword": "$2a$10$hash"}}},
        {"configs": {"repositories": {"a": {"url": "https://x", "password": ""}}}},
        {"externalRedis": {"host": "r", "existingSecret": "redis"}},
    ],
)
def test_what_is_beside_secrets_may_be_in_clear_text(own: dict[str, Any]) -> None:
    assert settings_of("test", texts(changed("argocd.values", own)), SECRETS)
