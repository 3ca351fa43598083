"""Which files go where: the platform's are kept, the team's are written once."""

import json
from typing import Any

import pytest
import yaml

from components.github.environment_repository import VALIDATE_CHECK
from manifests.code_owners import code_owners
from manifests.model import Settings
from manifests.repository_files import RepositoryFiles, environment_repository_files, service_repository_files
from slipway_release import platform_file
from stacks.settings import settings_of
from templates import service_templates
from tests.stacks.builders import changed, texts, values


def settings(stack: dict[str, Any] | None = None) -> Settings:
    return settings_of("test", texts(stack or values()))


def environment_files(stack: dict[str, Any] | None = None) -> RepositoryFiles:
    return environment_repository_files(settings(stack))


def test_workflows_and_program_are_owned() -> None:
    owned = environment_files().owned
    assert ".github/workflows/promote.yml" in owned
    assert ".slipway/slipway_release/tags.py" in owned
    assert ".slipway/platform.json" in owned
    assert "CODEOWNERS" in owned


def test_values_and_charts_are_the_teams() -> None:
    files = environment_files(changed("services.0.overrides", {"production": {"replicas": 3}}))
    assert "helm-charts/guestbook/Chart.yaml" in files.seeded
    assert yaml.safe_load(files.seeded["environments/production/guestbook/values.yaml"]) == {"replicas": 3}
    assert "environments/dev/values.yaml" in files.seeded
    assert not set(files.owned) & set(files.seeded)


def test_releases_are_nobodys_but_the_automations() -> None:
    files = environment_files()
    assert not [path for path in {**files.owned, **files.seeded} if path.endswith("release.yaml")]


@pytest.mark.parametrize("template", service_templates())
def test_a_service_starts_from_its_template_with_workflows_that_are_kept(template: str) -> None:
    given = settings(changed("services.0.template", template))
    files = service_repository_files(given, given.services[0])
    assert ".github/workflows/release.yml" in files.owned
    assert "Dockerfile" in files.seeded
    assert "Makefile" in files.seeded
    assert all("[[" not in text for path, text in files.owned.items() if path.endswith(".yml"))


def test_a_service_that_no_environment_follows_builds_no_commits() -> None:
    follows = settings()
    releases = settings(changed("environments.0.images", "release"))
    assert ".github/workflows/main.yml" in service_repository_files(follows, follows.services[0]).owned
    assert ".github/workflows/main.yml" not in service_repository_files(releases, releases.services[0]).owned


def test_what_the_platform_commits_is_not_built() -> None:
    given = settings()
    text = service_repository_files(given, given.services[0]).owned[".github/workflows/main.yml"]
    assert "Slipway-Files:" in yaml.safe_load(text)["jobs"]["main"]["if"]


def test_the_required_check_is_the_job_of_the_workflow() -> None:
    workflow = yaml.safe_load(environment_files().owned[".github/workflows/validate.yml"])
    assert VALIDATE_CHECK in [job.get("name", key) for key, job in workflow["jobs"].items()]


def test_every_environment_has_its_infrastructure() -> None:
    owned = environment_files().owned
    for environment in ("dev", "staging", "production"):
        for file in ("namespaces", "quotas", "network-policies", "role-bindings"):
            assert f"infrastructure/{environment}/{file}.yaml" in owned


def test_the_release_program_is_told_the_settings() -> None:
    platform = json.loads(environment_files().owned[".slipway/platform.json"])
    assert platform["apiUrl"] == "https://api.github.com"
    assert [environment["name"] for environment in platform["environments"]] == ["dev", "staging", "production"]
    assert platform["environments"][0]["branch"] == "main"
    assert "apps/Deployment" in platform["environments"][2].pop("kinds")
    assert platform["environments"][2] | {"url": None} == {
        "name": "production",
        "sync": "manual",
        "images": "release",
        "branch": None,
        "delivery": "commit",
        "targetBranch": "main",
        "rollback": "automatic",
        "tagPrefix": "prod",
        "prereleases": False,
        "requires": ["staging"],
        "verificationDeadlineSeconds": 600,
        "url": None,
        "approval": True,
    }
    assert platform["services"] == [
        {
            "name": "guestbook",
            "repository": "guestbook",
            "team": "web",
            "environments": ["dev", "staging", "production"],
            "image": "ghcr.io/acme/guestbook",
            "releaseWorkflow": ".github/workflows/release.yml",
        }
    ]


def test_what_the_platform_writes_is_what_the_release_program_reads() -> None:
    stack = changed("github.argocd.slug", "acme-argocd")
    text = environment_files(stack).owned[".slipway/platform.json"]
    read = platform_file.parse(json.loads(text))
    assert platform_file.dump(read) == text
    assert read.argocd_login == "acme-argocd[bot]"


def test_an_image_is_named_in_small_letters() -> None:
    stack = changed("github.owner", "AcMe")
    assert (
        json.loads(environment_files(stack).owned[".slipway/platform.json"])["services"][0]["image"]
        == "ghcr.io/acme/guestbook"
    )


def test_pods_pull_with_the_named_secret() -> None:
    stack = values(registry={"imagePullSecret": "pull"})
    assert yaml.safe_load(environment_files(stack).seeded["environments/dev/values.yaml"]) == {
        "imagePullSecrets": [{"name": "pull"}]
    }


def owners_of(path: str, stack: dict[str, Any] | None = None) -> list[str]:
    """The owners of the last line that fits, as GitHub decides; patterns are folders, files and one-level stars."""
    found: list[str] = []
    for line in code_owners(settings(stack)).splitlines():
        pattern, *owners = line.split()
        parts, wanted = path.split("/"), pattern.strip("/").split("/")
        fits = pattern == "*" or all(one in {"*", other} for one, other in zip(wanted, parts, strict=False))
        if pattern[0] != "#" and fits and (pattern.endswith(("/", "*")) or len(wanted) == len(parts)):
            found = owners
    return found


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        (".github/workflows/promote.yml", ["@acme/platform"]),
        ("infrastructure/dev/quotas.yaml", ["@acme/platform"]),
        ("helm-charts/guestbook/values.yaml", ["@acme/web"]),
        ("environments/dev/guestbook/values.yaml", ["@acme/web"]),
        ("environments/production/guestbook/values.yaml", ["@acme/web", "@acme/platform"]),
        ("environments/production/values.yaml", ["@acme/platform"]),
        ("environments/production/guestbook/release.yaml", []),
    ],
)
def test_each_path_has_its_owners(path: str, owners: list[str]) -> None:
    assert owners_of(path) == owners
