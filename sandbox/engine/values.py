"""Values as the Pulumi SDK sends them, turned into plain Python and back.

On the wire every number is a double and a secret is an object with a signature; the two APIs want integers and text.
"""

from typing import Any, cast

from pulumi.runtime.rpc import wrap_rpc_secret

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"


def is_secret(value: Any) -> bool:
    """Whether the value is marked as secret."""
    return isinstance(value, dict) and cast(dict[str, Any], value).get(SIGNATURE) == SECRET


def plain(value: Any) -> Any:
    """A deep copy without secret markers, and with whole numbers as integers."""
    if is_secret(value):
        return plain(value["value"])
    if isinstance(value, dict):
        return {key: plain(item) for key, item in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [plain(item) for item in cast(list[Any], value)]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def secret_keys(values: dict[str, Any]) -> frozenset[str]:
    """The top-level keys under which a secret hides."""

    def hides(value: Any) -> bool:
        if isinstance(value, dict):
            return is_secret(value) or any(map(hides, cast(dict[str, Any], value).values()))
        return isinstance(value, list) and any(map(hides, cast(list[Any], value)))

    return frozenset(key for key, value in values.items() if hides(value))


def secret_texts(value: Any, *, inside: bool = False) -> set[str]:
    """Every text that a secret holds, so that messages can be cleaned of it."""
    if is_secret(value):
        return secret_texts(value["value"], inside=True)
    if isinstance(value, dict):
        items = cast(dict[str, Any], value).values()
    elif isinstance(value, list):
        items = cast(list[Any], value)
    else:
        return {value} if inside and isinstance(value, str) and _is_telling(value) else set()
    return set[str]().union(*(secret_texts(item, inside=inside) for item in items))


def _is_telling(text: str) -> bool:
    """Whether a text is worth hiding: whole objects are marked secret, with their addresses and short words."""
    return len(text) >= 8 and not (text.startswith(("http://", "https://")) and "@" not in text)


def mark_secret(values: dict[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    """The same values with those keys marked as secret again, so that what derives from them stays secret."""
    return {key: wrap_rpc_secret(value) if key in keys else value for key, value in values.items()}
