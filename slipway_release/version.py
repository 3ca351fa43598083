"""Which Slipway this is; `pyproject.toml` says the same."""

VERSION = "0.2.0"


def numbers(version: str) -> tuple[int, ...]:
    """A version as what can be compared: `0.10.0` is newer than `0.9.1`.

    Raises:
        ValueError: it is not three numbers.
    """
    found = tuple(map(int, version.split(".")))
    if len(found) != len(VERSION.split(".")):
        raise ValueError(f"{version!r} is not three numbers")
    return found
