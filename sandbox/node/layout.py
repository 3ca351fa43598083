"""Names and places of one node, all derived from the sandbox's settings, so that two nodes never share any."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sandbox.config import CONTEXT, SECOND_CONTEXT, SECOND_FOLDER, SandboxConfig

NODE_NAME = "sandbox"
API_PORT = 6443
LINK_PREFIX_LENGTH = 30


@dataclass(frozen=True)
class NodeLayout:
    """Where the node keeps its things, and what they are called on this machine."""

    config: SandboxConfig

    @property
    def state(self) -> Path:
        return self.config.directory / ("node" if self.config.number == 1 else SECOND_FOLDER)

    @property
    def spec(self) -> Path:
        """What the box is told; its path on the command line is also how the box's processes are found again."""
        return self.state / "box.json"

    @property
    def status(self) -> Path:
        """What the box says about its daemons."""
        return self.state / "status.json"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def etc(self) -> Path:
        return self.state / "etc"

    @property
    def registry(self) -> Path:
        """Storage of the registry."""
        return self.state / "registry"

    @property
    def name(self) -> str:
        """What links and control groups of this node are called: 15 characters, as long as a link's name may be.

        The name belongs to the folder of the sandbox, so that no command touches what another sandbox made, even if
        both are set to the same network.
        """
        whose = self.config.directory if self.config.number == 1 else self.state
        return f"slipway-{hashlib.sha256(str(whose).encode()).hexdigest()[:7]}"

    @property
    def context(self) -> str:
        """What the sandbox's kubeconfig calls the cluster."""
        return CONTEXT if self.config.number == 1 else SECOND_CONTEXT

    @property
    def api_url(self) -> str:
        return f"https://{self.config.node_ip}:{API_PORT}"
