"""The one grammar of release tags.

Owns what a release tag looks like and every spelling that follows from it: the filters of
`on.push.tags`, the patterns of tag rulesets, the strict SemVer check, the order of versions and
the tag of the image. It leaves out which environment may take which version: see `selection.py`.

This file is the single source: the platform's settings, rulesets and workflows import it, and it is
committed into the environment repository with the rest of this program, so that they can never disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import total_ordering
from typing import Protocol, TypeGuard

from slipway_release.choices import Images

# A version becomes a Kubernetes label (63 characters), the shortest of its homes; an OCI tag may
# have 128 and a Git reference 255.
MAX_VERSION_LENGTH = 63
PREFIX_PATTERN = r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,30}"

_NUMBER = r"(?:0|[1-9][0-9]*)"
_IDENTIFIER = rf"(?:{_NUMBER}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMVER = re.compile(
    rf"(?P<major>{_NUMBER})\.(?P<minor>{_NUMBER})\.(?P<patch>{_NUMBER})"
    rf"(?:-(?P<prerelease>{_IDENTIFIER}(?:\.{_IDENTIFIER})*))?"
)
_TAG = re.compile(rf"(?:(?P<prefix>{PREFIX_PATTERN})-)?v(?P<version>[0-9].*)", re.DOTALL)
_BRANCH_VERSION = re.compile(r"(?P<branch>[a-z0-9](?:[a-z0-9._-]{0,48}[a-z0-9])?)-(?P<commit>[0-9a-f]{12})")

# Whatever looks like a version starts a run, so that a mistyped or hostile tag gets a refusal that
# a person can read instead of silence. In this language of Actions `**` crosses `/`, `*` does not.
_LOOK_ALIKES = ("v[0-9]**", "**-v[0-9]**", "**/v[0-9]**")


class TagError(ValueError):
    """A tag that is not a release tag; its text says why and what is allowed."""


class EnvironmentLike(Protocol):
    """What the grammar has to know of an environment."""

    @property
    def name(self) -> str: ...
    @property
    def tag_prefix(self) -> str | None: ...
    @property
    def images(self) -> str:
        """One of `branch`, `main`, `release`."""
        ...


@total_ordering
@dataclass(frozen=True)
class Version:
    """A SemVer 2.0.0 version without build metadata, ordered by precedence."""

    major: int
    minor: int
    patch: int
    prerelease: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read a version strictly, or say in a `TagError` what is wrong with it."""
        if "+" in text:
            raise TagError(f"version {text!r}: build metadata (+) cannot be part of an image tag; leave it out")
        if len(text) > MAX_VERSION_LENGTH:
            raise TagError(f"version {text[:20]!r}...: longer than {MAX_VERSION_LENGTH} characters")
        match = _SEMVER.fullmatch(text)
        if match is None:
            raise TagError(f"version {text!r}: not SemVer; use 1.2.3 or 1.2.3-rc.1")
        if text.endswith("-"):
            raise TagError(f"version {text!r}: ends with a dash, which no Kubernetes label may")
        prerelease = match["prerelease"]
        return cls(
            int(match["major"]),
            int(match["minor"]),
            int(match["patch"]),
            tuple(prerelease.split(".")) if prerelease else (),
        )

    @property
    def is_prerelease(self) -> bool:
        return bool(self.prerelease)

    def __str__(self) -> str:
        core = f"{self.major}.{self.minor}.{self.patch}"
        return f"{core}-{'.'.join(self.prerelease)}" if self.prerelease else core

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Version):
            return NotImplemented
        return self._precedence() < other._precedence()

    def _precedence(self) -> tuple[object, ...]:
        # A version without prerelease is above all of its prereleases; numeric identifiers are
        # compared as numbers and are below alphanumeric ones (SemVer, section 11).
        identifiers = tuple(
            (0, int(identifier), "") if identifier.isdecimal() else (1, 0, identifier) for identifier in self.prerelease
        )
        return self.major, self.minor, self.patch, not self.prerelease, identifiers


