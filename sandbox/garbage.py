"""How often the sandbox's short processes look for garbage: hardly ever.

Each imports thousands of classes, which all stay, and ends after seconds. Python would look through them again and
again while they are imported, and three times more at the end.
"""

import atexit
import gc

_OBJECTS_BETWEEN_COLLECTIONS = 100_000
"""Python's own are 700."""


def collect_rarely() -> None:
    """Lets this process look for garbage only once much has been made, and not at its end."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 50, 50)
    atexit.register(gc.freeze)
