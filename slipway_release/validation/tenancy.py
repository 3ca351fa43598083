"""What would reach beyond a service's own place: Argo CD's way to render it, traffic of others, another image."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import cast

from slipway_release import fields
from slipway_release.platform_file import Service, placement_name
from slipway_release.release_file import Release
from slipway_release.validation import charts, images
from slipway_release.validation.files import Manifest, Problem, Tree

_SOURCE = re.compile(r"\.argocd-source(-.*)?\.yaml")
_SNIPPET = re.compile(r"nginx\.(ingress\.kubernetes\.io|org)/.*snippets?")
_IN_CLUSTER = re.compile(r".*\.(?P<namespace>[^.]+)\.svc(\..*)?")
_FILES = ("bearerTokenFile", "caFile", "certFile", "keyFile")
_TRACKING = "argocd.argoproj.io/tracking-id"


def check_files(tree: Tree) -> list[Problem]:
    """Files that Argo CD follows wherever they lie, whatever the settings say."""
    found: list[Problem] = []
    for path in sorted(tree.folder.rglob(".*")):
        where = path.relative_to(tree.folder).as_posix()
        if _SOURCE.fullmatch(path.name):
            text = "Argo CD would render with it and not with the release and its values; put values into values.yaml"
            found.append(Problem(where, text))
        elif path.name == ".gitmodules":
            text = "submodules are not fetched, neither by the checks nor by Argo CD; put the files themselves here"
            found.append(Problem(where, text))
    return found


def check_image(service: Service, release: Release | None, manifest: Manifest) -> Iterator[str]:
    """Images of the service itself: that of its release, because no other one has passed the environment's gates."""
    wanted = release.digest if release else charts.SAMPLE_DIGEST
    for image in images.of(manifest):
        name, _, digest = image.partition("@")
        # A tag may stand before the digest, which decides.
        if re.sub(r":[^/]*$", "", name) == service.image and digest != wanted:
            what = f"that of the release, {release.version}" if release else "released here"
            yield f"image {image} is not {what}; take it from the values `release`"


def check_manifest(hosts: Mapping[str, str], manifest: Manifest, namespace: str) -> Iterator[str]:
    """What would take traffic that is meant for others, send it into their namespace, or trouble their Applications.

    Args:
        hosts: the namespaces of all services by the host at which they answer; see `hosts_of`.
        manifest: an object of a service.
        namespace: its own.
    """
    if _has_key(manifest, _TRACKING):
        yield f"{_TRACKING} would make it another Application's, which could not get in sync; take it out"
    spec = fields.optional_document(manifest, "spec") or {}
    kind = str(manifest.get("kind"))
    if kind == "Service":
        yield from _service(spec, namespace)
    if kind in {"ServiceMonitor", "PodMonitor"}:
        for key in sorted(key for key in _FILES if _has_key(spec, key)):
            yield f"{key} has Prometheus send a file of its own, such as its token, to what it asks; name a Secret"
    yield from _annotations(hosts, manifest, namespace)
    for host in _hosts(spec) if kind == "Ingress" or kind.endswith("Route") else []:
        names = [other for other in hosts if fnmatchcase(other, host.lower())] if "*" in host else [host.lower()]
        owner = next((hosts[name] for name in names if hosts.get(name, namespace) != namespace), None)
        if owner is not None:
            yield f"host {host!r} is that of {owner}; a service answers at its own"


def _service(spec: fields.Document, namespace: str) -> Iterator[str]:
    if spec.get("externalIPs"):
        yield "spec.externalIPs takes traffic of other addresses from the whole cluster; take it out"
    target = _IN_CLUSTER.fullmatch(str(spec.get("externalName") or ""))
    if target and target["namespace"] != namespace:
        yield f"spec.externalName leads into namespace {target['namespace']!r}; name a host outside of the cluster"


def _annotations(hosts: Mapping[str, str], manifest: Manifest, namespace: str) -> Iterator[str]:
    metadata = fields.optional_document(manifest, "metadata") or {}
    for name, text in (fields.optional_document(metadata, "annotations") or {}).items():
        if _SNIPPET.fullmatch(name):
            yield f"annotation {name} puts text into the configuration that all services share; take it out"
        # Names for a controller, of DNS for example.
        for host in re.split(r"[\s,]+", str(text)):
            if hosts.get(host.lower(), namespace) != namespace:
                yield f"annotation {name} has the host {host!r} of {hosts[host.lower()]}; a service has its own"


def _has_key(value: object, key: str) -> bool:
    """Whether a key stands anywhere: what a StatefulSet makes of its templates has their annotations too."""
    if isinstance(value, dict):
        found = cast("dict[str, object]", value)
        return key in found or any(_has_key(item, key) for item in found.values())
    return isinstance(value, list) and any(_has_key(item, key) for item in cast("list[object]", value))


def hosts_of(tree: Tree) -> dict[str, str]:
    """The namespace that answers at each host; a host that several share by paths is not among them."""
    owners: dict[str, set[str]] = {}
    for service, environment in tree.placements():
        host = urllib.parse.urlsplit(environment.service_url(service.name) or "").hostname
        if host:
            owners.setdefault(host, set()).add(placement_name(service.name, environment.name))
    return {host: next(iter(found)) for host, found in owners.items() if len(found) == 1}


def _hosts(spec: Mapping[str, object]) -> list[str]:
    """The hosts of an Ingress or a route of the Gateway API."""
    listed: list[object] = []
    for key in ("rules", "tls", "hostnames"):
        found = spec.get(key)
        listed += cast("list[object]", found) if isinstance(found, list) else []
    hosts: list[object] = []
    for item in listed:
        if isinstance(item, dict):
            one = cast("dict[str, object]", item)
            found = one.get("hosts")
            names = cast("list[object]", found) if isinstance(found, list) else []
            # A certificate for many names takes no traffic.
            hosts += [one.get("host"), *(name for name in names if "*" not in str(name))]
        else:
            hosts.append(item)
    return list(dict.fromkeys(host for host in hosts if isinstance(host, str) and host))
