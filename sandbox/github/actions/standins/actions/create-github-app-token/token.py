"""Makes a token of a GitHub App's installation. Standard library and `openssl` only, as runners have them."""

import base64
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

ATTEMPTS = 4


def fail(message: str) -> NoReturn:
    """Ends the step with one sentence."""
    print(f"::error::{message}")
    sys.exit(1)


def encoded(data: bytes) -> str:
    """Base64 as JSON Web Tokens have it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def web_token(app: str, key: str) -> str:
    """A token that speaks for the App itself, signed with its key."""
    now = int(time.time())
    claims: dict[str, Any] = {"iat": now - 60, "exp": now + 540, "iss": app}
    parts: tuple[dict[str, Any], ...] = ({"alg": "RS256", "typ": "JWT"}, claims)
    signed = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    # The key reaches openssl through a pipe: it must not lie on disk.
    read, write = os.pipe()
    os.write(write, key.replace("\\n", "\n").strip().encode() + b"\n")
    os.close(write)
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", f"/dev/fd/{read}"],
        input=signed.encode(),
        capture_output=True,
        pass_fds=[read],
        check=False,
    )
    os.close(read)
    if done.returncode:
        fail("private-key: it is not a private key in PEM format")
    return f"{signed}.{encoded(done.stdout)}"


def call(method: str, path: str, token: str, body: dict[str, Any] | None = None) -> Any:
    """Asks the API; errors of the server are tried again."""
    url = os.environ["APP_TOKEN_API"].rstrip("/") + path
    job = f"{os.environ['GITHUB_WORKFLOW']}/{os.environ['GITHUB_JOB']}"
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        # For which job it asks: what the token holds is compared with what the job's calls need.
        "User-Agent": f"create-github-app-token ({job})",
    }
    data = json.dumps(body).encode() if body is not None else None
    for attempt in range(1, ATTEMPTS + 1):
        try:
            request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 -- the API's address
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code < 500 or attempt == ATTEMPTS:
                fail(f"{method} {path}: {error.code} {error.read().decode(errors='replace')[:300]}")
        except OSError as error:
            if attempt == ATTEMPTS:
                fail(f"{method} {path}: {error}")
        time.sleep(0.5 * attempt)
    return None


def wanted_permissions(inputs: dict[str, str]) -> dict[str, str]:
    """What `permission-…` inputs ask for; nothing means all that the installation has."""
    return {
        name.removeprefix("permission-").replace("-", "_"): level
        for name, level in inputs.items()
        if name.startswith("permission-") and level
    }


def main() -> None:
    """Answers token, installation and slug as outputs."""
    app, owner = os.environ["APP_TOKEN_ID"], os.environ["APP_TOKEN_OWNER"].strip()
    if not app:
        fail("client-id: it is empty; give the id or the client id of the App")
    if not os.environ["APP_TOKEN_KEY"].strip():
        fail("private-key: it is empty; is the secret set for this repository and environment?")
    named = [name for name in re.split(r"[,\s]+", os.environ["APP_TOKEN_REPOSITORIES"]) if name]
    repositories = [name.rpartition("/")[2] for name in named]
    own_owner, _, own_name = os.environ["GITHUB_REPOSITORY"].partition("/")
    if not owner and not repositories:
        repositories = [own_name]
    owner = owner or own_owner
    token = web_token(app, os.environ["APP_TOKEN_KEY"])
    # Of an account all of the App's repositories there, unless some are named.
    path = f"/repos/{owner}/{repositories[0]}/installation" if repositories else f"/users/{owner}/installation"
    installation = call("GET", path, token)
    body: dict[str, Any] = {}
    if repositories:
        body["repositories"] = repositories
    if permissions := wanted_permissions(json.loads(os.environ["APP_TOKEN_INPUTS"])):
        body["permissions"] = permissions
    made = call("POST", f"/app/installations/{installation['id']}/access_tokens", token, body)
    print(f"::add-mask::{made['token']}")
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as outputs:
        outputs.write(f"token={made['token']}\n")
        outputs.write(f"installation-id={installation['id']}\napp-slug={installation['app_slug']}\n")


main()
