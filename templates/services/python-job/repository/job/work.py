"""The work of one run. Replace `items` and `handle` with your own."""

import logging
import threading
from collections.abc import Iterator, Mapping

log = logging.getLogger(__name__)


class WorkError(Exception):
    """The run has failed; Kubernetes tries it again."""


def items(environ: Mapping[str, str]) -> Iterator[str]:
    """What there is to do."""
    yield from (word.strip() for word in environ.get("ITEMS", "first, second").split(",") if word.strip())


def handle(item: str) -> None:
    """Does one item. A run may be tried again, so doing it twice must be harmless."""
    log.info("handled", extra={"fields": {"item": item}})


def run(environ: Mapping[str, str], stopping: threading.Event) -> int:
    """Does everything until it is told to stop; returns how many items are done."""
    if environ.get("REHEARSE_FAULT") == "crash":
        raise WorkError("REHEARSE_FAULT: crash, as asked for")
    done = 0
    for item in items(environ):
        if stopping.is_set():
            raise WorkError(f"told to stop after {done} items; the rest is for the next run")
        handle(item)
        done += 1
    return done
