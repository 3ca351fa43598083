"""What is in the way on an environment's own cluster is found before the first write, each with its remedy."""

import base64
import contextlib
import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from components.argocd import preflight
from components.argocd.cluster_api import REVIEWS
from components.github.preflight import Advice
from manifests.argocd.labels import MANAGED_BY
from manifests.model import Settings
from stacks.access_check.cluster import differences
from stacks.settings import settings_of
from tests.stacks.builders import MARK, texts, values

NAMESPACES = "/api/v1/namespaces"
SECRETS = f"{NAMESPACES}/argocd/secrets"
SUBJECTS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

Answers = dict[str, Any]


def answers(uid: str, **labels: dict[str, str]) -> Answers:
    """What a cluster answers that has these namespaces with their labels, and is as it should be."""
    namespaces = [{"metadata": {"name": name.replace("_", "-"), "labels": given}} for name, given in labels.items()]
    return {
        "/version": {"major": "1", "minor": "35"},
        f"{NAMESPACES}/kube-system": {"metadata": {"name": "kube-system", "uid": uid}},
        NAMESPACES: {"items": namespaces},
        SECRETS: {"items": []},
        REVIEWS: {"status": {"allowed": True}},
    }


def registered(name: str, server: str, secret: str = "by-hand") -> Answers:
    data = {key: base64.b64encode(text.encode()).decode() for key, text in {"name": name, "server": server}.items()}
    return {"items": [{"metadata": {"name": secret}, "data": data}]}


