"""Looks at GitHub and the cluster before the first write; `slipway:preflight: false` leaves it out."""

import pulumi

from manifests.model import Settings
from stacks.settings import NAMESPACE


def check_surroundings(settings: Settings) -> None:
    """Raises one error with everything that is in the way."""
    if pulumi.Config(NAMESPACE).get_bool("preflight") is False:
        return
