"""The few calls to a Kubernetes API server that the sandbox needs.

The official client's dynamic part reads every API group first and knows no server-side dry comparison; these calls are
plain HTTP and are made from many threads at once.
"""

import base64
import contextlib
import json
import os
import ssl
import tempfile
import threading
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import yaml

from sandbox.engine.outcome import ApplyError
from sandbox.engine.shape import fields, items

Object = dict[str, Any]

FIELD_MANAGER = "slipway"


class ApiError(ApplyError):
    """The API server refused; in its own words."""

    def __init__(self, status: int, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.status: int = status
        self.reason: str = reason


@dataclass(frozen=True)
class Kind:
    """Where the objects of a kind live."""

    root: str
    plural: str
    namespaced: bool


class KubernetesApi:
    """One cluster, through one context of a kubeconfig."""

    def __init__(self, kubeconfig: str, context: str | None = None) -> None:
        """Takes the path or the text of a kubeconfig.

        Raises:
            ApplyError: It is not usable.
        """
        document, base = _document(kubeconfig)
        cluster, user, self.namespace = _chosen(document, context)
        self.server: str = cluster["server"].rstrip("/")
        self.source: str = kubeconfig
        self.context: str | None = context
        self._kinds: dict[tuple[str, str], Kind] = {}
        self._lock = threading.Lock()
        headers = {"Authorization": f"Bearer {user['token']}"} if user.get("token") else {}
        self._client = httpx.Client(
            base_url=self.server,
            headers=headers,
            verify=_tls(cluster, user, base),
            timeout=httpx.Timeout(60, connect=5),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=16),
            trust_env=False,
        )

    def close(self) -> None:
        self._client.close()

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content_type: str = "application/json",
        missing_ok: bool = False,
        **query: str,
    ) -> Object | None:
        """Makes one call; None for a 404 that is allowed.

        Raises:
            ApiError: The server refused, or cannot be reached (status 0).
        """
        try:
            answer = self._client.request(
                method,
                path,
                params=query,
                content=None if body is None else _json(body),
                headers={"Content-Type": content_type} if body is not None else None,
            )
        except httpx.HTTPError as error:
            raise ApiError(
                0, f"the cluster at {self.server} cannot be reached: {error or type(error).__name__}"
            ) from error
        if answer.status_code == 404 and missing_ok:
            return None
        document = _decoded(answer)
        if answer.is_error:
            message = document.get("message") or f"HTTP status {answer.status_code}"
            raise ApiError(answer.status_code, message, document.get("reason", ""))
        return document

    def text(self, path: str, **query: str) -> str:
        """The plain text at a path, such as a container's log; empty where there is none."""
        try:
            answer = self._client.get(path, params=query)
        except httpx.HTTPError:
            return ""
        return "" if answer.is_error else answer.text

    def kind(self, api_version: str, kind: str) -> Kind | None:
        """Where a kind lives; None as long as the server does not know it."""
        with self._lock:
            known = self._kinds.get((api_version, kind))
        if known is not None:
            return known
        root = f"/{'apis' if '/' in api_version else 'api'}/{api_version}"
        listed = self.call("GET", root, missing_ok=True)
        found = {
            (api_version, item["kind"]): Kind(root, item["name"], item["namespaced"])
            for item in items(listed, "resources")
            if "/" not in item["name"]
        }
        with self._lock:
            self._kinds |= found
        return found.get((api_version, kind))

    def path(self, manifest: Object) -> str:
        """The path of an object.

        Raises:
            ApiError: The server does not know the kind.
        """
        kind = self.kind(manifest["apiVersion"], manifest["kind"])
        if kind is None:
            raise ApiError(404, f"the cluster knows no {manifest['kind']} in {manifest['apiVersion']}")
        namespace = manifest["metadata"].get("namespace") or self.namespace or "default"
        middle = f"/namespaces/{namespace}" if kind.namespaced else ""
        return f"{kind.root}{middle}/{kind.plural}/{manifest['metadata']['name']}"

    def get(self, manifest: Object) -> Object | None:
        """The live object of that kind, namespace and name; None if there is none."""
        if self.kind(manifest["apiVersion"], manifest["kind"]) is None:
            return None
        return self.call("GET", self.path(manifest), missing_ok=True)

    def apply(self, manifest: Object, *, force: bool = False) -> Object:
        """Server-side apply as field manager `slipway`."""
        applied = self.call(
            "PATCH",
            self.path(manifest),
            manifest,
            content_type="application/apply-patch+yaml",
            fieldManager=FIELD_MANAGER,
            force=str(force).lower(),
        )
        return applied or {}

    def list(self, path: str, **query: str) -> list[Object]:
        """The items of a collection; none where the server does not know it."""
        return items(self.call("GET", path, missing_ok=True, **query), "items")


def _json(body: object) -> bytes:
    return json.dumps(body).encode()


def _decoded(answer: httpx.Response) -> Object:
    try:
        document = answer.json()
    except ValueError:
        return {"message": answer.text[:300]}
    return cast(Object, document) if isinstance(document, dict) else {}


def _document(kubeconfig: str) -> tuple[Object, Path]:
    path = Path(kubeconfig).expanduser() if "\n" not in kubeconfig else None
    try:
        text = path.read_text(encoding="utf-8") if path else kubeconfig
        document = yaml.safe_load(text)
    except OSError as error:
        raise ApplyError(f"kubeconfig {kubeconfig}: {error.strerror}; give the path of one that can be read") from None
    except yaml.YAMLError:  # its message quotes the file, credentials included
        raise ApplyError("kubeconfig: it is not valid YAML") from None
    if not isinstance(document, dict):
        raise ApplyError("kubeconfig: a mapping is expected at the top")
    return cast(Object, document), path.parent if path else Path()


def _chosen(document: Object, context: str | None) -> tuple[Object, Object, str | None]:
    """Cluster, user and namespace of the context."""

    def named(section: str, key: str, name: str) -> Object:
        for entry in items(document, section):
            if entry.get("name") == name:
                return fields(entry, key)
        raise ApplyError(f"kubeconfig: {section} has no {name!r}")

    wanted = context or document.get("current-context") or ""
    chosen = named("contexts", "context", wanted)
    user = named("users", "user", chosen["user"]) if chosen.get("user") else {}
    if "exec" in user or "auth-provider" in user:
        raise ApplyError(
            f"kubeconfig: context {wanted!r} logs in with a command; give one with a client certificate or a token"
        )
    return named("clusters", "cluster", chosen.get("cluster", "")), user, chosen.get("namespace")


def _tls(cluster: Object, user: Object, base: Path) -> ssl.SSLContext:
    authority = _pem(cluster, "certificate-authority", base)
    context = ssl.create_default_context(cadata=authority or None)
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate = _pem(user, "client-certificate", base)
    if certificate:
        with _private_file(f"{certificate}\n{_pem(user, 'client-key', base)}") as path:
            context.load_cert_chain(path)
    return context


@contextlib.contextmanager
def _private_file(text: str) -> Generator[str]:
    """The ssl module reads certificates from files only."""
    descriptor, path = tempfile.mkstemp()
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        yield path
    finally:
        Path(path).unlink()


def _pem(entry: Object, key: str, base: Path) -> str:
    if inline := entry.get(f"{key}-data"):
        return base64.b64decode(inline).decode()
    return (base / entry[key]).read_text() if entry.get(key) else ""
