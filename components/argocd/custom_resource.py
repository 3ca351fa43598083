"""Objects of Argo CD's kinds as resources: what is changed by hand is taken back."""

from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from manifests.argocd.labels import MENDED


def custom_resource(name: str, manifest: dict[str, Any], opts: pulumi.ResourceOptions) -> CustomResource:
    """An object of one of Argo CD's kinds."""
    metadata = manifest["metadata"]
    annotations = pulumi.Output.from_input(metadata.get("annotations", {})).apply(lambda given: {**given, **MENDED})
    return CustomResource(
        name,
        api_version=manifest["apiVersion"],
        kind=manifest["kind"],
        metadata={**metadata, "annotations": annotations},
        spec=manifest["spec"],
        opts=opts,
    )
