"""The settings about the cluster, Argo CD in it, the registry and who is told what happens."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue

from manifests.model.addresses import Cidr, HttpUrl, SecretUrl
from manifests.model.base import Choice, Line, matching, model, wrong
from manifests.model.image_names import Account, ImagePath, Platform, RegistryHost
from manifests.model.names import ClusterGroup, DnsLabel

PULL_SECRET = "slipway-registry"
GHCR = "ghcr.io"
"""GitHub's own registry, which takes a workflow's own token."""
_WANT_ACCOUNTS = re.compile(
    r"docker\.io|quay\.io|public\.ecr\.aws|registry\.gitlab\.com|([a-z]+\.)?gcr\.io|.*-docker\.pkg\.dev|.*\.jfrog\.io"
    r"|.*\.azurecr\.(io|cn|us)|[0-9]+\.dkr[.-]ecr\..*"
)
"""Registries that take no image without an account."""


def is_known(server: str) -> bool:
    """Whether a host, without port, is that of a registry that everybody knows."""
    return server == GHCR or _WANT_ACCOUNTS.fullmatch(server) is not None


@model
class Dns:
    """Where pods ask for names."""

    namespaces: tuple[DnsLabel, ...] = ("kube-system",)
    """Namespaces of the cluster's DNS, such as openshift-dns."""
    addresses: tuple[Cidr, ...] = ()
    """Addresses of a DNS that is not a pod, such as that of a node-local cache."""
    ports: tuple[Annotated[int, Field(ge=1, le=65_535)], ...] = (53,)
    """The ports of its pods, such as 5353."""


def _path(text: str) -> str:
    if text.lstrip().startswith("{") or "apiVersion" in text:
        raise wrong("it is the text of a kubeconfig, which would be shown; use the path of the file")
    return text


def _kubernetes(text: str) -> str:
    found = re.fullmatch(r"(v?1\.[0-9]+(?:\.[0-9]+)?)(?:[-+][0-9A-Za-z.+-]*)?", text)
    if found is None:
        raise wrong(f"{text!r} is not a version of Kubernetes; use one such as 1.35.4, as `kubectl version` shows it")
    return found[1]


@model
class Cluster:
    """The cluster that Argo CD is installed into."""

    kubeconfig: Annotated[Line, AfterValidator(_path)]
    """Path of the kubeconfig, relative to the Pulumi project; `~` is the home directory."""
    context: Line
    """The context in it; never the one that happens to be current."""
    ingress_namespaces: tuple[DnsLabel, ...] = ()
    """Namespaces whose pods may reach the services: the ingress controller's, the metrics collector's."""
    kubernetes_version: Annotated[str, AfterValidator(_kubernetes)] | None = None
    """What pull requests are rendered for, such as 1.35.4; what a provider adds behind it does not count. Unset: the
    version that Helm was made for."""
    api_versions: tuple[Annotated[str, Field(pattern=r"^[a-z0-9.-]+/v[0-9a-z]+(/[A-Z][A-Za-z0-9]*)?$")], ...] = ()
    """What charts find in the cluster, such as monitoring.coreos.com/v1; pull requests are rendered with it."""
    dns: Dns = Field(default_factory=Dns)
    """Where pods ask for names; network policies let them."""
    group_prefix: ClusterGroup | None = None
    """What stands before a team's name in the groups of the cluster's users. Unset: `<owner>:`."""


class SignOnProvider(Choice):
    """Where people log in."""

    GITHUB = "github"
    OIDC = "oidc"


_EXACT = matching(
    r"v?[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?",
    "is not one version; use one such as 10.1.1, so that `up` installs what was reviewed",
)
_TAG = matching(
    r"(?=.*[0-9]+\.[0-9]+\.[0-9]+)[A-Za-z0-9_][A-Za-z0-9._-]{0,127}(@sha256:[0-9a-f]{64})?",
    "is not the tag of one version; use one such as v3.5.7",
)

_CHANNEL = matching(
    r"#?(?:[^\WA-Z]|[.-]){1,80}|(?=.*[0-9])[CGD][A-Z0-9]{8,20}",
    "is not a channel of Slack; use its name in small letters, or its id such as C0123456789",
)


@model
class SignOn:
    """Single sign-on to Argo CD. Its own `admin` is off then."""

    provider: SignOnProvider = SignOnProvider.GITHUB
    """GitHub's teams through Dex, which Argo CD brings along, or any provider of OpenID Connect."""
    client_id: Line
    """The OAuth app's or client's id (needs `slipway:ssoClientSecret`)."""
    cli_client_id: Line | None = None
    """A client without a secret, for `argocd login --sso`; its callback is http://localhost:8085/auth/callback. Unset:
    `client_id`, which the provider then has to take without its secret. For `provider: oidc` only."""
    issuer: HttpUrl | None = None
    """The provider's address; for `provider: oidc` only."""
    groups_claim: Line = "groups"
    """The claim that names a person's groups; for `provider: oidc` only."""
    scopes: tuple[Line, ...] = ("openid", "profile", "email", "groups")
    """What is asked of the provider; some know no scope `groups`. For `provider: oidc` only."""
    admin: bool = False
    """Whether Argo CD's own `admin` stays on beside it: to break glass, not for every day."""


