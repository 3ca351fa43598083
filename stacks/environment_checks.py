"""The rules of environments: their order, who may do what in them, where they run, and what they take."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from manifests.model import AUTOMATION, PULL_REQUESTS, Environment, Images
from stacks.parts import Parts, duplicates, repeated, unknown
from stacks.problems import Problem, listed
from stacks.reading import Found

_ITSELF = frozenset(
    {"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}
)
"""The names by which pods reach the cluster that they run on."""
RESERVED_ENVIRONMENTS = frozenset({"default", "infrastructure", AUTOMATION, PULL_REQUESTS})


def check_environments(parts: Parts) -> Iterator[Problem]:
    """Each environment by itself, and the earlier ones that it requires."""
    if not parts.environment_names:
        yield Problem("environments", "the list is empty; name at least one environment, in promotion order")
    yield from duplicates(parts.environments, lambda environment: environment.name)
    seen: list[str] = []
    # Where one cannot be read at all, its place is not known.
    unread = parts.environment_names - {found.value.name for found in parts.environments}
    for found in parts.environments:
        environment = found.value
        if environment.name in RESERVED_ENVIRONMENTS:
            yield Problem(found.at("name"), f"{environment.name!r} is the platform's own; use another name")
        for index, first in repeated((index, one.identity) for index, one in enumerate(environment.sync_windows)):
            text = f"begins when syncWindows[{first}] begins and lasts as long, which Argo CD refuses; use once"
            yield Problem(found.at("syncWindows", index), text)
        yield from _check_branch(found)
        yield from _check_cluster(parts, found)
        yield from _check_production(found)
        for key in ("approvers", "operators", "viewers"):
            yield from _check_team_list(found, key, getattr(environment, key), parts.team_names)
        for index, name in enumerate(environment.requires):
            if name not in seen and name not in unread:
                what = "comes later" if name in parts.environment_names else "is not an environment"
                what = "is this one" if name == environment.name else what
                earlier = f"allowed are earlier environments: {listed(seen)}"
                yield Problem(found.at("requires", index), f"{name!r} {what}; {earlier}")
        seen.append(environment.name)


def _check_team_list(found: Found[Environment], key: str, teams: Sequence[str], known: set[str]) -> Iterator[Problem]:
    yield from unknown(found, key, teams, "a team", known)
    for index, first in repeated(enumerate(teams)):
        yield Problem(found.at(key, index), f"{teams[index]!r} is also {key}[{first}]; use once")


def _check_cluster(parts: Parts, found: Found[Environment]) -> Iterator[Problem]:
    environment = found.value
    if environment.context is not None and not environment.is_remote:
        yield Problem(found.at("context"), "the environment runs beside Argo CD; remove it, or name its `cluster`")
    if environment.server is not None and not (environment.is_remote and environment.context):
        yield Problem(found.at("server"), "it registers a `cluster` by its `context`; add both, or remove it")
    if environment.is_remote and environment.context is None and parts.makes_pull_secrets:
        text = "missing with `registry.pullUsername`; add the context of `cluster.kubeconfig` that reaches the cluster"
        yield Problem(found.at("context"), text)


def check_servers(parts: Parts) -> Iterator[Problem]:
    """A cluster is registered once, by the first environment that says how; Argo CD tells clusters by their address."""
    first: dict[str | None, tuple[str, str]] = {}
    clusters: dict[str, str] = {}
    for found in parts.environments:
        environment = found.value
        if environment.server is None or environment.cluster is None:
            continue
        name, server = first.setdefault(environment.cluster, (environment.name, environment.server))
        address = _address(environment.server)
        other = clusters.setdefault(address, environment.cluster)
        if urlsplit(address).hostname in _ITSELF:
            text = "it is the address of the cluster that Argo CD runs on, which Argo CD knows already"
            yield Problem(found.at("server"), f"{text}; leave `cluster`, `context` and `server` out")
        elif _address(server) != address:
            text = f"{environment.cluster} is at {server} in {name}; use one address, or another `cluster`"
            yield Problem(found.at("server"), text)
        elif other != environment.cluster:
            text = f"it is the address of {other} too, and Argo CD knows a cluster by its address; use one `cluster`"
            yield Problem(found.at("server"), text)


def _address(server: str) -> str:
    """A server's address as programs compare it."""
    parts = urlsplit(server)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path.rstrip('/')}"


def _check_branch(found: Found[Environment]) -> Iterator[Problem]:
    if found.broken & {"images", "branch"}:
        return
    environment = found.value
    if environment.images is Images.BRANCH and environment.branch is None:
        yield Problem(found.at("branch"), "missing with `images: branch`; use the service branch that it follows")
    if environment.images is not Images.BRANCH and environment.branch is not None:
        text = f"{environment.branch!r} with `images: {environment.images}`; allowed with `images: branch` only"
        yield Problem(found.at("branch"), text)
    if environment.images is Images.BRANCH and environment.tag_prefix is not None:
        text = "an environment with `images: branch` takes no tags; allowed with `images: main` or `images: release`"
        yield Problem(found.at("tagPrefix"), text)


def _check_production(found: Found[Environment]) -> Iterator[Problem]:
    """Production takes versioned tags only; who wants something else must not call it production."""
    environment = found.value
    if environment.name.startswith("prod") and environment.images is not Images.RELEASE:
        text = f"{environment.name} would take unversioned images; use `release`"
        yield Problem(found.at("images"), text)


def check_tag_prefixes(parts: Parts) -> Iterator[Problem]:
    """A tag is for one environment."""
    prefixes = [(found, found.value.tag_prefix) for found in parts.environments if found.value.tag_prefix]
    for found, first in repeated(prefixes):
        text = f"{found.value.tag_prefix!r} also belongs to {first.value.name}; use a prefix of its own"
        yield Problem(found.at("tagPrefix"), text)
    for found, prefix in prefixes:
        for other, shorter in prefixes:
            # Rules of tags know patterns only: `prod-v*` is about `prod-v2-v1.0.0` too.
            if prefix.startswith(f"{shorter}-v"):
                text = f"tags that begin with {prefix!r} fit the rules of {other.value.name} ({shorter}-v*) too"
                yield Problem(found.at("tagPrefix"), f"{text}; use a prefix without `-v`")
