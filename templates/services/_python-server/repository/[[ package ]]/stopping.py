"""Waits for the signals that tell a process to stop."""

import signal

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def block_stop_signals() -> None:
    """Lets SIGTERM and SIGINT wait until they are asked for. Call it before the first thread is started."""
    # A handler in Python would not do: a signal just before the main thread begins to wait does not end that wait.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def wait_for_stop_signal() -> None:
    """Returns once SIGTERM or SIGINT came, also one that came before."""
    signal.sigwait(_SIGNALS)
