"""At which hosts an object would answer: a service answers at its own, and at no other's.

What a host is to the controllers that are widespread is known here: Ingress and the Gateway API, and the kinds of
OpenShift, Traefik, Istio, Contour, NGINX, Emissary, Gloo, APISIX and external-dns, where settings permit them.
"""

from __future__ import annotations

import ast
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import cast

from slipway_release import fields
from slipway_release.platform_types import placement_name
from slipway_release.validation.files import Manifest, Tree, values_of

IN_CLUSTER = re.compile(r".*\.(?P<namespace>[^.]+)\.svc(\..*)?")
"""A host that is a Service."""
_ROUTE = ("host", "hosts", "hostnames")
_PLACES: Mapping[str, tuple[str, ...]] = {
    "Ingress": ("rules.host", "tls.hosts"),
    "Gateway": ("listeners.hostname", "servers.hosts"),
    "ListenerSet": ("listeners.hostname",),
    "XListenerSet": ("listeners.hostname",),
    "VirtualService": ("hosts", "virtualHost.domains"),
    "ServiceEntry": ("hosts",),
    "HTTPProxy": ("virtualhost.fqdn",),
    "VirtualServer": ("host",),
    "TransportServer": ("host",),
    "Mapping": ("host", "hostname"),
    "TCPMapping": ("host",),
    "Host": ("hostname",),
    "ApisixRoute": ("http.match.hosts", "stream.match.host"),
    "DNSEndpoint": ("endpoints.dnsName",),
}
"""Where hosts stand in the spec of a kind; of others that are routes, at `_ROUTE`."""
_ANNOTATION = re.compile(r"external-dns\.[^/]*/(internal-)?hostname|nginx\.ingress\.kubernetes\.io/server-alias")
_FIRST = re.compile(
    r"traefik\.ingress\.kubernetes\.io/router\.(priority|pathmatcher|rulesyntax)|alb\.ingress\.kubernetes\.io/group\.(name|order)"
)
"""Annotations that put an Ingress before those of others."""
_REGISTRY = "the registry"
_NAMED, _UNNAMED = "Host(`{}`) && PathPrefix(`/`)", "PathPrefix(`{}`)"
"""What Traefik makes of a rule of an Ingress with a host, and of one for every host."""
_MATCHER = re.compile(r"(?P<name>[A-Za-z]+)\s*\((?P<words>\s*((`[^`]*`|\"[^\"]*\"|'[^']*')[\s,]*)*)\)")
_WORD = re.compile(r"[`\"']([^`\"']*)[`\"']")


def hosts_of(tree: Tree) -> dict[str, str]:
    """Who answers at each host: a service's namespace, or the platform; a host that several share is not among them."""
    platform = tree.platform()
    owners: dict[str, set[str]] = {}
    for service, environment in tree.placements():
        host = urllib.parse.urlsplit(environment.service_url(service.name) or "").hostname
        if host:
            owners.setdefault(host, set()).add(placement_name(service.name, environment.name))
    of_platform = {"Argo CD": platform.argocd_url, _REGISTRY: f"https://{platform.registry_host}"}
    for owner, url in of_platform.items():
        host = urllib.parse.urlsplit(url or "").hostname
        if host:
            owners.setdefault(host, set()).add(owner)
    return {host: next(iter(found)) for host, found in owners.items() if len(found) == 1}


def check(owners: Mapping[str, str], manifest: Manifest, namespace: str) -> Iterator[str]:
    """What would take traffic of others.

    Args:
        owners: who answers at each host; see `hosts_of`.
        manifest: an object of a service.
        namespace: its own.
    """
    kind, spec = str(manifest.get("kind")), fields.optional_document(manifest, "spec") or {}
    found = [("", host) for host in _named(kind, spec)]
    for name, text in _annotations(manifest):
        if _ANNOTATION.fullmatch(name):
            found += [(f"annotation {name}: ", host) for host in re.split(r"[\s,]+", text) if host]
        elif _FIRST.fullmatch(name) and kind == "Ingress" and _is_open(spec):
            yield f"annotation {name} with a rule for every host takes the traffic of others; name the host"
    if kind == "Ingress":
        yield from _long(owners, spec, namespace)
    if kind.startswith("IngressRoute"):
        for match in _texts(spec, "routes.match"):
            hosts = _of_match(match)
            if hosts is None:
                yield f"match {match!r} takes the traffic of others; let each way through it have a Host, by its name"
            found += [("", host) for host in hosts or ()]
    for where, host in dict.fromkeys(found):
        owner = _owner(owners, host, namespace)
        if owner is not None:
            yield f"{where}host {host!r} is that of {owner}; a service answers at its own"


