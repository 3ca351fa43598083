"""Runs the service until it is told to stop: `python -m service`."""

import signal
import sys
import threading
import time

from service.settings import Settings, SettingsError
from service.web import Application, serve


def main() -> int:
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        print(f"settings: {error}", file=sys.stderr)
        return 2
    application = Application(settings)
    server = serve(application)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"version {settings.version} listens on port {server.server_port}", flush=True)
    stopping.wait()
    # Kubernetes goes on sending requests here for a moment: say "not ready", and answer them.
    application.draining.set()
    time.sleep(settings.drain_seconds)
    server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
