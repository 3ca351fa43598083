"""The environments in which simulated years happen.

What `environment` of the builders does not know is of the year alone: `soakSeconds`, `permitted`, the hours of the day
in which a sync window lets Argo CD sync, and `cluster`.
"""

from tests.release.builders import environment

HOUR = 3600
_OTHER = {"cluster": "second cluster"}
_PRODUCTION = {"delivery": "branch", "targetBranch": "environment/production"}

PLACES = (
    environment("dev"),
    environment("staging", delivery="branch", targetBranch="environment/staging", requires=["dev"]),
    environment("production", delivery="pull-request", requires=["staging"]) | _OTHER,
)
"""Nothing waits for a person."""
APPROVED_PLACES = (
    environment("dev"),
    environment("staging", requires=["dev"]),
    environment("production", approval=True, requires=["staging"], rollback="pull-request", tagPrefix="prod")
    | {"delivery": "pull-request"}
    | _OTHER,
)
"""People merge what comes to production, hotfixes too."""
SYNCED_PLACES = (
    environment("dev", delivery="pull-request"),
    environment("staging", sync="manual", requires=["dev"]),
    environment("production", sync="manual", requires=["dev", "staging"], **_PRODUCTION) | _OTHER,
)
"""People sync what comes to staging and production."""
SLOW_PLACES = (
    environment("dev"),
    environment("staging", requires=["dev"]) | {"soakSeconds": HOUR},
    environment("production", requires=["staging"], syncWindows="permitted from 8:00 to 18:00", **_PRODUCTION)
    | {"soakSeconds": 6 * HOUR, "permitted": (8, 18)}
    | _OTHER,
)
"""A release has to stay well for hours, and comes to production by day alone."""
SHAPES = (PLACES, APPROVED_PLACES, SYNCED_PLACES, SLOW_PLACES)
