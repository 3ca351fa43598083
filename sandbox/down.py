"""`down`: stops the platform and leaves nothing behind."""

import shutil

from sandbox import node
from sandbox.config import SandboxConfig
from sandbox.github import process
from sandbox.lock import locked
from sandbox.progress import Progress
from sandbox.pulumi import processes
from sandbox.pulumi.programs import Home


def down(config: SandboxConfig, progress: Progress, *, keep_state: bool = False) -> None:
    """Stops node and GitHub and removes the state, which holds every repository that was pushed."""
    with locked(config):
        processes.end_all(Home(config.pulumi_directory / "home"))
        with progress.phase("Stopping Kubernetes"):
            node.stop(config)
        with progress.phase("Stopping GitHub"):
            process.stop(config)
        if not keep_state and config.directory.exists():
            with progress.phase("Removing the state"):
                node.remove_state(config)
                shutil.rmtree(config.directory)
