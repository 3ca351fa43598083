"""What in the cluster is in the way is found before the first write, each with its remedy."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from components.argocd import cluster_needs
from components.argocd import preflight as cluster
from components.argocd.cluster_api import REVIEWS
from components.github.preflight import Adoptable, Advice
from components.state import State
from manifests.argocd.labels import MANAGED_BY
from manifests.model import Settings
from stacks.settings import settings_of
from tests.stacks.builders import MARK, changed, texts, values

BETA = "client.authentication.k8s.io/v1beta1"


def settings(stack: dict[str, Any] | None = None) -> Settings:
    return settings_of("test", texts(stack or values()))


class Cluster:
    """A cluster that answers; `labels` are those of its namespaces."""

    def __init__(
        self,
        labels: dict[str, dict[str, str]],
        *,
        allowed: bool = True,
        minor: str = "35",
        left: dict[str, str] | None = None,
        registered: tuple[str, ...] = (),
    ) -> None:
        namespaces = [{"metadata": {"name": name, "labels": given}} for name, given in labels.items()]
        secrets = [{"data": {"name": base64.b64encode(name.encode()).decode()}} for name in registered]
        self.answers: dict[str, Any] = {
            "/version": {"major": "1", "minor": minor},
            "/api/v1/namespaces": {"items": namespaces},
            "/api/v1/namespaces/argocd/secrets": {"items": secrets},
            REVIEWS: {"status": {"allowed": allowed}},
        }
        for path, owner in (left or {}).items():
            annotations = {cluster._OWNER: owner} if owner else {}
            self.answers[path] = {"metadata": {"annotations": annotations}}

    def param_serialize(self, **request: Any) -> tuple[str]:
        return (request["resource_path"],)

    def call_api(self, path: str, **_options: Any) -> Any:
        found = path in self.answers
        content = json.dumps(self.answers.get(path)).encode()
        status, reason = (200, "OK") if found else (404, "Not Found")
        return type("Answer", (), {"status": status, "reason": reason, "read": lambda _self: content})()


def said_of(found: Cluster, stack: dict[str, Any] | None = None) -> list[str]:
    return [finding for check in cluster._CHECKS for finding in check(settings(stack), found)]


SETS = cluster._DEFINITION.format("applicationsets")
ROLE = f"{cluster._RBAC}/clusterroles/argocd-server"
BINDING = f"{cluster._RBAC}/clusterrolebindings/argocd-application-controller"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Cluster({"argocd": {}}), "argocd.namespace"),
        (Cluster({"guestbook-dev": {"team": "x"}}), "services[guestbook].name: the namespace guestbook-dev"),
        (Cluster({}, allowed=False), "cluster administrator"),
        (Cluster({}, left={SETS: "gitops"}), "the Argo CD in gitops"),
        (Cluster({}, left={SETS: ""}), "something other than Helm"),
        (Cluster({}, left={ROLE: "gitops"}), "clusterrole argocd-server was left by the Argo CD in gitops"),
        (Cluster({}, left={BINDING: ""}), "kubectl delete clusterrolebinding argocd-application-controller"),
        (Cluster({}, minor="28+"), "this is Kubernetes 1.28; Slipway is tested with 1.33 to 1.35"),
    ],
)
def test_what_is_in_the_way_in_the_cluster_is_named(found: Cluster, said: str) -> None:
    assert any(said in finding for finding in said_of(found)), said_of(found)


@pytest.mark.parametrize(
    "found",
    [
        Cluster({"default": {}}),
        Cluster({"argocd": {MANAGED_BY: MARK}}, left={SETS: "argocd", ROLE: "argocd"}),
    ],
)
def test_a_fresh_cluster_and_our_own_are_fine(found: Cluster) -> None:
    assert said_of(found) == []


def test_kinds_that_others_installed_are_no_problem_where_they_are_not_installed_again() -> None:
    assert said_of(Cluster({}, left={SETS: "gitops"}), changed("argocd.installCrds", False)) == []


def recorded(*statuses: str) -> Cluster:
    """A cluster with a Helm release of these revisions."""
    found = Cluster({})
    found.answers["/api/v1/namespaces/argocd/secrets"] = {
        "items": [
            {"metadata": {"labels": {"version": str(version), "status": status}}}
            for version, status in enumerate(statuses, 1)
        ]
    }
    return found


@pytest.mark.parametrize(
    ("statuses", "remedy"),
    [
        (("pending-install",), "kubectl --namespace argocd delete secret --selector owner=helm,name=argocd"),
        (("deployed", "pending-upgrade"), "helm --namespace argocd rollback argocd"),
    ],
)
def test_a_release_that_a_killed_helm_has_left_pending_is_named(statuses: tuple[str, ...], remedy: str) -> None:
    (problem,) = said_of(recorded(*statuses))
    assert problem.startswith(f"argocd.namespace: the Helm release argocd in argocd is {statuses[-1]}")
    assert remedy in problem


@pytest.mark.parametrize("statuses", [("deployed",), ("superseded", "pending-upgrade", "deployed"), ("failed",)])
def test_a_release_that_can_be_upgraded_is_not_a_problem(statuses: tuple[str, ...]) -> None:
    assert said_of(recorded(*statuses)) == []


def test_a_release_of_argo_cd_that_the_state_does_not_know_can_be_adopted() -> None:
    found, lost = Cluster({}, registered=("sh.helm.release.v1.argocd.v1",)), State(frozenset())
    (problem,) = cluster._unclaimed_release(settings(), lost, found)
    assert isinstance(problem, Adoptable)
    assert problem.entry == "release/argocd"
    known = State(frozenset([("kubernetes:helm.sh/v3:Release", "argocd-release")]))
    assert not list(cluster._unclaimed_release(settings(), known, found))
    assert not list(cluster._unclaimed_release(settings(values(adopt=["release/argocd"])), lost, found))
    assert not list(cluster._unclaimed_release(settings(), lost, Cluster({})))
    assert not list(cluster._unclaimed_release(settings(), None, found))


def test_an_untested_version_is_advice_and_stops_nothing() -> None:
    (found,) = said_of(Cluster({}, minor="99"), changed("argocd.version", "v3.5.7"))
    assert isinstance(found, Advice)
    assert "argocd.version" in said_of(Cluster({}), changed("argocd.version", "v2.9.1"))[0]


INGRESS = {"ingress": {"host": "{service}.example.com"}}
CLASSED = {"ingress": {"host": "{service}.example.com", "className": "nginx"}}
ROUTED = {"httpRoute": {"host": "{service}.example.com", "gateway": "public", "gatewayNamespace": "infra"}}
CLASSES, GATEWAYS = cluster_needs._CLASSES, cluster_needs._GATEWAYS
GATEWAY = f"{GATEWAYS}/namespaces/infra/gateways/public"
MADE_DEFAULT = {"name": "a", "annotations": {cluster_needs._DEFAULT: "true"}}


def reached(entry: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A stack with one environment that is reached so."""
    stack = values(environments=[{"name": "dev", **entry}], **more)
    stack["cluster"]["ingressNamespaces"] = ["ingress"]
    return stack