@contextlib.contextmanager
def listening(given: Answers) -> Generator[str]:
    """An API server that knows these answers; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = given.get(self.path.partition("?")[0])
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            content = json.dumps(found if found is not None else {}).encode()
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815  # names of the base class

        def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # says nothing
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def platform(
    folder: Path, here: Answers, edge: Answers | None, *, puller: str | None = None, **environment: str | None
) -> Generator[Settings]:
    """A stack with production on the cluster `edge`; None: nothing listens there."""
    with contextlib.ExitStack() as stack:
        addresses = {"here": stack.enter_context(listening(here)), "edge": "http://127.0.0.1:9"}
        if edge is not None:
            addresses["edge"] = stack.enter_context(listening(edge))
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": url}} for name, url in addresses.items()],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": "u"}} for name in addresses],
        }
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(json.dumps(content))
        given = values(cluster={"kubeconfig": str(kubeconfig), "context": "here"})
        remote = {"cluster": "edge", "context": "edge", "server": "https://edge.example:6443"} | environment
        given["environments"][2] |= {key: value for key, value in remote.items() if value is not None}
        if puller is not None:
            given |= {"registry": {"pullUsername": puller}, "packagesToken": "ghp_read"}
        yield settings_of("test", texts(given))


def problems(folder: Path, here: Answers, edge: Answers | None, **environment: str | None) -> list[str]:
    """What the preflight says."""
    with platform(folder, here, edge, **environment) as settings:
        return preflight.cluster_problems(settings)


def test_a_cluster_of_an_environment_that_is_ready_is_fine(tmp_path: Path) -> None:
    ours = registered("edge", "https://edge.example:6443", "cluster-edge")
    edge = answers("b", guestbook_production={MANAGED_BY: MARK}, guestbook_dev={"team": "others"})
    assert problems(tmp_path, answers("a"), edge) == []
    assert problems(tmp_path, answers("a") | {SECRETS: ours}, edge) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({REVIEWS: {"status": {"allowed": False}}}, "environments[production].context: it may not create"),
        ({"/version": {"major": "1", "minor": "28"}}, "environments[production].context: this is Kubernetes 1.28"),
        (
            {NAMESPACES: {"items": [{"metadata": {"name": "guestbook-production", "labels": {"team": "x"}}}]}},
            "services[guestbook].name: the namespace guestbook-production exists",
        ),
        (
            {f"{NAMESPACES}/kube-system": {"metadata": {"uid": "a"}}},
            "environments[production].context: edge leads to the cluster that Argo CD runs on",
        ),
    ],
)
def test_what_is_in_the_way_there_is_named(tmp_path: Path, change: Answers, said: str) -> None:
    found = problems(tmp_path, answers("a"), answers("b") | change)
    assert found
    assert found[0].startswith(said)


def test_what_secrets_for_pulling_need_is_asked_of_a_cluster_that_is_not_registered(tmp_path: Path) -> None:
    known = answers("a") | {SECRETS: registered("edge", "https://edge.example:6443")}
    edge = answers("b") | {REVIEWS: {"status": {"allowed": False}}}
    assert problems(tmp_path, known, edge, server=None) == [], "nothing is made there"
    with platform(tmp_path, known, edge, puller="reader", server=None) as settings:
        said = preflight.cluster_problems(settings)
    assert said
    assert all(one.startswith("environments[production].context: it may not create") for one in said)


def test_what_an_environment_needs_is_asked_of_its_own_cluster_alone(tmp_path: Path) -> None:
    found = problems(tmp_path, answers("a"), answers("b") | {"/version": {"major": "1", "minor": "29"}})
    (problem,) = [one for one in found if not isinstance(one, Advice)]
    assert problem.startswith("environments[production].context: Kubernetes 1.29 does not know")
    assert problem.endswith("set `admission: off` for production")


def test_clusters_that_do_not_say_which_they_are_are_not_taken_for_one(tmp_path: Path) -> None:
    unnamed = {f"{NAMESPACES}/kube-system": None}
    assert problems(tmp_path, answers("a") | unnamed, answers("b") | unnamed) == []


def test_a_version_there_that_is_not_tested_stops_nothing(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, answers("a"), answers("b") | {"/version": {"major": "1", "minor": "99"}})
    assert isinstance(found, Advice)


def test_a_cluster_that_does_not_answer_is_named_with_its_environment(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, answers("a"), None)
    assert found.startswith("environments[production].context: edge does not answer at http://127.0.0.1:9")


@pytest.mark.parametrize(
    "known",
    [registered("edge", "https://other.example:6443"), registered("another", "https://edge.example:6443")],
)
def test_a_cluster_that_argo_cd_would_know_twice_is_named(tmp_path: Path, known: Answers) -> None:
    """Argo CD deploys nothing to a cluster whose name or address is ambiguous."""
    (found,) = problems(tmp_path, answers("a") | {SECRETS: known}, answers("b"))
    assert found.startswith("environments[production].server: Argo CD in argocd knows this cluster already")
    assert "delete secret by-hand" in found


def test_who_may_do_what_is_asked_of_the_cluster_that_an_environment_runs_on(tmp_path: Path) -> None:
    everything = {SUBJECTS: {"spec": {}, "status": {"allowed": True}}}
    with platform(tmp_path, answers("a"), answers("b") | everything) as settings:
        found = [line for line in differences(settings) if line.startswith("Kubernetes: acme:")]
    assert found
    remedy = "kubectl --context edge --namespace guestbook-production get rolebindings"
    assert all("and it is not declared" in line and remedy in line for line in found), found


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ('RoleBinding "a/guestbook-production" of', "`{} --namespace guestbook-production delete rolebinding a`"),
        ('ClusterRoleBinding "a" of', "`{} delete clusterrolebinding a`"),
        ('RoleBinding "team-view/x" of', "`argocd app sync infrastructure-production` puts it back"),
    ],
)
def test_what_gives_a_right_that_is_not_declared_is_named_with_the_command_that_takes_it_away(
    tmp_path: Path, reason: str, remedy: str
) -> None:
    status = {"allowed": True, "reason": f'RBAC: allowed by {reason} ClusterRole "edit" to Group "acme:web"'}
    with platform(tmp_path, answers("a"), answers("b") | {SUBJECTS: {"spec": {}, "status": status}}) as settings:
        found = [line for line in differences(settings) if line.startswith("Kubernetes: acme:")]
    assert found
    assert all(line.endswith(remedy.format("kubectl --context edge")) for line in found), found


def test_a_cluster_whose_rights_cannot_be_asked_about_is_named(tmp_path: Path) -> None:
    with platform(tmp_path, answers("a"), answers("b"), context=None, server=None) as settings:
        (found,) = [line for line in differences(settings) if "edge" in line]
    assert (
        found == "cluster edge: it is not asked; set environments[production].context to its context in the kubeconfig"
    )


def test_namespaces_beside_argo_cd_are_looked_at_however_their_cluster_is_named(tmp_path: Path) -> None:
    taken = answers("a", guestbook_production={"team": "others"})
    with platform(tmp_path, taken, None, cluster="in-cluster", context=None, server=None) as settings:
        (found,) = preflight.cluster_problems(settings)
    assert found.startswith("services[guestbook].name: the namespace guestbook-production exists")
