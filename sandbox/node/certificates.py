"""The node's certificate authorities, and a certificate for each of its programs and its administrator."""

import datetime as dt
import ipaddress
import json
from base64 import b64encode
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.config import CONTEXT, SandboxConfig
from sandbox.node.layout import API_PORT, NODE_NAME, NodeLayout

_LIFETIME = dt.timedelta(days=3650)
# Clocks of a machine that was just resumed may be behind for a moment.
_BACKDATED = dt.timedelta(hours=1)


@dataclass(frozen=True)
class _Client:
    """A client certificate: Kubernetes reads the user from the name and the groups from the organisation."""

    file: str
    user: str
    group: str | None = None


_CLIENTS = (
    _Client("admin", "admin", "system:masters"),
    _Client("apiserver-kubelet", "apiserver-kubelet", "system:masters"),
    _Client("controller-manager", "system:kube-controller-manager"),
    _Client("scheduler", "system:kube-scheduler"),
    _Client("proxy", "system:kube-proxy"),
    _Client("kubelet", f"system:node:{NODE_NAME}", "system:nodes"),
)

KUBECONFIGS = ("controller-manager", "scheduler", "proxy", "kubelet")
"""Programs that reach the API through a kubeconfig of that name."""


def write(layout: NodeLayout) -> None:
    """Makes what is not there yet: keys and certificates under `pki/`, kubeconfigs under `etc/` and for the admin."""
    pki = layout.pki
    complete = pki / "complete"
    if not complete.exists():  # an interrupted run starts over: half of two authorities would trust no client
        pki.mkdir(parents=True, exist_ok=True)
        pki.chmod(0o700)
        _write_all(layout)
        complete.touch()
    layout.etc.mkdir(parents=True, exist_ok=True)
    for name in KUBECONFIGS:
        path = layout.etc / f"{name}.kubeconfig"
        _write_kubeconfig(path, CONTEXT, [_access(layout, CONTEXT, name, f"https://127.0.0.1:{API_PORT}")])
    _write_kubeconfig(layout.config.kubeconfig, CONTEXT, [_administration(one) for one in _complete(layout.config)])


def _complete(config: SandboxConfig) -> list[NodeLayout]:
    """The nodes of a sandbox that have their certificates."""
    first = replace(config, number=1)
    layouts = [NodeLayout(one) for one in (first, first.second) if one is not None]
    return [layout for layout in layouts if (layout.pki / "complete").exists()]


def _write_all(layout: NodeLayout) -> None:
    pki = layout.pki
    authority = _Authority.create("slipway-sandbox", pki / "ca")
    for client in _CLIENTS:
        authority.issue(pki / client.file, client.user, client.group, server=None)
    config = layout.config
    names = ("localhost", "kubernetes", *(f"kubernetes.default{tail}" for tail in ("", ".svc", ".svc.cluster.local")))
    authority.issue(
        pki / "apiserver", "kube-apiserver", None, server=(names, ("127.0.0.1", config.node_ip, config.api_ip))
    )
    # Requests that the API server passes on to extensions must not be forgeable with an ordinary client certificate.
    _Authority.create("slipway-sandbox-front", pki / "front-ca").issue(pki / "front", "front-proxy", None, server=None)
    service_accounts = ec.generate_private_key(ec.SECP256R1())
    _write_key(pki / "service-accounts.key", service_accounts)
    public = service_accounts.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (pki / "service-accounts.pub").write_bytes(public)


@dataclass(frozen=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def create(cls, name: str, path: Path) -> "_Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name, None)
        usage = _key_usage(signs_certificates=True)
        certificate = (
            _builder(subject, subject, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write_pair(path, key, certificate)
        return cls(certificate, key)

    def issue(
        self, path: Path, user: str, group: str | None, *, server: tuple[tuple[str, ...], tuple[str, ...]] | None
    ) -> None:
        """Writes a key and a certificate; `server` is the names and addresses of one that is not a client's."""
        key = ec.generate_private_key(ec.SECP256R1())
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            _builder(_name(user, group), self.certificate.subject, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if server:
            names, addresses = server
            alternatives = [
                *map(x509.DNSName, names),
                *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
            ]
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        _write_pair(path, key, builder.sign(self.key, hashes.SHA256()))


def _name(user: str, group: str | None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, user)]
    if group:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    return x509.Name(attributes)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _LIFETIME)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )


def _write_pair(path: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    _write_key(path.with_suffix(".key"), key)
    path.with_suffix(".crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


@dataclass(frozen=True)
class _Access:
    """One way into one cluster, as a kubeconfig has it."""

    context: str
    user: str
    cluster: dict[str, str]
    credentials: dict[str, str]


def _administration(layout: NodeLayout) -> _Access:
    return _access(layout, layout.context, "admin", layout.api_url)


def _access(layout: NodeLayout, context: str, client: str, server: str) -> _Access:
    def data(file: str) -> str:
        return b64encode((layout.pki / file).read_bytes()).decode()

    user = client if context == CONTEXT else f"{client}-{context}"
    credentials = {"client-certificate-data": data(f"{client}.crt"), "client-key-data": data(f"{client}.key")}
    return _Access(context, user, {"server": server, "certificate-authority-data": data("ca.crt")}, credentials)


def _write_kubeconfig(path: Path, current: str, accesses: list[_Access]) -> None:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "clusters": [{"name": one.context, "cluster": one.cluster} for one in accesses],
        "users": [{"name": one.user, "user": one.credentials} for one in accesses],
        "contexts": [{"name": one.context, "context": {"cluster": one.context, "user": one.user}} for one in accesses],
    }
    text = json.dumps(document, indent=2) + "\n"
    if not path.exists() or path.read_text() != text:  # readers of the admin's file may be about
        unfinished = path.with_name(f".{path.name}.new")
        unfinished.touch(mode=0o600)
        unfinished.write_text(text)
        unfinished.rename(path)
