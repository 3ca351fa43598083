"""The settings about environments: what reaches them, how, and what happens when it is bad."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from manifests.model.addresses import Cidr, HttpUrl, UrlTemplate
from manifests.model.base import Choice, Cpus, Line, Quantity, model, placeholders, wrong
from manifests.model.entry import HttpRoute, Ingress
from manifests.model.image_names import ImageSource
from manifests.model.kinds import IgnoredDifference, PermittedKind
from manifests.model.names import Annotations, BranchName, ClusterName, DnsLabel, LabelKey, LabelValue, TeamSlug
from manifests.model.sync_window import SyncWindow
from slipway_release import layout
from slipway_release.choices import Delivery, Images, Rollback, Sync
from slipway_release.tags import is_prefix

AUTOMATION = "slipway"
"""The GitHub environment that holds the keys of workflows which deliver nowhere; their templates name it."""


_POD_SECURITY = re.compile(r"pod-security\.kubernetes\.io/(enforce|audit|warn)(?P<version>-version)?")


class Admission(Choice):
    """What the cluster does about images without a digest, or of another registry."""

    ENFORCE = "enforce"
    WARN = "warn"
    OFF = "off"


class Removal(Choice):
    """What happens to the workload when its Application is deleted."""

    CASCADE = "cascade"
    ORPHAN = "orphan"


def _tag_prefix(text: str) -> str:
    if not is_prefix(text):
        raise wrong(f"{text!r} cannot stand before -v1.2.3; use a-z, 0-9 and single inner dashes")
    return text


def _service_url(text: str) -> str:
    placeholders(text, "service", "environment")
    return text


def _namespace_labels(labels: dict[str, str]) -> dict[str, str]:
    for key, value in labels.items():
        found = _POD_SECURITY.fullmatch(key)
        if found is None:
            continue
        if found["version"] and not re.fullmatch(r"latest|v1\.[0-9]+", value):
            raise wrong(f"{key}: {value!r} is not a version of Pod Security; use latest, or one such as v1.35")
        if not found["version"] and value not in {"privileged", "baseline", "restricted"}:
            raise wrong(f"{key}: {value!r} is not a level of Pod Security; use privileged, baseline or restricted")
    return labels


_NamespaceLabels = Annotated[dict[LabelKey, LabelValue], AfterValidator(_namespace_labels)]


@model
class Quota:
    """The most that one namespace may use."""

    cpu: Cpus = "4"
    """Sum of CPU requests."""
    memory: Quantity = "8Gi"
    """Sum of memory requests and limits."""
    pods: Annotated[int, Field(ge=1)] = 50
    """Number of pods."""


@model
class Environment:
    """Where services run; the list's order is the order of promotion."""

    name: DnsLabel
    """Its name, such as dev, staging or production."""
    sync: Sync = Sync.AUTOMATED
    """Whether Argo CD applies changes by itself, or a person starts each sync."""
    images: Images = Images.RELEASE
    """Which images it takes: of a branch, of main and releases, or releases (version tags) alone."""
    branch: BranchName | None = None
    """The service branch it follows; for `images: branch` only."""
    delivery: Delivery = Delivery.COMMIT
    """How releases are written: a commit, a pull request, or a commit to the environment's branch."""
    rollback: Rollback = Rollback.AUTOMATIC
    """What happens when a release is bad: the last good one is written back, proposed, or nothing."""
    approvers: Annotated[tuple[TeamSlug, ...], Field(max_length=6)] = ()
    """Teams; one of their members must approve each release. GitHub takes six at most."""
    operators: tuple[TeamSlug, ...] = ()
    """Teams that run it beside the services' owners: they sync, hold and freeze, and propose changes."""
    viewers: tuple[TeamSlug, ...] = ()
    """Teams that may look at its services and their logs, and nothing else."""
    tag_prefix: Annotated[str, AfterValidator(_tag_prefix)] | None = None
    """Tags `<tagPrefix>-v1.2.3` release to this environment alone."""
    prereleases: bool | None = None
    """Whether it takes versions such as 1.2.3-rc.1. Unset: yes, except where releases are synced by hand."""
    requires: tuple[DnsLabel, ...] = ()
    """Earlier environments in which a version must be verified first."""
    verification_deadline_seconds: Annotated[int, Field(ge=10, le=86_400)] = 600
    """How long a release may take to become healthy."""
    soak_seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    """How long a release must stay healthy until it is verified. What breaks in this time is the release's fault."""
    url: Annotated[UrlTemplate, AfterValidator(_service_url)] | None = None
    """Where a service answers; {service} and {environment} are filled in. Unset: by `ingress` or `httpRoute`."""
    ingress: Ingress | None = None
    """Makes services answer from outside of the cluster by an Ingress."""
    http_route: HttpRoute | None = None
    """Makes services answer from outside of the cluster by a route of the Gateway API."""
    cluster: ClusterName | None = None
    """The name in Argo CD of the cluster it runs on. Unset: the one Argo CD runs on."""
    context: Line | None = None
    """With `cluster`: the context of `cluster.kubeconfig` by which `pulumi up` makes its pull secrets."""
    server: HttpUrl | None = None
    """With `cluster` and `context`: where Argo CD reaches the cluster. Unset: it is registered already."""
    quota: Quota | None = None
    """The most that each of its namespaces may use. Unset: no limit."""
    namespace_labels: _NamespaceLabels = Field(default_factory=dict)
    """More labels of its namespaces; they win over the platform's for Pod Security."""
    namespace_annotations: Annotations = Field(default_factory=dict)
    """More annotations of its namespaces."""
    ignore_differences: tuple[IgnoredDifference, ...] = ()
    """Fields of its services that others write; Argo CD neither reports nor undoes what they hold."""
    allow_from: tuple[Cidr, ...] = ()
    """Addresses that may reach the pods, beside the cluster's entry points: a load balancer outside, for example."""
    allow_to: tuple[Cidr, ...] = ()
    """Addresses that pods may reach with `outbound: false`: a database outside, for example."""
    outbound: bool = True
    """Whether pods may reach addresses outside of their namespace, beside the cluster's DNS."""
    kinds: tuple[PermittedKind, ...] = ()
    """More kinds that services may consist of, as `group/Kind`, such as `cert-manager.io/Certificate`."""
    sync_windows: tuple[SyncWindow, ...] = ()
    """When Argo CD may sync its services, and when it may not. What comes meanwhile waits."""
    admission: Admission = Admission.ENFORCE
    """What its cluster does about images that have no digest or are not of the platform's registry."""
    image_sources: tuple[ImageSource, ...] = ()
    """More places that images may come from, such as docker.io/istio, for sidecars that others add."""
    prune: bool | None = None
    """Whether a sync deletes what is no longer in Git. Unset: yes, except where syncs are manual."""
    removal: Removal | None = None
    """What becomes of the workload when a service leaves. Unset: deleted, but kept where syncs are manual."""

    @property
    def sync_windows_in_words(self) -> str:
        """What its sync windows do, for people; empty without any."""
        return "; ".join(window.in_words for window in self.sync_windows)

    @property
    def is_remote(self) -> bool:
        """Whether it runs on another cluster than Argo CD."""
        return self.cluster not in {None, "in-cluster"}

    @property
    def address(self) -> str | None:
        """Where a service answers, with the placeholders; None if the settings do not say."""
        entry = self.ingress or self.http_route
        return self.url or (entry.url if entry else None)

    @property
    def is_production_like(self) -> bool:
        """Whether it takes versioned tags only and people start its syncs."""
        return self.images is Images.RELEASE and self.sync is Sync.MANUAL

    @property
    def reviewers(self) -> tuple[str, ...]:
        """The teams that approve in front of the job that delivers; where a pull request delivers, they review that."""
        return () if self.delivery is Delivery.PULL_REQUEST else self.approvers

    @property
    def takes_prereleases(self) -> bool:
        """Whether versions such as 1.2.3-rc.1 reach it."""
        return not self.is_production_like if self.prereleases is None else self.prereleases

    @property
    def prunes(self) -> bool:
        """Whether a sync deletes what is no longer in Git."""
        return self.sync is Sync.AUTOMATED if self.prune is None else self.prune

    @property
    def removes(self) -> Removal:
        """What becomes of the workload when a service leaves."""
        if self.removal is not None:
            return self.removal
        return Removal.CASCADE if self.sync is Sync.AUTOMATED else Removal.ORPHAN

    @property
    def tracked_branch(self) -> str | None:
        """The service branch whose every commit is delivered here."""
        return {Images.BRANCH: self.branch, Images.MAIN: "main", Images.RELEASE: None}[self.images]

    @property
    def target_branch(self) -> str:
        """The branch of the environment repository that its Applications follow."""
        return layout.environment_branch(self.name) if self.delivery is Delivery.BRANCH else "main"
