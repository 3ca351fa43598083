"""A running GitHub with Actions."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.github.credentials import PROPOSER_PERMISSIONS
from tests.github_actions.server import ADMIN, ALICE, BOB, DEPENDABOT, OUTSIDER, GitHub, find_act
from tests.ports import free_port


def _seed(public_key: str) -> dict[str, Any]:
    return {
        "users": [
            {"login": "slipway", "admin": True, "token": ADMIN},
            {"login": "alice", "token": ALICE},
            {"login": "bob", "token": BOB},
            {"login": "dependabot[bot]", "token": DEPENDABOT},
            {"login": "outsider", "token": OUTSIDER},
        ],
        "organizations": [
            {
                "login": "acme",
                "members": {"slipway": "admin", "alice": "admin", "bob": "admin", "dependabot[bot]": "admin"},
            }
        ],
        "apps": [
            {
                "id": 11,
                "slug": "promoter",
                "owner": "acme",
                "public_key": public_key,
                "installation": {"id": 12, "permissions": {"contents": "write"}, "repositories": None},
            },
            {
                "id": 13,
                "slug": "proposer",
                "owner": "acme",
                "public_key": public_key,
                "installation": {"id": 14, "permissions": PROPOSER_PERMISSIONS, "repositories": ["platform"]},
            },
        ],
    }


@pytest.fixture(scope="session")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHub]:
    """A server with the organisation `acme` and its people; it is stopped at the end."""
    if find_act() is None:
        pytest.skip("act is not installed; `make up` installs it, or set SLIPWAY_SANDBOX_ACT")
    directory = tmp_path_factory.mktemp("actions")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    (directory / "seed.json").write_text(json.dumps(_seed(public)))
    server = GitHub(directory, free_port(), private)
    server.start()
    yield server
    server.stop()
