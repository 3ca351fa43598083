"""What a command works with: the platform and one client per credential.

Three credentials, none of which can do the work of another: the workflow's own token keeps the
ledger of this repository (events made with it start no workflow), and has 1,000 requests an hour;
the promoter App's token for this repository commits, and reads, because it has more of them; its
token for the service's repository reads that and mirrors the ledger there.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipway_release import platform_file, workflow
from slipway_release.contents import Contents
from slipway_release.git import Git
from slipway_release.github import GitHub
from slipway_release.platform_types import Platform
from slipway_release.registry import Registry
from slipway_release.transport import Transport

REGISTRY_SECONDS = 60.0
"""How long a rollback asks the registry whether its target is there; then it goes on without knowing."""


@dataclass(frozen=True)
class Context:
    """Everything a command may talk to."""

    platform: Platform
    own: GitHub
    """The workflow's own token."""
    writer: GitHub
    service: GitHub
    registry: Registry
    run_url: str
    promoter: str = ""
    """The account of the writer: a verdict counts from it alone, and from no account where it is not known."""

    @property
    def contents(self) -> Contents:
        """The environment repository, with the right to write it."""
        return Contents(self.writer, self.platform.repository, self.own, self.promoter)


def from_environment(registry_seconds: float | None = None) -> Context:
    """The context of a run of this repository's workflows.

    Args:
        registry_seconds: how long the registry is waited for; as long as GitHub where it is not given.
    """
    platform = platform_file.load()
    transport = Transport(float(workflow.optional("SLIPWAY_DEADLINE_SECONDS", "900")), log=workflow.say)
    own = workflow.optional("GITHUB_TOKEN")
    # The runner knows best how this server's API is reached from where it stands.
    api_url = workflow.optional("GITHUB_API_URL", platform.api_url).rstrip("/")
    server_url = workflow.optional("GITHUB_SERVER_URL", platform.server_url)
    writer, service = workflow.optional("ENVIRONMENTS_TOKEN", own), workflow.optional("SERVICE_TOKEN", own)
    return Context(
        platform=platform,
        own=GitHub(api_url, own, transport),
        writer=GitHub(api_url, writer, transport, Git(server_url, writer, transport)),
        # A service's repository may be large, and only its history is asked about.
        service=GitHub(api_url, service, transport, Git(server_url, service, transport, with_files=False)),
        registry=Registry(
            platform.registry_host,
            platform.registry_insecure,
            workflow.optional("REGISTRY_USERNAME", "slipway"),
            "" if _is_overheard(platform) else workflow.optional("REGISTRY_PASSWORD"),
            transport if registry_seconds is None else Transport(registry_seconds, log=workflow.say),
        ),
        run_url=workflow.run_url(),
        promoter=f"{slug}[bot]" if (slug := workflow.optional("PROMOTER")) else "",
    )


def _is_overheard(platform: Platform) -> bool:
    """Whether a password would go over a connection that is not encrypted; a rehearsal's GitHub has none either."""
    return platform.registry_insecure and platform.server_url.startswith("https://")
