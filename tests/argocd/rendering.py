"""Words for what Helm rendered."""

from collections.abc import Callable
from typing import Any

KubernetesObject = dict[str, Any]
Render = Callable[..., list[KubernetesObject]]
RenderText = Callable[..., str]


def named(objects: list[KubernetesObject], kind: str, name: str) -> KubernetesObject:
    """The one object of that kind and name."""
    found = [content for content in objects if (content["kind"], content["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, f"{kind} {name}: {len(found)} in {[c['metadata']['name'] for c in objects]}"
    return found[0]
