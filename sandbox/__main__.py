"""`python -m sandbox`."""

import sys

from sandbox.cli import main
from sandbox.garbage import collect_rarely

if __name__ == "__main__":
    collect_rarely()
    sys.exit(main())
