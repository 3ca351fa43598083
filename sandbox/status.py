"""`status`: what runs, where, in which version; for people a table, for programs one JSON document."""

import contextlib
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import httpx
from rich.console import Group
from rich.table import Table
from rich.text import Text

from sandbox import node
from sandbox.applications import Application, applications
from sandbox.cluster import Cluster, ClusterError
from sandbox.config import SandboxConfig
from sandbox.github import process
from sandbox.overlay import read_credentials, sandbox_stack
from sandbox.released import EnvironmentRepository, Released
from sandbox.shape import items

Json = dict[str, Any]


@dataclass(frozen=True)
class ServiceStatus:
    """One service in one environment."""

    service: str
    environment: str
    cluster: str
    """What Argo CD calls the cluster that it runs on."""
    sync: str
    health: str
    drift: bool
    """Whether the cluster differs from Git although nothing is being released."""
    problem: str
    release: Released


@dataclass(frozen=True)
class _Known:
    """What GitHub knows of the platform."""

    version: str = ""
    """Of Slipway."""
    repositories: list[Json] = field(default_factory=list[Json])
    released: list[Released] = field(default_factory=list[Released])
    """Of each Application."""


_NOTHING = _Known()


def status(config: SandboxConfig) -> Json:
    """Everything that is known; documented in docs/sandbox.md.

    Raises:
        SandboxError: No sandbox is up here.
    """
    credentials = read_credentials(config)
    running = {"kubernetes": node.is_running(config), "github": process.is_running(config)}
    found: list[Application] = []
    if running["kubernetes"]:
        try:
            with contextlib.closing(Cluster(config)) as cluster:
                found = applications(cluster)
        except ClusterError:
            running["kubernetes"] = False
    pulls = [item for item in found if item.pull_request]
    found = [item for item in found if not item.pull_request]
    stack = sandbox_stack(config)
    known = _NOTHING
    if running["github"]:
        try:
            known = _known(config, str(credentials["githubToken"]), stack.values, found)
        except httpx.HTTPError:
            running["github"] = False
    services = _services(known.released or [Released()] * len(found), found, stack.values)
    return {
        "slipwayVersion": known.version,
        "running": running,
        "kubeconfig": str(config.kubeconfig),
        "githubUrl": config.github_url,
        "credentials": str(config.credentials),
        "registry": config.registry_host,
        "repositories": known.repositories,
        "argocd": {
            "url": config.argocd_url,
            "loginCommand": f"{config.commands}/argocd login {config.argocd_url.partition('://')[2]} --plaintext"
            " --grpc-web --sso --sso-launch-browser=false",
        },
        "services": [document_of(item) for item in services],
        "pullRequests": [
            {
                "service": item.service,
                "number": int(item.pull_request),
                "cluster": item.cluster,
                "sync": item.sync,
                "health": item.health,
                "problem": item.problem,
            }
            for item in pulls
        ],
        "infrastructure": [
            {
                "name": item.name,
                "environment": item.environment,
                "cluster": item.cluster,
                "sync": item.sync,
                "health": item.health,
                "problem": item.problem,
            }
            for item in found
            if not item.service
        ],
    }


def table(found: Json) -> Group:
    """The same for people."""
    services = Table.grid(padding=(0, 2))
    pulls = [{**item, "environment": f"pull request {item['number']}"} for item in found["pullRequests"]]
    rows = [*found["services"], *pulls, *found["infrastructure"]]
    several = len({item["cluster"] for item in rows}) > 1
    heads = ("service", "environment", *(["cluster"] if several else []), "version", "sync", "health", "")
    services.add_row(*(Text(head, "bold") for head in heads))
    for item in rows:
        style = "" if "version" in item else "dim"
        services.add_row(
            Text(item.get("service", "infrastructure"), style, overflow="fold"),
            Text(item["environment"], style, overflow="fold"),
            *([Text(item["cluster"], "dim", overflow="fold")] if several else []),
            _version(item),
            _coloured(item["sync"], "Synced"),
            _coloured(item["health"], "Healthy"),
            _notes(item),
        )
    legend = Text("\n✓ verified: Argo CD saw this version Synced and Healthy, and the record has it", "dim")
    places = Table.grid(padding=(0, 2))
    running = ", ".join(f"{name} {'runs' if on else 'is down'}" for name, on in found["running"].items())
    for name, value in (
        ("state", running),
        ("Slipway", found["slipwayVersion"] or "-"),
        ("kubeconfig", found["kubeconfig"]),
        ("GitHub", f"{found['githubUrl']}  (tokens: {found['credentials']})"),
        ("Argo CD", found["argocd"]["url"]),
        *(("repository", repository["gitUrl"]) for repository in found["repositories"]),
    ):
        places.add_row(Text(name, "bold"), Text(value))
    missing = [Text(f"\n{text}", "yellow") for text in _missing(found)]
    return Group(places, Text(), services, legend, *missing)


