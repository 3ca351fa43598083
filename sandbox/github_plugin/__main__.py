"""Serves the provider to an engine: `python -m sandbox.github_plugin <address of the engine>` prints the port."""

import sys

from sandbox.garbage import collect_rarely
from sandbox.pulumi import without_sdk

if __name__ == "__main__":
    collect_rarely()
    without_sdk.leave_out()
    from sandbox.github_plugin.server import serve

    sys.exit(serve())
