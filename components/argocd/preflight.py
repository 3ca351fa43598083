"""Checks of the cluster before the first write; each problem has its remedy."""

from collections.abc import Callable, Iterator
from typing import Any

from components.argocd.cluster_api import (
    UNREACHABLE,
    call,
    find,
    foreign_namespaces,
    missing_rights,
    trouble,
    untested,
    untested_kubernetes,
)
from components.argocd.cluster_needs import needs
from components.argocd.installation import RELEASE_NAME
from components.argocd.kubeconfig import opened
from components.argocd.remote_clusters import registration_problems, remote_problems
from components.github.preflight.findings import Adoptable
from components.state import State
from manifests.model import RELEASE, Settings, adoptable, placement_name

NEEDED_RIGHTS = (
    ("", "namespaces"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"),
)
"""What the installation of Argo CD creates outside of its namespace."""

_KINDS = ("applications", "applicationsets", "appprojects")
_DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}.argoproj.io"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_RELEASE_KIND = "kubernetes:helm.sh/v3:Release"
_OWNER = "meta.helm.sh/release-namespace"
TESTED_ARGOCD = ((3, 4), (3, 5))
"""The oldest and the newest minor version that Slipway is tested with."""


def cluster_problems(settings: Settings, state: State | None = None) -> list[str]:
    """Everything that is in the way, `Advice` among it; nothing is written."""
    client = _opened(settings)
    found: list[str] = (
        [*client, *remote_problems(settings, None)] if isinstance(client, list) else _asked(settings, state, client)
    )
    return list(dict.fromkeys(found))


def _asked(settings: Settings, state: State | None, client: Any) -> list[str]:
    try:
        found = [finding for check in _CHECKS for finding in check(settings, client)]
        return [*found, *_unclaimed_release(settings, state, client), *remote_problems(settings, client)]
    except UNREACHABLE as error:
        problem = trouble(error, client, "cluster.context", settings.cluster.context)
        return [problem, *remote_problems(settings, None)]


def has_release(settings: Settings) -> bool:
    """Whether the cluster has the Helm release of Argo CD; an unreachable one counts as without."""
    client = _opened(settings)
    try:
        return not isinstance(client, list) and _has_release(settings, client)
    except UNREACHABLE:
        return False


def _opened(settings: Settings) -> Any:
    return opened(settings.cluster.kubeconfig, settings.cluster.context, "cluster.context")


def _has_release(settings: Settings, client: Any) -> bool:
    return bool(_helm_records(settings, client))


def _helm_records(settings: Settings, client: Any) -> list[dict[str, Any]]:
    """The Secrets that Helm writes for the release of Argo CD, one for each revision."""
    path = f"/api/v1/namespaces/{settings.argocd.namespace}/secrets"
    query = [("labelSelector", f"owner=helm,name={RELEASE_NAME}")]
    return call(client, "GET", path, query=query)["items"]


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
    yield from untested_kubernetes(client, "cluster.context")
    if settings.argocd.version is not None:
        yield from untested("argocd.version", "Argo CD", settings.argocd.version, TESTED_ARGOCD)


def _lacking(settings: Settings, client: Any) -> Iterator[str]:
    here = [environment for environment in settings.environments if not environment.is_remote]
    yield from needs(client, here, settings.secrets, "cluster.context")


def _missing_rights(settings: Settings, client: Any) -> Iterator[str]:
    del settings
    yield from missing_rights(client, NEEDED_RIGHTS, "cluster.context")


def _foreign_namespaces(settings: Settings, client: Any) -> Iterator[str]:
    wanted = {settings.argocd.namespace: "argocd.namespace"}
    for service, environment in settings.all_placements():
        if not environment.is_remote:
            wanted[placement_name(service, environment)] = f"services[{service.name}].name"
    yield from foreign_namespaces(client, settings, wanted)


def _foreign_kinds(settings: Settings, client: Any) -> Iterator[str]:
    """A Helm release refuses to take over what another one installed."""
    if not settings.argocd.install_crds:
        return
    found = [find(client, _DEFINITION.format(kind)) for kind in _KINDS]
    owners = {_installer(definition) for definition in found if definition is not None}
    for owner in sorted(owners - {settings.argocd.namespace}):
        whose = f"the Argo CD in {owner}" if owner else "something other than Helm"
        yield f"argocd.installCrds: Argo CD's kinds were installed by {whose}; set it to false, or remove them first"


def _foreign_roles(settings: Settings, client: Any) -> Iterator[str]:
    """Cluster-wide roles have no namespace that would keep two releases of one name apart."""
    ours = [f"{RELEASE_NAME}-{part}" for part in ("application-controller", "server", "notifications-controller")]
    for kind in ("clusterrole", "clusterrolebinding"):
        for name in ours:
            found = find(client, f"{_RBAC}/{kind}s/{name}")
            if found is not None and (owner := _installer(found)) != settings.argocd.namespace:
                whose = f"the Argo CD in {owner}" if owner else "another Argo CD"
                yield (
                    f"cluster.context: {kind} {name} was left by {whose}, and Helm does not take it"
                    f" over; remove that Argo CD, or what is left of it: `kubectl delete {kind} {name}`"
                )


def _installer(thing: dict[str, Any]) -> str:
    return str(thing["metadata"].get("annotations", {}).get(_OWNER, ""))


_CHECKS: tuple[Callable[[Settings, Any], Iterator[str]], ...] = (
    _untested_versions,
    _lacking,
    _missing_rights,
    _foreign_namespaces,
    _foreign_kinds,
    _foreign_roles,
    registration_problems,
    _pending_release,
)
