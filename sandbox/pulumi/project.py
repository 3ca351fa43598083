"""A folder that looks like the work tree to `pulumi`, with a stack file that it may write.

`pulumi` puts the encryption salt and every setting into the stack file, and the one of the work tree is committed.
"""

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from sandbox.fast_yaml import SafeDumper, SafeLoader
from sandbox.pulumi.settings import StackConfig, stack_file

NEVER_LINKED = {".git", ".pulumi", "Pulumi.yaml", "__pycache__"}


def linked_project(root: Path, folder: Path, stack: str) -> Path:
    """Fills the folder with links to the work tree, so that the program is the same; returns the stack file's place."""
    folder.mkdir(parents=True, exist_ok=True)
    own = stack_file(root, stack)
    _link_all(root, folder, {own, own.parent, *folder.parents})
    if own.parent != root:
        (folder / own.parent.name).mkdir(exist_ok=True)
        _link_all(own.parent, folder / own.parent.name, {own})
    shutil.copyfile(root / "Pulumi.yaml", folder / "Pulumi.yaml")
    return stack_file(folder, stack)


def write_settings(path: Path, settings: StackConfig, keep_sealed: Collection[str]) -> None:
    """Writes what is not secret into a stack file, and nothing else but the salt of its secrets.

    Not by `pulumi config set`: it makes a text of an object, which `Pulumi.yaml` declares to be one, and it leaves
    behind what has been taken out of the settings.

    Args:
        path: The stack file.
        settings: What it is to say.
        keep_sealed: The secrets that it has encrypted and that are still the right ones.
    """
    before = _document(path)
    sealed = {key: value for key, value in _config(before).items() if key in keep_sealed and _is_sealed(value)}
    config = {
        key: value
        for key, value in settings.values.items()
        if key not in settings.secrets and not key.startswith("pulumi:")
    }
    _write(path, {**before, "config": config | sealed})


def write_sealed(path: Path, sealed: Mapping[str, Any]) -> None:
    """Puts what is encrypted into a stack file, by key."""
    before = _document(path)
    _write(path, {**before, "config": {**_config(before), **sealed}})


def read_sealed(path: Path) -> tuple[str, dict[str, Any]]:
    """The salt of a stack file's secrets, and what it has encrypted, by key."""
    document = _document(path)
    sealed = {key: value for key, value in _config(document).items() if _is_sealed(value)}
    return str(document.get("encryptionsalt", "")), sealed


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(yaml.dump(document, Dumper=_Quoting, sort_keys=False, width=10_000), encoding="utf-8")


def _document(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    return cast("dict[str, Any]", yaml.load(path.read_text(encoding="utf-8"), SafeLoader) or {})  # noqa: S506 - the safe one


def _config(document: dict[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", document.get("config") or {})


def _is_sealed(value: object) -> bool:
    return isinstance(value, dict) and "secure" in value


def _link_all(source: Path, folder: Path, left_out: set[Path]) -> None:
    for link in folder.iterdir():
        # One into another clone is of an `up` from there, whose program must not be deployed from here.
        own = source / link.name
        if link.is_symlink() and (not link.exists() or (own.exists() and link.readlink() != own)):
            link.unlink()
    for entry in source.iterdir():
        link = folder / entry.name
        if entry.name not in NEVER_LINKED and entry not in left_out and not link.exists():
            link.symlink_to(entry)


class _Quoting(SafeDumper):
    """Quotes every text: other readers of YAML take more of them for numbers than the one in Python does."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # what the base class asks
        return True


def _quoted(_dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style='"')


_Quoting.add_representer(str, _quoted)
