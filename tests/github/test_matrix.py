"""Plan by visibility by credential: what a plan carries comes up, and what it does not is refused before a write.

The program declares a small platform; each resource of GitHub goes through the plugin's own code to the model.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.runtime.mocks import MockResourceArgs

from components.github.api import GitHubApi
from components.github.apps import OPERATOR, ROLES
from components.github.credentials import AppKey, Token
from components.github.files_provider import FilesProvider
from components.github.preflight import github_findings
from components.github.release_branch_provider import ReleaseBranchProvider
from components.platform import Platform, PlatformArgs
from components.providers import platform_providers
from manifests.model import Settings
from sandbox.github import seed
from sandbox.github_plugin import checking, lifecycle
from sandbox.github_plugin.client import GitHub
from sandbox.github_plugin.kinds import KINDS
from sandbox.github_plugin.settings import settings as plugin_settings
from sandbox.github_plugin.wire import decoded, encoded
from stacks.settings import settings_of
from tests.github.conftest import Hub
from tests.github.platform_secrets import platform_secrets
from tests.keys import pem, rsa_key
from tests.recorder import Answers, plain, record
from tests.stacks.builders import texts, values

pytestmark = pytest.mark.parts

IDS = {role.name: (str(number), str(number + 100)) for number, role in enumerate((OPERATOR, *ROLES), start=9001)}
DYNAMIC = {"CommittedFiles": FilesProvider, "ReleaseBranch": ReleaseBranchProvider}
PROVIDERS = ("pulumi:providers:github", "pulumi:providers:pulumi-python")
REFUSED = {
    ("free", "private"): {"github.visibility", "environments[production].approvers"},
    ("free", "internal"): {"github.visibility", "environments[production].approvers"},
    ("team", "private"): {"environments[production].approvers"},
    ("team", "internal"): {"github.visibility", "environments[production].approvers"},
}
"""What the preflight names of a platform with approvers; the other combinations carry all of it."""


class Applied(Answers):
    """Answers by making it so: what is of GitHub is created on the model, what is of the cluster is only recorded."""

    def __init__(self, settings: Settings) -> None:
        self._settings: Settings = settings
        self.created: list[str] = []

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs: dict[str, Any] = decoded(encoded(plain(args.inputs)))
        kind = args.typ.rpartition(":")[2]
        if args.typ == PROVIDERS[0]:
            self._github = GitHub(plugin_settings(inputs))
        elif args.typ == PROVIDERS[1]:
            self._access = ConfigureRequest(Config(inputs, "slipway"))
        elif args.typ in KINDS:
            checked, wrong = checking.check(KINDS[args.typ], inputs, args.name)
            assert not wrong, wrong
            made = lifecycle.create(self._github, KINDS[args.typ], checked)
            self.created.append(args.typ)
            return made.id, made.state
        elif kind in DYNAMIC:
            provider = DYNAMIC[kind]()
            provider.configure(self._access)
            written = provider.create(inputs)
            return str(written.id), {**inputs, **(written.outs or {})}
        return super().new_resource(args)


@dataclass
class Case:
    """One platform in an organisation of its own."""

    hub: Hub
    owner: str
    as_app: bool
    visibility: str
    approvers: bool

    def settings(self) -> Settings:
        ids = {role.name: {"id": IDS[role.name][0], "installationId": IDS[role.name][1]} for role in ROLES}
        acting = {"app": {"id": IDS["app"][0], "installationId": IDS["app"][1]}} if self.as_app else {}
        stack = values(
            teams=[{"name": "web", "members": [{"login": "alice"}]}],
            environments=[
                {"name": "dev"},
                {"name": "production", "sync": "manual", "approvers": ["web"] if self.approvers else []},
            ],
            services=[{"name": "clock", "template": "python-web", "team": "web"}],
            argocd={},
            githubToken=None if self.as_app else self.hub.secrets.github_token,
            **({"githubAppPrivateKey": pem("app")} if self.as_app else {}),
        )
        stack["github"] = {
            "owner": self.owner,
            "baseUrl": self.hub.url,
            "visibility": self.visibility,
            "writeDelayMilliseconds": 0,
            "ownedFiles": "commit",
            **ids,
            **acting,
        }
        return settings_of("test", texts(stack))

    def problems(self) -> list[str]:
        settings = self.settings()
        credentials = AppKey(*IDS["app"], pem("app")) if self.as_app else Token(self.hub.secrets.github_token)
        keys = {role.secret: pem(role.name) for role in (OPERATOR, *ROLES)}
        return github_findings(settings, GitHubApi(settings.github.api_url, credentials), keys).problems

    def up(self) -> list[str]:
        """Brings it up; the kinds that were created."""
        settings = self.settings()
        applied = Applied(settings)

        def program() -> None:
            import pulumi  # noqa: PLC0415

            acting = {"app_key": pem("app")} if self.as_app else {"token": self.hub.secrets.github_token}
            secrets = platform_secrets(**acting)
            options = pulumi.ResourceOptions(providers=platform_providers(settings, secrets))
            parts: PlatformArgs = {
                "settings": settings, "secrets": secrets, "invited": {}, "leaving": {}, "clusters": {},
                "registering": {}, "commit": "",
            }  # fmt: skip
            Platform("test", parts, options)

        record(program, answers=applied)
        return applied.created


def public(name: str) -> str:
    return (
        rsa_key(name)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@pytest.fixture
def case(hub: Hub, request: pytest.FixtureRequest) -> Case:
    plan, visibility, credential, approvers = request.param
    owner = f"matrix-{plan}-{visibility}-{credential}-{int(approvers)}"
    found_organization(hub, owner, plan)
    return Case(hub, owner, credential == "app", visibility, approvers)


def found_organization(hub: Hub, owner: str, plan: str) -> None:
    """An organisation on a plan, with the hub's people and the Apps of a platform."""
    with hub.admin as admin:
        login = admin.get("/user").json()["login"]
    organization = {"login": owner, "members": {login: "admin", **dict.fromkeys(hub.people, "member")}}
    apps = [
        {
            "id": int(IDS[role.name][0]),
            "slug": f"matrix-{role.name}",
            "owner": owner,
            "public_key": public(role.name),
            "installation": {"id": int(IDS[role.name][1]), "permissions": role.permissions, "repositories": None},
        }
        for role in (OPERATOR, *ROLES)
    ]
    seed.apply(hub.forge, {"organizations": [organization], "apps": apps})
    with hub.admin as admin:
        admin.put(f"{hub.url}/_sandbox/organizations/{owner}/plan", json={"plan": plan}).raise_for_status()