@pytest.mark.parametrize(
    ("stack", "answers", "said"),
    [
        (reached(CLASSED), {}, "ingress.className: the cluster has no IngressClass nginx"),
        (reached(CLASSED), {f"{CLASSES}/nginx": {}}, None),
        (reached(INGRESS), {CLASSES: {"items": []}}, "name the class (none at all)"),
        (reached(INGRESS), {CLASSES: {"items": [{"metadata": {"name": "nginx"}}]}}, "name the class (nginx)"),
        (reached(INGRESS), {CLASSES: {"items": [{"metadata": MADE_DEFAULT}]}}, None),
        (reached(ROUTED), {}, "httpRoute: the cluster does not know the Gateway API"),
        (reached(ROUTED), {GATEWAYS: {}}, "there is no Gateway public in the namespace infra"),
        (reached(ROUTED), {GATEWAYS: {}, GATEWAY: {}}, None),
        (reached({}, secrets="external-secrets"), {}, "does not know ExternalSecret (external-secrets.io)"),
        (reached({}, secrets="sops"), {"/apis/isindir.github.com": {}}, None),
    ],
)
def test_what_charts_need_and_the_cluster_lacks_is_advice(
    stack: dict[str, Any], answers: dict[str, Any], said: str | None
) -> None:
    found = Cluster({})
    found.answers |= answers
    advice = said_of(found, stack)
    assert all(isinstance(one, Advice) for one in advice)
    assert [said in one for one in advice if said] == ([True] if said else [])
    assert len(advice) == (1 if said else 0)


