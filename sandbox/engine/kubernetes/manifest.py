"""Which objects a rendered manifest declares."""

import json
import re
from typing import cast

import yaml

from sandbox.engine.kubernetes.api import Object

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def declared(manifest: str, namespace: str) -> list[Object]:
    """The kind, namespace and name of each object; `namespace` for those that name none."""
    found: list[Object] = []
    for text in re.split(r"^---.*$", manifest, flags=re.MULTILINE):
        document = _document(text)
        if isinstance(document, dict) and "kind" in document:
            whole = cast("Object", document)
            place = {"namespace": namespace} | {
                key: str(whole["metadata"][key]) for key in ("namespace", "name") if key in whole["metadata"]
            }
            found.append({"apiVersion": whole["apiVersion"], "kind": whole["kind"], "metadata": place})
    return found


def _document(text: str) -> object:
    # The sandbox's Argo CD chart writes JSON, which is read a hundred times as fast as the same in YAML.
    uncommented = re.sub(r"^#.*\n", "", text.lstrip(), flags=re.MULTILINE)
    if uncommented.startswith("{"):
        try:
            return json.loads(uncommented)
        except ValueError:
            pass  # YAML in flow style
    return yaml.load(text, Loader=_LOADER)  # noqa: S506  # a safe loader, whichever of the two it is
