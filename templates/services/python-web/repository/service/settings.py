"""What the service is told by environment variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

FAULTS = ("", "unready", "crash")


class SettingsError(Exception):
    """An environment variable is not what it should be."""


@dataclass(frozen=True)
class Settings:
    """The settings, with what holds when a variable is not set."""

    port: int = 8080
    version: str = "dev"
    commit: str = "unknown"
    greeting: str = "Hello"
    drain_seconds: float = 3.0
    fault: str = ""
    """For rehearsals: `unready` never becomes ready, `crash` stops at once."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        settings = cls(
            port=_number(environ, "PORT", cls.port),
            version=environ.get("VERSION") or cls.version,
            commit=environ.get("COMMIT") or cls.commit,
            greeting=environ.get("GREETING") or cls.greeting,
            drain_seconds=_number(environ, "DRAIN_SECONDS", cls.drain_seconds),
            fault=environ.get("REHEARSE_FAULT", cls.fault),
        )
        if settings.fault not in FAULTS:
            raise SettingsError(f"REHEARSE_FAULT: {settings.fault!r} is none of {', '.join(filter(None, FAULTS))}")
        if settings.fault == "crash":
            raise SettingsError("REHEARSE_FAULT: crash, as asked for")
        return settings


def _number(environ: Mapping[str, str], name: str, default):
    text = environ.get(name)
    if not text:
        return default
    try:
        return type(default)(text)
    except ValueError:
        raise SettingsError(f"{name}: {text!r} is not a number") from None
