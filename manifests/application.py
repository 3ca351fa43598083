"""Argo CD Applications: which folder of the environment repository goes into which namespace, and who syncs it."""

from typing import Any

from manifests.argocd.labels import (
    DEADLINE_ANNOTATION,
    ENVIRONMENT_LABEL,
    REPLICAS_ANNOTATION,
    SERVICE_LABEL,
    SOAK_ANNOTATION,
    SYNC_WINDOWS_ANNOTATION,
    URL_ANNOTATION,
)
from manifests.model import Environment, Removal, Service, Settings, Sync, placement_name
from manifests.platform_values import platform_values
from slipway_release import layout, platform_types

API_VERSION = "argoproj.io/v1alpha1"
PATHS_ANNOTATION = "argocd.argoproj.io/manifest-generate-paths"
"""Argo CD's own: what an Application is rendered from. Commits to other files render nothing."""
FINALIZER = "resources-finalizer.argocd.argoproj.io"
INFRASTRUCTURE = "infrastructure"
"""The AppProject and the folder of what belongs to no service."""
PART_OF = {"app.kubernetes.io/part-of": "slipway"}

# A first failure is often a webhook or CRD that is not there yet. `refresh` lets a fixing commit through at once,
# where the broken one would be tried to the end: https://github.com/argoproj/argo-cd/issues/11494
RETRY = {"limit": 3, "refresh": True, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "1m"}}

# Where an autoscaler counts the pods, Argo CD keeps the number that there is. Otherwise Kubernetes sets
# `replicas` that leaves a chart to 1, and a running service loses its pods when it gets an autoscaler.
_AUTOSCALED = {
    "group": "apps",
    "kind": "Deployment",
    "jqPathExpressions": [f'select(.metadata.annotations["{REPLICAS_ANNOTATION}"] == "autoscaled") | .spec.replicas'],
}


def application(settings: Settings, service: Service, environment: Environment) -> dict[str, Any]:
    """The Application of a service in an environment."""
    name = placement_name(service, environment)
    source = {
        "repoURL": settings.github.environment_repository_url,
        "path": layout.chart_folder(service.name),
        # In full, because a tag of the same name would win over a short one.
        "targetRevision": f"refs/heads/{environment.target_branch}",
        "helm": {
            "releaseName": service.name,
            "ignoreMissingValueFiles": True,
            # Relative to the chart's folder.
            "valueFiles": [f"../../{path}" for path in layout.value_files(environment.name, service.name)],
            **({"valuesObject": values} if (values := platform_values(settings, service, environment)) else {}),
        },
    }
    ignored = [_AUTOSCALED, *_ignored_differences(service, environment)]
    automated = {"automated": {"prune": environment.prunes, "selfHeal": True, "allowEmpty": True}}
    spec: dict[str, Any] = {
        "project": environment.name,
        "source": source,
        "destination": destination(environment, name),
        # Where syncs are not automated, Argo CD lets everybody who may sync go back to any revision of the history,
        # to that of a version that was taken back too.
        "revisionHistoryLimit": 10 if environment.sync is Sync.AUTOMATED else 1,
        "syncPolicy": {
            **(automated if environment.sync is Sync.AUTOMATED else {}),
            "retry": RETRY,
            "syncOptions": [
                "CreateNamespace=false",
                "FailOnSharedResource=true",
                "PruneLast=true",
                "ServerSideApply=true",
                *([] if environment.prunes else ["Prune=false"]),
                # Otherwise each sync would write what it does not compare.
                "RespectIgnoreDifferences=true",
            ],
        },
        "ignoreDifferences": ignored,
    }
    made = _application(settings, environment, name, spec)
    made["metadata"]["labels"][SERVICE_LABEL] = service.name
    made["metadata"]["annotations"] = {
        DEADLINE_ANNOTATION: str(environment.verification_deadline_seconds),
        **({SOAK_ANNOTATION: str(environment.soak_seconds)} if environment.soak_seconds else {}),
        **({SYNC_WINDOWS_ANNOTATION: windows} if (windows := environment.sync_windows_in_words) else {}),
        # A commit of one service renders that one alone.
        PATHS_ANNOTATION: ";".join(f"/{path}" for path in layout.watched(environment.name, service.name)),
        **({URL_ANNOTATION: service_url(service, environment)} if environment.address else {}),
    }
    return made


def _ignored_differences(service: Service, environment: Environment) -> list[dict[str, Any]]:
    differences = (*environment.ignore_differences, *service.ignore_differences)
    return [
        {
            **({"group": one.group} if one.group else {}),
            "kind": one.kind,
            **({"name": one.name} if one.name else {}),
            **({"jsonPointers": list(one.json_pointers)} if one.json_pointers else {}),
            **({"jqPathExpressions": list(one.jq_path_expressions)} if one.jq_path_expressions else {}),
            **({"managedFieldsManagers": list(one.managed_fields_managers)} if one.managed_fields_managers else {}),
        }
        for one in differences
    ]


def infrastructure_application(settings: Settings, environment: Environment) -> dict[str, Any]:
    """The Application of an environment's namespaces, quotas, network policies and role bindings; it always heals."""
    name = infrastructure_name(environment)
    spec: dict[str, Any] = {
        "project": INFRASTRUCTURE,
        "source": {
            "repoURL": settings.github.environment_repository_url,
            "path": f"{INFRASTRUCTURE}/{environment.name}",
            # Access and limits are the platform's, whatever branch the services of the environment follow.
            "targetRevision": "refs/heads/main",
        },
        "destination": destination(environment, name),
        "revisionHistoryLimit": 10,
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True, "allowEmpty": True},
            "retry": RETRY,
            "syncOptions": ["CreateNamespace=false", "PruneLast=true", "ServerSideApply=true"],
        },
    }
    return _application(settings, environment, name, spec)


def _application(settings: Settings, environment: Environment, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": "Application",
        "metadata": {
            "name": name,
            "namespace": settings.argocd.namespace,
            "labels": {**PART_OF, ENVIRONMENT_LABEL: environment.name},
            # Namespaces go with the workloads, or stay with them.
            **({"finalizers": [FINALIZER]} if environment.removes is Removal.CASCADE else {}),
        },
        "spec": spec,
    }


def infrastructure_name(environment: Environment) -> str:
    """The name of an environment's infrastructure Application, and of the namespace it would deploy to by default."""
    return f"{INFRASTRUCTURE}-{environment.name}"


def destination(environment: Environment, namespace: str) -> dict[str, str]:
    """Where Argo CD deploys to."""
    if environment.cluster is None:
        return {"server": "https://kubernetes.default.svc", "namespace": namespace}
    return {"name": environment.cluster, "namespace": namespace}


def service_url(service: Service, environment: Environment) -> str:
    """Where a service answers in an environment; empty if the settings do not say."""
    return platform_types.service_url(environment.address or "", service.name, environment.name)