PLANS, VISIBILITIES, CREDENTIALS = ("free", "team", "enterprise"), ("private", "internal", "public"), ("token", "app")
ALL = list(itertools.product(PLANS, VISIBILITIES, CREDENTIALS))


def named(case: tuple[Any, ...]) -> str:
    return "-".join(str(part) for part in case[:3])


@pytest.mark.parametrize(
    "case",
    [(*one, True) for one in ALL if one[:2] not in REFUSED]
    + [(*one, False) for one in ALL if one[:2] == ("team", "private")],
    ids=named,
    indirect=True,
)
def test_what_a_plan_carries_comes_up(case: Case) -> None:
    assert case.problems() == []
    created = case.up()
    assert {kind.rpartition(":")[2] for kind in created} >= {
        "Repository",
        "RepositoryRuleset",
        "RepositoryEnvironment",
        "ActionsEnvironmentSecret",
        "TeamMembers",
    }
    with case.hub.admin as admin:
        repositories: list[dict[str, Any]] = admin.get(f"/orgs/{case.owner}/repos").json()
    assert {one["name"]: one["visibility"] for one in repositories} == dict.fromkeys(
        ("environments", "clock"), case.visibility
    )


@pytest.mark.parametrize("case", [(*one, True) for one in ALL if one[:2] in REFUSED], ids=named, indirect=True)
def test_what_a_plan_does_not_carry_is_refused_before_a_write_and_would_not_have_come_up(
    case: Case, request: pytest.FixtureRequest
) -> None:
    plan = request.node.callspec.params["case"][0]
    problems = case.problems()
    assert {problem.partition(":")[0] for problem in problems} == REFUSED[plan, case.visibility]
    assert all(";" in problem for problem in problems), "each with its remedy"
    with case.hub.admin as admin:
        assert admin.get(f"/orgs/{case.owner}/repos").json() == []
        assert admin.get(f"/orgs/{case.owner}/teams").json() == []
    # The model refuses it as GitHub does, or the preflight would refuse what works.
    with pytest.raises(Exception, match=r"40[34]|422|not available|Upgrade|Not Found|visibility"):
        case.up()
