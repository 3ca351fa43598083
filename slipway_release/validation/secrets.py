"""Finds secrets in clear text, and keeps them out of comments."""

from __future__ import annotations

import re
from collections.abc import Iterable

from slipway_release import fields
from slipway_release.validation.files import Manifest, Problem, Tree

MASK = "(masked)"

_TOKENS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bgh[pousr]_[A-Za-z0-9]{36,}"
    r"|\bgithub_pat_[A-Za-z0-9_]{40,}"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\bglpat-[A-Za-z0-9_-]{20,}"
)
_SENSITIVE = re.compile(r"passw(or)?d|secret|token|api[-_]?key|private[-_]?key|credential", re.IGNORECASE)
# Keys that point at a secret by name say nothing secret.
_REFERENCE = re.compile(
    r"(name|ref|key|store|path|version|class|type|provider|enabled|interval|kind)s?$", re.IGNORECASE
)
_LARGEST = 1_000_000


def check_tree(tree: Tree) -> list[Problem]:
    """Tokens and private keys anywhere in the work tree."""
    problems: list[Problem] = []
    for path, file in tree.files():
        if file.stat().st_size > _LARGEST:
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        found = _TOKENS.search(text)
        # The program that looks for them has their patterns in it.
        if found and not path.startswith(".slipway/slipway_release/"):
            line = text.count("\n", 0, found.start()) + 1
            problems.append(Problem(path, "holds a credential; revoke it, then keep it out of Git", line))
    return problems


def check_manifests(path: str, manifests: Iterable[Manifest]) -> list[Problem]:
    """Secrets with readable content. Encrypted ones (SOPS) are not secrets to a reader."""
    return [
        Problem(
            path,
            f"Secret {name_of(manifest)!r} is in clear text; use an ExternalSecret, a SealedSecret or SOPS instead",
        )
        for manifest in manifests
        if is_clear_text(manifest)
    ]


def is_clear_text(manifest: Manifest) -> bool:
    if manifest.get("kind") != "Secret" or manifest.get("apiVersion") != "v1":
        return False
    values = [
        value
        for key in ("data", "stringData")
        for value in (fields.optional_document(manifest, key) or {}).values()
        if value not in (None, "")
    ]
    encrypted = "sops" in manifest and all(str(value).startswith("ENC[") for value in values)
    return bool(values) and not encrypted


def masked(manifest: Manifest) -> Manifest:
    """The manifest with nothing secret in it, fit for a comment."""
    if manifest.get("kind") == "Secret":
        hidden = {
            key: dict.fromkeys(fields.optional_document(manifest, key) or {}, MASK)
            for key in ("data", "stringData")
            if key in manifest
        }
        return {**manifest, **hidden}
    return {key: _masked(key, value) for key, value in manifest.items()}


def masked_text(text: str) -> str:
    """The text without tokens."""
    return _TOKENS.sub(MASK, text)


def _masked(key: str, value: object) -> object:
    if isinstance(value, dict):
        inner = fields.document(value, key)  # pyright: ignore[reportUnknownArgumentType]
        name = inner.get("name")
        # A container's variable: `{name: DATABASE_PASSWORD, value: …}`.
        if isinstance(name, str) and isinstance(inner.get("value"), str) and _SENSITIVE.search(name):
            return {**inner, "value": MASK}
        return {name: _masked(name, item) for name, item in inner.items()}
    if isinstance(value, list):
        return [_masked("", item) for item in fields.items(value, key)]  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, str) and _SENSITIVE.search(key) and not _REFERENCE.search(_after(key)):
        return MASK
    return masked_text(value) if isinstance(value, str) else value


def _after(key: str) -> str:
    """What follows the last sensitive word: `secretName` points at a secret, `password` is one."""
    last = list(_SENSITIVE.finditer(key))[-1]
    return key[last.end() :]


def name_of(manifest: Manifest) -> str:
    metadata = fields.optional_document(manifest, "metadata") or {}
    return str(metadata.get("name") or "without a name")
