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
_BODY = re.compile(r"MII[A-Za-z0-9+/]{300,}={0,2}")
"""How an RSA key begins in base64."""
_FROM_FILE = "set it again from the file that GitHub gave"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""https://www.rfc-editor.org/rfc/rfc6750: what may stand behind `Bearer`."""
_OTHER_TOKENS = {
    "ghs_": "the token of an App's installation, which ends within an hour",
    "ghr_": "a refresh token",
    "glpat-": "a token of GitLab",
    "xox": "a token of Slack",
    "xapp-": "a token of Slack",
    "dckr_pat_": "a token of Docker Hub",
    "npm_": "a token of npm",
    "AKIA": "the name of a key of AWS",
    "Iv1.": "the client id of an App",
    "Iv23": "the client id of an App",
}
_UNSEEN = re.compile("[\u200b\u2060\ufeff]")
_PATH = re.compile(r"@?(~|\.{0,2}|[A-Za-z]:)[/\\].*|[^\n]*\.(pem|key)")


class CredentialError(ValueError):
    """What is wrong with a credential; what to do. The credential is not in it."""


def token(text: str) -> str:
    """A token without the blanks and line breaks around it, fit for a header.

    Raises:
        CredentialError: it is empty, or has blanks, control characters or anything but ASCII inside.
    """
    stripped = _bare(text)
    while stripped.endswith(("\\n", "\\r")):
        stripped = stripped[:-2].rstrip()
    if not stripped:
        raise CredentialError("it is empty; copy it again")
    if not stripped.isascii():
        raise CredentialError("it has a character that no token has (not ASCII); copy it again")
    if not re.fullmatch(r"[\x21-\x7e]+", stripped):
        raise CredentialError("it has a blank, a line break or a control character inside; copy it again")
    if stripped[0] in "'\"" or stripped[-1] in "'\"":
        raise CredentialError("it is in quotes; set it without them")
    if not _TOKEN.fullmatch(stripped):
        raise CredentialError("it has a character that no token has, so it is more than a token, or none; set it alone")
    return stripped


def github_token(text: str) -> str:
    """A token of a person on GitHub.

    Raises:
        CredentialError: it is not a token, or one of another sort.
    """
    found = token(text)
    if _PATH.fullmatch(found):
        raise CredentialError("it is the path of a file and not what is in it; set the token itself")
    for beginning, sort in _OTHER_TOKENS.items():
        if found.startswith(beginning):
            raise CredentialError(f"it is {sort}; set a personal access token of an owner, or use `github.app`")
    return found


def password(text: str) -> str:
    """A password without the blanks and line breaks around it; some are JSON documents of several lines.

    Raises:
        CredentialError: it is empty or has a NUL inside.
    """
    stripped = _bare(text)
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
    pasted = _decoded(_unquoted(text))
    # One that was pasted twice is still one.
    blocks = list(dict.fromkeys(_blocks(pasted)))
    if not blocks and _BODY.fullmatch("".join(pasted.split())):
        # Without its first and last line, or as DER in base64.
        blocks = [("PRIVATE KEY", pasted)]
    if not blocks:
        raise CredentialError(_no_key(pasted))
    if len(blocks) > 1:
        raise CredentialError(f"it holds {len(blocks)} PEM blocks; set the private key alone")
    label, body = blocks[0]
    if not label.endswith("PRIVATE KEY"):
        raise CredentialError(f"it is a {label.lower()} and no private key; {_FROM_FILE}")
    if label == "ENCRYPTED PRIVATE KEY" or "ENCRYPTED" in body:
        raise CredentialError("it is protected by a passphrase; remove that (`openssl rsa -in key.pem -out plain.pem`)")
    return _rsa(label, body)


def _bare(text: str) -> str:
    """The text without blanks and the mark that some editors begin a file with."""
    return text.strip().strip("\ufeff").strip()


def _no_key(text: str) -> str:
    if _PATH.fullmatch(text):
        return "it is the path of a file and not what is in it; give it what is in it, by `<` and the path"
    if "-----BEGIN" in text:
        return f"it begins as a key does, and its end is missing; {_FROM_FILE}"
    return f"it is not a private key in PEM form; {_FROM_FILE}"


def _unquoted(text: str) -> str:
    stripped = _UNSEEN.sub("", text).strip()
    if len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "'\"":
        stripped = stripped[1:-1]
    stripped = re.sub(r"\\{2,}(?=[rn])", r"\\", stripped)
    for written, meant in (("\\r\\n", "\n"), ("\\n", "\n"), ("\\r", "\n"), ("\r\n", "\n"), ("\r", "\n")):
        stripped = stripped.replace(written, meant)
    return stripped.strip()


def _decoded(text: str) -> str:
    """The text, or what it is the base64 of where that is a PEM file."""
    if "-----" in text:
        return text
    packed = "".join(text.split()).rstrip("=")
    try:
        content = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
        decoded = content.decode("utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
    except (binascii.Error, ValueError):
        return text
    return _unquoted(decoded) if "-----BEGIN" in decoded else text


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    for found in _BLOCK.finditer(text):
        yield found[1], found[2]


def _rsa(label: str, body: str) -> str:
    # The lines may have been joined by blanks, as an environment variable or a form does.
    packed = "".join(body.split())
    try:
        if label == "OPENSSH PRIVATE KEY":
            lines = [f"-----BEGIN {label}-----", *textwrap.wrap(packed, 64), f"-----END {label}-----", ""]
            key = serialization.load_ssh_private_key("\n".join(lines).encode(), password=None)
        else:
            # What is in it says itself whether it is PKCS#1 or PKCS#8, whatever its label says.
            key = serialization.load_der_private_key(base64.b64decode(packed, validate=True), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # OpenSSH says only here that a passphrase is needed; its words could quote the key.
        hint = " or it is protected by a passphrase" if label == "OPENSSH PRIVATE KEY" else ""
        raise CredentialError(f"it cannot be read as a private key: it is damaged{hint}; {_FROM_FILE}") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise CredentialError(f"it is not an RSA key, and keys of GitHub Apps are; {_FROM_FILE}")
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
