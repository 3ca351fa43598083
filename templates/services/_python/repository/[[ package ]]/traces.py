"""Traces by OpenTelemetry's protocol (OTLP over HTTP, as JSON), where `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector.

It knows what is needed here: spans, the caller's trace (`traceparent`), sampling, and a queue that is bounded and holds
nothing up. Once you need more, `opentelemetry-sdk` takes its place; the variables stay the same.
"""

import contextlib
import contextvars
import json
import logging
import os
import queue
import re
import secrets
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

SERVER, PRODUCER, CONSUMER, INTERNAL = 2, 4, 5, 1
"""Kinds of spans, as the protocol numbers them."""
_BATCH, _WAITING, _DELAY_SECONDS, _TIMEOUT_SECONDS = 512, 2048, 1.0, 5
_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_current: contextvars.ContextVar["Span | None"] = contextvars.ContextVar("span", default=None)
log = logging.getLogger(__name__)


@dataclass
class Span:
    """One piece of work, with a beginning and an end."""

    name: str
    kind: int
    trace_id: str
    parent_id: str
    sampled: bool
    span_id: str = field(default_factory=lambda: secrets.token_hex(8))
    attributes: dict[str, str | int | float | bool] = field(default_factory=dict)
    began: int = field(default_factory=time.time_ns)
    failure: str = ""

    @property
    def traceparent(self) -> str:
        """What the next service, or the one that takes a message, is told."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


def current() -> Span | None:
    """The span that this is within."""
    return _current.get()


class Tracer:
    """Makes spans, and sends those that are sampled from a thread of its own."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environ)
        self._headers = _pairs(environ.get("OTEL_EXPORTER_OTLP_HEADERS", ""))
        self._resource = {
            "service.name": "unknown_service",
            **_pairs(environ.get("OTEL_RESOURCE_ATTRIBUTES", "")),
            **({"service.name": environ["OTEL_SERVICE_NAME"]} if environ.get("OTEL_SERVICE_NAME") else {}),
            "service.version": environ.get("VERSION", "dev"),
        }
        self._ratio = _ratio(environ)
        self._ended: queue.Queue[dict[str, Any]] = queue.Queue(_WAITING)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        if self._address:
            self._thread = threading.Thread(target=self._send_all, name="traces", daemon=True)
            self._thread.start()

    @contextlib.contextmanager
    def span(self, name: str, kind: int = INTERNAL, parent: str | None = None) -> Iterator[Span]:
        """A span around what is within; `parent` is the `traceparent` that came from outside."""
        span = self._begun(name, kind, parent)
        token = _current.set(span)
        try:
            yield span
        except Exception as error:
            span.failure = span.failure or type(error).__name__
            raise
        finally:
            _current.reset(token)
            if self._address and span.sampled:
                # Full: the collector is away. Work goes on, and traces are lost.
                with contextlib.suppress(queue.Full):
                    self._ended.put_nowait(_shape(span))

    def stop(self) -> None:
        """Sends what is left, for some seconds at most."""
        self._stopping.set()
        if self._thread:
            self._thread.join(_TIMEOUT_SECONDS)

    def _begun(self, name: str, kind: int, parent: str | None) -> Span:
        above = _current.get()
        if above is not None:
            return Span(name, kind, above.trace_id, above.span_id, above.sampled)
        if found := _PARENT.fullmatch(parent or ""):
            return Span(name, kind, found[1], found[2], bool(int(found[3], 16) & 1))
        trace_id = secrets.token_hex(16)
        sampled = bool(self._address) and int(trace_id[16:], 16) < self._ratio * 2**64
        return Span(name, kind, trace_id, "", sampled)

    def _send_all(self) -> None:
        told = False
        while not (self._stopping.is_set() and self._ended.empty()):
            self._stopping.wait(_DELAY_SECONDS)
            spans: list[dict[str, Any]] = []
            with contextlib.suppress(queue.Empty):
                while len(spans) < _BATCH:
                    spans.append(self._ended.get_nowait())
            if not spans:
                continue
            try:
                self._send(spans)
                told = False
            except OSError as error:
                if not told:
                    log.warning("traces are lost: %s does not take them: %s", self._address, error)
                told = True

    def _send(self, spans: list[dict[str, Any]]) -> None:
        scope = {"scope": {"name": __name__}, "spans": spans}
        content = {"resourceSpans": [{"resource": {"attributes": _attributes(self._resource)}, "scopeSpans": [scope]}]}
        headers = {"Content-Type": "application/json", **self._headers}
        request = urllib.request.Request(self._address, json.dumps(content).encode(), headers)
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):
            pass


def _address(environ: Mapping[str, str]) -> str:
    """Where traces go; empty for nowhere."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return ""
    base = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").rstrip("/")
    address = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or (f"{base}/v1/traces" if base else "")
    if address and not address.startswith(("http://", "https://")):
        log.warning("there are no traces: %r is not an http or https address", address)
        return ""
    if address and environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc":
        log.warning("there are no traces: OTEL_EXPORTER_OTLP_PROTOCOL is grpc; name the collector's port for HTTP")
        return ""
    return address


def _ratio(environ: Mapping[str, str]) -> float:
    sampler, text = environ.get("OTEL_TRACES_SAMPLER", ""), environ.get("OTEL_TRACES_SAMPLER_ARG", "")
    if sampler.endswith("always_off"):
        return 0.0
    if not sampler.endswith("traceidratio"):
        return 1.0
    try:
        return float(text or 1)
    except ValueError:
        log.warning("OTEL_TRACES_SAMPLER_ARG: %r is not a number; every trace is sent", text)
        return 1.0


def _pairs(text: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.split(",") if "=" in pair)
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs}


def _shape(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_id,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.began),
        "endTimeUnixNano": str(time.time_ns()),
        "attributes": _attributes(span.attributes),
        "status": {"code": 2, "message": span.failure} if span.failure else {},
    }


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    def shaped(value: object) -> dict[str, Any]:
        if isinstance(value, bool):
            return {"boolValue": value}
        if isinstance(value, int):
            return {"intValue": str(value)}
        return {"doubleValue": value} if isinstance(value, float) else {"stringValue": str(value)}

    return [{"key": name, "value": shaped(value)} for name, value in values.items()]
