"""What Kubernetes would refuse, or Argo CD would not heed, is said before it is merged."""

from typing import Any

import pytest

from slipway_release.validation import objects
from tests.objects import REFUSED, TAKEN, UNHEEDED


@pytest.mark.parametrize(("manifest", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_kubernetes_refuses_is_named(manifest: dict[str, Any], said: str) -> None:
    (found,) = objects.check(manifest)
    assert said in found


@pytest.mark.parametrize(("annotations", "said"), UNHEEDED)
def test_what_argo_cd_does_not_heed_is_named(annotations: dict[str, str], said: str) -> None:
    (found,) = objects.check({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"annotations": annotations}})
    assert said in found


@pytest.mark.parametrize("manifest", TAKEN, ids=range(len(TAKEN)))
def test_what_kubernetes_takes_is_taken(manifest: dict[str, Any]) -> None:
    assert list(objects.check(manifest)) == []
