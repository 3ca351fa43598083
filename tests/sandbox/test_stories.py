"""What people do to a platform day by day, each a change of settings and a `pulumi up`.

The tests are one story in the order of this file; each leaves a platform that is Synced and Healthy, and a second
preview without changes. The last one takes the platform down.
"""

import json
import os
import random
import secrets
import subprocess
from dataclasses import replace

import pytest

from sandbox.config import SandboxConfig
from sandbox.github import process
from sandbox.overlay import sandbox_stack
from sandbox.progress import Progress
from sandbox.pulumi import operations
from sandbox.pulumi.operations import PulumiError, Run
from sandbox.up import start_parts
from tests.docs.documented import documented
from tests.keys import pem
from tests.sandbox.canaries import of_the_sandbox, places, shown
from tests.sandbox.interrupting import Ending, Interrupter, Moment
from tests.sandbox.platforms import Change, Platform, Values


@pytest.fixture(scope="module", autouse=True)
def settled(platform: Platform, deployed: Run) -> None:
    """Every story begins with a platform that is up."""
    assert deployed.total
    platform.wait()


@pytest.fixture(scope="module")
def interrupter(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Interrupter:
    chance = random.Random(7)
    return Interrupter(platform.config, tmp_path_factory.mktemp("settings") / "tree", chance)


def annotated(text: str) -> Change:
    """A change that Helm has to bring to Argo CD."""

    def change(values: Values) -> None:
        values["argocd"]["values"]["server"]["podAnnotations"] = {"run": text}

    return change


def with_a_service_and_a_role(values: Values) -> None:
    values["services"].append({"name": "parcels", "template": "python-web", "team": "web", "environments": ["dev"]})
    named(values, "teams", "web")["members"][1]["role"] = "maintainer"


def as_before(values: Values) -> None:
    del values["argocd"]["values"]["server"]["podAnnotations"]
    del named(values, "teams", "web")["members"][1]["role"]
    values["services"].pop()


@pytest.mark.parametrize(
    ("change", "ending", "moment"),
    [
        (annotated("one"), Ending.ALL, Moment.HELM),
        (with_a_service_and_a_role, Ending.CLI, Moment.ANY),
        (annotated("two"), Ending.CTRL_C, Moment.ANY),
        (as_before, Ending.UP, Moment.ANY),
    ],
)
def test_an_up_that_is_cut_off_is_gone_on_with(
    interrupter: Interrupter, change: Change, ending: Ending, moment: Moment
) -> None:
    """In each way that it can be; `benchmarks/kills.py` does it as often as one likes, and from nothing too."""
    interrupter.change(change)
    outcome = interrupter.cut_off(ending, moment)
    assert not outcome.problems, (ending, outcome)
    if moment is Moment.HELM:
        assert outcome.was_running, f"it ended before Helm was at work: {outcome.first}"
        assert [text for text in outcome.said if "was left pending-upgrade" in text], outcome


def named(values: Values, kind: str, name: str) -> Values:
    return next(one for one in values[kind] if one["name"] == name)


def test_a_service_and_an_environment_in_the_middle_are_added_at_once(platform: Platform) -> None:
    def change(values: Values) -> None:
        values["environments"].insert(2, {"name": "qa", "requires": ["staging"]})
        named(values, "environments", "production")["requires"] = ["staging", "qa"]
        values["services"].append({"name": "orders", "template": "python-web", "team": "web"})

    done = platform.apply(change)
    assert set(done.counts) <= {"create", "update", "same"}
    assert {"orders-qa", "guestbook-qa", "orders-production", "infrastructure-qa"} <= set(platform.applications())
    assert {"orders-qa", "orders-production"} <= platform.namespaces()
    token = platform.settings.values["slipway:packagesToken"]
    assert [platform.pull_password(namespace) for namespace in ("orders-qa", "orders-production")] == [token, token]
    # Staging is delivered by branch, and its branch was there before the service.
    assert "helm-charts/orders/Chart.yaml" in platform.branch_files("environment/staging")


def test_limits_members_owners_syncs_and_delivery_change_in_place(platform: Platform) -> None:
    def change(values: Values) -> None:
        named(values, "environments", "dev")["quota"] = {"cpu": "2", "memory": "2Gi", "pods": 20}
        named(values, "environments", "qa")["sync"] = "manual"
        named(values, "environments", "staging")["delivery"] = "commit"
        # Without approvers: on this plan, their approval is the review of a pull request.
        named(values, "environments", "production").update(delivery="branch", approvers=[])
        named(values, "teams", "web")["members"][1]["role"] = "maintainer"
        named(values, "services", "orders")["team"] = "platform"

    done = platform.apply(change)
    assert "delete" not in done.counts
    assert '"pods":"20"' in platform.kubectl(
        "get", "resourcequota", "--namespace", "orders-dev", "--output", "json"
    ).replace(" ", "").replace("\n", "")
    assert platform.github("GET", "/orgs/acme/teams/web/memberships/sam")["role"] == "maintainer"
    found = platform.applications()
    assert not found["orders-qa"].automated
    assert (found["orders-staging"].branch, found["orders-production"].branch) == ("main", "environment/production")


def test_delivery_changes_back_and_a_renamed_repository_keeps_its_team_and_its_history(platform: Platform) -> None:
    def change(values: Values) -> None:
        named(values, "environments", "staging")["delivery"] = "branch"
        named(values, "environments", "production").update(delivery="pull-request", approvers=["web"])
        named(values, "services", "clock").update(repository="clock-app")

    before = platform.github("GET", "/repos/acme/clock")["id"]
    platform.apply(change)
    found = platform.applications()
    assert (found["orders-staging"].branch, found["orders-production"].branch) == ("environment/staging", "main")
    assert platform.github("GET", "/repos/acme/clock-app")["id"] == before
    assert [team["slug"] for team in platform.github("GET", "/repos/acme/clock-app/teams")] == ["web"]


def test_one_up_rotates_every_secret_and_the_old_ones_are_used_nowhere(platform: Platform) -> None:
    """GitHub knows only the new ones by then, so a release that comes through has used them."""
    before = platform.settings
    rotate_credentials(platform.config)
    given = sandbox_stack(platform.config)
    assert not [key for key in before.secrets if given.values[key] == before.values[key]]
    platform.settings = replace(before, values=before.values | {key: given.values[key] for key in given.secrets})
    done = platform.apply(lambda _values: None)
    assert set(done.counts) == {"update", "same"}
    kept = platform.secrets_in_the_cluster()
    assert not [key for key in before.secrets if str(before.values[key]).strip() in kept]
    services = [name for name in platform.applications() if not name.startswith("infrastructure-")]
    token = given.values["slipway:packagesToken"]
    assert {platform.pull_password(namespace) for namespace in services} == {token}

    with platform.rehearsal.clone("guestbook", "dana") as clone:
        clone.tag("v0.1.0")
    platform.rehearsal.wait_for_version("dev", "guestbook", "0.1.0")
    platform.rehearsal.wait(
        "0.1.0 verified", lambda: platform.rehearsal.verdict("dev", "guestbook", "0.1.0") == "success"
    )
    (hook,) = platform.github("GET", "/repos/acme/environments/hooks")
    deliveries = f"/repos/acme/environments/hooks/{hook['id']}/deliveries"
    platform.rehearsal.wait(
        "Argo CD taking an event", lambda: platform.github("GET", deliveries)[0]["status_code"] == 200
    )


def test_no_secret_shows_anywhere_after_a_release_that_used_it(platform: Platform) -> None:
    """Those are planted too that a rehearsal does without: what images are pushed with, and a chat's token."""

    def change(values: Values) -> None:
        values["registry"]["username"] = "sam"
        values["notifications"]["slackChannel"] = "#releases"
        # Their images are pushed with the workflow's own token.
        for service in values["services"]:
            service.pop("pullRequests", None)

    people = json.loads(platform.config.credentials.read_text())["users"]
    planted = {"slipway:registryPassword": people["sam"], "slipway:slackToken": f"xoxb-{secrets.token_hex(20)}"}
    before = platform.settings
    platform.settings = replace(before, values=before.values | planted, secrets=before.secrets | frozenset(planted))
    platform.apply(change)
    with platform.rehearsal.clone("guestbook", "dana") as clone:
        clone.tag("v0.2.0")
    platform.rehearsal.wait(
        "0.2.0 verified", lambda: platform.rehearsal.verdict("dev", "guestbook", "0.2.0") == "success"
    )
    canaries = of_the_sandbox(platform.config) | planted
    assert not shown(canaries, places(platform.config, platform.rehearsal, "guestbook"))


def rotate_credentials(config: SandboxConfig) -> None:
    """New tokens of all people, keys of all Apps and a new webhook secret; the old tokens and keys end."""
    document = json.loads(config.credentials.read_text())
    for name, app in document["apps"].items():
        app["privateKey"] = pem(f"new-{name}")
    document["users"] = {login: f"ghp_{secrets.token_hex(18)}" for login in document["users"]}
    document |= {key: secrets.token_hex(20) for key in ("webhookSecret", "ssoClientSecret")}
    document["githubToken"] = document["users"]["slipway"]
    config.credentials.write_text(json.dumps(document))
    process.stop(config)
    start_parts(config, Progress(quiet=True))


def test_what_leaves_is_said_and_so_it_is_and_what_people_changed_by_hand_is_shown_and_mended(
    platform: Platform,
) -> None:
    def change(values: Values) -> None:
        values["environments"] = [one for one in values["environments"] if one["name"] != "qa"]
        named(values, "environments", "production")["requires"] = ["staging"]
        values["services"] = [one for one in values["services"] if one["name"] != "clock"]

    repository = named(platform.short(), "services", "clock").get("repository", "clock")
    platform.github("PATCH", "/repos/acme/guestbook", has_wiki=True)
    platform.github("DELETE", "/repos/acme/environments/labels/release")
    patch = ["--type", "merge", "--patch", '{"spec":{"project":"staging"}}']
    platform.kubectl("patch", "application", "guestbook-dev", "--namespace", "argocd", *patch)
    foreseen = operations.preview(platform.place, platform.edited(change), refresh=True)
    assert {"guestbook-repository", "environments-release-label", "guestbook-dev-application"} <= {
        step.name for step in foreseen.steps if step.operation in {"create", "update"}
    }
    said = "\n".join(foreseen.messages)
    assert "environment qa leaves" in said
    assert "service clock leaves" in said
    assert "clock-production stay, because `removal` is orphan" in said
    done = platform.apply(change)
    assert set(foreseen.messages) <= set(done.messages)
    assert platform.github("GET", "/repos/acme/guestbook")["has_wiki"] is False
    assert platform.github("GET", "/repos/acme/environments/labels/release")
    # Kubernetes empties a namespace before it is gone.
    leaving = {"clock-dev", "clock-staging"}
    platform.rehearsal.wait(f"{leaving} gone", lambda: not leaving & platform.namespaces())
    assert "clock-production" in platform.namespaces()
    assert not {name for name in platform.applications() if "clock" in name or "qa" in name}
    assert platform.github("GET", f"/repos/acme/{repository}")["archived"] is False


def test_a_destroy_without_argocd_takes_one_command_and_keeps_repositories(platform: Platform) -> None:
    """Nothing acts on the finalizers of Applications then; `docs/destroy.md` has the command."""
    for kind in ("deployment", "statefulset"):
        platform.kubectl("scale", kind, "--all", "--replicas", "0", "--namespace", "argocd")
    command = documented("kubectl --namespace argocd get applications.argoproj.io --output name | xargs")
    environment = os.environ | {
        "PATH": f"{platform.config.commands}:{os.environ['PATH']}",
        "KUBECONFIG": str(platform.config.kubeconfig),
        "SLIPWAY_SANDBOX_DIR": str(platform.config.directory),
        "SLIPWAY_SANDBOX_NETWORK": platform.config.network,
    }
    for line in (command, f"{documented('pulumi state unprotect --all')} --yes"):
        subprocess.run(["sh", "-ec", line], env=environment, check=True, capture_output=True)
    operations.destroy(platform.place, platform.settings)
    assert {"environments", "guestbook"} <= platform.repositories()
    assert platform.github("GET", "/orgs/acme/teams") == []
    assert "argocd" not in platform.namespaces()


def test_after_a_destroy_the_platform_is_made_again_from_its_repositories(platform: Platform) -> None:
    with pytest.raises(PulumiError, match="slipway:adopt"):
        operations.preview(platform.place, platform.settings)
    platform.adopt_everything()
    assert "guestbook-production" in platform.applications()


def test_a_destroy_without_a_cluster_gives_up_what_was_in_it_and_it_is_adopted_without_making_it_again(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `docs/destroy.md` has it; this cluster lives on, as it does after a state was lost."""
    repositories = {found["id"] for found in platform.github("GET", "/orgs/acme/repos")}
    with platform.unreachable_cluster():
        with pytest.raises(PulumiError, match=r"unreachable.*docs/destroy\.md"):
            operations.destroy(platform.place, platform.settings)
        platform.forget("argocd-release")
        monkeypatch.setenv("PULUMI_K8S_DELETE_UNREACHABLE", "true")
        operations.destroy(platform.place, platform.settings)
        monkeypatch.undo()
        assert {found["id"] for found in platform.github("GET", "/orgs/acme/repos")} == repositories
        assert platform.github("GET", "/orgs/acme/teams") == []
    before = platform.identities("namespaces", "applications.argoproj.io", "deployments.apps")
    assert before
    done = platform.adopt_everything()
    assert not {"delete", "replace"} & set(done.counts)
    assert before <= platform.identities("namespaces", "applications.argoproj.io", "deployments.apps")
    assert {found["id"] for found in platform.github("GET", "/orgs/acme/repos")} == repositories


def test_a_destroy_keeps_repositories_and_empties_the_cluster(platform: Platform) -> None:
    repositories = platform.repositories()
    objects = [
        resource["outputs"]
        for resource in platform.state()
        if resource["type"].startswith("kubernetes:") and {"apiVersion", "kind"} <= set(resource.get("outputs", {}))
    ]
    assert objects
    operations.destroy(platform.place, platform.settings)
    assert not platform.state()
    assert platform.repositories() == repositories
    # The workloads of production outlive their Applications (`removal: orphan`), and so do their namespaces.
    left = {(found["kind"], found["metadata"]["name"]) for found in objects if platform.has(found)}
    assert ("Namespace", "guestbook-production") in left
    assert not {(kind, name) for kind, name in left if kind != "Namespace" or not name.endswith("-production")}
    assert "argocd" not in platform.namespaces()
