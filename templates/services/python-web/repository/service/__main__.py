"""Runs the service until it is told to stop: `python -m service`."""

import logging
import sys
import threading
import time

from service import logs
from service.settings import Settings
from service.stopping import block_stop_signals, wait_for_stop_signal
from service.traces import Tracer
from service.variables import SettingsError
from service.web import Application, serve


def main() -> int:
    block_stop_signals()
    logs.set_up()
    log = logging.getLogger("service")
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        log.error("settings: %s", error)
        return 2
    tracer = Tracer()
    application = Application(settings, tracer)
    try:
        server = serve(application)
    except OSError as error:
        log.error("PORT: %s: %s; set another one", settings.port, error.strerror)
        return 1
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log.info("listens", extra={"fields": {"version": settings.version, "port": server.server_port}})
    wait_for_stop_signal()
    # Kubernetes goes on sending requests here for a moment: say "not ready", and answer them.
    application.draining.set()
    time.sleep(settings.drain_seconds)
    server.shutdown()
    server.server_close()
    tracer.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
