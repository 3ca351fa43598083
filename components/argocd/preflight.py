"""What in the cluster stands in the way of a stack: found before the first write, each with its remedy."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import kubernetes.client
import kubernetes.config
import urllib3.exceptions
import yaml

from manifests.infrastructure import MANAGED_BY
from manifests.model import Settings, placement_name

TIMEOUT_SECONDS = 10
NEEDED_RIGHTS = (
    ("", "namespaces"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"),
)
"""What the installation of Argo CD creates outside of its namespace."""

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_APPLICATION_KIND = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/applications.argoproj.io"


def cluster_problems(settings: Settings) -> list[str]:
    """Everything that is in the way; nothing is written."""
    context = settings.cluster.context
    path = Path(settings.cluster.kubeconfig).expanduser()
    if not path.is_file():
        return [f"cluster.kubeconfig: there is no file {path}"]
    try:
        client = cast(Any, kubernetes.config).new_client_from_config(str(path), context=context)
    except kubernetes.config.ConfigException as error:
        return [f"cluster.context: {context} cannot be used: {error}; `kubectl config get-contexts` shows them"]
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, OSError):
        # The client lets through whatever its reading stumbles over.
        return [f"cluster.kubeconfig: {path} is no kubeconfig; `kubectl config view --kubeconfig {path}` says more"]
    # The client's own three retries would make an unreachable cluster take minutes.
    client.rest_client.pool_manager.connection_pool_kw["retries"] = False
    try:
        return [*_missing_rights(client), *_foreign_namespaces(settings, client), *_foreign_kinds(settings, client)]
    except (urllib3.exceptions.HTTPError, OSError) as error:
        host = client.configuration.host
        return [f"cluster.context: {context} does not answer at {host} ({_reason(error)}); is it running?"]
    except kubernetes.client.ApiException as error:
        refusal = cast(Any, error)
        if not refusal.status:
            reason = " ".join(str(refusal.reason).split())
            return [f"cluster.context: {context} cannot be trusted: {reason}; are address and authority those of it?"]
        return [f"cluster.context: {context} refuses: {refusal.status} {refusal.reason}; are the credentials valid?"]


def _missing_rights(client: Any) -> Iterator[str]:
    for group, resource in NEEDED_RIGHTS:
        attributes = {"group": group, "resource": resource, "verb": "create"}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        if not _call(client, "POST", _REVIEWS, review)["status"]["allowed"]:
            yield f"cluster.context: it may not create {resource}; allowed is a cluster administrator"


def _foreign_namespaces(settings: Settings, client: Any) -> Iterator[str]:
    namespaces = _call(client, "GET", "/api/v1/namespaces")["items"]
    owners = {item["metadata"]["name"]: item["metadata"].get("labels", {}).get(MANAGED_BY) for item in namespaces}
    wanted = {settings.argocd.namespace: "argocd.namespace"}
    for service, environment in settings.placements():
        if environment.cluster is None:
            wanted[placement_name(service, environment)] = f"services[{service.name}].name"
    for name, path in wanted.items():
        if owners.get(name, settings.mark) != settings.mark:
            yield (
                f"{path}: the namespace {name} exists and is not this stack's; choose another name, or hand it over:"
                f" `kubectl label namespace {name} {MANAGED_BY}={settings.mark} --overwrite`"
            )


def _foreign_kinds(settings: Settings, client: Any) -> Iterator[str]:
    """A Helm release refuses to take over what another one installed."""
    if not settings.argocd.install_crds:
        return
    try:
        found = _call(client, "GET", _APPLICATION_KIND)
    except kubernetes.client.ApiException as error:
        if cast(Any, error).status == 404:
            return
        raise
    owner = found["metadata"].get("annotations", {}).get("meta.helm.sh/release-namespace")
    if owner != settings.argocd.namespace:
        whose = f"the Argo CD in {owner}" if owner else "somebody else"
        yield f"argocd.installCrds: Argo CD's kinds were installed by {whose}; set it to false, or remove them first"


def _call(client: Any, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """Asks the API; its answers are read as they are, since the client's models have no types."""
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    request = client.param_serialize(
        method=method, resource_path=path, header_params=headers, body=body, auth_settings=["BearerToken"]
    )
    answer = client.call_api(*request, _request_timeout=TIMEOUT_SECONDS)
    text = answer.read()
    if answer.status >= 400:
        raise kubernetes.client.ApiException(status=answer.status, reason=answer.reason)
    return json.loads(text)


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or error)
