"""Secrets of Actions on their way to GitHub, which takes them sealed with a key of its own."""

import base64
from collections.abc import Mapping

from nacl.public import PublicKey, SealedBox


def sealed(key: Mapping[str, str], value: str) -> dict[str, str]:
    """The body with which GitHub's API takes a secret.

    Args:
        key: what the API answers to `…/secrets/public-key`.
        value: the secret in clear.
    """
    box = SealedBox(PublicKey(base64.b64decode(key["key"])))
    return {"encrypted_value": base64.b64encode(box.encrypt(value.encode())).decode(), "key_id": key["key_id"]}
