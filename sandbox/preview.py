"""`preview`: what `up` would change; apart from it, because a look does not need what starting a cluster needs."""

from sandbox import node
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.github import process
from sandbox.lock import locked
from sandbox.overlay import sandbox_stack
from sandbox.progress import Progress
from sandbox.pulumi import operations
from sandbox.pulumi.operations import Run
from sandbox.pulumi.workspace import find_workspace


def preview(config: SandboxConfig, progress: Progress) -> Run:
    """What `up` would change of a platform that is up.

    Raises:
        SandboxError: No sandbox is up here, or the program cannot be deployed like this.
    """
    with locked(config):
        stack = sandbox_stack(config)
        if not node.is_running(config) or not process.is_running(config):
            raise SandboxError(
                "nothing runs that could be looked at; run `make up`, or `make plan` for what there would be"
            )
        with progress.phase("Preview"):
            return operations.preview(find_workspace(config, progress), stack, progress.teller(), refresh=True)