def test_a_kubernetes_without_admission_policies_is_refused_where_they_are_wanted() -> None:
    found = [one for one in said_of(Cluster({}, minor="29")) if not isinstance(one, Advice)]
    (problem,) = found
    assert "set `admission: off` for dev, staging, production" in problem
    off = values(environments=[{**one, "admission": "off"} for one in values()["environments"]])
    assert all(isinstance(one, Advice) for one in said_of(Cluster({}, minor="29"), off))


def test_a_cluster_that_argo_cd_does_not_know_is_named_with_those_it_knows() -> None:
    stack = changed("environments.0.cluster", "edge")
    (found,) = said_of(Cluster({}, registered=("main",)), stack)
    assert found.startswith(
        "environments[dev].cluster: Argo CD in argocd knows no cluster 'edge', only in-cluster, main"
    )
    assert said_of(Cluster({}, registered=("edge",)), stack) == []
    stack["environments"][0] |= {"server": "https://edge.example:6443", "context": "edge"}
    assert said_of(Cluster({}), stack) == [], "the platform registers it itself"
    assert said_of(Cluster({}), changed("environments.0.cluster", "in-cluster")) == []


def kubeconfig(folder: Path, server: str) -> dict[str, str]:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(content))
    return {"kubeconfig": str(path), "context": "here"}


@pytest.mark.parametrize(("program", "missing"), [("no-such-plugin", True), ("true", False)])
def test_a_program_for_tokens_that_is_not_there_is_named(tmp_path: Path, program: str, missing: bool) -> None:
    given = kubeconfig(tmp_path, "http://127.0.0.1:9")
    path = Path(given["kubeconfig"])
    document = json.loads(path.read_text())
    document["users"][0]["user"] = {"exec": {"command": program, "apiVersion": BETA}}
    path.write_text(json.dumps(document))
    (problem,) = cluster.cluster_problems(settings(values(cluster=given)))
    assert ("`no-such-plugin`, which is not on PATH" in problem) == missing, problem


@pytest.mark.parametrize(
    ("part", "content", "said"),
    [
        ("users", [], "here names the user 'u', which is not in"),
        ("clusters", [], "here names the cluster 'c', which is not in"),
        ("users", [{"name": "u", "user": {"auth-provider": {"name": "gcp"}}}], "logs in by an auth-provider"),
        ("users", [{"name": "u", "user": {"token": "hush\nhush"}}], "has a character that no token has"),
        ("users", [{"name": "u", "user": {"token": "hüsh"}}], "has a character that no token has"),
        ("clusters", [{"name": "c", "cluster": {"server": "127.0.0.1:9"}}], "use one with https://"),
        (
            "clusters",
            [{"name": "c", "cluster": {"server": "http://127.0.0.1:9", "proxy-url": "socks5://127.0.0.1:9"}}],
            "is reached by a proxy that needs",
        ),
        (
            "users",
            [
                {
                    "name": "u",
                    "user": {"exec": {"command": "false", "apiVersion": BETA}},
                }
            ],
            "the program that gives here its tokens fails: process returned 1",
        ),
    ],
)
def test_a_context_that_cannot_work_is_named_without_what_is_secret(
    tmp_path: Path, part: str, content: list[Any], said: str
) -> None:
    given = kubeconfig(tmp_path, "http://127.0.0.1:9")
    path = Path(given["kubeconfig"])
    path.write_text(json.dumps(json.loads(path.read_text()) | {part: content}))
    (problem,) = cluster.cluster_problems(settings(values(cluster=given)))
    assert problem.startswith("cluster.context: ")
    assert said in problem
    assert "sh\n" not in problem
    assert "hüsh" not in problem


