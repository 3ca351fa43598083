"""What is in the way is found before the first write, all of it, each with its remedy."""

import json
from pathlib import Path
from typing import Any

import httpx
import pulumi
import pytest

from components.argocd import preflight as cluster
from components.github.api import GitHubApi
from components.github.credentials import AppKey, Token
from components.github.preflight import APP_PERMISSIONS, github_problems
from manifests.model import Settings
from stacks.preflight import SurroundingsError, check_surroundings
from stacks.settings import settings_of
from tests.stacks.builders import changed, texts, values

OURS = "What runs where [slipway-test]"


def settings(stack: dict[str, Any] | None = None) -> Settings:
    return settings_of("test", texts(stack or values()))


def github(answers: dict[str, Any], headers: dict[str, str] | None = None) -> GitHubApi:
    """A GitHub on which everything is as it should be, but for the answers given; None is 404."""
    everything: dict[str, Any] = {
        "/orgs/acme": {"login": "acme", "plan": {"name": "enterprise"}},
        "/user/memberships/orgs/acme": {"role": "admin"},
        **{f"/users/{login}": {"login": login} for login in ("pat", "dana", "sam")},
        **answers,
    }

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET", "nothing is written"
        found = everything.get(request.url.path)
        if isinstance(found, httpx.Response):
            return found
        if found is None:
            return httpx.Response(404, json={"message": "Not Found"})
        return httpx.Response(200, json=found, headers=headers)

    naps: list[float] = []
    return GitHubApi("https://api.github.com", Token("t"), transport=httpx.MockTransport(answer), sleep=naps.append)


def problems(answers: dict[str, Any], stack: dict[str, Any] | None = None, scopes: str = "") -> list[str]:
    return github_problems(settings(stack), github(answers, {"x-oauth-scopes": scopes}), Token("t"))


def test_nothing_is_in_the_way_of_a_fresh_organisation() -> None:
    assert problems({}) == []


def test_what_is_ours_is_not_in_the_way() -> None:
    assert (
        problems({"/repos/acme/guestbook": {"description": OURS}, "/orgs/acme/teams/web": {"description": OURS}}) == []
    )


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"/orgs/acme": None}, "no organisation acme"),
        ({"/orgs/acme": None, "/users/acme": {"login": "acme"}}, "person's account"),
        ({"/orgs/acme": httpx.Response(401, json={"message": "Bad credentials"})}, "expired"),
        ({"/user/memberships/orgs/acme": {"role": "member"}}, "no owner of acme"),
        ({"/repos/acme/guestbook": {"description": "old"}}, "pulumi import github:index/repository:Repository"),
        ({"/repos/acme/environments": {"description": None}}, "acme/environments"),
        ({"/repos/acme/guestbook": {"description": OURS, "archived": True}}, "unarchive"),
        ({"/orgs/acme/teams/web": {"description": ""}}, "existing: true"),
        ({"/users/dana": None}, "no account dana"),
        ({"/orgs/acme": {"plan": {"name": "team"}}}, "environments[production].approvers"),
        ({"/orgs/acme": {"plan": {"name": "free"}}}, "github.visibility"),
    ],
)
def test_what_is_in_the_way_is_named_with_the_remedy(answers: dict[str, Any], said: str) -> None:
    assert any(said in problem for problem in problems(answers)), problems(answers)


def test_everything_is_reported_at_once() -> None:
    answers = {"/repos/acme/guestbook": {"description": "old"}, "/users/dana": None, "/orgs/acme/teams/web": {}}
    assert len(problems(answers)) == 3


def test_a_classic_token_must_have_its_scopes() -> None:
    assert "admin:org" in problems({}, scopes="repo, workflow")[0]
    assert not problems({}, scopes="repo, workflow, admin:org")


def test_a_team_that_exists_elsewhere_must_exist() -> None:
    stack = changed("teams.1", {"name": "web", "existing": True})
    assert "no such team" in problems({}, stack)[0]
    assert not problems({"/orgs/acme/teams/web": {"description": "theirs"}}, stack)


def test_an_app_must_have_its_permissions() -> None:
    stack = changed("github.app", {"id": "1", "installationId": "2"}) | {"githubAppPrivateKey": "key"}
    del stack["githubToken"]
    key = AppKey("1", "2", "key", permissions=dict.fromkeys(APP_PERMISSIONS, "write") | {"workflows": "read"})
    assert github_problems(settings(stack), github({}), key) == [
        "github.app: it lacks the permission to write workflows; grant them on the App's page"
    ]


