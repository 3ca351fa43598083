"""What in the cluster stands in the way of a stack: found before the first write, each with its remedy."""

import base64
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import kubernetes.client
import urllib3.exceptions

from components.argocd.installation import RELEASE_NAME
from components.argocd.kubeconfig import opened
from components.github.preflight.findings import Adoptable, Advice
from components.state import State
from manifests.infrastructure import MANAGED_BY
from manifests.model import RELEASE, Settings, adoptable, placement_name

TIMEOUT_SECONDS = 10
NEEDED_RIGHTS = (
    ("", "namespaces"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"),
)
"""What the installation of Argo CD creates outside of its namespace."""

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_KINDS = ("applications", "applicationsets", "appprojects")
_DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}.argoproj.io"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_RELEASE_KIND = "kubernetes:helm.sh/v3:Release"
_OWNER = "meta.helm.sh/release-namespace"
_CLUSTER_LABEL = "argocd.argoproj.io/secret-type=cluster"
IN_CLUSTER = "in-cluster"
"""What Argo CD calls the cluster that it runs on."""
TESTED_KUBERNETES = ((1, 33), (1, 35))
TESTED_ARGOCD = ((3, 4), (3, 5))
"""The oldest and the newest minor version that Slipway is tested with."""


def cluster_problems(settings: Settings, state: State | None = None) -> list[str]:
    """Everything that is in the way, `Advice` among it; nothing is written."""
    client = _opened(settings)
    found = [client] if isinstance(client, str) else _asked(settings, state, client)
    return list(dict.fromkeys([*found, *_unusable_contexts(settings)]))


def _asked(settings: Settings, state: State | None, client: Any) -> list[str]:
    context = settings.cluster.context
    try:
        found = [finding for check in _CHECKS for finding in check(settings, client)]
        return [*found, *_unclaimed_release(settings, state, client)]
    except (urllib3.exceptions.HTTPError, OSError) as error:
        host = client.configuration.host
        return [f"cluster.context: {context} does not answer at {host} ({_reason(error)}); is it running?"]
    except kubernetes.client.ApiException as error:
        refusal = cast(Any, error)
        if not refusal.status:
            reason = " ".join(str(refusal.reason).split())
            return [f"cluster.context: {context} cannot be trusted: {reason}; are address and authority those of it?"]
        return [f"cluster.context: {context} refuses: {refusal.status} {refusal.reason}; are the credentials valid?"]


def has_release(settings: Settings) -> bool:
    """Whether the cluster has the Helm release of Argo CD; an unreachable one counts as without."""
    client = _opened(settings)
    try:
        return not isinstance(client, str) and _has_release(settings, client)
    except (urllib3.exceptions.HTTPError, OSError, kubernetes.client.ApiException):
        return False


def _opened(settings: Settings) -> Any:
    return opened(settings.cluster.kubeconfig, settings.cluster.context, "cluster.context")


def _unusable_contexts(settings: Settings) -> Iterator[str]:
    """The clusters of environments are only opened: who previews may not reach each of them."""
    for environment in settings.environments:
        if environment.context is not None:
            setting = f"environments[{environment.name}].context"
            if isinstance(client := opened(settings.cluster.kubeconfig, environment.context, setting), str):
                yield client


def _has_release(settings: Settings, client: Any) -> bool:
    return bool(_helm_records(settings, client))


def _helm_records(settings: Settings, client: Any) -> list[dict[str, Any]]:
    """The Secrets that Helm writes for the release of Argo CD, one for each revision."""
    path = f"/api/v1/namespaces/{settings.argocd.namespace}/secrets"
    query = [("labelSelector", f"owner=helm,name={RELEASE_NAME}")]
    return _call(client, "GET", path, query=query)["items"]


def _unclaimed_release(settings: Settings, state: State | None, client: Any) -> Iterator[str]:
    """Helm refuses to install a second release of one name."""
    if state is None or state.has(_RELEASE_KIND, "argocd-release") or settings.adopts(RELEASE, RELEASE_NAME):
        return
    if _has_release(settings, client):
        yield Adoptable(
            f"argocd.namespace: {settings.argocd.namespace} has a Helm release {RELEASE_NAME} that the state does not"
            " know; adopt it, or choose another namespace",
            adoptable(RELEASE, RELEASE_NAME),
        )


def _pending_release(settings: Settings, client: Any) -> Iterator[str]:
    """Helm refuses to touch a release while its last operation is pending, and a killed Helm leaves it so."""
    namespace = settings.argocd.namespace
    found = map(_labels, _helm_records(settings, client))
    records = {int(labels["version"]): labels["status"] for labels in found if "version" in labels}
    last = max(records, default=0)
    if records.get(last) not in {"pending-install", "pending-upgrade", "pending-rollback"}:
        return
    remedy = (
        f"helm --namespace {namespace} rollback {RELEASE_NAME}"
        if "deployed" in records.values()
        else f"kubectl --namespace {namespace} delete secret --selector owner=helm,name={RELEASE_NAME}"
    )
    yield (
        f"argocd.namespace: the Helm release {RELEASE_NAME} in {namespace} is {records[last]}: another update is at"
        f" work, or was cut off; wait for it, or if none is, mend it with `{remedy}`"
    )


