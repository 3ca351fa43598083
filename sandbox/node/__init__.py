"""The sandbox's Kubernetes: a real node in namespaces of its own, of which stopping it leaves nothing behind.

Where that cannot be, a kind cluster or one that is there already takes its place.
"""

from sandbox.node.cluster import check, is_running, start, stop, wait_ready
from sandbox.node.layout import NODE_NAME, NodeLayout
from sandbox.node.lifecycle import daemon_states, remove_state
from sandbox.node.preflight import port_problem

__all__ = [
    "NODE_NAME",
    "NodeLayout",
    "check",
    "daemon_states",
    "is_running",
    "port_problem",
    "remove_state",
    "start",
    "stop",
    "wait_ready",
]