class Cluster:
    """A cluster that answers; `labels` are those of its namespaces."""

    def __init__(self, labels: dict[str, dict[str, str]], *, allowed: bool = True, crds_of: str | None = None) -> None:
        self.answers: dict[str, Any] = {
            "/api/v1/namespaces": {
                "items": [{"metadata": {"name": name, "labels": given}} for name, given in labels.items()]
            },
            cluster._REVIEWS: {"status": {"allowed": allowed}},
        }
        if crds_of is not None:
            annotations = {"meta.helm.sh/release-namespace": crds_of} if crds_of else {}
            self.answers[cluster._APPLICATION_KIND] = {"metadata": {"annotations": annotations}}

    def param_serialize(self, **request: Any) -> tuple[str]:
        return (request["resource_path"],)

    def call_api(self, path: str, **_options: Any) -> Any:
        found = path in self.answers
        content = json.dumps(self.answers.get(path)).encode()
        status, reason = (200, "OK") if found else (404, "Not Found")
        return type("Answer", (), {"status": status, "reason": reason, "read": lambda _self: content})()


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Cluster({"default": {}}), None),
        (Cluster({"argocd": {cluster.MANAGED_BY: "slipway-test"}}, crds_of="argocd"), None),
        (Cluster({"argocd": {}}), "argocd.namespace"),
        (Cluster({"guestbook-dev": {"team": "x"}}), "services[guestbook].name: the namespace guestbook-dev"),
        (Cluster({}, allowed=False), "cluster administrator"),
        (Cluster({}, crds_of="gitops"), "the Argo CD in gitops"),
        (Cluster({}, crds_of=""), "somebody else"),
    ],
)
def test_foreign_things_in_the_cluster_are_found(found: Cluster, said: str | None) -> None:
    checks = (cluster._missing_rights(found), cluster._foreign_namespaces(settings(), found))
    said_of = [*checks[0], *checks[1], *cluster._foreign_kinds(settings(), found)]
    assert any(said in problem for problem in said_of) if said else not said_of, said_of


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


def test_a_cluster_that_does_not_answer_is_named(tmp_path: Path) -> None:
    stack = values(cluster=kubeconfig(tmp_path, "http://127.0.0.1:9"))
    (problem,) = cluster.cluster_problems(settings(stack))
    assert "does not answer at http://127.0.0.1:9" in problem


def test_an_unknown_context_is_named(tmp_path: Path) -> None:
    stack = values(cluster=kubeconfig(tmp_path, "http://127.0.0.1:9") | {"context": "there"})
    assert "cluster.context: there" in cluster.cluster_problems(settings(stack))[0]


def test_a_missing_kubeconfig_is_named() -> None:
    stack = values(cluster={"kubeconfig": "/nowhere/config", "context": "x"})
    assert cluster.cluster_problems(settings(stack)) == ["cluster.kubeconfig: there is no file /nowhere/config"]


@pytest.mark.parametrize("content", ["[", "5", "", "\ufffd: [", "clusters: 5"])
def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(content)
    (problem,) = cluster.cluster_problems(settings(values(cluster={"kubeconfig": str(path), "context": "x"})))
    assert problem.startswith("cluster.")
    assert str(path) in problem
    assert "\n" not in problem


def test_what_answers_but_is_no_github_is_named() -> None:
    (problem,) = problems({"/orgs/acme": httpx.Response(200, text="<html>welcome</html>")})
    assert "github.baseUrl" in problem


@pytest.mark.parametrize("credentials", [Token("t"), AppKey("1", "2", "no key")])
def test_a_github_that_cannot_be_asked_is_named_with_the_remedy(credentials: Token | AppKey) -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)

    api = GitHubApi("http://ghe.example:3999", credentials, transport=httpx.MockTransport(silent), deadline_seconds=0)
    (problem,) = github_problems(settings(), api, credentials)
    assert "private key" in problem if isinstance(credentials, AppKey) else "ghe.example:3999" in problem


def test_the_program_stops_with_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stacks.preflight.github_problems", lambda *_args: ["github is bad"])
    pulumi.runtime.set_all_config({"slipway:githubToken": "t"})
    stack = values(cluster={"kubeconfig": "/nowhere/config", "context": "x"})
    with pytest.raises(SurroundingsError) as raised:
        check_surroundings(settings(stack))
    assert isinstance(raised.value, pulumi.RunError)
    assert [problem.split(":")[0] for problem in raised.value.problems] == ["github is bad", "cluster.kubeconfig"]


def test_an_owner_of_the_environment_would_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stacks.preflight.github_problems", lambda *_args: [])
    monkeypatch.setenv("GITHUB_OWNER", "somebody")
    pulumi.runtime.set_all_config({"slipway:githubToken": "t"})
    stack = values(cluster={"kubeconfig": "/nowhere/config", "context": "x"})
    with pytest.raises(SurroundingsError, match="GITHUB_OWNER"):
        check_surroundings(settings(stack))


def test_it_can_be_left_out() -> None:
    pulumi.runtime.set_all_config({"slipway:preflight": "false"})
    check_surroundings(settings())


@pytest.mark.parametrize("token", ["ghp_x\ry", "ghp_x y", "ghp_x\u00fc", "ghp_x\0"])
def test_a_token_that_no_header_takes_is_refused_at_once_and_never_shown(token: str) -> None:
    naps: list[float] = []
    api = GitHubApi("http://127.0.0.1:9", Token(token), sleep=naps.append)
    with pytest.raises(pulumi.RunError) as raised:
        api.get("/user")
    assert not naps, "asking again would change nothing"
    assert "ghp_x" not in str(raised.value)
    assert "copy it again" in str(raised.value)
