"""What the sandbox looks at in its cluster: pods with their events and logs, and Applications of Argo CD."""

import json
from collections.abc import Mapping
from typing import Any

import kubernetes.client
import kubernetes.config
import urllib3.exceptions

from sandbox.config import CONTEXT, SandboxConfig
from sandbox.errors import SandboxError
from sandbox.shape import items

Object = dict[str, Any]

SECONDS = 10
"""What one look may take."""
_CORE = "/api/v1"
_APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/{}/applications"


class ClusterError(SandboxError):
    """The cluster did not answer, or refused."""


class Cluster:
    """The cluster of a sandbox, by its own kubeconfig and whatever that logs in with."""

    def __init__(self, config: SandboxConfig) -> None:
        """Reads the kubeconfig.

        Raises:
            ClusterError: It is not there, or not usable.
        """
        client: Any = kubernetes.client
        load: Any = kubernetes.config
        settings = client.Configuration()
        try:
            load.load_kube_config(str(config.kubeconfig), CONTEXT, client_configuration=settings)
        except (kubernetes.config.ConfigException, OSError) as error:
            raise ClusterError(f"{config.kubeconfig}: not usable: {error}; run `make up`") from None
        settings.proxy = None  # the cluster is on this machine
        settings.retries = False
        self._server: str = settings.host
        # Without the client's own methods for each kind: these and their models take most of a second to import.
        self._api = client.ApiClient(settings)

    def close(self) -> None:
        """Closes every connection."""
        self._api.close()

    def pods(self, namespace: str | None = None) -> list[Object]:
        """The pods of a namespace, or of all.

        Raises:
            ClusterError: The cluster did not answer.
        """
        return self._listed(_path("pods", namespace))

    def namespaces(self) -> set[str]:
        """The names of all namespaces.

        Raises:
            ClusterError: The cluster did not answer.
        """
        return {found["metadata"]["name"] for found in self._listed(_path("namespaces"))}

    def replica_sets(self) -> list[Object]:
        """The ReplicaSets of all namespaces.

        Raises:
            ClusterError: The cluster did not answer.
        """
        return self._listed("/apis/apps/v1/replicasets")

    def events(self, namespace: str, name: str) -> list[Object]:
        """The events of one object, the newest last.

        Raises:
            ClusterError: The cluster did not answer.
        """
        found = self._listed(_path("events", namespace), {"fieldSelector": f"involvedObject.name={name}"})
        return sorted(found, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))

    def log(self, namespace: str, pod: str, container: str, *, lines: int, previous: bool = False) -> str:
        """The end of a container's log; empty where there is none."""
        query = {"container": container, "tailLines": str(lines), "previous": str(previous).lower()}
        try:
            answer = self._ask("GET", _path(f"pods/{pod}/log", namespace), query=query)
        except ClusterError:
            return ""
        return answer.decode(errors="replace") if answer else ""

    def applications(self, namespace: str) -> list[Object]:
        """The Applications in a namespace; none as long as the cluster does not know what that is.

        Raises:
            ClusterError: The cluster did not answer.
        """
        return self._listed(_APPLICATIONS.format(namespace))

    def annotate_application(self, namespace: str, name: str, annotations: dict[str, str]) -> None:
        """Sets annotations of an Application; it may be gone already.

        Raises:
            ClusterError: The cluster did not answer, or refused.
        """
        body = {"metadata": {"annotations": annotations}}
        self._ask("PATCH", f"{_APPLICATIONS.format(namespace)}/{name}", body=body)

    def secrets(self, namespace: str | None, labels: str) -> list[Object]:
        """The Secrets with these labels, of a namespace or of all.

        Raises:
            ClusterError: The cluster did not answer.
        """
        return self._listed(_path("secrets", namespace), {"labelSelector": labels})

    def delete_secret(self, namespace: str, name: str) -> None:
        """Deletes a Secret; it may be gone already.

        Raises:
            ClusterError: The cluster did not answer, or refused.
        """
        self._ask("DELETE", _path(f"secrets/{name}", namespace))

    def _listed(self, path: str, query: Mapping[str, str] | None = None) -> list[Object]:
        answer = self._ask("GET", path, query=query)
        return items(json.loads(answer), "items") if answer else []

    def _ask(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Object | None = None
    ) -> bytes | None:
        """The raw answer to a request; None for a 404."""
        request = self._api.param_serialize(
            method=method,
            resource_path=path,
            header_params={"Accept": "application/json, */*", "Content-Type": "application/merge-patch+json"},
            query_params=list((query or {}).items()),
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            answer = self._api.call_api(*request, _request_timeout=SECONDS)
            content: bytes = answer.read()
        except kubernetes.client.ApiException as error:
            raise ClusterError(f"the cluster at {self._server} refused: {error}") from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            reason = type(error).__name__
            raise ClusterError(f"the cluster at {self._server} cannot be reached: {reason}; run `make up`") from None
        if answer.status == 404:
            return None
        if answer.status >= 400:
            raise ClusterError(f"the cluster at {self._server} refused: HTTP status {answer.status}")
        return content


def _path(kinds: str, namespace: str | None = None) -> str:
    """Of objects without an API group, in a namespace or in all."""
    return f"{_CORE}/{kinds}" if namespace is None else f"{_CORE}/namespaces/{namespace}/{kinds}"
