"""The provider of OpenID Connect: who logs in to what, and every login that is refused."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
import pytest

from components.argocd.provider import provider_problems
from sandbox.github import seed
from sandbox.github.core.store import Document
from sandbox.github.credentials import SSO_CLIENT, SSO_COMMAND
from sandbox.github.identity import grants, people
from sandbox.github.identity.clients import Client, Clients
from sandbox.github.identity.provider import PATH
from stacks.settings import settings_of
from tests.github.conftest import Hub
from tests.stacks.builders import texts, values

CALLBACK = "https://argocd.example.com/auth/callback"
PERSON = "erin"
"""In no team but those of these tests."""
VERIFIER = "something that only this client knows"
ASKED = {
    "response_type": "code",
    "client_id": SSO_CLIENT,
    "redirect_uri": CALLBACK,
    "scope": "openid profile email groups offline_access",
    "state": "known",
    "nonce": "once",
    "code_challenge": grants.challenge(VERIFIER),
    "code_challenge_method": "S256",
}


class Login:
    """One client, one browser."""

    def __init__(self, hub: Hub, http: httpx.Client) -> None:
        self.hub, self.http = hub, http

    def authorize(self, login: str = PERSON, **changed: str) -> httpx.Response:
        asked = urlencode({key: value for key, value in (ASKED | changed).items() if value})
        return self.http.post(f"/authorize?{asked}", data={"login": login})

    def code(self, login: str = PERSON, **changed: str) -> str:
        answer = self.authorize(login, **changed)
        back = parse_qs(urlsplit(answer.headers["location"]).query)
        assert back["state"] == ["known"]
        return back["code"][0]

    def token(self, *, secret: str | None = None, **form: str) -> httpx.Response:
        given = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER} | form
        return self.http.post("/token", data=given, auth=(SSO_CLIENT, secret or "hush"))

    def claims(self, token: str, audience: str = SSO_CLIENT) -> dict[str, Any]:
        (key,) = self.http.get("/keys").json()["keys"]
        assert jwt.get_unverified_header(token)["kid"] == key["kid"]
        issuer = self.http.get("/.well-known/openid-configuration").json()["issuer"]
        return jwt.decode(token, jwt.PyJWK(key), algorithms=["RS256"], audience=audience, issuer=issuer)


@pytest.fixture
def login(hub: Hub) -> Iterator[Login]:
    Clients(hub.forge.store).register(Client(SSO_CLIENT, (CALLBACK,), "hush"))
    seed.apply(
        hub.forge, {"users": [{"login": PERSON}], "organizations": [{"login": "acme", "members": {PERSON: "member"}}]}
    )
    with httpx.Client(base_url=f"{hub.url}{PATH}", timeout=60) as http:
        yield Login(hub, http)


@pytest.fixture
def team(hub: Hub) -> Iterator[Callable[[str], None]]:
    """Adds somebody to the team `Shop`, for this test."""
    made: Document = hub.admin.post("/orgs/acme/teams", json={"name": "Shop"}).json()

    def add(person: str) -> None:
        hub.admin.put(f"/orgs/acme/teams/{made['slug']}/memberships/{person}", json={"role": "member"})

    yield add
    hub.admin.delete(f"/orgs/acme/teams/{made['slug']}")


def test_a_login_says_who_it_is_and_in_which_groups(login: Login, team: Callable[[str], None]) -> None:
    team(PERSON)
    answer = login.token(code=login.code()).json()
    claims = login.claims(answer["id_token"])
    assert (claims["sub"], claims["groups"], claims["nonce"]) == (PERSON, ["Acme Shop"], "once")
    told = login.http.get("/userinfo", headers={"Authorization": f"Bearer {answer['access_token']}"}).json()
    assert told["groups"] == ["Acme Shop"]


def test_the_page_offers_everybody_by_name(login: Login, hub: Hub) -> None:
    page = login.http.get("/authorize", params=ASKED).text
    assert [person.login for person in people.people(hub.forge) if f'value="{person.login}"' not in page] == []


def test_a_refresh_gives_the_groups_of_now_and_each_token_counts_once(
    login: Login, team: Callable[[str], None]
) -> None:
    first = login.token(code=login.code()).json()
    assert login.claims(first["id_token"])["groups"] == []
    team(PERSON)
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    assert login.claims(login.token(**again).json()["id_token"])["groups"] == ["Acme Shop"]
    assert login.token(**again).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "groups"}, "invalid_scope"),
        ({"scope": "openid everything"}, "invalid_scope"),
    ],
)
def test_a_login_that_is_asked_for_wrongly_gives_no_code(login: Login, changed: dict[str, str], error: str) -> None:
    back = parse_qs(urlsplit(login.authorize(**changed).headers["location"]).query)
    assert (back["error"], "code" in back) == ([error], False)


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "another"},
        {"redirect_uri": "https://elsewhere.example.com/auth/callback"},
        {"redirect_uri": f"{CALLBACK}/../elsewhere"},
        {"redirect_uri": "http://localhost:8085/auth/callback"},
    ],
)
def test_the_browser_is_sent_nowhere_but_to_the_client(login: Login, changed: dict[str, str]) -> None:
    answer = login.authorize(**changed)
    assert (answer.status_code, "location" in answer.headers) == (400, False)


def test_somebody_unknown_does_not_come_in(login: Login) -> None:
    assert "error=access_denied" in login.authorize("nobody-here").headers["location"]


@pytest.mark.parametrize(
    ("form", "secret", "error"),
    [
        ({"code_verifier": "guessed"}, None, "invalid_grant"),
        ({"redirect_uri": "https://elsewhere.example.com/"}, None, "invalid_grant"),
        ({"code": "guessed"}, None, "invalid_grant"),
        ({}, "guessed", "invalid_client"),
        ({"grant_type": "password"}, None, "unsupported_grant_type"),
    ],
)
def test_a_code_is_worth_nothing_to_somebody_else(
    login: Login, form: dict[str, str], secret: str | None, error: str
) -> None:
    given = {"code": login.code()} | form
    assert login.token(secret=secret, **given).json() == {"error": error}


def test_a_code_counts_once(login: Login) -> None:
    code = login.code()
    assert [login.token(code=code).status_code for _ in range(2)] == [200, 400]


def test_a_command_on_somebodys_machine_needs_no_secret_and_chooses_its_port(login: Login) -> None:
    callback = "http://localhost:45678/auth/callback"
    code = login.code(client_id=SSO_COMMAND, redirect_uri=callback)
    form = {"grant_type": "authorization_code", "client_id": SSO_COMMAND, "code": code, "redirect_uri": callback}
    answer = login.http.post("/token", data=form | {"code_verifier": VERIFIER})
    assert login.claims(answer.json()["id_token"], SSO_COMMAND)["sub"] == PERSON


def test_a_code_of_one_client_is_refused_to_another(login: Login) -> None:
    form = {"grant_type": "authorization_code", "client_id": SSO_COMMAND, "code": login.code()}
    answer = login.http.post("/token", data=form | {"redirect_uri": CALLBACK, "code_verifier": VERIFIER})
    assert answer.json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    ("sso", "said"), [({}, []), ({"groupsClaim": "teams"}, ["groupsClaim"]), ({"slash": "/"}, ["issuer"])]
)
def test_the_preflight_finds_this_provider_as_it_should_be(hub: Hub, sso: dict[str, str], said: list[str]) -> None:
    given = {"provider": "oidc", "issuer": f"{hub.url}{PATH}{sso.pop('slash', '')}", "clientId": SSO_CLIENT, **sso}
    stack = values(argocd={"url": "https://argocd.example.com", "sso": given}, ssoClientSecret="hush-hush")
    found = provider_problems(settings_of("test", texts(stack)))
    assert [problem.split(":")[0].removeprefix("argocd.sso.") for problem in found] == said
