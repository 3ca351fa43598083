"""A service answers at its own hosts, by whatever controller; what only names a host of others is free to."""

from typing import Any

import pytest

from slipway_release.validation import hosts

OWN, OTHER = "guestbook.dev.example.com", "reports.dev.example.com"
OWNERS = {OWN: "guestbook-dev", OTHER: "reports-dev", "argocd.example.com": "Argo CD"}
PRIORITY = {"traefik.ingress.kubernetes.io/router.priority": "9999"}


def said(kind: str, spec: dict[str, Any], annotations: dict[str, str] | None = None) -> list[str]:
    manifest = {"kind": kind, "metadata": {"annotations": annotations or {}}, "spec": spec}
    return list(hosts.check(OWNERS, manifest, "guestbook-dev"))


SPECS = [
    ("Ingress", lambda host: {"rules": [{"host": host}]}),
    ("HTTPRoute", lambda host: {"hostnames": [host]}),
    ("GRPCRoute", lambda host: {"hostnames": [host]}),
    ("TLSRoute", lambda host: {"hostnames": [OWN, host]}),
    ("Gateway", lambda host: {"listeners": [{"hostname": OWN}, {"hostname": host}]}),
    ("Gateway", lambda host: {"servers": [{"hosts": [f"*/{host}"]}]}),
    ("Route", lambda host: {"host": host}),
    ("VirtualService", lambda host: {"hosts": [host]}),
    ("ServiceEntry", lambda host: {"hosts": [host]}),
    ("HTTPProxy", lambda host: {"virtualhost": {"fqdn": host}}),
    ("VirtualServer", lambda host: {"host": host}),
    ("Mapping", lambda host: {"hostname": host}),
    ("ApisixRoute", lambda host: {"http": [{"match": {"hosts": [host]}}]}),
    ("DNSEndpoint", lambda host: {"endpoints": [{"dnsName": host}]}),
    ("IngressRoute", lambda host: {"routes": [{"match": f"Host(`{OWN}`, `{host}`) && PathPrefix(`/a`)"}]}),
    ("IngressRouteTCP", lambda host: {"routes": [{"match": f"HostSNI(`{host}`)"}]}),
]


@pytest.mark.parametrize(("kind", "spec"), SPECS, ids=[f"{number}-{kind}" for number, (kind, _) in enumerate(SPECS)])
def test_a_host_of_others_is_found_where_a_controller_reads_it(kind: str, spec: Any) -> None:
    assert said(kind, spec(OWN)) == []
    for host, owner in ((OTHER, "reports-dev"), ("Reports.dev.example.com.", "reports-dev"), ("*.example.com", "")):
        (told,) = said(kind, spec(host))
        assert f"host {'*/' if 'servers' in spec(host) else ''}" in told.replace("'", "")
        assert f"is that of {owner}" in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("external-dns.alpha.kubernetes.io/hostname", f"{OWN}, {OTHER}"),
        ("external-dns.alpha.kubernetes.io/internal-hostname", OTHER),
        ("nginx.ingress.kubernetes.io/server-alias", OTHER),
        ("nginx.ingress.kubernetes.io/server-alias", "reports.dev.example.*"),
        ("nginx.ingress.kubernetes.io/server-alias", r"~^reports\..*$"),
    ],
)
def test_an_annotation_that_a_controller_takes_for_hosts_has_none_of_others(name: str, value: str) -> None:
    assert len(said("Service", {}, {name: value})) == 1
    template = {"template": {"metadata": {"annotations": {name: value}}}}
    assert len(said("StatefulSet", template)) == 1


def test_what_only_speaks_of_a_host_is_free_to() -> None:
    told = {"example.com/docs": f"see {OTHER}", "external-dns.alpha.kubernetes.io/target": OTHER}
    assert said("Deployment", {"template": {"spec": {"containers": [{"env": [{"value": OTHER}]}]}}}, told) == []
    assert said("Ingress", {"rules": [{"host": OWN}], "tls": [{"hosts": ["*.dev.example.com"]}]}, PRIORITY) == []
    assert said("Route", {"host": OWN, "wildcardPolicy": "None"}) == []
    assert said("VirtualService", {"hosts": ["guestbook.guestbook-dev.svc.cluster.local", "guestbook"]}) == []


def test_names_inside_the_cluster_and_those_of_the_platform_have_owners_too() -> None:
    assert "is that of reports-dev" in said("VirtualService", {"hosts": ["reports.reports-dev.svc.cluster.local"]})[0]
    assert "is that of Argo CD" in said("Ingress", {"rules": [{"host": "argocd.example.com"}]})[0]
    assert "is that of reports-dev" in said("Ingress", {"rules": [], "tls": [{"hosts": [OTHER]}]})[0]
    assert "'*.dev.example.com'" in said("Route", {"host": OWN, "wildcardPolicy": "Subdomain"})[0]


@pytest.mark.parametrize("spec", [{"rules": [{"http": {}}]}, {"defaultBackend": {}}, {"rules": [{"host": ""}]}])
def test_a_rule_for_every_host_does_not_come_before_those_of_others(spec: dict[str, Any]) -> None:
    assert said("Ingress", spec) == []
    assert len(said("Ingress", spec, PRIORITY)) == 1
    assert len(said("Ingress", spec, {"alb.ingress.kubernetes.io/group.order": "1"})) == 1


@pytest.mark.parametrize(
    "match",
    [
        f"Host(`{OWN}`) && (Path(`/a`) || PathPrefix(`/b`))",
        f'(Host(`{OWN}`) || host("{OWN}")) && !Path(`/)`)',
        f"PathPrefix(`/`) && Host( `{OWN}` )",
    ],
)
def test_a_rule_of_traefik_may_have_paths_beside_its_host(match: str) -> None:
    assert said("IngressRoute", {"routes": [{"match": match}]}) == []


@pytest.mark.parametrize(
    "match",
    [
        "PathPrefix(`/`)",
        f"Host(`{OWN}`) || PathPrefix(`/`)",
        f"!Host(`{OWN}`)",
        "HostRegexp(`.+`)",
        f"Host(`{OWN}`) || HostRegexp(`.+`)",
        "(" * 5_000,
        "Host(" + "`a` " * 5_000,
    ],
)
def test_a_rule_of_traefik_that_may_match_others_is_refused(match: str) -> None:
    (told,) = said("IngressRoute", {"routes": [{"match": match}]})
    assert "takes the traffic of others" in told
