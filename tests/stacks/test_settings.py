"""What a stack file may say, and what is said about one that is wrong."""

import re
from typing import Any

import pulumi
import pytest

from manifests.model import Images, Removal, Sync
from stacks.problems import SettingsError
from stacks.settings import settings_of
from tests.stacks.builders import SECRETS, VALUES, changed, texts, values


def problems(stack: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(SettingsError) as raised:
        settings_of("test", texts(stack))
    return {problem.path: problem.text for problem in raised.value.problems}


def test_the_builder_breaks_no_rule() -> None:
    settings = settings_of("test", texts(values()))
    assert [environment.name for environment in settings.environments] == ["dev", "staging", "production"]
    assert settings.environments[2].sync is Sync.MANUAL
    assert settings.github.owner == "acme"


def test_defaults_are_safe() -> None:
    settings = settings_of("test", texts(values()))
    dev, staging, production = settings.environments
    assert settings.github.visibility == "private"
    assert settings.github.protect
    assert (staging.images, staging.takes_prereleases, staging.prunes) == (Images.RELEASE, True, True)
    assert (production.takes_prereleases, production.prunes, production.removes) == (False, False, Removal.ORPHAN)
    assert dev.tracked_branch == "main"


FOLLOWING = {"name": "qa", "images": "branch", "branch": "next"}
"""An environment that takes each commit of a branch."""


@pytest.mark.parametrize(
    ("path", "value", "where", "said"),
    [
        # structure
        ("github", None, "github", "owner"),
        ("adopt", ["repository/nowhere"], "adopt[0]", "repository/guestbook"),
        ("adopt", ["team"], "adopt[0]", "everything"),
        ("environments.0.server", "https://edge:6443", "environments[dev].server", "context"),
        ("github.owner", None, "github.owner", "organisation"),
        ("github.owner", "acme corp", "github.owner", "letters"),
        ("github.onwer", "x", "github.onwer", "`owner`"),
        ("github.baseUrl", "https://ghe.example.com/api/v3", "github.baseUrl", "https://ghe.example.com/"),
        ("github.baseUrl", "http://github.com/", "github.baseUrl", "https://github.com/"),
        ("github.baseUrl", "ghe.example.com", "github.baseUrl", "https://"),
        ("github.promoter.id", 11, "github.promoter.id", "quotes"),
        ("github.writeDelayMilliseconds", -1, "github.writeDelayMilliseconds", "0"),
        ("cluster.context", "", "cluster.context", "one line"),
        ("argocd.url", "argocd.example.com", "argocd.url", "https://"),
        ("environments", "dev", "environments", "list"),
        ("environments", [], "environments", "at least one"),
        ("environments.0.sync", "sometimes", "environments[dev].sync", "automated or manual"),
        ("environments.0.Sync", "manual", "environments[dev].Sync", "`sync`"),
        ("environments.0.name", "Dev", "environments[Dev].name", "DNS"),
        ("environments.0.requires", "x", "environments[dev].requires", "list"),
        ("environments.0.quota", {"cpu": "lots"}, "environments[dev].quota.cpu", "500m"),
        ("environments.0.url", "http://{name}.example.com", "environments[dev].url", "{service}"),
        ("environments.2.tagPrefix", "Prod", "environments[production].tagPrefix", "a-z"),
        ("environments.2.verificationDeadlineSeconds", 1, "environments[production].verificationDeadlineSeconds", "10"),
        ("services.0", {"name": "x"}, "services[x].team", "team"),
        ("teams.1.members.0", "dana", "teams[web].members[0]", "mapping"),
        ("registry", {"host": "https://ghcr.io"}, "registry.host", "without https"),
        ("secrets", "vault", "secrets", "none, external-secrets"),
        ("surprise", {}, "surprise", "github"),
        ("preflight", "maybe", "preflight", "true or false"),
        ("notifications", "2026-01-01", "notifications", "mapping"),
        # rules between parts
        ("services.0.team", "wbe", "services[guestbook].team", "platform, web"),
        ("services.0.template", "cobol", "services[guestbook].template", "python-web"),
        ("services.0.environments", ["dev", "qa"], "services[guestbook].environments[1]", "dev, production, staging"),
        ("services.0.environments", ["dev", "dev"], "services[guestbook].environments[1]", "once"),
        ("services.0.overrides", {"qa": {}}, "services[guestbook].overrides.qa", "dev, production, staging"),
        ("services.0.repository", "Environments", "services[guestbook].repository", "of its own"),
        ("services.0.name", "infrastructure", "services[infrastructure].name", "a free name"),
        ("services.0.name", "x" * 53, f"services[{'x' * 53}].name", "63"),
        ("services.0.name", "x" * 54, f"services[{'x' * 54}].name", "53"),
        *[("services.0.name", name, f"services[{name}].name", "letter") for name in ("2048", "3scale", "1e3", "0x1f")],
        *[("services.0.name", name, f"services[{name}].name", "YAML") for name in ("true", "on", "y", "null", "no")],
        ("services.0.description", "x" * 400, "services[guestbook].description", "280"),
        ("services.0.description", "one\u2028two", "services[guestbook].description", "one line"),
        ("services.0.description", "a\tb", "services[guestbook].description", "control character"),
        ("services.0.repository", "-", "services[guestbook].repository", "image"),
        ("services.0.repository", "a..b", "services[guestbook].repository", "image"),
        ("services.0.repository", ".github", "services[guestbook].repository", "another name"),
        ("services.0.repository", "web.wiki", "services[guestbook].repository", "keeps for itself"),
        ("teams.1.name", "a--b", "teams[a--b].name", "single"),
        ("teams.1.members.0.login", "dana_", "teams[web].members[0].login", "short code"),
        ("github.owner", "acme_corp", "github.owner", "letters"),
        ("environments.0.cluster", "https://10.0.0.1:6443", "environments[dev].cluster", "argocd cluster list"),
        ("environments.0.cluster", "prod-*", "environments[dev].cluster", "patterns"),
        ("environments.0.cluster", "!prod", "environments[dev].cluster", "patterns"),
        ("environments.0.cluster", " prod", "environments[dev].cluster", "cluster's name"),
        ("environments.0.quota", {"pods": 2}, "environments[dev].quota.pods", "at least 3"),
        ("environments.0.quota", {"memory": "256Mi"}, "environments[dev].quota.memory", "3 times 128Mi"),
        ("environments.0.quota", {"cpu": "74m"}, "environments[dev].quota.cpu", "3 times 25m"),
        ("environments.0.allowTo", ["10.0.0.1/8"], "environments[dev].allowTo[0]", "10.0.0.0/8"),
        ("environments.0.allowFrom", ["db.example.com"], "environments[dev].allowFrom[0]", "range"),
        (
            "environments.0.namespaceLabels",
            {"slipway.dev/service": "x"},
            "environments[dev].namespaceLabels.slipway.dev/service",
            "own",
        ),
        ("environments.0.namespaceLabels", {"-x": "x"}, "environments[dev].namespaceLabels.-x", "key of a label"),
        ("environments.0.namespaceLabels", {"x": "a b"}, "environments[dev].namespaceLabels.x", "value of a label"),
        (
            "environments.0.ignoreDifferences",
            [{"kind": "Deployment"}],
            "environments[dev].ignoreDifferences[0]",
            "field",
        ),
        ("github.runners", {"build": []}, "github.runners.build", "at least 1"),
        ("github.runners", {"build": ["a,b"]}, "github.runners.build[0]", "one label"),
        ("cluster", {"kubeconfig": "k", "context": "c", "dns": {"ports": [0]}}, "cluster.dns.ports[0]", "1"),
        ("mark", "-x", "mark", "label"),
        ("registry", {"host": "docker.io/acme"}, "registry.host", "namespace"),
        ("registry", {"host": "registry-1.docker.io"}, "registry.host", "host: docker.io"),
        ("registry", {"namespace": "Acme"}, "registry.namespace", "lowercase"),
        ("registry", {"namespace": "a//b"}, "registry.namespace", "slashes"),
        ("registry", {"platforms": ["windows/amd64"]}, "registry.platforms[0]", "linux/arm64"),
        ("registry", {"pullUsername": "acme:reader"}, "registry.pullUsername", "without a colon"),
        ("argocd.chartVersion", "^10", "argocd.chartVersion", "10.1.1"),
        ("argocd.url", "https://example.com/argo", "argocd.url", "server.rootpath"),
        ("environments.0.url", "https://{service.example.com", "environments[dev].url", "{service} and {environment}"),
        ("registry", {"sbom": "required"}, "registry.sbom", "registry.attestations: required"),
        ("registry", {"platforms": ["arm64"]}, "registry.platforms[0]", "linux/arm64"),
        ("registry", {"pullUsername": "reader"}, "packagesToken", "pulumi config set --secret slipway:packagesToken"),
        ("environments.0.context", "there", "environments[dev].context", "beside Argo CD"),
        ("mark", "x" * 64, "mark", "63"),
        ("environments.1.requires", ["production"], "environments[staging].requires[0]", "allowed are earlier"),
        ("environments.1.requires", ["qa"], "environments[staging].requires[0]", "dev"),
        ("environments.1.requires", ["staging"], "environments[staging].requires[0]", "this one"),
        ("environments.1.name", "dev", "environments[1].name", "once"),
        ("environments.1.name", "default", "environments[default].name", "another"),
        ("environments.1.images", "branch", "environments[staging].branch", "missing"),
        ("environments.1.branch", "next", "environments[staging].branch", "images: branch"),
        ("environments.2", FOLLOWING | {"tagPrefix": "qa"}, "environments[qa].tagPrefix", "takes no tags"),
        ("services.0.maintenanceBranch", "main", "services[guestbook].maintenanceBranch", "{major}"),
        ("environments.1.tagPrefix", "prod", "environments[production].tagPrefix", "staging"),
        ("environments.1.tagPrefix", "prod-v2", "environments[staging].tagPrefix", "rules of production"),
        ("environments.2.images", "main", "environments[production].images", "release"),
        ("environments.2.approvers", ["cab"], "environments[production].approvers[0]", "platform, web"),
        ("environments.2.operators", ["cab"], "environments[production].operators[0]", "platform, web"),
        ("environments.2.approvers", ["web", "web"], "environments[production].approvers[1]", "use once"),
        (
            "services.0.overrides",
            {"dev": {"resources": {"requests": {"cpu": "much"}}}},
            "services[guestbook].overrides.dev.resources.requests.cpu",
            "500m",
        ),
        (
            "services",
            [{"name": "a", "template": "go-web", "team": "web", "repository": one} for one in ("a", "b")],
            "services[1].name",
            "once",
        ),
        ("environments.2.approvers", list("abcdefg"), "environments[production].approvers", "6"),
        ("environments.2", {"name": "production"}, "environments[production].approvers", "sync: manual"),
        ("teams.0.members", [], "environments[production].approvers[0]", "existing: true"),
        ("teams.0.members", [], "github.platformTeam", "add `members`"),
        ("github.platformTeam", "ops", "github.platformTeam", "platform, web"),
        ("github.requester.id", "11", "github.requester.id", "three Apps"),
        ("teams.1.name", "platform", "teams[1].name", "once"),
        ("teams.1.existing", True, "teams[web].members", "elsewhere"),
        ("teams.1.members", [{"login": "sam"}, {"login": "Sam"}], "teams[web].members[1].login", "once"),
        # secrets
        ("githubToken", None, "githubToken", "pulumi config set --secret slipway:githubToken"),
        ("promoterPrivateKey", None, "promoterPrivateKey", "pulumi config set"),
        ("webhookSecret", None, "webhookSecret", "pulumi config set"),
        ("notifications", {"slackChannel": "#releases"}, "slackToken", "pulumi config set"),
        ("github.app", {"id": "1", "installationId": "2"}, "githubToken", "config rm"),
    ],
)
def test_a_problem_is_named_with_its_place_and_what_is_allowed(path: str, value: Any, where: str, said: str) -> None:
    found = problems(changed(path, value))
    assert where in found, found
    assert said in found[where]


def test_a_server_below_a_path_is_told_so() -> None:
    told = {"configs": {"params": {"server.rootpath": "/argo"}}}
    settings_of("test", texts(values(argocd={"url": "https://example.com/argo/", "values": told})))


def test_an_address_alone_is_a_range_of_one() -> None:
    found = settings_of("test", texts(changed("environments.0.allowTo", ["10.1.2.3", "fd00::1"])))
    assert found.environments[0].allow_to == ("10.1.2.3/32", "fd00::1/128")


def test_namespaces_of_two_services_may_not_meet() -> None:
    """`web` in `a-b` and `web-a` in `b` would share `web-a-b`."""
    stack = values(
        environments=[{"name": "a-b"}, {"name": "b"}],
        services=[
            {"name": "web", "template": "python-web", "team": "web"},
            {"name": "web-a", "template": "python-web", "team": "web"},
        ],
    )
    assert "web in a-b" in problems(stack)["services[web-a].name"]


@pytest.mark.parametrize(
    ("quota", "overrides"),
    [
        ({"cpu": "75m", "memory": "384Mi", "pods": 3}, {}),
        ({"cpu": "0.05", "memory": "0.25Gi", "pods": 2}, {"replicas": 1}),
        ({"memory": "192Mi"}, {"resources": {"limits": {"memory": "64Mi"}}}),
        ({"pods": 2}, {"autoscaling": {"enabled": True, "minReplicas": 1}}),
        ({"pods": 1}, {"replicas": "{{ .Values.x }}"}),
    ],
)
def test_a_quota_that_holds_one_pod_more_than_run_is_enough(quota: dict[str, Any], overrides: dict[str, Any]) -> None:
    stack = changed("environments.0.quota", quota)
    stack["services"][0]["overrides"] = {"dev": overrides}
    assert settings_of("test", texts(stack))


def test_a_pull_secret_on_another_cluster_needs_a_way_there() -> None:
    stack = changed("environments.0.cluster", "elsewhere") | {"registry": {"pullUsername": "reader"}}
    stack["packagesToken"] = "ghp_read"
    assert "context" in problems(stack)["environments[dev].context"]


def test_a_cluster_is_registered_at_one_address() -> None:
    stack = changed("environments.0.context", "edge")
    remote = {"cluster": "edge", "context": "edge", "server": "https://edge.example:6443"}
    stack["environments"][:2] = [one | remote for one in stack["environments"][:2]]
    assert settings_of("test", texts(stack))
    stack["environments"][1]["server"] = "https://other.example:6443"
    assert "is at https://edge.example:6443 in dev" in problems(stack)["environments[staging].server"]


@pytest.mark.parametrize(
    ("given", "path", "said"),
    [
        ({"environment": "nowhere"}, "services[guestbook].pullRequests.environment", "does not run in 'nowhere'"),
        (
            {"environment": "production"},
            "services[guestbook].pullRequests.environment",
            "takes versioned releases only",
        ),
        ({"label": "a,b"}, "services[guestbook].pullRequests.label", "is not a label of GitHub"),
        ({"url": "https://{service}.example.com"}, "services[guestbook].pullRequests.url", "put {number} into"),
        ({"url": "https://{number}.{branch}.example.com"}, "services[guestbook].pullRequests.url", "{branch}"),
        ({"days": 0}, "services[guestbook].pullRequests.days", "1"),
    ],
)
def test_pull_requests_that_cannot_be_run_are_named(given: dict[str, Any], path: str, said: str) -> None:
    assert said in problems(changed("services.0.pullRequests", given))[path]


@pytest.mark.parametrize(
    ("key", "value"),
    [("registry", {"host": "harbor.example.com/acme", "username": "robot"}), ("pinnedActions", True)],
)
def test_pull_requests_get_no_key_of_the_platform(key: str, value: Any) -> None:
    stack = changed("services.0.pullRequests", {})
    if key == "registry":
        stack |= {"registry": value, "registryPassword": "hush"}
    else:
        stack["github"][key] = value
    assert "runs of pull requests do not get" in problems(stack)["services[guestbook].pullRequests"]


def test_namespaces_of_kubernetes_are_not_taken() -> None:
    stack = changed("services.0.name", "kube")
    assert "begins with kube-" in problems(stack)["services[kube].name"]


@pytest.mark.parametrize("login", ["dana_acme", "dana-d_acme", "D4na", "old--name-"])
def test_logins_are_what_github_gives(login: str) -> None:
    assert settings_of("test", texts(changed("teams.1.members.0.login", login)))


@pytest.mark.parametrize(
    "name",
    [
        "gke_proj_europe-west1_main",
        "arn:aws:eks:eu-west-1:1234:cluster/main",
        "default/api-cluster-example-com:6443/kube:admin",
        "kubernetes-admin@kubernetes",
        "in-cluster",
    ],
)
def test_a_cluster_is_named_as_argo_cd_names_it(name: str) -> None:
    settings = settings_of("test", texts(changed("environments.0.cluster", name)))
    assert settings.environments[0].cluster == name


def test_two_platforms_are_told_apart_though_their_stacks_have_one_name() -> None:
    one = settings_of("prod", texts(values())).mark
    assert one == settings_of("prod", texts(values())).mark
    assert one != settings_of("prod", texts(changed("github.owner", "other"))).mark
    assert one != settings_of("prod", texts(changed("github.environmentRepository", "other"))).mark
    assert one != settings_of("prod2", texts(values())).mark


@pytest.mark.parametrize("stack", ["x" * 100, "prod_", "a.b-", "x" * 48 + "-"])
def test_a_mark_is_always_the_value_of_a_label(stack: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,61}[A-Za-z0-9]", settings_of(stack, texts(values())).mark)


@pytest.mark.parametrize("stack", ["x" * 100, "Prod", "acme_prod", "a.b", "a..b", "a.-b", "a_.b", "prod_", "A.B-"])
def test_names_of_cluster_wide_objects_are_ones_that_kubernetes_takes(stack: str) -> None:
    given = settings_of(stack, texts(values()))
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", given.name_prefix)


def test_a_stack_may_keep_the_mark_it_had() -> None:
    assert settings_of("new", texts(values(mark="slipway-old"))).mark == "slipway-old"


def test_structure_and_rules_are_reported_together() -> None:
    stack = changed("environments.0.sync", "sometimes")
    stack["services"][0] |= {"team": "wbe", "colour": "blue"}
    stack["environments"][2]["requires"] = ["qa"]
    del stack["githubToken"]
    assert set(problems(stack)) == {
        "environments[dev].sync",
        "environments[production].requires[0]",
        "services[guestbook].team",
        "services[guestbook].colour",
        "githubToken",
    }


def test_the_length_of_a_list_is_not_told_where_its_items_are_wrong() -> None:
    assert list(problems(changed("github.runners", {"build": ["a,b"]}))) == ["github.runners.build[0]"]
    assert list(problems(changed("github.runners", {"build": []}))) == ["github.runners.build"]


@pytest.mark.parametrize("label", ["windows-latest", "macOS-14", "a\u202eb", "${{ inputs.runner }}"])
def test_a_runner_that_no_job_could_use_is_refused(label: str) -> None:
    assert "github.runners.automation[0]" in problems(changed("github.runners", {"automation": [label]}))


def test_what_is_around_a_line_of_text_is_left_out() -> None:
    """A job would wait for ever for a runner with the label ` linux`, and GitHub shows no such description."""
    assert settings_of("test", texts(changed("github.runners", {"build": [" linux "]}))).github.runners.build == (
        "linux",
    )


def test_no_rule_is_built_on_a_key_that_could_not_be_read() -> None:
    stack = changed("environments.1.images", "brnach")
    stack["environments"][1]["branch"] = "next"
    assert set(problems(stack)) == {"environments[staging].images"}


def test_a_name_counts_even_where_its_item_is_broken() -> None:
    assert set(problems(changed("teams.1.members", "nobody"))) == {"teams[web].members"}


def test_the_message_names_the_file_and_every_problem() -> None:
    with pytest.raises(pulumi.RunError) as raised:
        settings_of("test", texts(changed("services.0", {"name": "x", "team": "web", "tmeplate": "python-web"})))
    lines = str(raised.value).splitlines()
    assert "stacks/Pulumi.test.yaml" in lines[0]
    assert all(re.match(r"  [a-zA-Z.\[\]]+: .+; ", line) or ": missing; " in line for line in lines[1:]), lines


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_is_ever_said(secret: str) -> None:
    stack = values(environments=[{"name": "Bad"}], cluster=None)
    with pytest.raises(SettingsError) as raised:
        settings_of("test", texts(stack))
    assert VALUES[secret] not in str(raised.value)


def test_a_key_that_holds_a_secret_by_mistake_is_not_shown() -> None:
    stack = changed("github.token", "ghp_oops")
    found = problems(stack)
    assert "ghp_oops" not in found["github.token"]


@pytest.mark.parametrize("text", ['{"users": [{"user": {"token": "hush"}}]}', "apiVersion: v1, token: hush"])
def test_the_text_of_a_kubeconfig_in_place_of_its_path_is_not_shown(text: str) -> None:
    found = problems(changed("cluster.kubeconfig", text))
    assert found["cluster.kubeconfig"].startswith("it is the text of a kubeconfig")
    assert "hush" not in str(found)


def test_text_that_is_not_a_structure_is_refused() -> None:
    assert "mapping" in problems(values(cluster="production"))["cluster"]
    assert "list" in problems(values(teams={"name": "web"}))["teams"]


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("github.baseUrl", "github.baseUrl"),
        ("argocd.url", "argocd.url"),
        ("argocd.chartRepository", "argocd.chartRepository"),
        ("registry.host", "registry.host"),
        ("environments.0.url", "environments[dev].url"),
    ],
)
def test_an_address_with_a_password_is_refused_and_not_shown(place: str, path: str) -> None:
    for address in ("https://dana:hush@host.example.com", "https://hush@host.example.com/"):
        stack = values(registry={"host": "ghcr.io"})
        *parents, last = [int(part) if part.isdigit() else part for part in place.split(".")]
        here: Any = stack
        for part in parents:
            here = here[part]
        here[last] = address
        with pytest.raises(SettingsError) as caught:
            settings_of("test", texts(stack))
        assert path in {problem.path for problem in caught.value.problems}
        assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("github.baseUrl", "https://github.example.com:99999/"),
        ("github.baseUrl", "https://[::1"),
        ("argocd.url", "https://argocd.example.com:0"),
    ],
)
def test_a_port_that_is_none_is_refused(path: str, value: str) -> None:
    with pytest.raises(SettingsError, match=path):
        settings_of("test", texts(changed(path, value)))


