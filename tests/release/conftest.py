"""Makes the release program importable, as it is where it runs: from its own folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "templates/environment/.slipway"))
