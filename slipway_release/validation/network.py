"""What Kubernetes refuses of Services, Ingresses and NetworkPolicies, beyond single fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import cast

from slipway_release import fields
from slipway_release.fields import Document
from slipway_release.names import is_dns_subdomain
from slipway_release.validation.files import Manifest
from slipway_release.validation.formats import is_service_name, network

_OUTSIDE = frozenset({"NodePort", "LoadBalancer"})
_INGRESS_CLASS = "kubernetes.io/ingress.class"


def check(manifest: Manifest) -> Iterator[str]:
    """What is wrong with an object of the network."""
    rule = _RULES.get(f"{manifest.get('apiVersion')}/{manifest.get('kind')}")
    metadata = fields.optional_document(manifest, "metadata") or {}
    if rule is not None:
        yield from rule(metadata, fields.optional_document(manifest, "spec") or {})


def _service(metadata: Document, spec: Document) -> Iterator[str]:
    name, kind = metadata.get("name"), spec.get("type") or "ClusterIP"
    if isinstance(name, str) and not is_service_name(name):
        yield f"name {name!r} is not a DNS label; use at most 63 small letters, digits and inner dashes, a letter first"
    ports = list(fields.mappings(spec.get("ports")))
    if not ports and kind != "ExternalName" and spec.get("clusterIP") != "None":
        yield "spec.ports is empty; a Service has at least one"
    if len(ports) > 1 and not all(port.get("name") for port in ports):
        yield "spec.ports has several, and one without a name"
    if kind == "ClusterIP" and any(port.get("nodePort") for port in ports):
        yield "spec.ports has a nodePort, which a Service of type ClusterIP has not; take it out"
    if kind in _OUTSIDE and spec.get("clusterIP") == "None":
        yield f"spec.clusterIP None is not for a Service of type {kind}; take it out"
    if kind not in _OUTSIDE and spec.get("externalTrafficPolicy") and not spec.get("externalIPs"):
        yield f"spec.externalTrafficPolicy is not for a Service of type {kind}; take it out"


def _ingress(metadata: Document, spec: Document) -> Iterator[str]:
    if not spec.get("rules") and spec.get("defaultBackend") is None:
        yield "spec has neither rules nor a defaultBackend; an Ingress has one of them"
    own = (fields.optional_document(metadata, "annotations") or {}).get(_INGRESS_CLASS)
    if own is not None and spec.get("ingressClassName") not in (None, own):
        yield f"annotation {_INGRESS_CLASS} differs from spec.ingressClassName; take it out"
    for rule in fields.mappings(spec.get("rules")):
        host = rule.get("host") or ""
        is_name = isinstance(host, str) and is_dns_subdomain(host.removeprefix("*."))
        if host and (not is_name or re.fullmatch(r"[0-9.]+", str(host))):
            yield f"host {host!r} is not a name in small letters; use one such as web.example.com, without a port"
        for path in fields.mappings((fields.optional_document(rule, "http") or {}).get("paths")):
            given, kind = path.get("path"), path.get("pathType")
            text = given if isinstance(given, str) else ""
            if not text.startswith("/") and (text or kind in {"Exact", "Prefix"}):
                yield f"path {given!r} does not begin with a slash"
            elif kind in {"Exact", "Prefix"} and re.search(r"//|/\.\.?(/|$)|%2f", text, re.IGNORECASE):
                yield f"path {given!r} has parts that Kubernetes refuses: an empty one, dots, or %2f"


def _policy(_: Document, spec: Document) -> Iterator[str]:
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for rule in fields.mappings(spec.get(direction)):
            for port in fields.mappings(rule.get("ports")):
                first, last = port.get("port"), port.get("endPort")
                if last is not None and (not isinstance(first, int) or cast("int", last) < first):
                    yield f"{direction}: endPort {last} wants a port that is a number, and not above it"
            for peer in fields.mappings(rule.get(side)):
                if all(peer.get(key) is None for key in ("ipBlock", "namespaceSelector", "podSelector")):
                    yield f"{direction}.{side} has an empty entry; name a podSelector, namespaceSelector or ipBlock"
                yield from _block(fields.optional_document(peer, "ipBlock") or {}, f"{direction}.{side}")


def _block(block: Document, where: str) -> Iterator[str]:
    whole = network(str(block.get("cidr")))
    excepted = block.get("except")
    for item in cast("list[object]", excepted) if isinstance(excepted, list) else []:
        part = network(str(item))
        if whole is None or part is None:
            continue
        is_inside = whole.version == part.version and whole != part and part.subnet_of(whole)  # pyright: ignore[reportArgumentType]
        if not is_inside:
            yield f"{where}: ipBlock.except {item} is not a part of its cidr, {block.get('cidr')}"


_RULES: Mapping[str, Callable[[Document, Document], Iterator[str]]] = {
    "v1/Service": _service,
    "networking.k8s.io/v1/Ingress": _ingress,
    "networking.k8s.io/v1/NetworkPolicy": _policy,
}
