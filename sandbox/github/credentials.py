"""The accounts of a sandbox's GitHub: who there is, which Apps there are, and the secrets they hold.

Secrets are made once, for this machine alone, and lie in `credentials.json`, readable by its owner only. The server is
given a seed that holds tokens and public keys, no private keys.
"""

import contextlib
import json
import secrets
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError

OWNER = "acme"
ADMIN = "slipway"
READER = "acme-reader"
SEED_FILE = "seed.json"
KEY_BITS = 2048

USERS: dict[str, dict[str, Any]] = {
    ADMIN: {"name": "Platform administrator", "admin": True, "role": "admin"},
    "dana": {"name": "Dana", "admin": False, "role": "member"},
    "sam": {"name": "Sam", "admin": False, "role": "member"},
    "pat": {"name": "Pat", "admin": False, "role": "member"},
    READER: {"name": "Reader of packages", "admin": False, "role": "member", "scopes": ["read:packages"]},
}
"""Dana and Sam are of the team that owns the services, Pat is of the platform's, as the sandbox's stack file says."""

PLAN = "team"
"""The least that private repositories with rules and environments need."""

ENVIRONMENTS, PLATFORM = "environments", "platform"

SSO_CLIENT, SSO_COMMAND = "argocd", "argocd-cli"
"""What Argo CD's server and its command log people in as, as the sandbox's stack file says."""

APPS: dict[str, dict[str, Any]] = {
    "promoter": {
        "id": "101",
        "installation": "201",
        "repositories": None,
        "permissions": {
            "actions": "read",
            "contents": "write",
            "deployments": "write",
            "members": "read",
            "pull_requests": "write",
            "statuses": "write",
        },
    },
    "requester": {
        "id": "102",
        "installation": "202",
        "repositories": [ENVIRONMENTS],
        "permissions": {"statuses": "write"},
    },
    "argocd": {
        "id": "103",
        "installation": "203",
        "repositories": [ENVIRONMENTS, "guestbook"],
        "permissions": {"contents": "read", "deployments": "write", "pull_requests": "read"},
    },
}
"""As `docs/github-apps.md` has them, and no stronger. Installations name repositories that need not exist yet."""

PROPOSER = "proposer"
PROPOSER_PERMISSIONS = {"contents": "write", "pull_requests": "write"}
_ALL_APPS: dict[str, dict[str, Any]] = APPS | {
    PROPOSER: {
        "id": "104",
        "installation": "204",
        "repositories": [PLATFORM],
        "permissions": PROPOSER_PERMISSIONS,
    },
}
"""With the App of the form "new service", which no stack's settings know: it is that of `docs/platform-ci.md`."""


@dataclass(frozen=True)
class AppCredentials:
    """What an App needs to get tokens."""

    id: str
    installation_id: str
    private_key: str
    """PEM."""


@dataclass(frozen=True)
class Credentials:
    """Everything that is secret in a sandbox's GitHub."""

    github_token: str
    """Of the platform administrator."""
    users: dict[str, str]
    """Login → token."""
    apps: dict[str, AppCredentials]
    webhook_secret: str
    sso_client_secret: str

    def document(self) -> dict[str, Any]:
        """As in `credentials.json`."""
        return {
            "githubToken": self.github_token,
            "users": self.users,
            "apps": {
                slug: {"id": app.id, "installationId": app.installation_id, "privateKey": app.private_key}
                for slug, app in self.apps.items()
            },
            "webhookSecret": self.webhook_secret,
            "ssoClientSecret": self.sso_client_secret,
        }


def ensure(config: SandboxConfig) -> Credentials:
    """The credentials of this sandbox, made if there are none, with the seed for the server beside its state.

    Raises:
        SandboxError: the file cannot be read or written, or holds something else.
    """
    try:
        found = load(config.credentials) if config.credentials.exists() else _make()
        _write_private(config.credentials, found.document())
        _write_private(config.github_directory / SEED_FILE, seed(found, config.argocd_url))
    except OSError as error:
        raise SandboxError(f"{config.credentials}: {error.strerror}; the sandbox keeps its tokens there") from error
    return found


def load(path: Path) -> Credentials:
    """Reads `credentials.json`.

    Raises:
        SandboxError: it is not what `ensure` writes.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text())
        return Credentials(
            github_token=document["githubToken"],
            # An older sandbox may know fewer people and Apps.
            users={login: _token() for login in USERS} | document["users"],
            apps={slug: _app(slug, document["apps"].get(slug)) for slug in _ALL_APPS},
            webhook_secret=document["webhookSecret"],
            sso_client_secret=document.get("ssoClientSecret") or secrets.token_hex(20),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SandboxError(f"{path}: not the credentials of a sandbox; remove it and run `make up` again") from error


def seed(credentials: Credentials, argocd_url: str) -> dict[str, Any]:
    """What the server must know of the credentials, and where Argo CD is that people log in to."""
    return {
        "users": [
            {"login": login, "token": credentials.users[login]} | {key: user[key] for key in user if key != "role"}
            for login, user in USERS.items()
        ],
        "organizations": [
            {"login": OWNER, "plan": PLAN, "members": {login: user["role"] for login, user in USERS.items()}}
        ],
        "apps": [
            {
                "id": credentials.apps[slug].id,
                "slug": slug,
                "owner": OWNER,
                "public_key": public_key(credentials.apps[slug].private_key),
                "installation": {
                    "id": credentials.apps[slug].installation_id,
                    "permissions": app["permissions"],
                    "repositories": app["repositories"],
                },
            }
            for slug, app in _ALL_APPS.items()
        ],
        "clients": [
            {
                "id": SSO_CLIENT,
                "secret": credentials.sso_client_secret,
                "redirect_uris": [f"{argocd_url}/auth/callback"],
            },
            {"id": SSO_COMMAND, "redirect_uris": ["http://localhost/auth/callback"]},
        ],
    }


def public_key(private_key: str) -> str:
    """The public half of a private key of this sandbox, both in PEM."""
    # It was made here: to look whether it is one takes longer than all else.
    key = serialization.load_pem_private_key(private_key.encode(), password=None, unsafe_skip_rsa_key_validation=True)
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def _make() -> Credentials:
    users = {login: _token() for login in USERS}
    apps = {slug: _app(slug, None) for slug in _ALL_APPS}
    return Credentials(users[ADMIN], users, apps, secrets.token_hex(20), secrets.token_hex(20))


def _app(slug: str, known: dict[str, Any] | None) -> AppCredentials:
    """An App as it is known; a new one with a key of its own."""
    if known is None:
        made = _ALL_APPS[slug]
        return AppCredentials(made["id"], made["installation"], _private_key())
    return AppCredentials(known["id"], known["installationId"], known["privateKey"])


def _token() -> str:
    return "ghp_" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(36))


def _private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return pem.decode()


def _write_private(path: Path, document: dict[str, Any]) -> None:
    """Replaces a file as one step, so that a kill in the middle leaves the old one."""
    text = json.dumps(document, indent=2) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        if path.read_text() == text:
            return
    partial = path.with_name(path.name + ".new")
    partial.touch(mode=0o600)
    partial.chmod(0o600)
    partial.write_text(text)
    partial.replace(path)
