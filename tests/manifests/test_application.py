"""Applications follow the environment repository, and environments say who syncs them."""

from typing import Any

import pytest

from manifests.app_project import app_project, infrastructure_project
from manifests.application import FINALIZER, application, infrastructure_application
from manifests.model import Settings
from stacks.settings import settings_of
from tests.stacks.builders import changed, texts, values


def settings(stack: dict[str, Any] | None = None) -> Settings:
    return settings_of("test", texts(stack or values()))


def in_environment(name: str, stack: dict[str, Any] | None = None) -> dict[str, Any]:
    given = settings(stack)
    (environment,) = [one for one in given.environments if one.name == name]
    return application(given, given.services[0], environment)


def test_it_renders_the_service_with_the_values_of_people_and_of_the_automation() -> None:
    source = in_environment("staging")["spec"]["source"]
    assert source["repoURL"] == "https://github.com/acme/environments.git"
    assert source["path"] == "helm-charts/guestbook"
    assert source["targetRevision"] == "refs/heads/main"
    assert source["helm"]["valueFiles"] == [
        "../../environments/staging/values.yaml",
        "../../environments/staging/guestbook/values.yaml",
        "../../environments/staging/guestbook/release.yaml",
    ]
    assert source["helm"]["ignoreMissingValueFiles"] is True, "before the first release there is no release.yaml"


def test_an_automated_environment_heals_and_prunes() -> None:
    automated = in_environment("staging")["spec"]["syncPolicy"]["automated"]
    assert (automated["selfHeal"], automated["prune"]) == (True, True)


def test_a_manual_environment_waits_and_deletes_nothing_by_itself() -> None:
    policy = in_environment("production")["spec"]["syncPolicy"]
    assert "automated" not in policy
    assert "Prune=false" in policy["syncOptions"]


def test_argo_cd_can_go_back_to_nothing_where_people_sync() -> None:
    """Its own rollback asks for no more than the right to sync; git and a pull request are the way back."""
    limits = {name: in_environment(name)["spec"]["revisionHistoryLimit"] for name in ("staging", "production")}
    assert limits == {"staging": 10, "production": 1}


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_an_object_of_another_service_is_not_taken_over(environment: str) -> None:
    assert "FailOnSharedResource=true" in in_environment(environment)["spec"]["syncPolicy"]["syncOptions"]


def test_a_fixing_commit_is_not_kept_waiting_by_a_broken_one() -> None:
    assert in_environment("staging")["spec"]["syncPolicy"]["retry"]["refresh"] is True


@pytest.mark.parametrize(("environment", "finalizers"), [("staging", [FINALIZER]), ("production", None)])
def test_production_outlives_its_application(environment: str, finalizers: list[str] | None) -> None:
    assert in_environment(environment)["metadata"].get("finalizers") == finalizers


@pytest.mark.parametrize(("environment", "finalizers"), [("staging", [FINALIZER]), ("production", None)])
def test_namespaces_go_with_their_environment_or_outlive_it(environment: str, finalizers: list[str] | None) -> None:
    stack = settings()
    (one,) = [one for one in stack.environments if one.name == environment]
    found = infrastructure_application(stack, one)
    assert found["metadata"].get("finalizers") == finalizers


def test_what_becomes_of_the_workload_can_be_chosen() -> None:
    stack = changed("environments.2.removal", "cascade")
    assert in_environment("production", stack)["metadata"]["finalizers"] == [FINALIZER]


def test_delivery_by_branch_makes_applications_follow_it() -> None:
    stack = changed("environments.1.delivery", "branch")
    assert in_environment("staging", stack)["spec"]["source"]["targetRevision"] == "refs/heads/environment/staging"


def test_infrastructure_follows_main_and_always_heals() -> None:
    given = settings(changed("environments.2.delivery", "branch"))
    for environment in given.environments:
        spec = infrastructure_application(given, environment)["spec"]
        assert spec["source"]["targetRevision"] == "refs/heads/main"
        assert spec["syncPolicy"]["automated"]["selfHeal"] is True


def test_an_application_says_whose_it_is_and_how_long_it_may_take() -> None:
    metadata = in_environment("dev", changed("environments.0.url", "http://{service}.{environment}.example.com"))[
        "metadata"
    ]
    assert metadata["labels"]["slipway.dev/service"] == "guestbook"
    assert metadata["labels"]["slipway.dev/environment"] == "dev"
    assert metadata["annotations"]["slipway.dev/verification-deadline"] == "600"
    assert metadata["annotations"]["slipway.dev/url"] == "http://guestbook.dev.example.com"


def test_another_cluster_is_addressed_by_its_name() -> None:
    spec = in_environment("staging", changed("environments.1.cluster", "south"))["spec"]
    assert spec["destination"] == {"name": "south", "namespace": "guestbook-staging"}


def test_an_environment_takes_its_own_namespaces_and_no_other() -> None:
    stack = values()
    stack["services"].append({"name": "clock", "template": "go-web", "team": "web", "environments": ["dev"]})
    given = settings(stack)
    spec = app_project(given, given.environments[1])["spec"]
    assert [destination["namespace"] for destination in spec["destinations"]] == ["guestbook-staging"]
    assert spec["sourceRepos"] == ["https://github.com/acme/environments.git"]


