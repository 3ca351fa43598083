"""Asking a cluster's API before the first write.

Answers are read as they are, since the client's models have no types.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

import kubernetes.client
import urllib3.exceptions

from components.github.preflight.findings import Advice
from manifests.argocd.labels import MANAGED_BY
from manifests.model import Settings

Versions = tuple[tuple[int, int], tuple[int, int]]
"""The oldest and the newest minor version."""

TIMEOUT_SECONDS = 10
TESTED_KUBERNETES: Versions = ((1, 33), (1, 35))
"""What Slipway is tested with."""
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
UNREACHABLE = (urllib3.exceptions.HTTPError, OSError, kubernetes.client.ApiException)
"""What asking raises where there is no answer, or a refusal."""

Kinds = Sequence[tuple[str, str]]
"""API groups with plural names of kinds."""


def call(
    client: Any, method: str, path: str, body: Any = None, query: Sequence[tuple[str, str]] = ()
) -> dict[str, Any]:
    """Asks the API.

    Raises:
        UNREACHABLE: there is no answer, or a refusal.
    """
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    request = client.param_serialize(
        method=method,
        resource_path=path,
        header_params=headers,
        query_params=list(query),
        body=body,
        auth_settings=["BearerToken"],
    )
    answer = client.call_api(*request, _request_timeout=TIMEOUT_SECONDS)
    text = answer.read()
    if answer.status >= 400:
        raise kubernetes.client.ApiException(status=answer.status, reason=answer.reason)
    return json.loads(text)


def find(client: Any, path: str) -> dict[str, Any] | None:
    """An object; None where there is none."""
    try:
        return call(client, "GET", path)
    except kubernetes.client.ApiException as error:
        if cast(Any, error).status == 404:
            return None
        raise


def trouble(error: Exception, client: Any, setting: str, context: str) -> str:
    """In one sentence why a cluster could not be asked.

    Args:
        error: one of `UNREACHABLE`.
        client: what asked.
        setting: the setting that names the context.
        context: the context.
    """
    if not isinstance(error, kubernetes.client.ApiException):
        reason = str(getattr(error, "reason", None) or error)
        return f"{setting}: {context} does not answer at {client.configuration.host} ({reason}); is it running?"
    refusal = cast(Any, error)
    if not refusal.status:
        reason = " ".join(str(refusal.reason).split())
        return f"{setting}: {context} cannot be trusted: {reason}; are address and authority those of it?"
    return f"{setting}: {context} refuses: {refusal.status} {refusal.reason}; are the credentials valid?"


def missing_rights(client: Any, kinds: Kinds, setting: str) -> Iterator[str]:
    """What the context's user may not create."""
    for group, resource in kinds:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"group": group, "resource": resource, "verb": "create"}},
        }
        if not call(client, "POST", REVIEWS, review)["status"]["allowed"]:
            yield f"{setting}: it may not create {resource}; use a cluster administrator"


def untested(path: str, what: str, version: str, tested: Versions) -> Iterator[Advice]:
    """Advice where Slipway is not tested with a version.

    Args:
        path: the setting that it belongs to.
        what: whose version it is.
        version: it, such as `v3.5.7`.
        tested: the oldest and the newest minor version.
    """
    # Providers add to the numbers, such as the + in 1.35+.
    found = re.match(r"v?([0-9]+)\.([0-9]+)", version)
    if found is not None and not tested[0] <= (int(found[1]), int(found[2])) <= tested[1]:
        oldest, newest = (".".join(map(str, bound)) for bound in tested)
        yield Advice(f"{path}: this is {what} {found[0]}; Slipway is tested with {oldest} to {newest}")


def untested_kubernetes(client: Any, setting: str) -> Iterator[Advice]:
    """Advice where Slipway is not tested with the Kubernetes of the cluster."""
    found = minor_version(client)
    if found is not None:
        yield from untested(setting, "Kubernetes", f"{found[0]}.{found[1]}", TESTED_KUBERNETES)


def minor_version(client: Any) -> tuple[int, int] | None:
    """The cluster's Kubernetes, such as 1.35; None where it says nothing that is one."""
    version = call(client, "GET", "/version")
    # Providers add to the numbers, such as the + in 35+.
    found = [re.match("[0-9]+", str(version.get(part, ""))) for part in ("major", "minor")]
    return (int(found[0][0]), int(found[1][0])) if found[0] and found[1] else None


def foreign_namespaces(client: Any, settings: Settings, wanted: dict[str, str]) -> Iterator[str]:
    """The namespaces that exist and are not this stack's.

    Args:
        client: of the cluster.
        settings: the stack's settings.
        wanted: the setting by which each namespace comes to its name.
    """
    namespaces = call(client, "GET", "/api/v1/namespaces")["items"]
    owners = {item["metadata"]["name"]: item["metadata"].get("labels", {}).get(MANAGED_BY) for item in namespaces}
    for name, path in wanted.items():
        if owners.get(name, settings.mark) != settings.mark:
            yield (
                f"{path}: the namespace {name} exists and is not this stack's; choose another name, or hand it over:"
                f" `kubectl label namespace {name} {MANAGED_BY}={settings.mark} --overwrite`"
            )
