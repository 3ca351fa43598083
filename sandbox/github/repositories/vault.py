"""Secrets and variables of Actions: where they are kept, and the key pair that secrets are sealed with.

Secrets stay sealed on disk. The private key is kept beside them, stable over restarts, or what a client sealed
before a restart could not be opened after it.
"""

import base64

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from sandbox.github.core.forge import Forge
from sandbox.github.core.store import Store


def owner_key(repository_id: int, environment: str | None) -> str:
    """Prefix of the keys under which one repository or environment keeps its secrets or variables."""
    # Environment names are compared without case, like repository names.
    return f"{repository_id}/environment/{environment.lower()}/" if environment else f"{repository_id}/repository/"


def private_key(store: Store) -> PrivateKey:
    """The key pair that clients seal secrets for."""
    with store.lock:
        keys = store.table("sealing_keys")
        kept = keys.get("actions")
        if kept is None:
            kept = {"private": base64.b64encode(bytes(PrivateKey.generate())).decode()}
            keys.put("actions", kept)
    return PrivateKey(base64.b64decode(kept["private"]))


def public_key(store: Store) -> dict[str, str]:
    """The public key in the form of GitHub's API."""
    public = bytes(private_key(store).public_key)
    return {"key_id": str(int.from_bytes(public[:8], "big")), "key": base64.b64encode(public).decode()}


def unseal(store: Store, sealed: str) -> str:
    """Opens a sealed value.

    Raises:
        ValueError: it was not sealed for this server's key, or is not text.
    """
    try:
        return SealedBox(private_key(store)).decrypt(base64.b64decode(sealed, validate=True)).decode()
    except CryptoError as error:
        raise ValueError("not sealed for this key") from error


def secrets(forge: Forge, repository: str, environment: str | None = None) -> dict[str, str]:
    """Secrets in clear, by name: the repository's, or those of one of its environments alone."""
    kept = forge.store.table("secrets").all(owner_key(forge.existing_id(repository), environment))
    return {secret["name"]: unseal(forge.store, secret["sealed"]) for secret in kept}


def variables(forge: Forge, repository: str, environment: str | None = None) -> dict[str, str]:
    """Variables by name: the repository's, or those of one of its environments alone."""
    kept = forge.store.table("variables").all(owner_key(forge.existing_id(repository), environment))
    return {variable["name"]: variable["value"] for variable in kept}
