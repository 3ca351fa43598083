"""Why a context of a kubeconfig leads nowhere, or the Kubernetes provider refuses it. No secret is quoted.

The provider reads the text and does not know where it came from, so it looks for relative paths elsewhere than kubectl.
"""

import base64
import binascii
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from components.argocd.kubeconfig_file import Cluster, Kubeconfig, Program, User

_REDACTED = frozenset({"DATA+OMITTED", "REDACTED"})
_WAYS = (
    "token",
    "token_file",
    "username",
    "client_certificate",
    "client_certificate_data",
    "client_key",
    "program",
    "client_key_data",
    "auth_provider",
)
_PROGRAM_VERSIONS = tuple(f"client.authentication.k8s.io/{version}" for version in ("v1", "v1beta1"))
_FLATTEN = "`kubectl config view --flatten > one` writes what it holds into one file"


def context_problems(found: Kubeconfig, name: str, path: Path) -> Iterator[str]:
    """Everything that is in the way of a context.

    Args:
        found: the kubeconfig.
        name: the context.
        path: the kubeconfig's file, for people.
    """
    context = found.context(name)
    if context is None:
        yield f"{name} is not in {path}; `kubectl config get-contexts --kubeconfig {path}` shows those it has"
        return
    for part in ("contexts", "clusters", "users"):
        names = [item.name for item in getattr(found, part)]
        if twice := sorted({item for item in names if names.count(item) > 1}):
            yield f"{path} has {', '.join(twice)} twice under {part}, which Kubernetes refuses; remove one"
    cluster, user = found.cluster_of(context), found.user_of(context)
    for what, wanted, part in (("cluster", context.cluster, cluster), ("user", context.user, user)):
        if part is None:
            reason = f"the {what} {wanted!r}, which is not in {path}" if wanted else f"no {what}"
            yield f"{name} names {reason}; correct it there"
    if cluster is not None:
        yield from _cluster_problems(cluster, name, path)
    if user is not None:
        yield from _user_problems(user, name, path)


def _cluster_problems(cluster: Cluster, name: str, path: Path) -> Iterator[str]:
    if "@" in cluster.server:
        yield f"the address of {name} has a credential in it; put that into its user in {path}"
    elif not _is_address(cluster.server, "http", "https"):
        yield f"the address of {name} is {cluster.server!r}; use one with https:// in {path}"
    if cluster.proxy_url and not _is_address(cluster.proxy_url, "http", "https", "socks5"):
        yield f"the proxy-url of {name} is not an address; use one with http:// or https:// in {path}"
    if cluster.insecure_skip_tls_verify and (cluster.certificate_authority or cluster.certificate_authority_data):
        yield (
            f"{name} has both a certificate authority and insecure-skip-tls-verify, which Kubernetes refuses; remove"
            f" insecure-skip-tls-verify in {path}"
        )
    authority = _Pem("certificate-authority", cluster.certificate_authority, cluster.certificate_authority_data)
    yield from authority.problems(name, x509.load_pem_x509_certificates)


def _user_problems(user: User, name: str, path: Path) -> Iterator[str]:
    if user.program is not None:
        yield from _program_problems(user.program, name, path)
    if user.auth_provider is not None:
        yield (
            f"{name} logs in by an auth-provider, which Kubernetes has removed; write its entry again with"
            " your provider's command (`gcloud container clusters get-credentials …`, `az aks get-credentials …`)"
        )
    if user.token in _REDACTED:
        yield f"the token of {name} was left out of {path}; {_FLATTEN}"
    elif not _is_token(user.token):
        yield f"the token of {name} has a character that no token has; copy it again into {path}"
    if user.token_file and not user.token:
        yield from _token_file_problems(user.token_file, name)
    if bool(user.username) != bool(user.password):
        yield f"the user of {name} has a username or a password alone; complete it in {path}"
    if not any(getattr(user, way) for way in _WAYS):
        yield f"the user of {name} has no token, certificate or program; complete it in {path}"
    yield from _certificate_problems(user, name, path)


