"""Runs the job once: `python -m job`. Its exit code tells Kubernetes how it went."""

import logging
import os
import signal
import sys
import threading
import time

from job import logs, work
from job.traces import Tracer


def main() -> int:
    logs.set_up()
    log = logging.getLogger("job")
    stopping = threading.Event()
    # The end of a node or of the run's time: the item at work is finished, and no other is begun.
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    began = time.monotonic()
    about = {"version": os.environ.get("VERSION", "dev"), "commit": os.environ.get("COMMIT", "unknown")}
    log.info("begins", extra={"fields": about})
    tracer = Tracer()
    try:
        with tracer.span("run") as span:
            done = work.run(os.environ, stopping)
            span.attributes["items"] = done
    except work.WorkError as error:
        log.error("failed: %s", error, extra={"fields": about})
        return 1
    finally:
        tracer.stop()
    seconds = round(time.monotonic() - began, 3)
    log.info("done", extra={"fields": {**about, "items": done, "seconds": seconds}})
    return 0


if __name__ == "__main__":
    sys.exit(main())
