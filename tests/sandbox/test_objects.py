"""Objects as Kubernetes itself judges them: what the check of pull requests refuses and takes."""

import json
from typing import Any, cast

import kubernetes.client
import kubernetes.config

from tests.objects import REFUSED, TAKEN, Manifest
from tests.sandbox.conftest import Sandbox


def judged(client: Any, manifest: Manifest) -> str:
    """What the API server has against an object; empty if it would take it."""
    version, kind = manifest["apiVersion"], manifest["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    whole = {**manifest, "metadata": {"name": "tried", **manifest["metadata"]}}
    # A whole number in the form in which Go writes it, as Argo CD does.
    body = json.loads(json.dumps(whole), parse_float=lambda text: float(text) if float(text) % 1 else int(float(text)))
    try:
        client.call_api(
            f"{root}/namespaces/default/{kind.lower()}s", "POST", query_params=[("dryRun", "All")], body=body,
            header_params={"Content-Type": "application/json"}, auth_settings=["BearerToken"], response_type="object",
        )  # fmt: skip
    except kubernetes.client.ApiException as error:
        if cast(Any, error).status not in {400, 404, 422}:
            raise
        return str(error)
    return ""


def test_kubernetes_refuses_what_the_check_refuses_and_takes_what_it_takes(sandbox: Sandbox) -> None:
    client = cast(Any, kubernetes.config).new_client_from_config(str(sandbox.config.kubeconfig))
    assert [said for manifest, said in REFUSED if not judged(client, manifest)] == []
    assert [(manifest, said) for manifest in TAKEN if (said := judged(client, manifest))] == []
