"""The words by which an environment's settings choose, for the settings and for the release program alike."""

from __future__ import annotations

from enum import StrEnum


class Sync(StrEnum):
    """Who applies a change of the environment repository to the cluster."""

    AUTOMATED = "automated"
    MANUAL = "manual"


class Images(StrEnum):
    """Which images an environment takes."""

    BRANCH = "branch"
    MAIN = "main"
    RELEASE = "release"


class Delivery(StrEnum):
    """How a release is written to the environment repository."""

    COMMIT = "commit"
    PULL_REQUEST = "pull-request"
    BRANCH = "branch"


class Rollback(StrEnum):
    """What happens when a release turns out bad."""

    AUTOMATIC = "automatic"
    PULL_REQUEST = "pull-request"
    OFF = "off"