def _owner(owners: Mapping[str, str], host: str, namespace: str) -> str | None:
    """Whose host it is, or is one of."""
    # Istio names a namespace before the host, and DNS takes a dot behind it.
    plain = host.rpartition("/")[2].lower().removesuffix(".")
    inside = IN_CLUSTER.fullmatch(plain)
    if inside is not None:
        return inside["namespace"] if inside["namespace"] != namespace else None
    if plain.startswith("~"):
        return "whom it does not say: it is a pattern"
    names = [name for name in owners if fnmatchcase(name, plain)] if "*" in plain else [plain]
    return next((owners[name] for name in names if owners.get(name, namespace) != namespace), None)


def _named(kind: str, spec: fields.Document) -> Iterator[str]:
    places = _PLACES.get(kind, _ROUTE if kind.endswith("Route") else ())
    for place in places:
        for host in _texts(spec, place):
            # A certificate for many names takes no traffic.
            if not (place == "tls.hosts" and "*" in host):
                yield host
            # OpenShift's, for all beside it.
            if kind == "Route" and spec.get("wildcardPolicy") == "Subdomain":
                yield f"*.{host.partition('.')[2]}"


def _texts(value: object, place: str) -> Iterator[str]:
    """The texts at a place, such as `rules.host`, through lists."""
    if isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _texts(item, place)
    elif place and isinstance(value, dict):
        key, _, rest = place.partition(".")
        yield from _texts(cast("dict[str, object]", value).get(key), rest)
    elif not place and isinstance(value, str) and value:
        yield value


def _annotations(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """All annotations of an object, those of what it makes by a template among them."""
    for found in values_of(manifest, "annotations"):
        if isinstance(found, dict):
            yield from ((name, str(text)) for name, text in cast("dict[str, object]", found).items())


def _is_open(spec: fields.Document) -> bool:
    """Whether a rule of an Ingress is for every host."""
    return "defaultBackend" in spec or any(not next(_texts(rule, "host"), "") for rule in _rules(spec))


def _rules(spec: fields.Document) -> list[object]:
    rules = spec.get("rules")
    return cast("list[object]", rules) if isinstance(rules, list) else []


def _long(owners: Mapping[str, str], spec: fields.Document, namespace: str) -> Iterator[str]:
    """Paths for every host that Traefik asks before hosts of others: of two rules, the longer text comes first."""
    # Registries are seldom behind the cluster's entry, and have short names.
    others = [len(_NAMED.format(host)) for host, owner in owners.items() if owner not in {namespace, _REGISTRY}]
    for rule in _rules(spec):
        for path in _texts(rule, "http.paths.path") if not next(_texts(rule, "host"), "") else ():
            if others and len(_UNNAMED.format(path)) >= min(others):
                yield f"path {path!r} for every host may come before the hosts of others; name the host"


def _of_match(match: str) -> list[str] | None:
    """The hosts of a rule of Traefik; None where a way through it has none, such as one by a pattern alone."""
    hosts: list[str] = []

    def read(found: re.Match[str]) -> str:
        name = found["name"].lower()
        if name in {"host", "hostsni", "hostheader"}:
            hosts.extend(_WORD.findall(found["words"]))
            return " named "
        return " other "

    words = _MATCHER.sub(read, match).replace("&&", " and ").replace("||", " or ").replace("!", " not ")
    try:
        is_bounded = _bounded(ast.parse(words.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return hosts if is_bounded else None


def _bounded(rule: ast.expr) -> bool:
    """Whether each way through a rule has a host."""
    if isinstance(rule, ast.BoolOp):
        ways = [_bounded(value) for value in rule.values]
        return all(ways) if isinstance(rule.op, ast.Or) else any(ways)
    return isinstance(rule, ast.Name) and rule.id == "named"
