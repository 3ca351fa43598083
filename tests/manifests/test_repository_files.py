"""Which files go where: the platform's are kept, the team's are written once."""

import json
import re
from typing import Any

import pytest
import yaml

from components.github.apps import PROMOTER, REQUESTER, lacks
from manifests.code_owners import code_owners
from manifests.model import Settings
from manifests.repository_files import RepositoryFiles, environment_repository_files, service_repository_files
from slipway_release import platform_file
from slipway_release.verdict import CHECK
from slipway_release.yaml_scalars import is_plain_text
from stacks.settings import settings_of
from templates import ROOT
from templates.service_template import service_templates
from tests.stacks.builders import changed, texts, values

RELEASE = ".github/workflows/release.yml"


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


def test_values_of_a_template_are_what_a_service_starts_with_under_its_own() -> None:
    stack = changed("services.0.template", "python-job")
    stack["services"][0]["overrides"] = {"dev": {"schedule": "@hourly"}}
    seeded = environment_files(stack).seeded
    found = [yaml.safe_load(seeded[f"environments/{name}/guestbook/values.yaml"]) for name in ("dev", "production")]
    assert found == [{"schedule": "@hourly"}, {"schedule": "30 4 * * *"}]


def test_a_service_that_no_environment_follows_builds_no_commits() -> None:
    follows = settings()
    releases = settings(changed("environments.0.images", "release"))
    assert ".github/workflows/main.yml" in service_repository_files(follows, follows.services[0]).owned
    assert ".github/workflows/main.yml" not in service_repository_files(releases, releases.services[0]).owned


def test_what_the_platform_commits_is_not_built() -> None:
    given = settings()
    text = service_repository_files(given, given.services[0]).owned[".github/workflows/main.yml"]
    assert "Slipway-Files:" in yaml.safe_load(text)["jobs"]["main"]["if"]


def test_what_judges_a_pull_request_comes_from_main_and_has_no_key_beside_it() -> None:
    workflow = yaml.safe_load(environment_files().owned[".github/workflows/validate.yml"])
    # A base that anybody may push would have any change judged as none, and the check is the commit's.
    assert workflow[True] == {"pull_request_target": {"branches": ["main"]}}
    judge = workflow["jobs"]["judge"]
    assert (judge["permissions"], "environment" in judge) == ({"contents": "read"}, False)
    assert "secrets." not in str(judge)
    assert CHECK not in {job["name"] for job in workflow["jobs"].values()}, "a job's name is anybody's"


def test_a_request_that_is_closed_without_a_merge_delivers_nothing() -> None:
    workflow = yaml.safe_load(environment_files().owned[".github/workflows/delivered.yml"])
    assert "github.event.pull_request.merged == true" in workflow["jobs"]["delivered"]["if"].split("&&")[0]


def test_a_pull_request_is_built_for_its_label_and_never_for_a_fork() -> None:
    workflow = yaml.safe_load(environment_files().owned[".github/workflows/pull-request.yml"])
    terms = [term.strip() for term in workflow["jobs"]["build"]["if"].split("&&")]
    assert "contains(github.event.pull_request.labels.*.name, inputs.label)" in terms
    assert "github.event.pull_request.head.repo.full_name == github.repository" in terms


def test_what_a_check_installs_is_compared_with_hashes() -> None:
    workflow = environment_files().owned[".github/workflows/validate.yml"]
    installs = [line for line in workflow.splitlines() if "pip install" in line]
    assert installs
    assert all("--require-hashes" in line for line in installs)


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
        "approvers": ["platform"],
        "freezers": ["platform"],
        "imageSources": ["ghcr.io/acme"],
        "podSecurity": "restricted",
    }
    assert platform["services"] == [
        {
            "name": "guestbook",
            "repository": "guestbook",
            "team": "web",
            "environments": ["dev", "staging", "production"],
            "image": "ghcr.io/acme/guestbook",
            "releaseWorkflow": ".github/workflows/release.yml",
            "maintenanceBranch": None,
            "holders": {name: ["web", "platform"] for name in ("dev", "staging", "production")},
        }
    ]


@pytest.mark.parametrize(
    ("admission", "told"), [("enforce", ["ghcr.io/acme", "docker.io/istio"]), ("warn", []), ("off", [])]
)
def test_images_that_the_cluster_refuses_are_refused_before(admission: str, told: list[str]) -> None:
    stack = changed("environments.0.admission", admission)
    stack["environments"][0]["imageSources"] = ["docker.io/istio"]
    platform = json.loads(environment_files(stack).owned[".slipway/platform.json"])
    assert platform["environments"][0]["imageSources"] == told


