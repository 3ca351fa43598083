"""Reads environment variables as what they have to be."""

from collections.abc import Mapping

FAULTS = ("", "unready", "crash")


class SettingsError(Exception):
    """An environment variable is not what it should be."""


def number(environ: Mapping[str, str], name: str, default):
    """A number of the default's type; the default where the variable is not set."""
    text = environ.get(name)
    if not text:
        return default
    try:
        return type(default)(text)
    except ValueError:
        raise SettingsError(f"{name}: {text!r} is not a number") from None


def port(environ: Mapping[str, str], default: int) -> int:
    """The port to listen on; 0 takes a free one."""
    found = number(environ, "PORT", default)
    if not 0 <= found <= 65535:
        raise SettingsError(f"PORT: {found} is not a port")
    return found


def check_fault(fault: str) -> None:
    """Refuses what no rehearsal knows, and crashes where that is asked for."""
    if fault not in FAULTS:
        raise SettingsError(f"REHEARSE_FAULT: {fault!r} is none of {', '.join(filter(None, FAULTS))}")
    if fault == "crash":
        raise SettingsError("REHEARSE_FAULT: crash, as asked for")
