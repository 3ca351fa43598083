"""Chart values that are the platform's: a changed setting reaches services whose values files are their teams'.

They stand in the Application, where they win over every file, and in `platform.json`, by which pull requests are
rendered. New ones are `global` values, because the chart of a running service refuses a key that it does not know.
"""

from typing import Any

from manifests.argocd.labels import WAIT_FOR_ADDRESS_ANNOTATION
from manifests.model import Environment, Service, Settings
from slipway_release.platform_types import filled


def platform_values(settings: Settings, service: Service, environment: Environment) -> dict[str, Any]:
    """The values of a service in an environment; empty if the settings have none."""
    entry = _entry(service, environment)
    pull_secret = settings.registry.pull_secret
    return {
        **({"imagePullSecrets": [{"name": pull_secret}]} if pull_secret else {}),
        **({"global": entry} if entry else {}),
    }


def _entry(service: Service, environment: Environment) -> dict[str, Any]:
    """How the service is reached from outside; `templates/services/_chart/templates/entry.yaml` reads it."""
    ingress, route = environment.ingress, environment.http_route
    if ingress:
        annotations = dict(ingress.annotations or {})
        annotations |= {} if ingress.wait_for_address else {WAIT_FOR_ADDRESS_ANNOTATION: "false"}
        optional = {
            "className": ingress.class_name,
            "tlsSecret": filled(ingress.tls_secret or "", service.name, environment.name),
            "annotations": annotations,
        }
        host = filled(ingress.host, service.name, environment.name)
        return {"ingress": {"host": host, "tls": ingress.tls, **_set(optional)}}
    if route:
        host = filled(route.host, service.name, environment.name)
        gateway = {"gateway": route.gateway, "gatewayNamespace": route.gateway_namespace}
        return {"httpRoute": {"host": host, **gateway, **_set({"sectionName": route.section_name})}}
    return {}


def _set(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}
