"""Entry point for both `python3 .slipway/slipway_release` and `python3 -m slipway_release`."""

import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - this very line is for older ones
    sys.exit(
        f"slipway_release: this runner has Python {sys.version_info[0]}.{sys.version_info[1]} and 3.11 or newer is"
        " needed; choose another runner, or install it there"
    )

# Run as a folder, the first entry of the path is this package itself, whose module names would
# stand before those of the standard library; the folder above it is what imports need.
_PACKAGE = Path(__file__).resolve().parent
if sys.path and Path(sys.path[0]).resolve() == _PACKAGE:
    sys.path[0] = str(_PACKAGE.parent)

from slipway_release.cli import main  # noqa: E402
from slipway_release.output import ended  # noqa: E402

if __name__ == "__main__":
    sys.exit(ended(main))
