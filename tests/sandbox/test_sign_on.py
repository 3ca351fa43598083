"""People log in to Argo CD by the provider, do what they may and get no further; `admin` comes by breaking glass."""

import contextlib
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import jwt
import kubernetes.client
import pytest

from manifests.argocd.rbac import BUILT_IN, rbac_values
from sandbox.errors import SandboxError
from sandbox.github.credentials import READER, SSO_CLIENT
from sandbox.github.identity.tokens import Signer
from sandbox.overlay import STACK
from sandbox.rehearsal import Rehearsal
from sandbox.sign_on import authorize, logged_in
from stacks.access import stack_settings
from tests.docs.documented import documented, documented_block
from tests.sandbox.conftest import Sandbox
from tests.sandbox.places import here

OF_THE_SERVICE = ("dana", "sam")
PLATFORM = "pat"
PRODUCTION = "guestbook-production"
OWN = f"/api/v1/applications/{PRODUCTION}"
INFRASTRUCTURE = "/api/v1/applications/infrastructure-production"
SYNC = {"dryRun": True}
DEPLOYMENT = {
    "namespace": "guestbook-production", "resourceName": "guestbook",
    "group": "apps", "version": "v1", "kind": "Deployment",
}  # fmt: skip
PROJECT = {"name": "production"}
ANOTHER = {"metadata": {"name": "tried"}, "spec": {"project": "production"}}
CHANGES = {
    "sync another revision", "sync own files", "change", "delete", "restart", "delete an object", "make another one",
    "change the project", "shell",
}  # fmt: skip
"""What no team may."""


@pytest.fixture(scope="module")
def people(sandbox: Sandbox) -> Iterator[dict[str, httpx.Client]]:
    """Clients of Argo CD's API, by the person who has logged in."""
    with contextlib.ExitStack() as open_ones:
        yield {
            user: open_ones.enter_context(logged_in(sandbox.config, user))
            for user in (*OF_THE_SERVICE, PLATFORM, READER)
        }


def seen(client: httpx.Client) -> set[str]:
    return {found["metadata"]["name"] for found in client.get("/api/v1/applications").json()["items"] or []}


def refused(client: httpx.Client) -> set[str]:
    """What Argo CD does not let somebody do; another sync at the same moment is not a refusal."""
    tried = {
        "look": client.get(OWN),
        "logs": client.get(f"{OWN}/logs", params={"follow": "false"}),
        "sync": client.post(f"{OWN}/sync", json=SYNC),
        "sync another revision": client.post(f"{OWN}/sync", json={**SYNC, "revision": "0" * 40}),
        "change": client.patch(OWN, json={"name": "guestbook-production", "patch": "{}", "patchType": "merge"}),
        "delete": client.request("DELETE", OWN, json={}),
        "logs of the platform": client.get(f"{INFRASTRUCTURE}/logs", params={"follow": "false"}),
        "sync the platform": client.post(f"{INFRASTRUCTURE}/sync", json=SYNC),
        "sync own files": client.post(f"{OWN}/sync", json={**SYNC, "manifests": ["{}"]}),
        "restart": client.post(f"{OWN}/resource/actions/v2", json={**DEPLOYMENT, "action": "restart"}),
        "delete an object": client.request("DELETE", f"{OWN}/resource", params=DEPLOYMENT, json={}),
        "make another one": client.post("/api/v1/applications", json=ANOTHER),
        "change the project": client.put("/api/v1/projects/production", json={"project": {"metadata": PROJECT}}),
        "shell": client.get("/terminal", params={"appName": "guestbook-production", "projectName": "production"}),
    }
    return {name for name, answer in tried.items() if answer.status_code in (403, 404)}


@pytest.mark.parametrize("user", OF_THE_SERVICE)
def test_the_team_of_a_service_syncs_it_and_gets_no_further(people: dict[str, httpx.Client], user: str) -> None:
    others = {"logs of the platform", "sync the platform"}
    assert refused(people[user]) == CHANGES | others


@pytest.mark.parametrize("user", OF_THE_SERVICE)
def test_who_syncs_by_a_list_of_revisions_gets_the_followed_one(people: dict[str, httpx.Client], user: str) -> None:
    """The list is for Applications of several sources, and asks for no right of its own."""
    wanted = {**SYNC, "revisions": ["0" * 40], "sourcePositions": [1]}
    answer = people[user].post(f"{OWN}/sync", json=wanted)
    assert "0" * 40 not in answer.json().get("operation", {}).get("sync", {}).get("revision", "")