def _labels(thing: dict[str, Any]) -> dict[str, str]:
    return thing.get("metadata", {}).get("labels") or {}


def _untested_versions(settings: Settings, client: Any) -> Iterator[str]:
    version = _call(client, "GET", "/version")
    running = f"{version.get('major', '')}.{version.get('minor', '')}"
    yield from _untested("cluster.context", "Kubernetes", running, TESTED_KUBERNETES)
    if settings.argocd.version is not None:
        yield from _untested("argocd.version", "Argo CD", settings.argocd.version, TESTED_ARGOCD)


def _untested(path: str, what: str, version: str, tested: tuple[tuple[int, int], tuple[int, int]]) -> Iterator[str]:
    # Providers add to the numbers, such as the + in 1.35+.
    found = re.match(r"v?([0-9]+)\.([0-9]+)", version)
    if found is not None and not tested[0] <= (int(found[1]), int(found[2])) <= tested[1]:
        oldest, newest = (".".join(map(str, bound)) for bound in tested)
        yield Advice(f"{path}: this is {what} {found[0]}; Slipway is tested with {oldest} to {newest}")


def _missing_rights(settings: Settings, client: Any) -> Iterator[str]:
    del settings
    for group, resource in NEEDED_RIGHTS:
        attributes = {"group": group, "resource": resource, "verb": "create"}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        if not _call(client, "POST", _REVIEWS, review)["status"]["allowed"]:
            yield f"cluster.context: it may not create {resource}; use a cluster administrator"


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
    found = [_find(client, _DEFINITION.format(kind)) for kind in _KINDS]
    owners = {_installer(definition) for definition in found if definition is not None}
    for owner in sorted(owners - {settings.argocd.namespace}):
        whose = f"the Argo CD in {owner}" if owner else "something other than Helm"
        yield f"argocd.installCrds: Argo CD's kinds were installed by {whose}; set it to false, or remove them first"


def _foreign_roles(settings: Settings, client: Any) -> Iterator[str]:
    """Cluster-wide roles have no namespace that would keep two releases of one name apart."""
    ours = [f"{RELEASE_NAME}-{part}" for part in ("application-controller", "server", "notifications-controller")]
    for kind in ("clusterrole", "clusterrolebinding"):
        for name in ours:
            found = _find(client, f"{_RBAC}/{kind}s/{name}")
            if found is not None and (owner := _installer(found)) != settings.argocd.namespace:
                whose = f"the Argo CD in {owner}" if owner else "another Argo CD"
                yield (
                    f"cluster.context: {kind} {name} was left by {whose}, and Helm does not take it"
                    f" over; remove that Argo CD, or what is left of it: `kubectl delete {kind} {name}`"
                )


def _unregistered_clusters(settings: Settings, client: Any) -> Iterator[str]:
    """An Application whose cluster Argo CD does not know stays Unknown for ever."""
    ours = settings.registered_clusters()
    wanted = {
        environment.cluster: environment.name
        for environment in settings.environments
        if environment.cluster and environment.cluster not in ours
    }
    if not wanted:
        return
    namespace = settings.argocd.namespace
    found = _call(client, "GET", f"/api/v1/namespaces/{namespace}/secrets", query=[("labelSelector", _CLUSTER_LABEL)])
    known = {_decoded(item.get("data", {}).get("name", "")) for item in found["items"]} | {IN_CLUSTER}
    for cluster, environment in wanted.items():
        if cluster not in known:
            others = ", ".join(sorted(known))
            yield (
                f"environments[{environment}].cluster: Argo CD in {namespace} knows no cluster {cluster!r}, only"
                f" {others}; register it by the environment's `server` and `context`, or by"
                f" `argocd cluster add <context> --name {cluster}`"
            )


def _installer(thing: dict[str, Any]) -> str:
    return str(thing["metadata"].get("annotations", {}).get(_OWNER, ""))


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode(errors="replace")


def _find(client: Any, path: str) -> dict[str, Any] | None:
    try:
        return _call(client, "GET", path)
    except kubernetes.client.ApiException as error:
        if cast(Any, error).status == 404:
            return None
        raise


_CHECKS: tuple[Callable[[Settings, Any], Iterator[str]], ...] = (
    _untested_versions,
    _missing_rights,
    _foreign_namespaces,
    _foreign_kinds,
    _foreign_roles,
    _unregistered_clusters,
    _pending_release,
)


def _call(
    client: Any, method: str, path: str, body: Any = None, query: Sequence[tuple[str, str]] = ()
) -> dict[str, Any]:
    """Asks the API; its answers are read as they are, since the client's models have no types."""
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


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or error)
