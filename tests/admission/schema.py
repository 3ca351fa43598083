"""The fields of Kubernetes' kinds, made short: what `slipway_release/validation/kubernetes.json` holds."""

import json
from collections.abc import Mapping
from typing import Any

KINDS = {
    "v1": [
        "ConfigMap",
        "LimitRange",
        "Namespace",
        "PersistentVolumeClaim",
        "Pod",
        "ResourceQuota",
        "Service",
        "ServiceAccount",
    ],
    "apps/v1": ["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
    "autoscaling/v2": ["HorizontalPodAutoscaler"],
    "batch/v1": ["CronJob", "Job"],
    "networking.k8s.io/v1": ["Ingress", "NetworkPolicy"],
    "policy/v1": ["PodDisruptionBudget"],
    "rbac.authorization.k8s.io/v1": ["Role", "RoleBinding"],
}
"""What services may consist of, or may be permitted to."""
_SCALARS = {"string": "text", "integer": "whole", "boolean": "truth"}


class Compact:
    """Types by a short name, and which one each kind has."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions: Mapping[str, Any] = definitions
        self._names: dict[str, str] = {}
        self.types: dict[str, Any] = {}
        self.kinds: dict[str, str] = {}
        for name, definition in sorted(definitions.items()):
            for kind in definition.get("x-kubernetes-group-version-kind", ()):
                version = f"{kind['group']}/{kind['version']}".removeprefix("/")
                if kind["kind"] in KINDS.get(version, ()):
                    self.kinds[f"{version}/{kind['kind']}"] = self._visited(name)

    def text(self) -> str:
        """A type on each line."""
        lines = [f"{json.dumps(name)}: {json.dumps(self.types[name], sort_keys=True)}" for name in sorted(self.types)]
        kinds = json.dumps(self.kinds, sort_keys=True)
        return '{"kinds": ' + kinds + ',\n"types": {\n' + ",\n".join(lines) + "\n}}\n"

    def _visited(self, name: str) -> str:
        if name not in self._names:
            short = name.rpartition(".")[2]
            self._names[name] = name if short in self.types else short
            self.types[self._names[name]] = {}
            definition = self._definitions[name]
            fields = {key: self._of(value) for key, value in definition["properties"].items()}
            required = {"required": definition["required"]} if definition.get("required") else {}
            self.types[self._names[name]] = {"fields": fields, **required}
        return self._names[name]

    def _of(self, schema: dict[str, Any]) -> Any:
        given = schema
        if len(schema.get("allOf", ())) == 1:
            given = schema["allOf"][0] | {key: value for key, value in schema.items() if key == "enum"}
        if "$ref" in given:
            name = given["$ref"].rpartition("/")[2]
            definition = self._definitions[name]
            return {"type": self._visited(name)} if "properties" in definition else self._of(definition)
        if given.get("type") == "array":
            keys = given.get("x-kubernetes-list-map-keys")
            return {"list": self._of(given["items"]), **({"keys": keys} if keys else {})}
        if given.get("type") == "object" and "additionalProperties" in given:
            return {"map": self._of(given["additionalProperties"])}
        if "enum" in given:
            return {"words": given["enum"]}
        is_either = "oneOf" in given or given.get("format") == "int-or-string"
        return "any" if is_either else _SCALARS.get(given.get("type", ""), "any")
