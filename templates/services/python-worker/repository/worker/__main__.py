"""Runs the worker until it is told to stop: `python -m worker`."""

import logging
import os
import signal
import sys
import threading

from worker import health, logs, work
from worker.loop import Loop
from worker.queue import queue
from worker.settings import Settings
from worker.stopping import block_stop_signals, wait_for_stop_signal
from worker.traces import Tracer
from worker.variables import SettingsError


def main() -> int:
    block_stop_signals()
    logs.set_up()
    log = logging.getLogger("worker")
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        log.error("settings: %s", error)
        return 2
    tracer = Tracer()
    loop = Loop(settings, queue(settings), work.handle, tracer)
    try:
        server = health.serve(loop, settings.port)
    except OSError as error:
        log.error("PORT: %s: %s; set another one", settings.port, error.strerror)
        return 1
    ended = threading.Event()

    def work_on() -> None:
        try:
            loop.run()
        finally:
            ended.set()
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=server.serve_forever, daemon=True).start()
    log.info("works", extra={"fields": {"version": settings.version, "port": server.server_port}})
    worker = threading.Thread(target=work_on)
    worker.start()
    wait_for_stop_signal()
    crashed = ended.is_set()
    # The message at work is finished: the chart's `terminationGracePeriodSeconds` has to be enough for one.
    loop.stopping.set()
    worker.join()
    server.shutdown()
    server.server_close()
    tracer.stop()
    return 1 if crashed else 0


if __name__ == "__main__":
    sys.exit(main())
