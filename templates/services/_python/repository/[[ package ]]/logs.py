"""One JSON document a line, as log collectors read them; `LOG_FORMAT=text` is for people."""

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

from . import traces


class JsonLines(logging.Formatter):
    """Time, level, message, the trace it belongs to, and what a call gives as `extra={"fields": {…}}`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class Text(logging.Formatter):
    """The same on a laptop: `12:30:00 info    handled item=first`."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        error = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{time} {record.levelname.lower():<7} {record.getMessage()}{fields}{error}"


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    span = traces.current()
    about = {"trace_id": span.trace_id, "span_id": span.span_id} if span and span.sampled else {}
    return {**getattr(record, "fields", {}), **about}


def set_up() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Text() if os.environ.get("LOG_FORMAT") == "text" else JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