@model
class ArgoCD:
    """The installation of Argo CD."""

    chart: Line = "argo-cd"
    """The chart's name in the repository, or the path of a chart folder."""
    chart_version: Annotated[Line, _EXACT] = "10.1.1"
    """The chart's version, never a range; a chart folder has its own."""
    chart_repository: HttpUrl = "https://argoproj.github.io/argo-helm"
    """The Helm repository of the chart; unused for a chart folder."""
    version: Annotated[str, _TAG] | None = None
    """Argo CD's version, as image tag such as v3.5.7. Unset: the chart's."""
    helm_version: Annotated[str, Field(pattern=r"^[34]\.[0-9]+\.[0-9]+$")] | None = None
    """The Helm in its image, such as 3.19.4; pull requests are rendered with it. Unset: that of the official image, for
    versions of Argo CD that the platform knows."""
    image: Line | None = None
    """The image of Argo CD, from a mirror for example. Unset: the chart's."""
    namespace: DnsLabel = "argocd"
    """The namespace it lives in."""
    url: HttpUrl | None = None
    """Where people and GitHub's webhook reach it. Unset: by `kubectl port-forward`, and it polls."""
    webhook: bool = True
    """Whether GitHub tells it of pushes (needs `url` and `slipway:webhookSecret`)."""
    sso: SignOn | None = None
    """How people log in. Unset: only Argo CD's own `admin` can."""
    install_crds: bool = True
    """Whether the chart brings the CustomResourceDefinitions."""
    values: dict[str, JsonValue] = Field(default_factory=dict)
    """More values for the chart; they win over the platform's."""

    @property
    def chart_is_folder(self) -> bool:
        """Whether the chart is a folder here and not in a repository."""
        return self.chart.startswith((".", "/", "~"))

    @property
    def receives_webhooks(self) -> bool:
        """Whether GitHub can tell it of pushes."""
        return self.webhook and self.url is not None


class Attestations(Choice):
    """What has to prove where an image comes from."""

    NONE = "none"
    REQUIRED = "required"


class Sbom(Choice):
    """What has to say what is in an image."""

    NONE = "none"
    REQUIRED = "required"


@model
class Registry:
    """Where images of services are pushed and pulled."""

    host: RegistryHost = GHCR
    """Host, and path where it needs one; an image is <host>/<namespace>/<service>."""
    namespace: ImagePath | None = None
    """What stands between host and service in the name of an image. Unset: the organisation."""
    username: Account | None = None
    """The account workflows push with (needs `slipway:registryPassword`). Unset: their own token, as GHCR takes."""
    pull_username: Account | None = None
    """The account that packages are read with (needs `slipway:packagesToken`): by the environment repository's checks,
    and by pods, for which each namespace gets a pull secret. Unset: by neither."""
    insecure: bool = False
    """Whether it speaks plain http. For rehearsals only."""
    image_pull_secret: DnsLabel | None = None
    """Name of the Secret in each namespace that pods pull with. Unset: `slipway-registry` with `pullUsername`; without
    that, the registry lets the nodes pull."""
    platforms: tuple[Platform, ...] = ()
    """What images are built for, such as linux/amd64 and linux/arm64. Unset: the runner's own platform."""
    attestations: Attestations = Attestations.NONE
    """Whether only images are promoted that GitHub itself says the platform's release workflow has built; on every plan
    of GitHub."""
    sbom: Sbom = Sbom.NONE
    """Whether only images are promoted that have a bill of materials (SPDX, by syft) beside them (needs
    `attestations: required`, which signs it)."""

    @property
    def server(self) -> str:
        """What credentials are for: the host without its path."""
        return self.host.partition("/")[0]

    @property
    def takes_workflow_tokens(self) -> bool:
        """Whether it is GitHub's own, or stands for that in a rehearsal; no other one is shown a workflow's token."""
        return self.server == GHCR or self.server.startswith("containers.") or self.insecure

    @property
    def lacks_account(self) -> bool:
        """Whether it is known to refuse what workflows push, since they have no account."""
        return self.username is None and _WANT_ACCOUNTS.fullmatch(self.server) is not None

    @property
    def pull_secret(self) -> str | None:
        """The name of the Secret that pods pull with."""
        return self.image_pull_secret or (PULL_SECRET if self.pull_username else None)


class SecretsBackend(Choice):
    """How services get secrets; Git never holds them in clear text."""

    NONE = "none"
    EXTERNAL_SECRETS = "external-secrets"
    SEALED_SECRETS = "sealed-secrets"
    SOPS = "sops"


@model
class Notifications:
    """Who is told of verified and failed releases, beside GitHub's deployments."""

    slack_channel: Annotated[str, _CHANNEL] | None = None
    """A channel of Slack (needs `slipway:slackToken`)."""
    webhook_url: SecretUrl | None = None
    """A URL that gets a JSON document; it may be set with `--secret`."""
