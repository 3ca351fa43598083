"""What the worker is told by environment variables."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.variables import SettingsError, check_fault, number, port


@dataclass(frozen=True)
class Settings:
    """The settings, with what holds when a variable is not set."""

    queue_url: str = field(repr=False)
    """`redis://[:password@]host[:port][/database]`, `rediss://` for TLS, or `memory:`. It may hold a password."""
    queue: str = "messages"
    attempts: int = 5
    retry_seconds: float = 60.0
    """How long a message that failed, or whose worker is gone, waits until it is tried again."""
    port: int = 8080
    version: str = "dev"
    commit: str = "unknown"
    name: str = field(default_factory=socket.gethostname)
    fault: str = ""
    """For rehearsals: `unready` never becomes ready, `crash` stops at once."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        address = environ.get("QUEUE_URL", "")
        if not address.startswith(("redis://", "rediss://")) and address != "memory:":
            raise SettingsError("QUEUE_URL: set it to redis://…, rediss://… or memory: (which makes its own messages)")
        settings = cls(
            queue_url=address,
            queue=environ.get("QUEUE") or cls.queue,
            attempts=number(environ, "ATTEMPTS", cls.attempts),
            retry_seconds=number(environ, "RETRY_SECONDS", cls.retry_seconds),
            port=port(environ, cls.port),
            version=environ.get("VERSION") or cls.version,
            commit=environ.get("COMMIT") or cls.commit,
            fault=environ.get("REHEARSE_FAULT", cls.fault),
        )
        check_fault(settings.fault)
        return settings