def test_a_person_of_no_group_sees_nothing(people: dict[str, httpx.Client]) -> None:
    assert seen(people[READER]) == set()
    assert {"look", "logs", "sync"} | CHANGES < refused(people[READER])


def test_the_platforms_team_administers(people: dict[str, httpx.Client]) -> None:
    told: dict[str, Any] = people[PLATFORM].get("/api/v1/session/userinfo").json()
    assert (told["loggedIn"], told["groups"]) == (True, ["Acme Platform"])
    assert people[PLATFORM].get(f"{INFRASTRUCTURE}/logs", params={"follow": "false"}).status_code == 200
    assert people[PLATFORM].post(f"{INFRASTRUCTURE}/sync", json=SYNC).status_code != 403
    assert {f"guestbook-{name}" for name in ("dev", "staging", "production")} <= seen(people[PLATFORM])


def test_a_person_whose_provider_sends_no_groups_is_let_in_and_sees_nothing(sandbox: Sandbox) -> None:
    """As docs/log-in.md says; `argocd account get-user-info` shows what is told here."""
    with bearer(sandbox, signed(sandbox, groups=None)) as client:
        told: dict[str, Any] = client.get("/api/v1/session/userinfo").json()
        assert (told["loggedIn"], told.get("groups")) == (True, None)
        assert (seen(client), client.get(OWN).status_code) == (set(), 403)


@pytest.mark.parametrize("group", ["Acme Web", "acme web", "ACME WEB"])
def test_a_group_counts_in_whatever_case_the_provider_writes_it(sandbox: Sandbox, group: str) -> None:
    with bearer(sandbox, signed(sandbox, groups=[group])) as client:
        assert "guestbook-production" in seen(client)


@pytest.mark.parametrize("group", ["admin", "role:admin", "role:readonly", "role:team-platform", "proj:production:any"])
def test_a_group_that_is_called_like_something_of_argo_cd_s_has_no_rights(sandbox: Sandbox, group: str) -> None:
    """And takes none away from another group of the same person."""
    with bearer(sandbox, signed(sandbox, sub="kim", groups=[group])) as client:
        assert (seen(client), client.get(OWN).status_code) == (set(), 403)
        assert client.get("/api/v1/clusters").json()["items"] is None
    with bearer(sandbox, signed(sandbox, sub="kim", groups=[group, "Acme Web"])) as client:
        assert "guestbook-production" in seen(client)


@pytest.mark.parametrize("account", ["admin", "role:admin"])
def test_an_account_that_is_called_like_argo_cd_s_administrator_has_no_rights(sandbox: Sandbox, account: str) -> None:
    with bearer(sandbox, signed(sandbox, sub=account, groups=None)) as client:
        assert (seen(client), client.get(OWN).status_code) == (set(), 403)


@pytest.mark.parametrize(
    "claims",
    # Kim has no session here: with one, Argo CD renews an expired token of the same person.
    [{"aud": "another"}, {"sub": "kim", "exp": 1_700_000_000}, {"iss": "https://id.example.com"}],
    ids=str,
)
def test_a_token_for_something_else_is_refused(sandbox: Sandbox, claims: dict[str, Any]) -> None:
    with bearer(sandbox, signed(sandbox, **claims)) as client:
        assert client.get("/api/v1/applications").status_code == 401


@pytest.mark.parametrize("more", [{}, {"exp": 1_700_000_000}], ids=("valid", "expired"))
def test_a_token_that_the_provider_has_not_signed_is_refused(
    sandbox: Sandbox, tmp_path: Path, people: dict[str, httpx.Client], more: dict[str, Any]
) -> None:
    """An expired one is refused too, although dana is logged in and could renew it."""
    assert people["dana"]
    claims = jwt.decode(signed(sandbox), options={"verify_signature": False}) | more
    for token in (jwt.encode(claims, "", algorithm="none"), Signer(tmp_path).sign(claims)):
        with bearer(sandbox, token) as client:
            assert client.get("/api/v1/applications").status_code == 401