@dataclass(frozen=True)
class Tag:
    """A release tag: `v1.2.3`, or `prod-v1.2.3` for one environment."""

    version: Version
    prefix: str | None = None

    @classmethod
    def parse(cls, name: str) -> Tag:
        """Read a tag's name (without `refs/tags/`) or say in a `TagError` why it is none."""
        match = _TAG.fullmatch(name)
        if match is None:
            raise TagError(f"tag {name!r}: not a release tag; use v1.2.3 and <prefix>-v1.2.3")
        try:
            return cls(Version.parse(match["version"]), match["prefix"])
        except TagError as error:
            raise TagError(f"tag {name!r}: {error}") from None

    def __str__(self) -> str:
        return f"{self.prefix}-v{self.version}" if self.prefix else f"v{self.version}"


@dataclass(frozen=True)
class _Form:
    """One row of the table: a spelling that some environment takes."""

    prefix: str | None

    @property
    def pattern(self) -> str:
        return f"{self.prefix}-v*" if self.prefix else "v*"


def _forms(environments: Iterable[EnvironmentLike]) -> list[_Form]:
    environments = list(environments)
    forms: list[_Form] = []
    if any(takes_releases(environment) for environment in environments):
        forms.append(_Form(None))
    prefixes = sorted({environment.tag_prefix for environment in environments if environment.tag_prefix})
    for prefix in prefixes:
        if not is_prefix(prefix):
            raise TagError(f"tag prefix {prefix!r}: allowed are small letters, digits and single inner dashes")
        forms.append(_Form(prefix))
    return forms


def takes_releases(environment: EnvironmentLike) -> bool:
    """Whether plain release tags are meant for it.

    An environment that follows main takes the releases made from main too: a release is one more
    image of a commit of main. One that follows another branch takes nothing but that branch.
    """
    return environment.images in {Images.RELEASE, Images.MAIN}


def is_prefix(text: object) -> TypeGuard[str]:
    """Whether a text may stand before `-v<version>`; settings check `tagPrefix` with it."""
    return isinstance(text, str) and re.fullmatch(PREFIX_PATTERN, text) is not None


def actions_filters(environments: Iterable[EnvironmentLike]) -> list[str]:
    """Filters for `on.push.tags` of a service's release workflow; empty if no environment takes releases.

    They are wider than the grammar on purpose; the run's first step parses the tag strictly.
    """
    return list(_LOOK_ALIKES) if _forms(environments) else []


def tag_patterns(environments: Iterable[EnvironmentLike]) -> list[str]:
    """Patterns (fnmatch, `*` stops at `/`) that cover every release tag, without `refs/tags/`."""
    return [form.pattern for form in _forms(environments)]


def ruleset_patterns(environments: Iterable[EnvironmentLike]) -> list[str]:
    """Reference patterns (fnmatch) for the ruleset that protects release tags."""
    return [f"refs/tags/{pattern}" for pattern in tag_patterns(environments)]


def targets(tag: Tag, environments: Iterable[EnvironmentLike]) -> list[str]:
    """Names of the environments a tag is for, in the order given; a `TagError` for an unknown prefix."""
    environments = list(environments)
    if tag.prefix is None:
        return [environment.name for environment in environments if takes_releases(environment)]
    named = [environment.name for environment in environments if environment.tag_prefix == tag.prefix]
    if not named:
        known = sorted({e.tag_prefix for e in environments if e.tag_prefix})
        allowed = ", ".join(f"{prefix}-v{tag.version}" for prefix in known)
        raise TagError(
            f"tag {str(tag)!r}: no environment of this service has the prefix {tag.prefix!r}; "
            f"allowed: v{tag.version}{', ' + allowed if allowed else ''}"
        )
    return named


def branch_version(branch: str, commit: str) -> str:
    """The version of an image that was built from a commit of a branch: `main-0123456789ab`."""
    slug = re.sub(r"[^a-z0-9._]+", "-", branch.lower()).strip("-._")[:50].strip("-._") or "branch"
    version = f"{slug}-{commit[:12]}"
    if _BRANCH_VERSION.fullmatch(version) is None:
        raise TagError(f"commit {commit!r}: not a Git commit; expected 40 hexadecimal digits")
    return version


def is_branch_version(version: str) -> bool:
    """Whether a recorded version is that of a branch image."""
    return _BRANCH_VERSION.fullmatch(version) is not None and not is_version(version)


def is_version(text: str) -> bool:
    """Whether a text is a version by the strict grammar."""
    try:
        Version.parse(text)
    except TagError:
        return False
    return True
