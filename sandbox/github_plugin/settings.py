"""The settings of a provider, as the engine hands them over: by name, and JSON where they are not texts."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PUBLIC = {"github.com", "api.github.com"}
DEFAULT_URL = "https://api.github.com/"
NAMES = frozenset(
    {
        "appAuth", "baseUrl", "cachePath", "insecure", "legacyClient", "maxPerPage", "maxRetries", "organization",
        "owner", "parallelRequests", "readDelayMs", "retryDelayMs", "retryableErrors", "token", "writeDelayMs",
    }
)  # fmt: skip
"""What `pulumi_github.Provider` takes."""
TEXTS = {"baseUrl", "cachePath", "organization", "owner", "token"}
OF_THE_ENGINE = {"pluginDownloadURL", "version"}
"""What comes with the settings and is for the engine."""


class SettingsError(Exception):
    """A setting that is wrong, with its name."""


@dataclass(frozen=True)
class App:
    """A GitHub App to log in as."""

    id: str
    installation: str
    key: str


@dataclass(frozen=True)
class Settings:
    """What the provider is told, with the real one's defaults; delays are in seconds."""

    rest: str
    """The address that paths of the REST API lie under."""
    graphql: str
    owner: str
    token: str
    app: App | None
    insecure: bool
    parallel: bool
    read_delay: float
    write_delay: float
    retries: int
    retry_delay: float
    retried: frozenset[int]


def settings(given: Mapping[str, Any]) -> Settings:
    """Reads them.

    Raises:
        SettingsError: one has a name or a value that it cannot have.
    """
    values = {
        name: _value(name, value)
        for name, value in given.items()
        if name not in OF_THE_ENGINE and not name.startswith("__")
    }
    if unknown := sorted(values.keys() - NAMES):
        raise SettingsError(f"{', '.join(unknown)}: the GitHub provider has no such setting; remove it")
    rest, graphql = _addresses(str(values.get("baseUrl") or DEFAULT_URL))
    app = values.get("appAuth")
    return Settings(
        rest=rest,
        graphql=graphql,
        # GITHUB_ORGANIZATION beats `owner`, as in the real provider.
        owner=str(values.get("organization") or os.environ.get("GITHUB_ORGANIZATION") or values.get("owner") or ""),
        token=str(values.get("token") or ""),
        app=App(str(app["id"]), str(app["installationId"]), str(app["pemFile"])) if app else None,
        insecure=bool(values.get("insecure")),
        parallel=bool(values.get("parallelRequests")),
        read_delay=int(values.get("readDelayMs", 0)) / 1000,
        write_delay=int(values.get("writeDelayMs", 1000)) / 1000,
        retries=int(values.get("maxRetries", 3)),
        retry_delay=int(values.get("retryDelayMs", 1000)) / 1000,
        retried=frozenset(values.get("retryableErrors") or (500, 502, 503, 504)),
    )


def _value(name: str, value: Any) -> Any:
    if name not in NAMES - TEXTS or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise SettingsError(f"{name}: the value is not JSON; the SDK sends it as JSON") from None


def _addresses(base: str) -> tuple[str, str]:
    parts = urlsplit(base)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(f"baseUrl: {base!r} is not an absolute address; write it as https://github.example.com/")
    if parts.hostname in PUBLIC:
        return "https://api.github.com", "https://api.github.com/graphql"
    root = base.rstrip("/").removesuffix("/api/v3")
    return f"{root}/api/v3", f"{root}/api/graphql"