def test_a_service_may_not_create_what_gives_rights() -> None:
    given = settings()
    spec = app_project(given, given.environments[0])["spec"]
    kinds = {item["kind"] for item in spec["namespaceResourceWhitelist"]}
    assert spec["clusterResourceWhitelist"] == []
    assert not kinds & {"Secret", "Role", "RoleBinding", "NetworkPolicy", "ResourceQuota", "LimitRange"}


@pytest.mark.parametrize(
    ("backend", "kind"),
    [
        ("external-secrets", "ExternalSecret"),
        ("sealed-secrets", "SealedSecret"),
        ("sops", "SopsSecret"),
        ("none", None),
    ],
)
def test_references_to_secrets_are_those_of_the_chosen_backend(backend: str, kind: str | None) -> None:
    given = settings(values(secrets=backend))
    kinds = {item["kind"] for item in app_project(given, given.environments[0])["spec"]["namespaceResourceWhitelist"]}
    references = kinds & {"ExternalSecret", "SealedSecret", "SopsSecret"}
    assert references == ({kind} if kind else set())


def test_infrastructure_may_make_namespaces_but_not_rights_over_argo_cd() -> None:
    spec = infrastructure_project(settings())["spec"]
    kinds = [item["kind"] for item in spec["clusterResourceWhitelist"]]
    assert kinds == ["Namespace", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]
    bound = [item["kind"] for item in spec["namespaceResourceWhitelist"]]
    assert bound == ["LimitRange", "ResourceQuota", "NetworkPolicy", "RoleBinding"], "a Role could give any right"
    assert "argocd" not in {destination["namespace"] for destination in spec["destinations"]}


def test_a_commit_of_another_service_renders_nothing_of_this_one() -> None:
    paths = in_environment("staging")["metadata"]["annotations"]["argocd.argoproj.io/manifest-generate-paths"]
    assert paths.split(";") == [
        "/helm-charts/guestbook",
        "/environments/staging/guestbook",
        "/environments/staging/values.yaml",
    ]


def test_a_soak_time_is_told_to_argo_cd_only_where_there_is_one() -> None:
    assert "slipway.dev/soak" not in in_environment("staging")["metadata"]["annotations"]
    soaking = in_environment("staging", changed("environments.1.soakSeconds", 300))
    assert soaking["metadata"]["annotations"]["slipway.dev/soak"] == "300"


def test_an_appproject_has_the_sync_windows_of_its_environment_alone() -> None:
    window = {"kind": "deny", "schedule": "0 22 * * 5", "duration": "58h", "timeZone": "Europe/Berlin"}
    given = settings(changed("environments.1.syncWindows", [window]))
    dev, staging, *_ = (app_project(given, environment)["spec"] for environment in given.environments)
    assert staging["syncWindows"] == [window | {"manualSync": False, "applications": ["*"]}]
    assert "syncWindows" not in dev
    assert "syncWindows" not in infrastructure_project(given)["spec"]


def test_an_application_names_the_sync_windows_of_its_environment() -> None:
    """What Argo CD's notifications count as late depends on whether there are some."""
    window = {"kind": "deny", "schedule": "0 22 * * 5", "duration": "58h", "timeZone": "Europe/Berlin"}
    annotations = in_environment("staging", changed("environments.1.syncWindows", [window]))["metadata"]["annotations"]
    words = "denied for 58h from 0 22 * * 5 (Europe/Berlin), by hand too"
    assert annotations["slipway.dev/sync-windows"] == words
    assert "slipway.dev/sync-windows" not in in_environment("staging")["metadata"]["annotations"]


def test_fields_that_others_write_are_neither_compared_nor_written() -> None:
    ignored = {"group": "apps", "kind": "Deployment", "jsonPointers": ["/x"]}
    stack = changed("environments.1.ignoreDifferences", [ignored])
    stack["services"][0]["ignoreDifferences"] = [{"kind": "Service", "name": "web", "managedFieldsManagers": ["mesh"]}]
    spec = in_environment("staging", stack)["spec"]
    assert spec["ignoreDifferences"][1:] == [
        ignored,
        {"kind": "Service", "name": "web", "managedFieldsManagers": ["mesh"]},
    ]
    assert "RespectIgnoreDifferences=true" in spec["syncPolicy"]["syncOptions"]
    others = in_environment("dev", stack)["spec"]["ignoreDifferences"][1:]
    assert [one["kind"] for one in others] == ["Service"]


def test_the_number_of_pods_is_an_autoscalers_where_there_is_one() -> None:
    spec = in_environment("dev")["spec"]
    (only,) = spec["ignoreDifferences"]
    assert (only["group"], only["kind"]) == ("apps", "Deployment")
    (expression,) = only["jqPathExpressions"]
    assert expression == 'select(.metadata.annotations["slipway.dev/replicas"] == "autoscaled") | .spec.replicas'
    assert "RespectIgnoreDifferences=true" in spec["syncPolicy"]["syncOptions"]
