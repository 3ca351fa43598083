"""The whole program, once for each stack file and example that is committed."""

import json
import re
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.secrets import PRIVATE_KEYS, SECRETS
from tests.keys import pem
from tests.recorder import Recording, is_secret, plain, record

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("stacks/Pulumi.*.yaml"), *ROOT.glob("examples/*.yaml")])
SECRET_TEXT = "very-secret-text"


def config_of(file: Path) -> dict[str, str]:
    """The stack file as the CLI hands it on, with the secrets a person would set."""
    given: dict[str, Any] = yaml.safe_load(file.read_text())["config"]
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
    keys = [key for key in SECRETS if not (key == "githubToken" and "app" in given["slipway:github"])]
    return {**texts, **{f"slipway:{key}": secret_of(key) for key in keys}, "slipway:preflight": "false"}


def secret_of(key: str) -> str:
    return pem(key) if key in PRIVATE_KEYS else f"{SECRET_TEXT}-{key}"


def holds_secret(value: Any) -> bool:
    text = json.dumps(plain(value))
    return SECRET_TEXT in text or any(json.dumps(pem(key)).strip('"') in text for key in PRIVATE_KEYS)


@cache
def recording(file: Path) -> Recording:
    config = config_of(file)
    secrets = [f"slipway:{key}" for key in SECRETS]
    stack = file.name.removeprefix("Pulumi.").removesuffix(".yaml")
    return record(lambda: runpy.run_path(str(ROOT / "__main__.py")), config=config, secrets=secrets, stack=stack)


