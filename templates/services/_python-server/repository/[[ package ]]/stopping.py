"""Waits for the signals that tell a process to stop."""

import queue
import signal


def stop_signals() -> "queue.SimpleQueue[int]":
    """Where the numbers of SIGTERM and SIGINT come from now on."""
    # An event would not do: its lock may be held by the very wait that the signal interrupts.
    told: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: told.put(number))
    return told
