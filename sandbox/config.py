"""Where a sandbox lives: its folders, addresses and URLs, all derived from two settings.

Two sandboxes run side by side when each has its own `SLIPWAY_SANDBOX_DIR` and `SLIPWAY_SANDBOX_NETWORK`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Self

from sandbox.errors import ExitCode, SandboxError

DEFAULT_NETWORK = "10.201"
NOTIFICATIONS = "/_sandbox/notifications"
"""Where the sandbox's GitHub also is the chat that notifications go to."""
GITHUB_PORT = 3000
REGISTRY_PORT = 5000
ARGOCD_PORT = 30080
CONTEXT = "sandbox"
SECOND_CONTEXT = "second"
CLUSTERS = "SLIPWAY_SANDBOX_CLUSTERS"
"""The environment variable that says how many clusters there are: 1, or 2 for an environment on one of its own."""
SECOND_FOLDER = "second"


@dataclass(frozen=True)
class SandboxConfig:
    """The folders and addresses of one sandbox."""

    root: Path
    """The work tree that holds `Pulumi.yaml`."""
    directory: Path
    """State of this sandbox; removed by `down`."""
    network: str
    """The first two octets of every address in it, such as `10.201`."""
    cache: Path
    """Built tools, images and packages, shared by all sandboxes of this user."""
    private_packages: bool = True
    """Whether the node's registry asks for credentials, and images belong to who pushed them, as on GitHub."""
    clusters: int = 1
    """How many clusters it has. A sandbox that was started with two keeps both until `down`."""
    number: int = 1
    """Which of them the addresses of a cluster are those of. GitHub, the registry and Argo CD are the first one's."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ, root: Path | None = None) -> Self:
        """Read `SLIPWAY_SANDBOX_DIR`, `…_NETWORK` and `XDG_CACHE_HOME`."""
        root = (root or Path(__file__).parent.parent).resolve()
        network = environ.get("SLIPWAY_SANDBOX_NETWORK") or DEFAULT_NETWORK
        if not _is_private(network):
            raise SandboxError(
                f"SLIPWAY_SANDBOX_NETWORK: {network!r} is not a base of a private network; "
                f"give two octets, such as {DEFAULT_NETWORK}",
                exit_code=ExitCode.USAGE,
            )
        directory = (root / (environ.get("SLIPWAY_SANDBOX_DIR") or ".sandbox")).resolve()
        clusters = environ.get(CLUSTERS) or "1"
        if clusters not in {"1", "2"}:
            raise SandboxError(f"{CLUSTERS}: {clusters!r} is not known; it is 1 or 2", exit_code=ExitCode.USAGE)
        caches = Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or "~").expanduser() / ".cache")
        return cls(
            root=root,
            directory=directory,
            network=network,
            cache=caches / "slipway",
            clusters=2 if (directory / SECOND_FOLDER).is_dir() else int(clusters),
        )

    @property
    def second(self) -> Self | None:
        """The same sandbox with the addresses of its second cluster; None where it has none."""
        return replace(self, number=2) if self.clusters > 1 else None

    @property
    def host_ip(self) -> str:
        """This machine's end of the link to the node."""
        return f"{self.network}.{self.number - 1}.1"

    @property
    def node_ip(self) -> str:
        """The node's end of the link."""
        return f"{self.network}.{self.number - 1}.2"

    @property
    def pod_cidr(self) -> str:
        """Addresses of pods."""
        return f"{self.network}.{16 * self.number}.0/20"

    @property
    def service_cidr(self) -> str:
        """Addresses of Kubernetes Services."""
        return f"{self._services}.0/{17 if self.number == 1 else 18}"

    @property
    def api_ip(self) -> str:
        """The ClusterIP of the Kubernetes API."""
        return f"{self._services}.1"

    @property
    def dns_ip(self) -> str:
        """The ClusterIP of the cluster's DNS."""
        return f"{self._services}.10"

    @property
    def _services(self) -> str:
        return f"{self.network}.{128 if self.number == 1 else 64}"

    @property
    def github_ip(self) -> str:
        """Where GitHub listens."""
        return f"{self.network}.0.1"

    @property
    def registry_ip(self) -> str:
        """Where the registry listens, and Argo CD answers."""
        return f"{self.network}.0.2"

    @property
    def github_url(self) -> str:
        """What a browser, git and the product call GitHub."""
        return f"http://{self.github_ip}:{GITHUB_PORT}/"

    @property
    def github_api_url(self) -> str:
        """REST root of that GitHub, without a slash at the end."""
        return f"{self.github_url}api/v3"

    @property
    def issuer_url(self) -> str:
        """The provider of OpenID Connect that people log in to Argo CD with."""
        return f"{self.github_url}_identity"

    @property
    def notifications_url(self) -> str:
        """The chat that is told of releases; what it was told is read there too."""
        return self.github_url.rstrip("/") + NOTIFICATIONS

    @property
    def github_directory(self) -> Path:
        """State of GitHub: repositories, documents, logs."""
        return self.directory / "github"

    @property
    def pulumi_directory(self) -> Path:
        """The platform's stack: state, settings, plugins."""
        return self.directory / "pulumi"

    @property
    def registry_host(self) -> str:
        """Where images are pushed and pulled."""
        return f"{self.registry_ip}:{REGISTRY_PORT}"

    @property
    def argocd_url(self) -> str:
        """API and web hooks of Argo CD."""
        return f"http://{self.registry_ip}:{ARGOCD_PORT}"

    @property
    def kubeconfig(self) -> Path:
        """Admin access to the clusters; the contexts are `sandbox` and, where there is one, `second`."""
        return self.directory / "kubeconfig"

    @property
    def commands(self) -> Path:
        """Links to kubectl, helm and argocd, for a PATH."""
        return self.directory / "bin"

    @property
    def credentials(self) -> Path:
        """Tokens and keys of this sandbox's GitHub, readable by its owner only."""
        return self.directory / "credentials.json"


def _is_private(network: str) -> bool:
    """Whether these are two octets of private addresses."""
    try:
        address = IPv4Address(f"{network}.0.1")
    except ValueError:
        return False
    return address.is_private and not address.is_loopback and not address.is_link_local and network != "0.0"
