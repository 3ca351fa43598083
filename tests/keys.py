"""Private keys of Apps, made once a run."""

from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """The key of that name; another name is another key."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def pem(name: str) -> str:
    """The same as the file that GitHub gives."""
    return (
        rsa_key(name)
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        .decode()
    )
