"""A real Kubernetes node in namespaces of its own: stopping it leaves nothing on the machine but its state folder."""

from sandbox.node.layout import NODE_NAME, NodeLayout
from sandbox.node.lifecycle import daemon_states, is_running, remove_state, start, stop, wait_ready
from sandbox.node.preflight import check, port_problem

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
