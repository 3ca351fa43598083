"""A token counts as GitHub's word if a key that GitHub publishes has signed all of it, as that key's kind does."""

import base64
import hashlib
import itertools
import json
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from slipway_release import id_token
from slipway_release.errors import RefusedError
from tests.release.builders import Script, answer, environment, platform

PLATFORM = platform(environment("dev"), serverUrl="https://github.com")
ISSUER = "https://token.actions.githubusercontent.com"
KEYS = "GET /.well-known/jwks"
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def made(bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=exponent, key_size=bits)


KEY = made()


def published(key: rsa.RSAPrivateKey = KEY, **changes: str) -> dict[str, str]:
    """The key as GitHub lists it."""
    numbers = key.public_key().public_numbers()
    size = (key.key_size + 7) // 8
    return {"kty": "RSA", "kid": "1", "n": encoded(numbers.n.to_bytes(size, "big")), "e": encoded(b"\1\0\1")} | changes


def signed(
    claims: dict[str, Any], key: rsa.RSAPrivateKey = KEY, header: Mapping[str, str] | None = None
) -> tuple[str, bytes]:
    """Header and claims of a token, and their signature."""
    parts = ({"alg": "RS256", "kid": "1"} | dict(header or {}), {"iss": ISSUER} | claims)
    text = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    return text, key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())


def claims(text: str, signature: bytes, *keys: dict[str, str], status: int = 200) -> dict[str, Any]:
    """What the program believes of a token where GitHub lists these keys."""
    here = Script({KEYS: answer({"keys": list(keys) or [published()]}, status)})
    return dict(id_token.claims(PLATFORM, f"{text}.{encoded(signature)}", here))


def test_what_github_has_signed_is_believed() -> None:
    assert claims(*signed({"sha": "c0ffee"}))["sha"] == "c0ffee"
    assert claims(*signed({}), published(made(), kid="2"), published())["iss"] == ISSUER


def test_an_enterprise_has_a_name_of_its_own_behind_githubs() -> None:
    assert claims(*signed({"iss": f"{ISSUER}/acme"}))["iss"] == f"{ISSUER}/acme"
    for issuer in (f"{ISSUER}.example.com", f"{ISSUER}x", "https://id.example.com", None):
        with pytest.raises(RefusedError, match="it is signed by"):
            claims(*signed({"iss": issuer}))


def test_the_issuer_is_that_of_the_platforms_own_github() -> None:
    for url, issuer in (
        ("https://github.com", ISSUER),
        ("https://acme.ghe.com", "https://token.actions.acme.ghe.com"),
        ("https://github.acme.com", "https://github.acme.com/_services/token"),
    ):
        assert id_token.issuer(platform(environment("dev"), serverUrl=url)) == issuer


def test_other_claims_than_the_signed_ones_are_refused() -> None:
    _, signature = signed({"sha": "c0ffee"})
    text, _ = signed({"sha": "decaf"})
    with pytest.raises(RefusedError, match="not by a key of"):
        claims(text, signature)


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256"}, {"alg": "RS512"}, {"kid": "2"}])
def test_a_token_does_not_say_how_it_is_looked_at(header: dict[str, str]) -> None:
    with pytest.raises(RefusedError, match="not by a key of"):
        claims(*signed({}, header=header))


def test_a_key_of_another_kind_signs_nothing() -> None:
    with pytest.raises(RefusedError, match="not by a key of"):
        claims(*signed({}), published(kty="EC"))


def test_a_key_that_can_be_broken_signs_nothing() -> None:
    weak = made(1024)
    with pytest.raises(RefusedError, match="not by a key of"):
        claims(*signed({}, weak), published(weak))


def test_nothing_stands_before_a_signature() -> None:
    text, signature = signed({})
    with pytest.raises(RefusedError, match="not by a key of"):
        claims(text, b"\0" + signature)


def test_without_the_key_nobody_makes_a_signature_that_only_ends_well() -> None:
    """With 3 as the exponent, a number whose cube ends in any wanted bytes is found without the key."""
    key = made(2048, 3)
    texts = (signed({"nonce": nonce}, key)[0] for nonce in itertools.count())
    # Odd numbers have such a cube root.
    text = next(text for text in texts if hashlib.sha256(text.encode()).digest()[-1] & 1)
    ends = b"\0" + SHA256 + hashlib.sha256(text.encode()).digest()
    wanted, bits, root = int.from_bytes(ends, "big"), 8 * len(ends), 1
    for bit in range(1, bits):
        if (pow(root, 3) - wanted) % (1 << (bit + 1)):
            root |= 1 << bit
    assert pow(root, 3) % (1 << bits) == wanted
    with pytest.raises(RefusedError, match="not by a key of"):
        claims(text, root.to_bytes(256, "big"), published(key, e=encoded(b"\3")))


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c.d", "e30.e30.*", "W10.W10.e30"])
def test_what_is_no_token_is_refused_in_words(token: str) -> None:
    with pytest.raises(RefusedError):
        id_token.claims(PLATFORM, token, Script({}))


def test_without_githubs_keys_nothing_is_believed() -> None:
    with pytest.raises(RefusedError, match="its keys cannot be read"):
        claims(*signed({}), status=503)
