"""Whether an environment takes a release now. Pure: facts go in, a decision with its reason comes out."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from slipway_release.choices import Images
from slipway_release.errors import RefusedError
from slipway_release.history import Relation
from slipway_release.platform_types import Environment
from slipway_release.release_file import Release, ReleaseFile
from slipway_release.tags import Version, is_version


class Kind(enum.StrEnum):
    """What is to be done with a release in an environment."""

    DELIVER = "deliver"
    ALREADY = "already"
    SUPERSEDED = "superseded"
    EXCLUDED = "excluded"
    HELD = "held"
    FROZEN = "frozen"
    WAITING = "waiting"
    BROKEN = "broken"


@dataclass(frozen=True)
class Decision:
    """What is to be done, and why, in words for the run's summary."""

    kind: Kind
    reason: str


@dataclass(frozen=True)
class Situation:
    """The facts that a decision needs beside the release itself."""

    current: ReleaseFile
    """What the environment has now."""
    frozen: str | None
    """Why nothing is promoted to it at the moment, or None."""
    missing: tuple[str, ...]
    """Environments in which the version must be verified first and is not."""
    relation: Callable[[str, str], Relation]
    """What one commit of the service is to another."""
    never: str | None = None
    """Why the version will not be verified in a missing environment by itself, or None."""
    is_hotfix: bool = False
    """Whether its tag is for this environment alone, and a person approves what comes here."""
    stays_away: Callable[[], str | None] = lambda: None
    """Why a person does not want the version here, or None; asked only if everything else is for it."""


def decide(environment: Environment, release: Release, situation: Situation) -> Decision:
    """The decision for one environment.

    Raises:
        RefusedError: the same version was delivered with another image.
    """
    excluded = _exclusion(environment, release)
    if excluded:
        return Decision(Kind.EXCLUDED, excluded)
    current = situation.current.release
    if current is not None:
        settled = _against(current, release, situation.relation)
        if settled is not None:
            return settled
    held = situation.current.hold_of(release.version)
    if held is not None:
        return Decision(
            Kind.HELD,
            f"{release.version} is on hold since {held.at}: {held.reason}; release it from hold with the workflow "
            "hold.yml, or make a newer version",
        )
    if situation.frozen is not None:
        return Decision(
            Kind.FROZEN, f"{environment.name} is frozen: {situation.frozen}; it goes on by itself once it is not"
        )
    if situation.missing and not situation.is_hotfix:
        return _waiting(release, situation)
    unwanted = situation.stays_away()
    if unwanted is not None:
        return Decision(
            Kind.HELD,
            f"{release.version} stays away: {unwanted}; ask for it again with the workflow hold.yml (release from "
            "hold, promote), or make a newer version",
        )
    if situation.missing:
        return Decision(
            Kind.DELIVER,
            f"{release.version} is a hotfix: it is not verified in {', '.join(situation.missing)}, and an approval for "
            f"{environment.name} lets it pass",
        )
    return Decision(Kind.DELIVER, f"{release.version} replaces {current.version if current else 'nothing'}")


def _waiting(release: Release, situation: Situation) -> Decision:
    """What is said of a version that is not verified yet where it must be; nothing is promised that will not happen."""
    wanted = f"must be verified in {', '.join(situation.missing)} first"
    if situation.never is not None:
        return Decision(Kind.WAITING, f"{release.version} {wanted}, and {situation.never}")
    return Decision(
        Kind.WAITING,
        f"waits until {release.version} is verified in {', '.join(situation.missing)}; then it goes on by itself",
    )


def _exclusion(environment: Environment, release: Release) -> str | None:
    if release.tag is None:
        if environment.tracked_branch is None:
            return f"{environment.name} takes versioned tags only"
        return None
    if environment.images is Images.BRANCH:
        return f"{environment.name} follows branch {environment.branch} and takes no releases"
    if not is_version(release.version):
        return f"{release.version!r} is not a version"
    if Version.parse(release.version).is_prerelease and not environment.prereleases:
        return f"{environment.name} takes no prereleases"
    return None


def _against(current: Release, wanted: Release, relation: Callable[[str, str], Relation]) -> Decision | None:
    """The decision that what is there already makes, if it makes one."""
    if current.version == wanted.version:
        if current.digest == wanted.digest:
            return Decision(Kind.ALREADY, f"{wanted.version} is there already")
        raise RefusedError(
            f"version {wanted.version}: already delivered as {current.digest}, now asked for as {wanted.digest}; "
            "a version is one image, make a new one"
        )
    if current.tag is None and wanted.tag is not None and relation(wanted.commit, current.commit) is Relation.UNRELATED:
        return Decision(Kind.SUPERSEDED, f"superseded: {current.version} is there already, of a branch that went on")
    if is_newer(current, wanted, relation):
        return Decision(Kind.SUPERSEDED, f"superseded: {current.version} is there already and is newer")
    return None


def is_newer(candidate: Release, than: Release, relation: Callable[[str, str], Relation]) -> bool:
    """Whether one release comes after another: versions by precedence, branch images by history."""
    if candidate.tag is not None and than.tag is not None:
        return Version.parse(candidate.version) > Version.parse(than.version)
    match relation(candidate.commit, than.commit):
        case Relation.DESCENDANT:
            return True
        case Relation.SAME:
            # A release of a commit is worth more than the branch image of the same commit.
            return candidate.tag is not None
        case _:
            return False


def cleared(current: ReleaseFile, wanted: Release) -> ReleaseFile:
    """The file with `wanted` in it, and without the holds that a newer version makes pointless."""
    kept = tuple(held for held in current.held if not _outdated(held.version, wanted))
    return ReleaseFile(release=wanted, held=kept)


def _outdated(held: str, wanted: Release) -> bool:
    if is_version(held) and is_version(wanted.version) and wanted.tag is not None:
        return Version.parse(held) < Version.parse(wanted.version)
    # A branch image has no order of its own; the next image of the branch is the newer one.
    return not is_version(held)