@pytest.fixture(params=FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def program(request: pytest.FixtureRequest) -> Recording:
    return recording(request.param)


def test_there_are_stack_files() -> None:
    assert {"Pulumi.sandbox.yaml", "Pulumi.example.yaml"} <= {file.name for file in FILES}
    assert len([file for file in FILES if file.parent.name == "examples"]) >= 2


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_key_is_declared_in_the_project(file: Path) -> None:
    """The CLI passes unknown keys silently."""
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    keys = yaml.safe_load(file.read_text())["config"]
    assert set(keys) <= set(declared) | {f"slipway:{secret}" for secret in SECRETS}


def test_the_same_program_can_be_previewed() -> None:
    """Nothing that only an update knows may be needed to plan."""
    file = ROOT / "stacks/Pulumi.sandbox.yaml"
    planned = record(
        lambda: runpy.run_path(str(ROOT / "__main__.py")),
        config=config_of(file),
        secrets=[f"slipway:{key}" for key in SECRETS],
        stack="sandbox",
        preview=True,
    )
    assert {resource.urn for resource in planned.resources} == {resource.urn for resource in recording(file).resources}


def test_every_resource_names_its_provider(program: Recording) -> None:
    custom = [resource for resource in program.resources if resource.custom]
    assert custom
    for resource in custom:
        if not resource.type.startswith("pulumi:providers:"):
            package = resource.type.partition(":")[0]
            assert f"pulumi:providers:{package}::" in resource.provider, resource.name


def test_everything_hangs_below_the_platform(program: Recording) -> None:
    (platform,) = program.of("slipway:index:Platform")
    below = {platform.urn}
    for resource in program.resources:
        if resource is not platform and not resource.type.startswith("pulumi:providers:"):
            assert resource.parent in below, resource.urn
            below.add(resource.urn)
    assert len(below) > 10


def test_children_are_called_after_their_parent(program: Recording) -> None:
    """A child of a fixed name would collide with that of the next instance."""
    names = {resource.urn: resource for resource in program.resources}
    children = [one for one in program.resources if one.custom and one.parent in names]
    assert children
    for child in children:
        parent = names[child.parent]
        belongs = child.name.startswith(f"{parent.name}-") or f"-{parent.name}-" in child.name
        assert belongs, f"{child.name} of {parent.name}"


def test_no_repository_can_be_lost(program: Recording) -> None:
    repositories = program.of(":Repository")
    assert repositories
    for repository in repositories:
        assert repository.retain_on_delete
        assert repository.inputs["archiveOnDestroy"] is True


def test_secrets_stay_secret(program: Recording) -> None:
    seen = 0
    for resource in program.resources:
        for name, value in resource.inputs.items():
            if holds_secret(value):
                seen += 1
                assert is_secret(value), f"{resource.name}.{name}"
    assert seen
    assert not holds_secret(program.outputs)


def test_service_repositories_hold_one_apps_key_only(program: Recording) -> None:
    """It asks for promotions; the key that writes them stays with the environment repository."""
    assert keys_of(program, "ServiceRepository") <= {"requesterPrivateKey", "registryPassword"}
    assert "requesterPrivateKey" in keys_of(program, "ServiceRepository")
    given = keys_of(program, "EnvironmentRepository")
    assert "promoterPrivateKey" in given
    assert given <= {"promoterPrivateKey", "registryPassword", "packagesToken", "slackToken", "the address of a chat"}
    # One of a repository would be given to every workflow that somebody pushes.
    assert program.of(":ActionsSecret") == []


def keys_of(program: Recording, component: str) -> set[str]:
    """The settings whose secrets the environments of a kind of repository hold."""
    names = {secret_of(key): key for key in SECRETS}
    held = [one for one in program.of(":ActionsEnvironmentSecret") if component in one.urn]
    return {names.get(plain(one.inputs["value"]), "the address of a chat") for one in held}


EVERYTHING: dict[str, dict[str, Any]] = {
    "registry": {"host": "harbor.example.com", "username": "robot", "pullUsername": "reader", "attestations": "none"},
    "notifications": {"slackChannel": "#releases"},
    "argocd": {
        "url": "https://argocd.example.com",
        "sso": {"provider": "oidc", "issuer": "https://id.example.com", "clientId": "argocd"},
    },
}
"""Options that need a secret each."""


@pytest.mark.parametrize("app", [None, {"id": "100009", "installationId": "10000009"}])
def test_each_secret_reaches_something_and_nothing_in_clear(app: dict[str, str] | None) -> None:
    file = ROOT / "stacks/Pulumi.example.yaml"
    config = config_of(file)
    for name, given in EVERYTHING.items():
        config[f"slipway:{name}"] = json.dumps(given)
    if app is not None:
        config["slipway:github"] = json.dumps({**json.loads(config["slipway:github"]), "app": app})
        del config["slipway:githubToken"]
    else:
        del config["slipway:githubAppPrivateKey"]
    secrets = [key for key in config if key.removeprefix("slipway:") in SECRETS]
    found = record(lambda: runpy.run_path(str(ROOT / "__main__.py")), config=config, secrets=secrets, stack="example")
    used: set[str] = set()
    for resource in found.resources:
        for name, value in resource.inputs.items():
            text = json.dumps(plain(value))
            shown = {key for key in SECRETS if json.dumps(secret_of(key)).strip('"') in text}
            assert not shown or is_secret(value), f"{resource.name}.{name} shows {shown}"
            used |= shown
    assert used == {key.removeprefix("slipway:") for key in secrets}
    assert not holds_secret(found.outputs)


def test_app_projects_name_everything(program: Recording) -> None:
    projects = program.of(":AppProject")
    assert projects
    for project in projects:
        assert "*" not in json.dumps(project.inputs)


def test_rules_come_after_the_files_they_would_refuse(program: Recording) -> None:
    rules = program.of(":RepositoryRuleset")
    assert rules
    for rule in rules:
        name = rule.parent.rpartition("::")[2]
        assert f"{name}-files" in program.dependencies(rule)


def test_applications_come_after_argo_cd_and_what_it_reads(program: Recording) -> None:
    applications = program.of(":Application")
    assert applications
    files = [one.name for one in program.of(":CommittedFiles") if "EnvironmentRepository" in one.urn]
    for application in applications:
        before = program.dependencies(application)
        assert {"argocd-release", "argocd-repository-secret", *files} <= before, application.name


def test_nothing_a_person_syncs_is_waited_for(program: Recording) -> None:
    for application in program.of(":Application"):
        if "infrastructure" not in application.name:
            assert "pulumi.com/waitFor" not in application.inputs["metadata"].get("annotations", {})


def test_no_image_version_is_declared(program: Recording) -> None:
    """A second `up` must never revert a release."""
    for files in program.of(":CommittedFiles"):
        written = {**files.inputs["owned"], **files.inputs["seeded"]}
        assert not [path for path in written if path.endswith("/release.yaml")]
        assert not re.search(
            r"@sha256:[0-9a-f]{64}", json.dumps(files.inputs["owned"].get(".slipway/platform.json", ""))
        )


def test_outputs_tell_a_person_where_to_go(program: Recording) -> None:
    assert {"environmentRepository", "serviceRepositories", "argocd", "next"} <= set(program.outputs)
    assert all(isinstance(step, str) and step for step in program.outputs["next"])
