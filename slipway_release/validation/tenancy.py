"""What would reach beyond a service's own place: Argo CD's way to render it, traffic of others, another image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from slipway_release import fields
from slipway_release.platform_types import Service
from slipway_release.release_file import Release
from slipway_release.validation import charts, hosts, images
from slipway_release.validation.files import Manifest, Problem, Tree, read_text, values_of

_SOURCE = re.compile(r"\.argocd-source(-.*)?\.yaml")
_ATTRIBUTE = r"[-!]?(binary|diff|eol|linguist-[a-z-]+|merge|text|whitespace)(=[\w,.-]+)?"
_ATTRIBUTES = re.compile(rf"""("([^"\\]|\\.)*"|[^"#\s]\S*)(\s+{_ATTRIBUTE})*\s*|\s*(#.*)?""")
"""A line of `.gitattributes` that leaves files as they are in Git, but for the ends of their lines."""
_SNIPPET = re.compile(r".*(nginx|haproxy|ingress).*/.*snippets?|(haproxy-)?ingress\.(kubernetes|github)\.io/config-.*")
SYSTEM_PRIORITY = "system-"
"""How the names of priority classes begin that Kubernetes has for the cluster's own parts."""
_OF_NAMESPACE = re.compile(
    r"((nginx\.|haproxy-)?ingress\.(kubernetes|github)\.io|haproxy\.org)"
    r"/(.*-secret|.*-configmap|auth-proxy-set-headers|custom-headers|(server|client)-(ca|crt))"
)
"""Annotations that name a Secret or a ConfigMap, of any namespace with `<namespace>/<name>`, or a controller's file."""
_FILES = ("bearerTokenFile", "certFile", "keyFile")
TRACKING = "argocd.argoproj.io/tracking-id"
"""Where Argo CD writes on an object of whose Application it is."""


def check_files(tree: Tree) -> list[Problem]:
    """Files that Argo CD follows wherever they lie, whatever the settings say."""
    found: list[Problem] = []
    for path in sorted(tree.folder.rglob(".*")):
        where = path.relative_to(tree.folder).as_posix()
        if _SOURCE.fullmatch(path.name):
            text = "Argo CD would render with it and not with the release and its values; put values into values.yaml"
            found.append(Problem(where, text))
        elif where == ".gitmodules":
            text = "submodules are not fetched, neither by the checks nor by Argo CD; put the files themselves here"
            found.append(Problem(where, text))
        elif path.name == ".gitattributes":
            found += _attributes(path, where)
    return found


def _attributes(path: Path, where: str) -> Iterator[Problem]:
    """Attributes by which Git writes other files into a work tree than it has: nobody has reviewed those."""
    text, broken = read_text(path, where)
    yield from broken
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("[attr]") or _ATTRIBUTES.fullmatch(line) is None:
            told = "workflows and Argo CD would read other files than Git has and people review; take the line out"
            yield Problem(where, f"{line[:200]!r}: {told}", number)


def check_image(service: Service, release: Release | None, manifest: Manifest) -> Iterator[str]:
    """Images of the service itself, volumes included: that of its release, as no other one has passed the gates."""
    wanted = release.digest if release else charts.SAMPLE_DIGEST
    for image in images.of(manifest):
        name, _, digest = image.partition("@")
        # A tag may stand before the digest, which decides; a host is the same in other letters.
        host, slash, path = re.sub(r":[^/]*$", "", name).partition("/")
        if host.lower().removesuffix(":443") + slash + path == service.image and digest != wanted:
            what = f"that of the release, {release.version}" if release else "released here"
            yield f"image {image} is not {what}; take it from the values `release`"


def check_manifest(
    owners: Mapping[str, str], manifest: Manifest, namespace: str, given: Mapping[str, object] = MappingProxyType({})
) -> Iterator[str]:
    """What would take traffic that is meant for others, send it into their namespace, or trouble their Applications.

    Args:
        owners: who answers at each host; see `hosts.hosts_of`.
        manifest: an object of a service.
        namespace: its own.
        given: annotations that the settings give each Ingress; those are the platform's.
    """
    if any(values_of(manifest, TRACKING)):
        yield f"{TRACKING} would make it another Application's, which could not get in sync; take it out"
    spec = fields.optional_document(manifest, "spec") or {}
    kind = str(manifest.get("kind"))
    if kind == "Service":
        yield from _service(spec, namespace)
    if kind in {"ServiceMonitor", "PodMonitor"}:
        for key in sorted(key for key in _FILES if any(values_of(spec, key))):
            yield f"{key} has Prometheus log in with a file of its own, such as its token; name a Secret"
    metadata = fields.optional_document(manifest, "metadata") or {}
    for name, text in (fields.optional_document(metadata, "annotations") or {}).items():
        if kind == "Ingress" and given.get(name) == text:
            continue
        if _SNIPPET.fullmatch(name):
            yield f"annotation {name} puts text into the configuration that all services share; take it out"
        if _OF_NAMESPACE.fullmatch(name) and (of := _place(str(text))) not in {"", namespace}:
            yield f"annotation {name} names what {of!r} has; name something of {namespace!r}"
    if metadata.get("finalizers"):
        yield "metadata.finalizers keep it, and so its namespace, from going when they have to; take them out"
    if any(str(found).startswith(SYSTEM_PRIORITY) for found in values_of(manifest, "priorityClassName")):
        yield f"priorityClassName {SYSTEM_PRIORITY}… makes Kubernetes end pods of others for this one; take it out"
    yield from hosts.check(owners, manifest, namespace)


def _place(reference: str) -> str:
    """What stands before a name: its namespace, a folder of `file://…`, or nothing. Some say `secret://` before it."""
    return reference.strip().removeprefix("secret://").rpartition("/")[0]


def _service(spec: fields.Document, namespace: str) -> Iterator[str]:
    if spec.get("externalIPs"):
        yield "spec.externalIPs takes traffic of other addresses from the whole cluster; take it out"
    target = hosts.IN_CLUSTER.fullmatch(str(spec.get("externalName") or ""))
    if target and target["namespace"] != namespace:
        yield f"spec.externalName leads into namespace {target['namespace']!r}; let the pods name it"