def test_what_the_platform_writes_is_what_the_release_program_reads() -> None:
    stack = changed("github.argocd.slug", "acme-argocd")
    text = environment_files(stack).owned[".slipway/platform.json"]
    read = platform_file.parse(json.loads(text))
    assert platform_file.dump(read) == text
    assert read.argocd_login == "acme-argocd[bot]"
    windows = [
        {"kind": "deny", "schedule": "0 22 * * 5", "duration": "8h"},
        {"kind": "allow", "schedule": "0 8 * * *", "duration": "8h"},
    ]
    stack = changed("environments.2.syncWindows", windows)
    read = platform_file.parse(json.loads(environment_files(stack).owned[".slipway/platform.json"]))
    denied = "denied for 8h from 0 22 * * 5 (UTC), by hand too"
    allowed = "allowed for 8h from 0 8 * * * (UTC), else not at all"
    assert read.environments[2].windows_note == f"; syncs are {denied}; {allowed}"
    assert read.environments[0].windows_note == ""


def test_an_image_is_named_in_small_letters() -> None:
    stack = changed("github.owner", "AcMe")
    assert (
        json.loads(environment_files(stack).owned[".slipway/platform.json"])["services"][0]["image"]
        == "ghcr.io/acme/guestbook"
    )


def test_images_are_named_after_the_registry_and_its_namespace() -> None:
    def image(**registry: Any) -> str:
        given = settings(values(registry=registry))
        return given.image(given.services[0])

    assert image() == "ghcr.io/acme/guestbook"
    assert image(host="europe-docker.pkg.dev/p/r") == "europe-docker.pkg.dev/p/r/acme/guestbook"
    assert image(host="docker.io", namespace="acmeinc") == "docker.io/acmeinc/guestbook"


LOOKALIKES = (
    *(
        "12e5",
        "1e3",
        "y",
        "N",
        "On",
        "0o17",
        "0x1F",
        "0b1",
        "0123",
        "1_000",
        "1.10",
        ".5",
        "+1",
        "-",
        "~",
        "null",
        "NaN",
    ),
    *("12:30", "2024-01-02", "1234567", "12e4567", "=", "<<", "", " x", "a: b", "#x", "{a}", "*a", "ü"),
)


def plain_scalars(text: str) -> list[str]:
    """Everything that is written without quotes."""
    return [token.value for token in yaml.scan(text) if isinstance(token, yaml.ScalarToken) and token.plain]


@pytest.mark.parametrize("text", LOOKALIKES)
def test_a_text_stays_a_text_for_every_parser(text: str) -> None:
    overrides = {"production": {"config": {"KEY": text}, text or "empty": "x"}}
    written = environment_files(changed("services.0.overrides", overrides)).seeded[
        "environments/production/guestbook/values.yaml"
    ]
    assert yaml.safe_load(written) == overrides["production"]
    # What Go's parser takes for a number or a truth value is not what PyYAML does.
    assert not [scalar for scalar in plain_scalars(written) if not is_plain_text(scalar)]


def test_numbers_and_truth_values_of_overrides_stay_what_they_are() -> None:
    overrides = {"production": {"replicas": 3, "config": {"MAX": 1048576, "BIG": 880444307210, "ON": True}}}
    written = environment_files(changed("services.0.overrides", overrides)).seeded
    assert yaml.safe_load(written["environments/production/guestbook/values.yaml"]) == overrides["production"]
    assert "880444307210" in written["environments/production/guestbook/values.yaml"]


@pytest.mark.parametrize("name", ["-", "123", "1e3", "on", "null", "0x1f", ".5", "_"])
def test_names_of_repositories_and_owners_are_texts_in_workflows(name: str) -> None:
    stack = changed("github.environmentRepository", name)
    stack["github"]["owner"] = owner = name if name.isalnum() else "acme"
    files = {**environment_files(stack).owned}
    given = settings(stack)
    for service in given.services:
        files |= {f"service/{path}": text for path, text in service_repository_files(given, service).owned.items()}
    workflows = {path: yaml.safe_load(text) for path, text in files.items() if path.endswith(".yml")}
    token = workflows[".github/workflows/release.yml"]["jobs"]["request"]["steps"][0]["with"]
    assert (token["owner"], token["repositories"], token["client-id"]) == (owner, name, "12")
    caller = workflows["service/.github/workflows/release.yml"]["jobs"]["release"]
    assert caller["uses"] == f"{owner}/{name}/.github/workflows/release.yml@main"


