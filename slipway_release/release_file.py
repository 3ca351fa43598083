"""`environments/<environment>/<service>/release.yaml`: which version runs, and which must not.

The file is JSON, which is YAML too: Helm reads it as values, and this program can write it without
a YAML library and without ever touching what a person wrote.
"""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass, field

from slipway_release import fields, layout
from slipway_release.errors import RefusedError
from slipway_release.fields import Document
from slipway_release.tags import Tag, TagError, is_branch_version, is_version

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_RUN = re.compile(r"/actions/runs/(?P<run>[1-9][0-9]*)")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class RolledBack:
    """Why an older version runs again."""

    version: str
    reason: str
    at: str


@dataclass(frozen=True)
class Release:
    """A version of a service, down to the bytes."""

    version: str
    tag: str | None
    image: str
    digest: str
    commit: str
    run: str
    rollback: RolledBack | None = None

    @property
    def run_number(self) -> str | None:
        """The run that has built it, from its address."""
        found = _RUN.search(self.run)
        return found["run"] if found else None

    @property
    def is_for_one(self) -> bool:
        """Whether its tag is for one environment alone.

        Raises:
            RefusedError: somebody has written a tag into the file that is none.
        """
        try:
            return self.tag is not None and Tag.parse(self.tag).prefix is not None
        except TagError as error:
            raise RefusedError(f"release.tag: {error}") from None

    def same_image(self, other: Release | None) -> bool:
        """Whether both are the same version of the same bytes."""
        return other is not None and (self.version, self.digest) == (other.version, other.digest)


@dataclass(frozen=True)
class Held:
    """A version that nothing promotes again until it is released from hold or a newer one comes."""

    version: str
    reason: str
    run: str
    at: str


@dataclass(frozen=True)
class ReleaseFile:
    """The content of the file."""

    release: Release | None = None
    held: tuple[Held, ...] = field(default=())

    def hold_of(self, version: str) -> Held | None:
        return next((held for held in self.held if held.version == version), None)

    def with_hold(self, hold: Held) -> ReleaseFile:
        """The same with one more version on hold; a version is held once."""
        return dataclasses.replace(self, held=(*self.without_hold(hold.version).held, hold))

    def without_hold(self, version: str) -> ReleaseFile:
        return dataclasses.replace(self, held=tuple(held for held in self.held if held.version != version))

    def says_the_same(self, other: ReleaseFile) -> bool:
        """Whether both want and hold the same, whenever and however it was said."""
        return self._meaning() == other._meaning()

    def _meaning(self) -> tuple[object, ...]:
        release = self.release
        back = release.rollback.version if release and release.rollback else None
        return (release and dataclasses.replace(release, rollback=None), back, {held.version for held in self.held})

    def dump(self) -> str:
        """The text of the file."""
        content: dict[str, object] = {}
        if self.release is not None:
            content["release"] = _release_document(self.release)
        content["held"] = [dataclasses.asdict(held) for held in self.held]
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def path_of(environment: str, service: str) -> str:
    return layout.release_path(environment, service)


def parse(content: str, where: str) -> ReleaseFile:
    """Read the file strictly: what a person has broken by hand is named, not overwritten."""
    try:
        source = fields.document(json.loads(content or "{}"), where)
    except (ValueError, RecursionError) as error:
        raise RefusedError(
            f"{where}: not JSON: {error}; it is the automation's file, restore it from its last commit"
        ) from None
    release = source.get("release")
    return ReleaseFile(
        release=_release(fields.document(release, f"{where}: release"), where) if release else None,
        held=tuple(_held(item, where) for item in fields.documents(source.get("held") or [], f"{where}: held")),
    )


def _release(source: Document, where: str) -> Release | None:
    if not source.get("digest") and not source.get("version"):
        return None
    where = f"{where}: release"
    digest, commit = fields.text(source, "digest", where), fields.text(source, "commit", where)
    check_digest(digest, f"{where}.digest")
    if _COMMIT.fullmatch(commit) is None:
        raise RefusedError(f"{where}.commit: {commit!r} is not a commit")
    version = fields.text(source, "version", where)
    if not is_version(version) and not is_branch_version(version):
        raise RefusedError(
            f"{where}.version: {version!r} is neither a version such as 1.2.3 nor the image of a branch; restore the "
            "file from its last commit"
        )
    tag, rollback = fields.optional_text(source, "tag"), source.get("rollback")
    if tag is not None:
        _check_tag(tag, version, f"{where}.tag")
    return Release(
        version=version,
        tag=tag,
        image=fields.text(source, "image", where),
        digest=digest,
        commit=commit,
        run=fields.optional_text(source, "run") or "",
        rollback=_rolled_back(fields.document(rollback, f"{where}.rollback"), where) if rollback else None,
    )


def _check_tag(tag: str, version: str, where: str) -> None:
    """Refuse a tag that the version is not of: versions and images of branches have orders of their own."""
    try:
        found = str(Tag.parse(tag).version)
    except TagError as error:
        raise RefusedError(f"{where}: {error}; restore the file from its last commit") from None
    if found != version:
        raise RefusedError(f"{where}: {tag!r} is not a tag of version {version}; restore the file from its last commit")


def check_digest(digest: str, where: str) -> None:
    """Refuse what is not an immutable reference to an image."""
    if _DIGEST.fullmatch(digest) is None:
        raise RefusedError(f"{where}: {digest!r} is not an image digest; expected sha256: and 64 hexadecimal digits")


def _rolled_back(source: Document, where: str) -> RolledBack:
    return RolledBack(
        version=fields.text(source, "from", f"{where}.rollback"),
        reason=fields.optional_text(source, "reason") or "",
        at=fields.optional_text(source, "at") or "",
    )


def _held(source: Document, where: str) -> Held:
    return Held(
        version=fields.text(source, "version", f"{where}: held"),
        reason=fields.optional_text(source, "reason") or "",
        run=fields.optional_text(source, "run") or "",
        at=fields.optional_text(source, "at") or "",
    )


def _release_document(release: Release) -> dict[str, object]:
    back = release.rollback
    return {
        "version": release.version,
        "tag": release.tag,
        "image": release.image,
        "digest": release.digest,
        "commit": release.commit,
        "run": release.run,
        "rollback": None if back is None else {"from": back.version, "reason": back.reason, "at": back.at},
    }
