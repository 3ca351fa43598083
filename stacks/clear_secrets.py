"""Secrets that stand in clear text where the chart of Argo CD takes one: in Git, and in the state."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from stacks.problems import NAMESPACE, Problem

_SECRET_KEYS = frozenset(
    {
        "bearerToken",
        "clientSecret",
        "githubAppPrivateKey",
        "keyData",
        "password",
        "sshPrivateKey",
        "tlsClientCertKey",
    }
)
_SECRET_PLACES = (("configs", "secret"), ("notifications", "secret", "items"))
_PUBLIC = frozenset({"annotations", "labels", "argocdServerAdminPasswordMtime"})
"""What is beside secrets and is none."""


def clear_secrets(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Each of them.

    Args:
        values: what `argocd.values` holds without what was set with `--secret`.
    """
    for path in _clear(values, ()):
        place = f"argocd.values.{'.'.join(path)}"
        command = f"pulumi config set --path --secret '{NAMESPACE}:argocd.values{''.join(map(_step, path))}'"
        yield Problem(place, f"it is stored in clear text; replace what has leaked, and set it with `{command}`")


def _clear(value: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, Mapping):
        for key, item in cast("Mapping[str, object]", value).items():
            if key not in _PUBLIC:
                yield from _clear(item, (*path, key))
        return
    is_place = any(path[: len(place)] == place for place in _SECRET_PLACES)
    # `$` begins the name of a key in a Secret, and a password that is hashed.
    if isinstance(value, str) and value and not value.startswith("$") and (is_place or path[-1] in _SECRET_KEYS):
        yield path


def _step(key: str) -> str:
    return f".{key}" if key.replace("-", "").replace("_", "").isalnum() else f'["{key}"]'