@pytest.mark.parametrize(
    ("host", "insecure", "shown"),
    [
        ("ghcr.io", False, True),
        ("containers.github.example.com", False, True),
        ("registry.example.com", False, False),
        ("10.201.0.2:5000", True, True),
    ],
)
def test_a_workflows_token_is_shown_to_githubs_own_registry_alone(host: str, insecure: bool, shown: bool) -> None:
    owned = environment_files(changed("registry", {"host": host, "insecure": insecure})).owned
    for name in ("release", "promote"):
        assert ("secrets.REGISTRY_PASSWORD || github.token" in owned[f".github/workflows/{name}.yml"]) is shown


@pytest.mark.parametrize("environment", ["1e3", "true", "123", "on"])
def test_names_of_environments_are_texts_in_the_cluster(environment: str) -> None:
    stack = changed("environments.0.name", environment)
    for path, text in environment_files(stack).owned.items():
        if path.startswith(f"infrastructure/{environment}/"):
            for item in yaml.safe_load_all(text):
                if item is not None:
                    assert item["metadata"]["labels"]["slipway.dev/environment"] == environment
            assert environment not in plain_scalars(text)


def test_every_value_that_a_template_writes_into_yaml_is_quoted_by_its_filter() -> None:
    """One that is not is right until somebody chooses a name like `-`."""
    seen = 0
    for file in sorted([*ROOT.rglob("*.yml.j2"), *ROOT.rglob("*.yaml.j2")]):
        for number, line in enumerate(file.read_text().splitlines(), start=1):
            # Comments hold what they like; an expression of Actions is the template's own text.
            for value in re.findall(r"(?<!\$\{\{ )\[\[(.*?)\]\]", "" if line.lstrip().startswith("#") else line):
                seen += 1
                # What a macro writes is looked at where the macro is.
                assert value.strip().endswith(("| yaml", "()")), f"{file}:{number}: {line}"
    assert seen > 5


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
        ("CODEOWNERS", ["@acme/platform"]),
        (".slipway/platform.json", ["@acme/platform"]),
        ("environments/dev/guestbook/release.yaml", []),
        # One approval, by the approvers: where a pull request delivers, it is their review.
        ("environments/production/guestbook/release.yaml", ["@acme/platform"]),
    ],
)
def test_each_path_has_its_owners(path: str, owners: list[str]) -> None:
    assert owners_of(path) == owners


def test_shared_values_are_the_approvers_and_what_guards_the_rest_comes_last() -> None:
    stack = changed("environments.2.approvers", ["web"])
    assert owners_of("environments/production/values.yaml", stack) == ["@acme/web"]
    assert owners_of("environments/staging/values.yaml", stack) == ["@acme/platform"]
    guards = ["/.github/", "/.slipway/", "/infrastructure/", "/CODEOWNERS"]
    assert code_owners(settings(stack)).splitlines()[-4:] == [f"{path} @acme/platform" for path in guards]
    assert "* @acme/platform" in code_owners(settings(stack)).splitlines()


def jobs(stack: dict[str, Any]) -> dict[str, Any]:
    """Where each job of the environment repository's workflows runs; those that call a workflow run nowhere."""
    found: dict[str, Any] = {}
    for path, text in environment_files(stack).owned.items():
        if path.startswith(".github/workflows/"):
            for name, job in yaml.safe_load(text)["jobs"].items():
                if "uses" not in job:
                    found[f"{path.rpartition('/')[2]}/{name}"] = job["runs-on"]
    return found


BUILDING = {"release.yml/test", "release.yml/build", "pull-request.yml/build"}


def test_jobs_go_to_the_runners_of_the_settings() -> None:
    """On an own server or with self-hosted runners alone, a job for `ubuntu-latest` is queued for ever."""
    found = jobs(changed("github.runners", {"build": ["self-hosted", "large"], "automation": ["small"]}))
    builds = {name: labels for name, labels in found.items() if name in BUILDING}
    assert set(map(str, builds.values())) == {"['self-hosted', 'large']"}
    assert {str(labels) for name, labels in found.items() if name not in builds} == {"small"}
    assert set(jobs(values()).values()) == {"ubuntu-latest"}


def test_a_delivery_that_waits_for_approval_keeps_no_other_waiting() -> None:
    """In a group it would hold its turn, and the version that mends it would queue behind it."""
    jobs = yaml.safe_load(environment_files().owned[".github/workflows/promote.yml"])["jobs"]
    assert "concurrency" not in jobs["deliver"]
    assert jobs["deliver"]["environment"] == "${{ matrix.environment }}"


@pytest.mark.parametrize("workflow", ["rollback", "reconcile"])
def test_a_rollback_may_ask_whether_its_image_is_still_there(workflow: str) -> None:
    document = yaml.safe_load(environment_files().owned[f".github/workflows/{workflow}.yml"])
    (job,) = document["jobs"].values()
    assert job["permissions"]["packages"] == "read"
    assert "REGISTRY_PASSWORD" in job["steps"][-1]["env"]


