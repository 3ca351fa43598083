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


@pytest.mark.parametrize(
    ("path", "value", "where", "said"),
    [
        # structure
        ("github", None, "github", "owner"),
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
        ("services.0.name", "infrastructure", "services[infrastructure].name", "another"),
        ("services.0.name", "x" * 60, f"services[{'x' * 60}].name", "63"),
        ("environments.1.requires", ["production"], "environments[staging].requires[0]", "allowed are earlier"),
        ("environments.1.requires", ["qa"], "environments[staging].requires[0]", "dev"),
        ("environments.1.requires", ["staging"], "environments[staging].requires[0]", "this one"),
        ("environments.1.name", "dev", "environments[1].name", "once"),
        ("environments.1.name", "default", "environments[default].name", "another"),
        ("environments.1.images", "branch", "environments[staging].branch", "missing"),
        ("environments.1.branch", "next", "environments[staging].branch", "images: branch"),
        ("environments.1.tagPrefix", "prod", "environments[production].tagPrefix", "staging"),
        ("environments.2.images", "main", "environments[production].images", "release"),
        ("environments.2.approvers", ["cab"], "environments[production].approvers[0]", "platform, web"),
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


def test_text_that_is_no_structure_is_refused() -> None:
    assert "mapping" in problems(values(cluster="production"))["cluster"]
    assert "list" in problems(values(teams={"name": "web"}))["teams"]
