"""The few calls to the Kubernetes API that starting a node takes; everything else uses a proper client."""

import datetime as dt
import json
import ssl
from typing import Any, Self, cast

import httpx

from sandbox.node.layout import NODE_NAME, NodeLayout


class NodeApi:
    """The administrator's connection to the API server of one node."""

    def __init__(self, layout: NodeLayout) -> None:
        context = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))
        context.load_cert_chain(layout.pki / "admin.crt", layout.pki / "admin.key")
        self._client = httpx.Client(base_url=layout.api_url, verify=context, timeout=10, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def is_ready(self) -> bool:
        try:
            return self._client.get("/readyz").is_success
        except httpx.HTTPError:
            return False

    def apply(self, path: str, document: dict[str, Any]) -> None:
        """Server-side applies one object; `path` is that of its collection.

        Raises:
            httpx.HTTPError: the API server refused or did not answer.
        """
        answer = self._client.patch(
            f"{path}/{document['metadata']['name']}?fieldManager=slipway-sandbox&force=true",
            content=json.dumps(document),
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        answer.raise_for_status()

    def get(self, path: str) -> dict[str, Any] | None:
        """An object, None when it is not there or the server does not answer."""
        try:
            answer = self._client.get(path)
        except httpx.HTTPError:
            return None
        return cast(dict[str, Any], answer.json()) if answer.is_success else None

    def node_is_ready(self, since: dt.datetime) -> bool:
        """Whether the kubelet says it is ready, and has said so since a time: state outlives a killed node."""
        document = self.get(f"/api/v1/nodes/{NODE_NAME}") or {}
        for condition in document.get("status", {}).get("conditions", []):
            if condition["type"] == "Ready" and condition["status"] == "True":
                return dt.datetime.fromisoformat(condition["lastHeartbeatTime"]) >= since.replace(microsecond=0)
        return False
