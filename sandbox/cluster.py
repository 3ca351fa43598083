"""What the sandbox looks at in its cluster: pods with their events and logs, and Applications of Argo CD."""

import json
from collections.abc import Callable
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
APPLICATION = ("argoproj.io", "v1alpha1")


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
        self._api = client.ApiClient(settings)
        self._core = client.CoreV1Api(self._api)
        self._apps = client.AppsV1Api(self._api)
        self._custom = client.CustomObjectsApi(self._api)

    def close(self) -> None:
        """Closes every connection."""
        self._api.close()

    def pods(self, namespace: str | None = None) -> list[Object]:
        """The pods of a namespace, or of all.

        Raises:
            ClusterError: The cluster did not answer.
        """
        if namespace is None:
            return self._listed(self._core.list_pod_for_all_namespaces)
        return self._listed(self._core.list_namespaced_pod, namespace)

    def namespaces(self) -> set[str]:
        """The names of all namespaces.

        Raises:
            ClusterError: The cluster did not answer.
        """
        return {found["metadata"]["name"] for found in self._listed(self._core.list_namespace)}

    def replica_sets(self) -> list[Object]:
        """The ReplicaSets of all namespaces.

        Raises:
            ClusterError: The cluster did not answer.
        """
        return self._listed(self._apps.list_replica_set_for_all_namespaces)

    def events(self, namespace: str, name: str) -> list[Object]:
        """The events of one object, the newest last.

        Raises:
            ClusterError: The cluster did not answer.
        """
        found = self._listed(self._core.list_namespaced_event, namespace, field_selector=f"involvedObject.name={name}")
        return sorted(found, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))

    def log(self, namespace: str, pod: str, container: str, *, lines: int, previous: bool = False) -> str:
        """The end of a container's log; empty where there is none."""
        try:
            answer = self._ask(
                self._core.read_namespaced_pod_log, pod, namespace,
                container=container, tail_lines=lines, previous=previous,
            )  # fmt: skip
        except ClusterError:
            return ""
        return answer.decode(errors="replace") if answer else ""

    def applications(self, namespace: str) -> list[Object]:
        """The Applications in a namespace; none as long as the cluster does not know what that is.

        Raises:
            ClusterError: The cluster did not answer.
        """
        return self._listed(self._custom.list_namespaced_custom_object, *APPLICATION, namespace, "applications")

    def annotate_application(self, namespace: str, name: str, annotations: dict[str, str]) -> None:
        """Sets annotations of an Application; it may be gone already.

        Raises:
            ClusterError: The cluster did not answer, or refused.
        """
        body = {"metadata": {"annotations": annotations}}
        self._ask(self._custom.patch_namespaced_custom_object, *APPLICATION, namespace, "applications", name, body)

    def secrets(self, namespace: str | None, labels: str) -> list[Object]:
        """The Secrets with these labels, of a namespace or of all.

        Raises:
            ClusterError: The cluster did not answer.
        """
        if namespace is None:
            return self._listed(self._core.list_secret_for_all_namespaces, label_selector=labels)
        return self._listed(self._core.list_namespaced_secret, namespace, label_selector=labels)

    def delete_secret(self, namespace: str, name: str) -> None:
        """Deletes a Secret; it may be gone already.

        Raises:
            ClusterError: The cluster did not answer, or refused.
        """
        self._ask(self._core.delete_namespaced_secret, name, namespace)

    def _listed(self, call: Callable[..., Any], *arguments: str, **options: Any) -> list[Object]:
        answer = self._ask(call, *arguments, **options)
        return items(json.loads(answer), "items") if answer else []

    def _ask(self, call: Callable[..., Any], *arguments: object, **options: Any) -> bytes | None:
        """The raw answer to a call, without the client's models; None for a 404."""
        try:
            answer = call(*arguments, **options, _request_timeout=SECONDS, _preload_content=False)
        except kubernetes.client.ApiException as error:
            raise ClusterError(f"the cluster at {self._server} refused: {error}") from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            reason = type(error).__name__
            raise ClusterError(f"the cluster at {self._server} cannot be reached: {reason}; run `make up`") from None
        if answer.status == 404:
            return None
        if answer.status >= 400:
            raise ClusterError(f"the cluster at {self._server} refused: HTTP status {answer.status}")
        return answer.data
