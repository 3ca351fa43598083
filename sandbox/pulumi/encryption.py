"""Encrypts the secrets of a stack file as the CLI does with a passphrase.

`pulumi config set` takes a process for each of them, which derives the same key from the passphrase again, by a million
rounds; here it is derived once.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORMAT = "v1"
_ROUNDS = 1_000_000
_NONCE_BYTES = 12
_KNOWN = b"pulumi"
"""What the salt of a stack file has encrypted beside itself, so that a wrong passphrase is noticed."""


def encrypted(texts: Mapping[str, str], salt: str, passphrase: bytes) -> dict[str, dict[str, str]] | None:
    """Texts as a stack file holds them, by the same keys.

    Args:
        texts: The secrets.
        salt: `encryptionsalt` of the stack file.
        passphrase: What the key is derived from.

    Returns:
        None where the salt is not in the form that is known here, or not of this passphrase: the CLI says it then.
    """
    version, _, rest = salt.partition(":")
    text, _, known = rest.partition(":")
    form, _, sealed = known.partition(":")
    if (version, form) != (_FORMAT, _FORMAT):
        return None
    try:
        derived = hashlib.pbkdf2_hmac("sha256", passphrase, base64.b64decode(text, validate=True), _ROUNDS)
        cipher = AESGCM(derived)
        nonce, content = (base64.b64decode(part, validate=True) for part in sealed.split(":"))
        if cipher.decrypt(nonce, content, None) != _KNOWN:
            return None
    except (InvalidTag, ValueError, binascii.Error):
        return None
    return {key: {"secure": _sealed(cipher, value)} for key, value in texts.items()}


def _sealed(cipher: AESGCM, text: str) -> str:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    content = cipher.encrypt(nonce, text.encode(), None)
    return ":".join([_FORMAT, *(base64.b64encode(part).decode() for part in (nonce, content))])
