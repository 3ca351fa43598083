"""Makes a Helm release be as declared.

What was installed is known from a digest in the release's own description: chart, version and values. A release whose
digest is the wanted one, that is deployed and whose objects are all there, is left alone.
"""

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sandbox.engine.kubernetes import pods
from sandbox.engine.kubernetes.api import KubernetesApi, Object
from sandbox.engine.kubernetes.helm import Helm, Tell, last_line
from sandbox.engine.kubernetes.manifest import declared
from sandbox.engine.monitor import Registration
from sandbox.engine.outcome import Applied, ApplyError, Outcome
from sandbox.engine.shape import Json, at, fields

RELEASE_TYPE = "kubernetes:helm.sh/v3:Release"
MARK = "slipway:"
PENDING = {"pending-install", "pending-upgrade", "pending-rollback"}
FLAGS = {
    "atomic": "--atomic",
    "cleanupOnFail": "--cleanup-on-fail",
    "createNamespace": "--create-namespace",
    "dependencyUpdate": "--dependency-update",
    "devel": "--devel",
    "disableOpenapiValidation": "--disable-openapi-validation",
    "disableWebhooks": "--no-hooks",
    "forceUpdate": "--force",
    "skipCrds": "--skip-crds",
    "takeOwnership": "--take-ownership",
    "verify": "--verify",
    "waitForJobs": "--wait-for-jobs",
}
IGNORED = {
    "allowNullValues", "chart", "compat", "description", "keyring", "lint", "maxHistory", "name", "namespace",
    "renderSubchartNotes", "repositoryOpts", "resourceNames", "skipAwait", "timeout", "values", "valueYamlFiles",
    "version", "manifest", "status", "replace", "reuseValues", "resetValues", "recreatePods", "disableCRDHooks",
}  # fmt: skip
"""Inputs that are read below, or that change nothing in what is installed."""


@dataclass(frozen=True)
class Releases:
    """The releases of one cluster."""

    helm: Helm
    api: KubernetesApi
    tell: Tell
    """Is told what is waited for."""

    def apply(self, registration: Registration) -> Applied:
        """Makes a release be as declared.

        Raises:
            ApplyError: helm refused, or the release did not become ready.
        """
        inputs = registration.inputs
        if unknown := sorted(set(inputs) - set(FLAGS) - IGNORED):
            raise ApplyError(f"{', '.join(unknown)}: the in-process deployment does not know this input of a Release")
        name, namespace = self._identity(inputs, registration.name)
        digest = _digest(inputs)
        before = self._state(name, namespace)
        status = at(before, "info", "status")
        if status in PENDING:
            self._forget_pending(name, namespace, cast("Json", before))
        current = status == "deployed" and at(before, "info", "description") == digest
        if current and self._complete(cast("Json", before)):
            return self._applied(name, namespace, inputs, cast("Json", before), Outcome.UNCHANGED)
        self._upgrade(name, namespace, inputs, digest, registration.create_timeout)
        after = self._state(name, namespace) or {}
        return self._applied(name, namespace, inputs, after, Outcome.CREATED if before is None else Outcome.UPDATED)

    def _identity(self, inputs: Json, fallback: str) -> tuple[str, str]:
        return inputs.get("name") or fallback, inputs.get("namespace") or self.api.namespace or "default"

    def _state(self, name: str, namespace: str) -> Json | None:
        done = self.helm.run("status", name, "--namespace", namespace, "--output", "json")
        if done.returncode:
            if "not found" in done.stderr:
                return None
            raise ApplyError(f"helm status {name}: {last_line(done.stderr)}")
        return cast("Json", json.loads(done.stdout))

    def _forget_pending(self, name: str, namespace: str, state: Json) -> None:
        """Removes the record of an operation that was killed; its objects stay and are taken over by the next one."""
        record = f"sh.helm.release.v1.{name}.v{state['version']}"
        self.api.call("DELETE", f"/api/v1/namespaces/{namespace}/secrets/{record}", missing_ok=True)

    def _complete(self, state: Json) -> bool:
        """Whether every object of the release is in the cluster."""
        return all(
            self.api.get(manifest) is not None for manifest in declared(state.get("manifest") or "", state["namespace"])
        )

    def _upgrade(self, name: str, namespace: str, inputs: Json, digest: str, timeout: float | None) -> None:
        chart, options = _chart(inputs)
        arguments = ["upgrade", "--install", name, chart, "--namespace", namespace, "--description", digest, *options]
        arguments += [flag for key, flag in FLAGS.items() if inputs.get(key)]
        if not inputs.get("skipAwait"):
            arguments.append("--wait")
        if seconds := inputs.get("timeout") or timeout:
            arguments += ["--timeout", f"{int(seconds)}s"]
        if inputs.get("maxHistory"):
            arguments += ["--history-max", str(inputs["maxHistory"])]
        values: Json = fields(inputs, "values")
        # In a file: values may hold secrets, and arguments are public on the machine.
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(values, file)
            file.flush()
            for given in cast("list[object]", inputs.get("valueYamlFiles") or []):
                arguments += ["--values", str(getattr(given, "path", given))]
            done = self.helm.run_watched(namespace, self.tell, *arguments, "--values", file.name)
        if done.returncode:
            trouble = pods.first_trouble(self.api, namespace)
            raise ApplyError(f"helm upgrade {name}: {last_line(done.stderr)}" + (f"\n{trouble}" if trouble else ""))

    def _applied(self, name: str, namespace: str, inputs: Json, state: Json, outcome: Outcome) -> Applied:
        manifests = declared(state.get("manifest") or "", namespace)
        names: dict[str, list[str]] = {}
        for manifest in manifests:
            names.setdefault(f"{manifest['kind']}/{manifest['apiVersion']}", []).append(_path(manifest))
        outputs = {
            **inputs,
            "name": name,
            "namespace": namespace,
            "resourceNames": names,
            "status": {
                "name": name,
                "namespace": namespace,
                "revision": state.get("version", 0),
                "status": at(state, "info", "status") or "",
                "version": inputs.get("version") or "",
            },
        }
        return Applied(id=f"{namespace}/{name}", outputs=outputs, outcome=outcome)


def _chart(inputs: Json) -> tuple[str, list[str]]:
    """The chart as helm takes it, and the options that say where it comes from."""
    chart = str(inputs.get("chart") or "")
    if not chart:
        raise ApplyError("chart: it has none")
    options = ["--version", str(inputs["version"])] if inputs.get("version") else []
    repository = fields(inputs, "repositoryOpts")
    if repository.get("password"):
        raise ApplyError("repositoryOpts.password: the in-process deployment takes no password; use a local chart")
    if repository.get("repo"):
        options += ["--repo", str(repository["repo"])]
    return chart, options


def _digest(inputs: Json) -> str:
    """What makes one installation differ from another; the content of the chart too, if it is a folder or a file."""
    what = {key: value for key, value in inputs.items() if key not in ("status", "resourceNames", "manifest")}
    digest = hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode())
    chart = Path(str(inputs.get("chart") or ""))
    paths = sorted(path for path in chart.rglob("*") if path.is_file()) if chart.is_dir() else []
    for path in paths or ([chart] if chart.is_file() else []):
        digest.update(f"\0{path.relative_to(chart.parent)}\0".encode())
        digest.update(path.read_bytes())
    return MARK + digest.hexdigest()[:24]


def _path(manifest: Object) -> str:
    metadata: dict[str, Any] = manifest["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}"
