"""What the service is told by environment variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from service.variables import check_fault, number, port


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
            port=port(environ, cls.port),
            version=environ.get("VERSION") or cls.version,
            commit=environ.get("COMMIT") or cls.commit,
            greeting=environ.get("GREETING") or cls.greeting,
            drain_seconds=number(environ, "DRAIN_SECONDS", cls.drain_seconds),
            fault=environ.get("REHEARSE_FAULT", cls.fault),
        )
        check_fault(settings.fault)
        return settings