def test_the_command_logs_in_too(sandbox: Sandbox, rehearsal: Rehearsal, tmp_path: Path) -> None:
    """As `docs/log-in.md` has it; the browser is this test."""
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    login = here(documented(".sandbox/bin/argocd login"), sandbox.config)
    sync = here(documented(".sandbox/bin/argocd app sync"), sandbox.config)
    with (
        subprocess.Popen(shlex.split(login), env=environment, text=True, stdout=-1, stderr=subprocess.STDOUT) as ran,
        httpx.Client(transport=httpx.HTTPTransport(retries=5), timeout=60, trust_env=False) as browser,
    ):
        assert ran.stdout is not None
        # The line comes once the command listens; the same address was printed before.
        address = next(found[1] for line in ran.stdout if (found := re.search(r"browser: (http\S+)", line)))
        browser.get(authorize(browser, address, "dana").headers["location"])
        # All of it is read: the command may still write, and would be ended by a closed pipe.
        said, _ = ran.communicate(timeout=120)
    assert ran.returncode == 0, said
    # What others of these tests have asked for: while one sync is under way, Argo CD refuses another.
    rehearsal.wait("an end of other syncs", lambda: not is_syncing(rehearsal.application(PRODUCTION)))
    info = f"{sandbox.config.commands}/{documented('argocd account get-user-info')} --grpc-web"
    for command, said in ((info, "Groups: Acme Web"), (sync, "Phase: ")):
        told = subprocess.run(shlex.split(command), env=environment, capture_output=True, text=True, check=False)
        assert said in told.stdout, told


def is_syncing(application: dict[str, Any]) -> bool:
    phase = application.get("status", {}).get("operationState", {}).get("phase")
    return "operation" in application or phase in {"Running", "Terminating"}


def test_admin_is_off_and_comes_back_by_breaking_glass(sandbox: Sandbox, rehearsal: Rehearsal) -> None:
    """With the commands of `docs/log-in.md`, there and back."""
    broken = documented_block("docs/log-in.md", "Break glass", 0)
    mended = documented_block("docs/log-in.md", "Break glass", 1)

    def answer(account: dict[str, str]) -> int:
        # A new connection each time: the pod behind an old one may be ending.
        return httpx.post(f"{sandbox.config.argocd_url}/api/v1/session", json=account, trust_env=False).status_code

    def administers() -> bool:
        with httpx.Client(base_url=sandbox.config.argocd_url, timeout=30, trust_env=False) as client:
            token = client.post("/api/v1/session", json=account).json().get("token", "")
            client.headers["Authorization"] = f"Bearer {token}"
            return client.post(f"{OWN}/sync", json=SYNC).status_code not in {401, 403}

    # Argo CD's server takes up a moment later what kubectl has written.
    try:
        account = {"username": "admin", "password": sandbox.types("\n".join(broken)).splitlines()[-1]}
        rehearsal.wait("admin logged in", lambda: answer(account) == 200)
        rehearsal.wait("admin with its rights", administers)
    finally:
        sandbox.types("\n".join(mended))
    rehearsal.wait("admin refused", lambda: answer(account) != 200)
    core = cast(Any, kubernetes.client).CoreV1Api(rehearsal.kubernetes)
    kept = core.read_namespaced_config_map("argocd-rbac-cm", "argocd").data
    stack = stack_settings(sandbox.config.pulumi_directory / "project" / "stacks" / f"Pulumi.{STACK}.yaml")
    assert kept[BUILT_IN] == rbac_values(stack)[BUILT_IN]


def test_somebody_whom_the_provider_does_not_know_does_not_get_in(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="access_denied"), logged_in(sandbox.config, "mallory"):
        pass


def signed(sandbox: Sandbox, **claims: Any) -> str:
    """A token as the provider gives it to dana, or with some claims of one's own."""
    issuer = sandbox.config.issuer_url
    given = {"iss": issuer, "aud": SSO_CLIENT, "sub": "dana", "groups": ["Acme Web"]}
    told = {name: value for name, value in (given | claims).items() if value is not None}
    return Signer(sandbox.config.github_directory).sign(told)


def bearer(sandbox: Sandbox, token: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=sandbox.config.argocd_url, headers=headers, timeout=30, trust_env=False)
