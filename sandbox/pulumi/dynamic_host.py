"""The host of dynamic resources for a pulumi CLI that came without it: the SDK's own, which ends with its engine."""

import runpy

from sandbox.garbage import collect_rarely
from sandbox.pulumi.plugin_server import end_with_engine

if __name__ == "__main__":
    collect_rarely()
    end_with_engine()
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)
