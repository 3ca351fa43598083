"""The rules of the way in: one kind an environment, a name for each service, and a controller that may enter."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from manifests.model import Cluster, Environment, Service
from manifests.model.addresses import is_host
from slipway_release.platform_types import filled
from stacks.problems import Problem
from stacks.reading import Found


def check_entries(
    environments: list[Found[Environment]], services: list[Found[Service]], cluster: Found[Cluster] | None
) -> Iterator[Problem]:
    """Every broken rule."""
    owners: dict[str, str] = {}
    for found in environments:
        environment = found.value
        entry = environment.ingress or environment.http_route
        if entry is None:
            continue
        key = "ingress" if environment.ingress else "httpRoute"
        if environment.ingress and environment.http_route:
            yield Problem(found.at("httpRoute"), "there is an `ingress` too; use one of the two")
        if environment.url and urlsplit(environment.url).netloc != entry.host:
            text = f"names another host than `{key}`, {entry.host!r}; leave it out, it follows from `{key}`"
            yield Problem(found.at("url"), text)
        if cluster and not cluster.value.ingress_namespaces and not environment.allow_from:
            text = f"missing with `{key}` of {environment.name}; name the namespace of the controller's pods"
            yield Problem("cluster.ingressNamespaces", f"{text}, or network policies keep them from the services")
        for service in services:
            if not service.value.runs_in(environment.name):
                continue
            place = f"{service.value.name} in {environment.name}"
            host = filled(entry.host, service.value.name, environment.name)
            if not is_host(host):
                text = f"{host!r}, for {place}, is longer than DNS takes, in a part or as a whole; use a shorter name"
                yield Problem(found.at(key, "host"), text)
                break
            other = owners.setdefault(host, place)
            if other != place:
                text = f"{host!r} is the name of {other} and of {place}; use {{service}} and {{environment}} in it"
                yield Problem(found.at(key, "host"), text)
                break