@pytest.mark.parametrize("key", ["registry", "argocd", "teams", "environments", "services", "github", "cluster"])
def test_a_key_with_nothing_behind_it_is_as_if_it_were_not_there(key: str) -> None:
    def said(stack: dict[str, Any]) -> list[str]:
        try:
            settings_of("test", texts(stack))
        except SettingsError as error:
            return sorted({problem.path.partition(".")[0] for problem in error.problems})
        return []

    assert said(values() | {key: None}) == said(values(**{key: None}))


@pytest.mark.parametrize(
    ("key", "group", "said"),
    [
        ("clusterGroup", "system:authenticated", "of Kubernetes' own groups, in which others are too"),
        ("ssoGroup", "role:admin", "is a role or an account of Argo CD"),
        ("ssoGroup", "Role:team-platform", "is a role or an account of Argo CD"),
        ("ssoGroup", "Admin", "is a role or an account of Argo CD"),
    ],
)
def test_a_group_that_is_not_a_team_s_is_refused(key: str, group: str, said: str) -> None:
    """Everybody who is logged in, or an administrator of Argo CD by the name of a group."""
    assert said in problems(changed(f"teams.1.{key}", group))[f"teams[web].{key}"]
    assert "own groups" in problems(changed("cluster.groupPrefix", "system:"))["cluster.groupPrefix"]


def test_a_group_of_github_s_has_a_name_that_no_account_has() -> None:
    """Argo CD takes who has logged in for the group of that name; of an account of GitHub it knows the number."""
    sso = {"url": "https://argocd.example.com", "sso": {"clientId": "x"}}
    more = {"argocd": sso, "ssoClientSecret": "hush-hush"}
    refused = problems(changed("teams.1.ssoGroup", "583231") | more)
    assert "'583231' could only be an account; remove it" in refused["teams[web].ssoGroup"]
    stack = changed("teams.1.ssoGroup", "acme:developers") | more
    assert settings_of("test", texts(stack)).teams[1].sso_group == "acme:developers"


@pytest.mark.parametrize("key", ["ssoGroup", "clusterGroup"])
def test_a_group_of_two_teams_is_refused(key: str) -> None:
    """Who releases as one of them would approve it as one of the other."""
    stack = values()
    for team, group in zip(stack["teams"], ("Developers", "developers"), strict=True):
        team[key] = group
    text = problems(stack)[f"teams[web].{key}"]
    assert text.startswith("'developers' is also that of platform")
    assert "name one group for each team" in text