def _missing(found: Json) -> list[str]:
    """What is not known, and why."""
    lacks = {
        "kubernetes": "Kubernetes does not answer: what runs is not known.",
        "github": "GitHub does not answer: which versions are wanted, verified, on hold or wait is not known.",
    }
    texts = [f"{text} `make up` mends it." for part, text in lacks.items() if not found["running"].get(part, True)]
    if not texts and not found["services"] and not found["infrastructure"]:
        return ["The platform is not made yet, or only in part: `make up` goes on."]
    return texts


def _coloured(value: str, good: str) -> Text:
    return Text(value, "green" if value == good else "yellow")


def _repositories(github: httpx.Client, owner: str) -> list[Json]:
    answer = github.get(f"/orgs/{owner}/repos", params={"per_page": 100})
    listed = cast("list[Json]", answer.json()) if answer.is_success else []
    return [{"name": item["name"], "gitUrl": item["clone_url"]} for item in listed]


def _known(config: SandboxConfig, token: str, settings: Json, found: list[Application]) -> _Known:
    """What GitHub says of it."""
    owner = settings["slipway:github"]["owner"]
    environments = settings["slipway:github"].get("environmentRepository") or "environments"
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=config.github_api_url, headers=headers, timeout=10, trust_env=False) as github:
        repository = EnvironmentRepository(github, f"{owner}/{environments}")
        return _Known(
            version=str(repository.file(".slipway/platform.json").get("slipwayVersion") or ""),
            repositories=_repositories(github, owner),
            released=repository.released(found),
        )


def _services(released: list[Released], found: list[Application], settings: Json) -> list[ServiceStatus]:
    """In the order of the settings: by service, and by promotion order within it."""
    order = [str(item["name"]) for item in items(settings, "slipway:environments")]
    mine = [(item, release) for item, release in zip(found, released, strict=True) if item.service]
    mine.sort(key=lambda one: (one[0].service, order.index(one[0].environment) if one[0].environment in order else 99))
    return [
        ServiceStatus(
            service=item.service,
            environment=item.environment,
            cluster=item.cluster,
            sync=item.sync,
            health=item.health,
            drift=item.has_drifted,
            problem=item.problem,
            release=release,
        )
        for item, release in mine
    ]


def document_of(item: ServiceStatus) -> Json:
    """The same for programs, as one mapping."""
    document = asdict(item)
    release = document.pop("release")
    taken_back = release.pop("taken_back")
    return {**document, **release, "takenBack": taken_back}


def _version(item: Json) -> Text:
    if "version" not in item:
        return Text()
    return Text(f"{item['version']} ✓", "green") if item["verified"] else Text(item["version"] or "-", overflow="fold")


def _notes(item: Json) -> Text:
    """What is to be said of a service in an environment beside its state."""
    if "version" not in item:
        return Text()
    words = [
        (item["drift"], "yellow", "drift"),
        (item["takenBack"], "red", f"{item['takenBack']} taken back"),
        (item["held"], "yellow", f"{', '.join(item['held'])} on hold"),
        (item["waits"], "yellow", f"pull request {item['waits'].rpartition('/')[2]} waits"),
        (item["frozen"], "cyan", "frozen"),
    ]
    return Text(", ").join(Text(text, style) for said, style, text in words if said)