def test_a_context_of_an_environment_is_looked_for_too(tmp_path: Path) -> None:
    stack = values(cluster=kubeconfig(tmp_path, "http://127.0.0.1:9"))
    stack["environments"][0] |= {"cluster": "edge", "context": "edge"}
    found = cluster.cluster_problems(settings(stack))
    assert any(problem.startswith("environments[dev].context: ") for problem in found)


def test_a_list_of_kubeconfigs_gets_the_command_that_makes_one() -> None:
    stack = values(cluster={"kubeconfig": "/nowhere/a:/nowhere/b", "context": "x"})
    assert "--flatten" in cluster.cluster_problems(settings(stack))[0]


def test_a_cluster_that_does_not_answer_is_named(tmp_path: Path) -> None:
    stack = values(cluster=kubeconfig(tmp_path, "http://127.0.0.1:9"))
    (problem,) = cluster.cluster_problems(settings(stack))
    assert "does not answer at http://127.0.0.1:9" in problem


def test_an_unknown_context_is_named(tmp_path: Path) -> None:
    stack = values(cluster=kubeconfig(tmp_path, "http://127.0.0.1:9") | {"context": "there"})
    (problem,) = cluster.cluster_problems(settings(stack))
    assert problem.startswith("cluster.context: there is not in ")
    assert "get-contexts" in problem


def test_a_missing_kubeconfig_is_named() -> None:
    stack = values(cluster={"kubeconfig": "/nowhere/config", "context": "x"})
    assert cluster.cluster_problems(settings(stack)) == ["cluster.kubeconfig: there is no file /nowhere/config"]


@pytest.mark.parametrize("content", ["[", "5", "", "\ufffd: [", "clusters: 5"])
def test_a_file_that_is_not_a_kubeconfig_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(content)
    (problem,) = cluster.cluster_problems(settings(values(cluster={"kubeconfig": str(path), "context": "x"})))
    assert problem.startswith("cluster.")
    assert str(path) in problem
    assert "\n" not in problem


def test_a_namespace_of_others_is_not_taken_for_pull_requests_either() -> None:
    taken = Cluster({"guestbook-pull-requests": {"team": "x"}})
    (said,) = said_of(taken, changed("services.0.pullRequests", {}))
    assert said.startswith("services[guestbook].name: the namespace guestbook-pull-requests exists")
    assert said_of(taken) == []


def test_a_release_of_others_stops_the_whole_look_at_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Cluster({}, registered=("sh.helm.release.v1.argocd.v1",))
    monkeypatch.setattr(cluster, "opened", lambda *_where: found)
    assert cluster.has_release(settings())
    (problem,) = cluster.cluster_problems(settings(), State(frozenset()))
    assert isinstance(problem, Adoptable)
    monkeypatch.setattr(cluster, "opened", lambda *_where: Cluster({}))
    assert not cluster.has_release(settings())


def test_nothing_is_adopted_from_a_cluster_that_cannot_be_asked(tmp_path: Path) -> None:
    given = kubeconfig(tmp_path, "http://127.0.0.1:9")
    assert not cluster.has_release(settings(values(cluster=given)))
    assert not cluster.has_release(settings(values(cluster=given | {"context": "there"})))


@pytest.mark.parametrize("context", ["here", "there"])
def test_contexts_of_environments_are_told_of_beside_a_cluster_that_cannot_be_asked(
    tmp_path: Path, context: str
) -> None:
    stack = values(cluster=kubeconfig(tmp_path, "http://127.0.0.1:9") | {"context": context})
    stack["environments"][0] |= {"cluster": "edge", "context": "edge"}
    said = [problem.partition(":")[0] for problem in cluster.cluster_problems(settings(stack))]
    assert said == ["cluster.context", "environments[dev].context"]
