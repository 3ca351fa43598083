"""The release program as it is copied into the environment repository, where workflows run it."""

from functools import cache
from pathlib import Path

import slipway_release

FOLDER = ".slipway/slipway_release"
_SOURCE = Path(slipway_release.__file__).parent
_SHIPPED = {".css", ".html", ".js", ".json", ".py", ".toml", ".txt"}


@cache
def files() -> dict[str, str]:
    """The modules of the package, and what they read, as they are, by path in the environment repository."""
    return {
        f"{FOLDER}/{file.relative_to(_SOURCE).as_posix()}": file.read_text(encoding="utf-8")
        for file in sorted(_SOURCE.rglob("*"))
        if file.suffix in _SHIPPED
    }
