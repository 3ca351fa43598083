"""The settings about GitHub: whose organisation, which repositories, which Apps."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from manifests.model.addresses import is_host, without_credentials
from manifests.model.base import Choice, NumberText, model, wrong
from manifests.model.names import DnsLabel, Owner, RepositoryName, RunnerLabel, TeamSlug

GITHUB_DOT_COM = "https://github.com/"
_PORTS = {"http": 80, "https": 443}


class Visibility(Choice):
    """Who may see a repository."""

    PRIVATE = "private"
    INTERNAL = "internal"
    PUBLIC = "public"


class OwnedFiles(Choice):
    """How later changes of owned files reach a protected main."""

    COMMIT = "commit"
    PULL_REQUEST = "pull-request"


class ActionsPolicy(Choice):
    """Who says which actions may run in the environment repository."""

    REPOSITORY = "repository"
    ORGANIZATION = "organization"


def _base_url(text: str) -> str:
    without_credentials(text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise wrong(f"{text!r} is not a URL of a GitHub: its host or port is not valid") from None
    if port == 0 or parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise wrong(f"{text!r} is not a URL of a GitHub: use https://github.com/ or https://<host>/ of an own one")
    host = parts.hostname
    if not is_host(host):
        raise wrong(f"{text!r} does not have a valid host; use https://github.com/ or https://<host>/ of an own one")
    hosted = host == "github.com" or host.endswith((".github.com", ".githubusercontent.com", ".ghe.com"))
    # A tenant has its API beside it, too.
    seen = host.removeprefix("api.") if host.endswith(".ghe.com") else "github.com"
    if hosted and (host != seen or port not in {None, 80, 443}):
        raise wrong(f"{text!r} is not the address people see; use https://{seen}/")
    if hosted and parts.scheme != "https":
        raise wrong(f"{text!r} is not encrypted; use https://{host}/")
    # In small letters and without the port that is meant anyway, as other programs compare it.
    shown = f"[{host}]" if ":" in host else host
    place = shown if port in {None, _PORTS[parts.scheme]} else f"{shown}:{port}"
    if parts.path not in {"", "/"}:
        raise wrong(f"{text!r} has a path; use {parts.scheme}://{place}/, the API's path is added")
    return f"{parts.scheme}://{place}/"


@model
class App:
    """A GitHub App installed in the organisation; its private key is a secret of the stack."""

    id: NumberText
    """The App's id."""
    installation_id: NumberText
    """The id of its installation in the organisation."""
    slug: DnsLabel | None = None
    """Its name in addresses (github.com/apps/<slug>). For Argo CD's App: reports are then accepted from it alone."""

    @property
    def login(self) -> str | None:
        """The account that it acts as on GitHub."""
        return f"{self.slug}[bot]" if self.slug else None


@model
class Runners:
    """The labels of the runners that jobs go to; a job goes to one that has all of them."""

    build: Annotated[tuple[RunnerLabel, ...], Field(min_length=1)] = ("ubuntu-latest",)
    """Those that test and build services."""
    automation: Annotated[tuple[RunnerLabel, ...], Field(min_length=1)] = ("ubuntu-latest",)
    """Those that check, promote, roll back and validate."""


@model
class GitHub:
    """One organisation of github.com or of an own GitHub."""

    owner: Owner
    """The organisation."""
    promoter: App
    """Writes releases: contents, pull requests, deployments, actions. Only the environment repository holds its key."""
    requester: App
    """Asks for promotions: `statuses: write` on the environment repository only. Service repositories hold its key."""
    argocd: App
    """Argo CD reads the environment repository (contents) and reports what it sees (deployments: write)."""
    base_url: Annotated[str, AfterValidator(_base_url)] = GITHUB_DOT_COM
    """Where GitHub is. Unset: github.com. An own GitHub Enterprise: its address."""
    app: App | None = None
    """The App that `pulumi up` acts as. Unset: `slipway:githubToken` is used."""
    environment_repository: RepositoryName = "environments"
    """The repository that says what runs where."""
    visibility: Visibility = Visibility.PRIVATE
    """Who may see the repositories."""
    owned_files: OwnedFiles = OwnedFiles.PULL_REQUEST
    """How later changes of workflows and other owned files reach main: by a pull request, or by a direct commit."""
    actions_policy: ActionsPolicy = ActionsPolicy.REPOSITORY
    """Which actions run there: GitHub's and the organisation's own, or what the organisation's policy allows."""
    pinned_actions: bool = False
    """Whether a policy wants actions pinned to commits. Service repositories then check the release program out, for
    which the requester's App needs Contents: read."""
    platform_team: TeamSlug | None = None
    """The team that runs the platform: it reviews owned files and administers Argo CD. Unset: organisation owners."""
    runners: Runners = Field(default_factory=Runners)
    """The runners of the workflows. Unset: GitHub's own, which an own server may not have."""
    required_approvals: Annotated[int, Field(ge=0, le=10)] = 1
    """How many people must approve a pull request to main."""
    protect: bool = True
    """Whether repositories are protected in the state, so that they must be unprotected before a destroy."""
    write_delay_milliseconds: Annotated[int, Field(ge=0, le=60_000)] = 1000
    """Pause between two writes. GitHub asks for a second; a rehearsal needs none."""

    @property
    def is_hosted(self) -> bool:
        """Whether it is github.com or a tenant of ghe.com, and not an own server."""
        host = urlsplit(self.base_url).hostname or ""
        return host == "github.com" or host.endswith(".ghe.com")

    @property
    def api_url(self) -> str:
        """The root of the REST API, without a slash at the end."""
        parts = urlsplit(self.base_url)
        if self.is_hosted:
            return f"https://api.{parts.netloc}"
        return f"{self.base_url}api/v3"

    @property
    def owner_url(self) -> str:
        """The organisation's page, without a slash at the end."""
        return f"{self.base_url}{self.owner}"

    @property
    def environment_repository_url(self) -> str:
        """What Argo CD clones."""
        return f"{self.owner_url}/{self.environment_repository}.git"