def _program_problems(program: Program, name: str, path: Path) -> Iterator[str]:
    command = program.command
    if not (command and program.version):
        missing = "apiVersion" if command else "command"
        yield f"the program that gives {name} its tokens has no {missing}; complete `exec` in {path}"
    elif program.version not in _PROGRAM_VERSIONS:
        yield (
            f"the program that gives {name} its tokens speaks {program.version}, which Kubernetes has removed; write"
            " its entry again with your provider's command (`aws eks update-kubeconfig …`)"
        )
    elif "/" in command and not Path(command).is_absolute():
        yield (
            f"{name} gets its tokens from `{command}`, and the Kubernetes provider looks for that elsewhere than"
            f" kubectl does; use an absolute path in {path}"
        )
    elif shutil.which(command) is None:
        where = "is not a program" if "/" in command else "is not on PATH"
        hint = f" ({' '.join(program.hint.split())})" if program.hint else ""
        yield f"{name} gets its tokens from `{command}`, which {where}; install it{hint}"
    if program.version.endswith("/v1") and not program.mode:
        yield f"the program that gives {name} its tokens has no interactiveMode; add `interactiveMode: Never` in {path}"


def _token_file_problems(file: str, name: str) -> Iterator[str]:
    if not Path(file).is_absolute():
        yield from _relative("tokenFile", file, name)
        return
    try:
        token = token_in(file)
    except (OSError, ValueError) as error:
        yield f"the tokenFile of {name}, {file}, cannot be read: {_reason(error)}; write it again"
        return
    if not token or not _is_token(token):
        wrong = "has a character that no token has" if token else "is empty"
        yield f"the tokenFile of {name}, {file}, {wrong}; write it again"


def token_in(file: str) -> str:
    """The token that a file holds, without the line break that most files end with."""
    return Path(file).read_text(encoding="utf-8").strip()


def _certificate_problems(user: User, name: str, path: Path) -> Iterator[str]:
    certificate = _Pem("client-certificate", user.client_certificate, user.client_certificate_data)
    key = _Pem("client-key", user.client_key, user.client_key_data)
    if certificate.is_there != key.is_there:
        lacking = "client-key" if certificate.is_there else "client-certificate"
        yield f"the user of {name} has no {lacking} beside its other half; complete it in {path}"
        return
    found = [*certificate.problems(name, x509.load_pem_x509_certificates), *key.problems(name, _private_key)]
    yield from found
    if found or not certificate.is_there:
        return
    first = x509.load_pem_x509_certificates(certificate.content())[0]
    if first.not_valid_after_utc < datetime.now(UTC):
        yield (
            f"the client-certificate of {name} ended at {first.not_valid_after_utc:%Y-%m-%d %H:%M} UTC; get a new"
            f" kubeconfig from the people who run the cluster"
        )
    elif first.public_key() != _private_key(key.content()).public_key():
        yield f"the client-key of {name} is not that of its client-certificate; copy both again into {path}"


class _Pem:
    """A certificate or key, in the file or beside it."""

    def __init__(self, what: str, file: str, data: str) -> None:
        self._what, self._file, self._data = what, file, data
        self.is_there = bool(file or data)

    def content(self) -> bytes:
        """Its PEM text.

        Raises:
            OSError: its file cannot be read.
            ValueError: its data is not base64.
        """
        if self._data:
            return base64.b64decode("".join(self._data.split()), validate=True)
        return Path(self._file).read_bytes()

    def problems(self, name: str, load: Callable[[bytes], object]) -> Iterator[str]:
        """Why it is of no use to a context."""
        what = f"the {self._what} of {name}"
        if self._data in _REDACTED:
            yield f"{what} was left out of the file; {_FLATTEN}"
        elif self._data and self._file:
            yield f"{what} is given twice, as a file and as {self._what}-data; remove one"
        elif self._file and not Path(self._file).is_absolute():
            yield from _relative(self._what, self._file, name)
        elif self.is_there:
            yield from self._unreadable(f"{what}, {self._file}," if self._file else f"{what} (-data)", load)

    def _unreadable(self, what: str, load: Callable[[bytes], object]) -> Iterator[str]:
        try:
            load(self.content())
        except OSError as error:
            yield f"{what} cannot be read: {_reason(error)}; {_FLATTEN}"
        except binascii.Error:
            yield f"{what} is not base64; copy it again"
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # The library's own words could quote a key.
            yield f"{what} is not one in PEM form, or is protected by a passphrase; copy it again"


def _private_key(content: bytes) -> PrivateKeyTypes:
    return load_pem_private_key(content, password=None)


def _relative(what: str, file: str, name: str) -> Iterator[str]:
    yield (
        f"the {what} of {name} is the relative path {file}, which the Kubernetes provider looks for elsewhere than"
        f" kubectl does; {_FLATTEN}, or use an absolute path"
    )


def _is_address(text: str, *schemes: str) -> bool:
    if not text.isprintable() or " " in text or not text.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_token(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _reason(error: Exception) -> str:
    return (error.strerror or "no reason") if isinstance(error, OSError) else "it is not text"
