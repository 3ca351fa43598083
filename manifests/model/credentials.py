"""Tokens and private keys as people paste them: what is unambiguous is put right, the rest is refused in a sentence.

No text of an error quotes what it is about.
"""

import base64
import binascii
import re
import textwrap
from collections.abc import Iterator
from functools import cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_FROM_FILE = "set it again from the file that GitHub gave"


class CredentialError(ValueError):
    """What is wrong with a credential; what to do. The credential is not in it."""


def token(text: str) -> str:
    """A token without the blanks and line breaks around it, fit for a header.

    Raises:
        CredentialError: it is empty, or has blanks, control characters or anything but ASCII inside.
    """
    stripped = text.strip()
    if not stripped:
        raise CredentialError("it is empty; copy it again")
    if not stripped.isascii():
        raise CredentialError("it has a character that no token has (not ASCII); copy it again")
    if not re.fullmatch(r"[\x21-\x7e]+", stripped):
        raise CredentialError("it has a blank, a line break or a control character inside; copy it again")
    if stripped[0] in "'\"" or stripped[-1] in "'\"":
        raise CredentialError("it is in quotes; set it without them")
    return stripped


def password(text: str) -> str:
    """A password without the blanks and line breaks around it; some are JSON documents of several lines.

    Raises:
        CredentialError: it is empty or has a NUL inside.
    """
    stripped = text.strip()
    if not stripped:
        raise CredentialError("it is empty; copy it again")
    if "\0" in stripped:
        raise CredentialError("it has a NUL character inside; copy it again")
    return stripped


@cache
def private_key(text: str) -> str:
    r"""The RSA key of a GitHub App as GitHub's file has it: PKCS#1 PEM with line feeds.

    Quotes around it, CRLF, literal `\n`, lost line breaks, base64 of the file, PKCS#8 and OpenSSH's format are put
    right. The GitHub provider reads PKCS#1 alone.

    Raises:
        CredentialError: it is not an RSA private key, is protected by a passphrase, or there are several.
    """
    blocks = list(_blocks(_decoded(_unquoted(text))))
    if not blocks:
        raise CredentialError(f"it is not a private key in PEM form; {_FROM_FILE}")
    if len(blocks) > 1:
        raise CredentialError(f"it holds {len(blocks)} PEM blocks; set the private key alone")
    label, body = blocks[0]
    if not label.endswith("PRIVATE KEY"):
        raise CredentialError(f"it is a {label.lower()} and no private key; {_FROM_FILE}")
    if label == "ENCRYPTED PRIVATE KEY" or "ENCRYPTED" in body:
        raise CredentialError("it is protected by a passphrase; remove that (`openssl rsa -in key.pem -out plain.pem`)")
    return _rsa(label, body)


def _unquoted(text: str) -> str:
    stripped = text.strip().lstrip("\ufeff").strip()
    if len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "'\"":
        stripped = stripped[1:-1]
    for written, meant in (("\\r\\n", "\n"), ("\\n", "\n"), ("\\r", "\n"), ("\r\n", "\n"), ("\r", "\n")):
        stripped = stripped.replace(written, meant)
    return stripped.strip()


def _decoded(text: str) -> str:
    """The text, or what it is the base64 of where that is a PEM file."""
    if "-----" in text:
        return text
    try:
        decoded = base64.b64decode("".join(text.split()), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return text
    return _unquoted(decoded) if "-----BEGIN" in decoded else text


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    for found in _BLOCK.finditer(text):
        yield found[1], found[2]


def _rsa(label: str, body: str) -> str:
    # The lines may have been joined by blanks, as an environment variable or a form does.
    lines = textwrap.wrap("".join(body.split()), 64)
    pem = "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()
    try:
        if label == "OPENSSH PRIVATE KEY":
            key = serialization.load_ssh_private_key(pem, password=None)
        else:
            key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # OpenSSH says only here that a passphrase is needed; its words could quote the key.
        hint = " or it is protected by a passphrase" if label == "OPENSSH PRIVATE KEY" else ""
        raise CredentialError(f"it cannot be read as a private key: it is damaged{hint}; {_FROM_FILE}") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise CredentialError(f"it is not an RSA key, and keys of GitHub Apps are; {_FROM_FILE}")
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
