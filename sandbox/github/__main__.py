"""Command line of the server: `python -m sandbox.github --directory … --listen … --url … --seed …`."""

import argparse
import logging
import sys
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.github.server import listen, serve


def main(arguments: list[str] | None = None) -> int:
    """Serves until stopped; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.github", description="A model of GitHub on loopback.")
    parser.add_argument("--directory", type=Path, required=True, help="folder that holds all state")
    parser.add_argument("--listen", action="append", required=True, metavar="HOST:PORT", help="may be given again")
    parser.add_argument("--url", required=True, help="how the outside reaches the server")
    parser.add_argument("--seed", type=Path, help="JSON file with users, organisations, Apps and tokens")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        serve(given.directory.resolve(), given.url, [listen(address) for address in given.listen], given.seed)
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
