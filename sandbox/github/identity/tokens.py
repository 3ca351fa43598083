"""The provider's key, and the tokens that it signs: ID tokens for clients, access tokens for its own `userinfo`."""

import hashlib
import json
import time
import uuid
from pathlib import Path
from typing import Any, cast

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ALGORITHM = "RS256"
SECONDS = 3600
"""How long a token lasts; a client with a refresh token gets new ones."""
_KEY_BITS = 2048


class Signer:
    """A key, kept in the folder of the server's state."""

    def __init__(self, directory: Path, name: str = "identity") -> None:
        path = directory / f"{name}.key"
        if not path.exists():
            directory.mkdir(parents=True, exist_ok=True)
            made = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
            path.touch(mode=0o600)
            encoding, none = serialization.Encoding.PEM, serialization.NoEncryption()
            path.write_bytes(made.private_bytes(encoding, serialization.PrivateFormat.PKCS8, none))
        # Kept as it was read: to read a key takes longer than to sign with it.
        self._key = cast("rsa.RSAPrivateKey", serialization.load_pem_private_key(path.read_bytes(), password=None))
        self._public = self._key.public_key()
        numbers = self._public.public_numbers()
        self._id = hashlib.sha256(f"{numbers.n}".encode()).hexdigest()[:16]

    def key_set(self) -> dict[str, Any]:
        """The public key, as clients look it up."""
        key: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(self._public))
        return {"keys": [key | {"kid": self._id, "use": "sig", "alg": ALGORITHM}]}

    def sign(self, claims: dict[str, Any]) -> str:
        """A token of these claims; `iat`, `exp` and `jti` are added where they are not given."""
        # The clock that tests move ahead is GitHub's alone: Argo CD knows nothing of it.
        present = int(time.time())
        given = {"iat": present, "exp": present + SECONDS, "jti": uuid.uuid4().hex} | claims
        return jwt.encode(given, self._key, algorithm=ALGORITHM, headers={"kid": self._id})

    def verified(self, token: str, *, issuer: str, audience: str) -> dict[str, Any] | None:
        """The claims of a token that this key has signed for that audience; None for any other, or an expired one."""
        try:
            return jwt.decode(token, self._public, algorithms=[ALGORITHM], issuer=issuer, audience=audience)
        except jwt.PyJWTError:
            return None