@pytest.mark.parametrize("pinned", [False, True])
def test_every_token_of_an_app_is_narrowed_to_repositories_and_permissions(pinned: bool) -> None:
    """An App's token that names no permissions has all that the App has."""
    platform = settings(changed("github.pinnedActions", pinned))
    owned = environment_repository_files(platform).owned
    workflows = {path: text for path, text in owned.items() if path.startswith(".github/workflows")}
    steps = [
        (path, step["with"])
        for path, text in workflows.items()
        for job in yaml.safe_load(text)["jobs"].values()
        for step in job.get("steps", [])
        if step.get("uses", "").startswith("actions/create-github-app-token@")
    ]
    assert len({path for path, _ in steps}) >= 7
    for path, given in steps:
        asked = {
            name.removeprefix("permission-").replace("-", "_"): level
            for name, level in given.items()
            if name.startswith("permission-")
        }
        if asked == {"metadata": "read"}:
            # Every App may have it: the names of what it is installed on, and nothing of their content.
            continue
        assert given["repositories"], path
        role = REQUESTER if "REQUESTER" in given["private-key"] else PROMOTER
        assert asked, path
        assert not lacks(asked, role.needs(platform.github)), path
        if given["repositories"] not in {"environments", "${{ github.event.repository.name }}"}:
            assert asked.get("contents", "read") == "read", f"{path}: a service's repository is never written to"


def test_a_reconciliation_goes_on_without_the_repository_that_is_out_of_reach() -> None:
    (job,) = yaml.safe_load(environment_files().owned[".github/workflows/reconcile.yml"])["jobs"].values()
    steps = {step["id"]: step for step in job["steps"] if "id" in step}
    assert steps["service"]["continue-on-error"]
    assert steps["installation"]["if"] == steps["reachable"]["if"] == "steps.service.outcome == 'failure'"
    assert steps["others"]["with"]["repositories"] == "${{ steps.reachable.outputs.repositories }}"
    token = job["steps"][-1]["env"]["SERVICE_TOKEN"]
    assert token == "${{ steps.service.outputs.token || steps.others.outputs.token }}"


@pytest.mark.parametrize("pinned", [False, True])
@pytest.mark.parametrize("attestations", ["none", "required"])
def test_workflows_begin_without_permissions_and_put_no_expression_into_a_script(
    pinned: bool, attestations: str
) -> None:
    stack = values(registry={"attestations": attestations})
    stack["github"]["pinnedActions"] = pinned
    platform = settings(stack)
    repositories = [
        environment_repository_files(platform),
        *(service_repository_files(platform, service) for service in platform.services),
    ]
    # Both kinds of repository have a `release.yml`.
    found = [
        (path, text)
        for files in repositories
        for path, text in files.owned.items()
        if path.startswith(".github/workflows/")
    ]
    assert found
    for path, text in found:
        workflow: dict[str, Any] = yaml.safe_load(text)
        assert workflow["permissions"] == {}, path
        scripts = [str(step.get("run", "")) for job in workflow["jobs"].values() for step in job.get("steps", [])]
        assert not [script for script in scripts if "${{" in script], path
        # What a cache or an artifact holds may be of a run that others have changed.
        uses = [str(step.get("uses", "")) for job in workflow["jobs"].values() for step in job.get("steps", [])]
        assert not [use for use in uses if "cache" in use or "download-artifact" in use], path
        triggers = yaml.load(text, Loader=yaml.BaseLoader)["on"]
        assert "workflow_run" not in triggers, path


def test_only_the_build_asks_github_for_its_signature() -> None:
    jobs = yaml.safe_load(environment_files(values(registry={"attestations": "required"})).owned[RELEASE])["jobs"]
    assert [name for name, job in jobs.items() if "id-token" in job["permissions"]] == ["build"]
    jobs = yaml.safe_load(environment_files().owned[RELEASE])["jobs"]
    assert not [name for name, job in jobs.items() if "id-token" in job["permissions"]]


@pytest.mark.parametrize("template", ["python-web", "go-web", "python-job", "python-worker", "static-site"])
def test_dependabot_looks_after_base_images_and_charts(template: str) -> None:
    stack = changed("services.0.template", template)
    platform = settings(stack)
    path = ".github/dependabot.yml"
    started = yaml.safe_load(service_repository_files(platform, platform.services[0]).seeded[path])
    charts = yaml.safe_load(environment_files(stack).owned[path])
    assert {"docker", "github-actions"} <= {update["package-ecosystem"] for update in started["updates"]}
    assert [update["package-ecosystem"] for update in charts["updates"]] == ["helm"]
