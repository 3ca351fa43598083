"""A login that cannot work is told before the first write; what a provider need not list stops nothing."""

import json
from typing import Any

import pulumi
import pytest

from components.argocd.provider import provider_problems
from components.github.preflight import Advice, Findings
from manifests.model import Settings
from slipway_release.exchange import Response
from stacks.preflight import SurroundingsError, check_surroundings
from stacks.settings import settings_of
from tests.stacks.builders import SECRETS, texts, values

ISSUER = "https://id.example.com"
SCOPES = ["openid", "profile", "email", "groups"]
CLAIMS = ["sub", "email", "groups"]


def found(answer: object = None, /, status: int = 200, **sso: Any) -> list[str]:
    """What is said of a provider that gives one answer, text as it is."""
    body = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
    asked: list[str] = []

    def exchange(method: str, url: str, _headers: Any, _body: Any) -> Response:
        asked.append(f"{method} {url}")
        return Response(status, {}, body)

    problems = list(provider_problems(_settings(**sso), exchange))
    assert asked == ["GET https://id.example.com/.well-known/openid-configuration"]
    return problems


def _settings(**sso: Any) -> Settings:
    given = {"provider": "oidc", "issuer": ISSUER, "clientId": "argocd"} | sso
    stack = values(argocd={"url": "https://argocd.example.com", "sso": given}, ssoClientSecret="hush-hush")
    return settings_of("test", texts(stack))


@pytest.mark.parametrize(
    "document",
    [
        {"scopes_supported": SCOPES, "claims_supported": CLAIMS},
        {},
        {"claims_supported": CLAIMS},
        # Dex lists the scope and not the claim.
        {"scopes_supported": SCOPES, "claims_supported": ["sub", "email"]},
        {"scopes_supported": None, "claims_supported": "all"},
    ],
)
def test_a_provider_that_offers_or_does_not_tell_is_not_in_the_way(document: dict[str, Any]) -> None:
    assert found({"issuer": ISSUER, **document}) == []


def test_an_issuer_with_a_slash_at_its_end_is_asked_at_the_address_that_argo_cd_asks() -> None:
    assert found({"issuer": f"{ISSUER}/"}, issuer=f"{ISSUER}/") == []


@pytest.mark.parametrize("named", [f"{ISSUER}/", "https://login.example.com", None, ["x"]])
def test_a_provider_of_another_name_is_refused(named: object) -> None:
    (problem,) = found({"issuer": named})
    assert not isinstance(problem, Advice)
    assert problem.startswith(f"argocd.sso.issuer: the provider there calls itself {named!r}")
    assert "its slash at the end too" in problem


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ({"error": "x"}, 404, "with 404 Not Found"),
        ("<html>", 200, "with no JSON object"),
        ([], 200, "with no JSON object"),
        ("", 200, "with no JSON object"),
    ],
)
def test_an_address_that_is_no_providers_is_refused(answer: object, status: int, said: str) -> None:
    (problem,) = found(answer, status)
    assert not isinstance(problem, Advice)
    assert said in problem
    assert "argocd.sso.issuer: " in problem


def test_a_claim_that_is_not_listed_is_told_with_its_remedy() -> None:
    (told,) = found({"issuer": ISSUER, "claims_supported": ["sub", "roles"]}, groupsClaim="teams")
    assert isinstance(told, Advice)
    assert told.startswith("argocd.sso.groupsClaim: the provider does not list 'teams' among its claims (sub, roles)")
    assert "docs/log-in.md" in told


def test_a_scope_that_is_not_listed_is_told_with_its_remedy() -> None:
    (told,) = found({"issuer": ISSUER, "scopes_supported": ["openid", "profile", "email"]})
    assert isinstance(told, Advice)
    assert "argocd.sso.scopes: the provider does not list 'groups' among its scopes (openid, profile, email)" in told
    assert "leave it out" in told


def test_a_scope_that_is_not_asked_for_brings_no_claim() -> None:
    offered = {"issuer": ISSUER, "scopes_supported": SCOPES, "claims_supported": ["sub"]}
    (told,) = found(offered, scopes=["openid", "email"])
    assert "argocd.sso.groupsClaim" in told


def test_a_scope_that_is_not_offered_brings_no_claim_either() -> None:
    told = found({"issuer": ISSUER, "scopes_supported": ["openid"], "claims_supported": ["sub"]}, scopes=["groups"])
    assert [one.partition(":")[0] for one in told] == ["argocd.sso.scopes", "argocd.sso.groupsClaim"]


def test_github_is_not_asked_for_what_a_provider_of_openid_connect_offers() -> None:
    given = values(argocd={"url": "https://a.example.com", "sso": {"clientId": "a"}}, ssoClientSecret="hush-hush")
    assert not list(provider_problems(settings_of("test", texts(given)), lambda *_: pytest.fail("it was asked")))


@pytest.mark.parametrize("error", [OSError("refused"), OSError("no route")])
def test_a_provider_that_this_machine_does_not_reach_may_be_one_that_argo_cd_reaches(
    monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    monkeypatch.setattr("components.argocd.provider._PATIENCE_SECONDS", 0)

    def exchange(*_: object) -> Response:
        raise error

    (told,) = provider_problems(_settings(), exchange)
    assert isinstance(told, Advice)
    assert str(error) in told


def test_without_a_provider_none_is_asked() -> None:
    def exchange(*_: object) -> Response:
        raise AssertionError

    assert list(provider_problems(settings_of("test", texts(values())), exchange)) == []


def test_the_program_stops_with_it_among_all_that_is_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stacks.preflight.github_findings", lambda *_args: Findings(problems=["github is bad"]))
    monkeypatch.setattr("stacks.preflight.provider_problems", lambda _settings: iter(["argocd.sso.issuer: wrong"]))
    monkeypatch.setattr("stacks.preflight._cluster_problems", lambda *_args: ["cluster is bad"])
    pulumi.runtime.set_all_config({f"slipway:{key}": values()[key] for key in SECRETS})
    with pytest.raises(SurroundingsError) as raised:
        check_surroundings(_settings())
    assert raised.value.problems == ["github is bad", "cluster is bad", "argocd.sso.issuer: wrong"]
