"""The key with which tokens for the registry are signed, and the certificate by which the registry knows it."""

import base64
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ISSUER = "sandbox-github"
SERVICE = "registry"
TOKEN_PATH = "/_packages/token"
YEARS = 10


@dataclass(frozen=True)
class Signing:
    """Where the key and its certificate lie."""

    key: Path
    certificate: Path

    def token(self, claims: dict[str, Any]) -> str:
        """Signed claims, with the certificate beside them."""
        certificate = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        der = certificate.public_bytes(serialization.Encoding.DER)
        headers = {"x5c": [base64.b64encode(der).decode()]}
        return jwt.encode(claims, self.key.read_text(), algorithm="ES256", headers=headers)


def ensure(directory: Path) -> Signing:
    """The key and certificate of a server, by the folder of its state; made if there are none."""
    signing = Signing(directory / "packages.key", directory / "packages.crt")
    if not signing.certificate.exists():
        directory.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        encoding, none = serialization.Encoding.PEM, serialization.NoEncryption()
        signing.key.touch(mode=0o600)
        signing.key.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, none))
        signing.certificate.write_bytes(_certificate(key).public_bytes(encoding))
    return signing


def _certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(start).not_valid_after(start + dt.timedelta(days=365 * YEARS))
    return made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        key, hashes.SHA256()
    )
