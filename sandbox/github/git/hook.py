"""git's pre-receive hook: asks the server whether the rules allow a push.

It runs as a program of its own (`python -IS hook.py`), with the standard library only, while git holds the pushed
objects in quarantine; the server must look there, so the hook tells it where.
"""

import json
import os
import sys
import urllib.error
import urllib.request

QUARANTINE = ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH")


def main() -> int:
    question = {
        "push": os.environ["SLIPWAY_PUSH"],
        "updates": [line.split() for line in sys.stdin.read().splitlines()],
        "quarantine": {name: os.environ[name] for name in QUARANTINE if name in os.environ},
    }
    request = urllib.request.Request(  # noqa: S310 - the URL is the server's own
        os.environ["SLIPWAY_HOOK_URL"],
        json.dumps(question).encode(),
        {"Content-Type": "application/json"},
    )
    # A proxy that the machine is told to use must not see what stays on loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=120) as response:
            refusal = json.load(response)["refusal"]
    except (urllib.error.URLError, OSError) as error:
        refusal = f"error: the server could not check the rules: {error}"
    if refusal:
        sys.stderr.write(refusal + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
