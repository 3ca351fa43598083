"""Calls to GitHub's REST API, with a token or as an App."""

import json
import threading
import time
from typing import Any, cast
from urllib.parse import quote

import httpx
import jwt

from sandbox.engine.outcome import ApplyError
from sandbox.engine.shape import Json, at, fields

PUBLIC_URL = "https://github.com/"
RETRIED = {500, 502, 503, 504}
ATTEMPTS = 4


class GitHubError(ApplyError):
    """GitHub refused; in its own words, and with the remedy where it is known."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status: int = status


class GitHubApi:
    """One owner of one GitHub."""

    def __init__(self, inputs: Json) -> None:
        """Takes the inputs of a `github.Provider`."""
        base = str(inputs.get("baseUrl") or PUBLIC_URL)
        self.owner: str = str(inputs.get("owner") or "")
        if not self.owner:
            raise ApplyError("owner: the GitHub provider has none")
        self._client = httpx.Client(
            base_url=api_root(base),
            headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
            timeout=httpx.Timeout(60, connect=5),
            limits=httpx.Limits(max_connections=16),
            trust_env=False,
            follow_redirects=True,
        )
        self._lock = threading.Lock()
        self._organization: Json | None = None
        self._client.headers["Authorization"] = f"Bearer {self._token(inputs)}"

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, **query: str | int) -> Json | None:
        """The document at a path; None if there is none."""
        answer = self._request("GET", path, query=query)
        return None if answer.status_code == 404 else _decoded(self._checked(answer))

    def get_all(self, path: str, key: str | None = None, **query: str | int) -> list[Json]:
        """All items of a collection, page by page; `key` names the list in documents that wrap one."""
        found: list[Json] = []
        page = 1
        while True:
            answer = self._checked(self._request("GET", path, query={"per_page": 100, "page": page, **query}))
            listed = answer.json() if key is None else fields(answer.json()).get(key, [])
            found += cast("list[Json]", listed)
            if 'rel="next"' not in answer.headers.get("Link", ""):
                return found
            page += 1

    def exists(self, path: str) -> bool:
        """Whether a path that answers with no content is there."""
        answer = self._request("GET", path)
        return answer.status_code != 404 and self._checked(answer).is_success

    def write(self, method: str, path: str, body: object = None) -> Json:
        """POST, PUT, PATCH or DELETE; the answer's document, empty where there is none."""
        return _decoded(self._checked(self._request(method, path, body=body)))

    def repository_path(self, repository: str) -> str:
        """The path of a repository of the owner."""
        return f"/repos/{self.owner}/{quote(repository)}"

    def repository(self, name: str) -> Json:
        """A repository that has to be there."""
        found = self.get(self.repository_path(name))
        if found is None:
            raise ApplyError(f"repository {self.owner}/{name} is not there, or the token may not see it")
        return found

    def organization(self) -> Json:
        """The owner, which has to be an organisation."""
        with self._lock:
            if self._organization is None:
                self._organization = self.get(f"/orgs/{self.owner}")
            if self._organization is None:
                raise ApplyError(f"{self.owner} is not an organisation of this GitHub, or the token may not see it")
            return self._organization

    def _request(self, method: str, path: str, body: object = None, query: Json | None = None) -> httpx.Response:
        wait = 0.2
        for attempt in range(ATTEMPTS):
            try:
                answer = self._client.request(
                    method,
                    path,
                    params=query,
                    content=None if body is None else json.dumps(body),
                    headers={"Content-Type": "application/json"},
                )
            except httpx.HTTPError as error:
                if attempt + 1 == ATTEMPTS or method not in {"GET", "PUT", "DELETE"}:
                    root = self._client.base_url
                    raise GitHubError(
                        0, f"GitHub at {root} cannot be reached: {error or type(error).__name__}"
                    ) from error
            else:
                if answer.status_code not in RETRIED or attempt + 1 == ATTEMPTS:
                    return answer
            time.sleep(wait)
            wait *= 2
        raise AssertionError("unreachable")

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if not answer.is_error:
            return answer
        document = _decoded(answer)
        details = cast("list[Any]", document.get("errors") or [])
        more = "; ".join(str(at(item, "message") or item) for item in details)
        said = f"{document.get('message') or answer.reason_phrase}{f' ({more})' if more else ''}"
        request = f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {said}"
        raise GitHubError(answer.status_code, request + _remedy(answer.status_code))

    def _token(self, inputs: Json) -> str:
        app = inputs.get("appAuth")
        if isinstance(app, str):  # provider inputs that are no text travel as JSON
            app = json.loads(app)
        if not app:
            token = inputs.get("token")
            if not token:
                raise ApplyError("token: the GitHub provider has neither a token nor an App")
            return str(token)
        now = int(time.time())
        claims = {"iat": now - 60, "exp": now + 540, "iss": str(app["id"])}
        try:
            signed = jwt.encode(claims, str(app["pemFile"]), algorithm="RS256")
        except (ValueError, jwt.PyJWTError):
            raise ApplyError("appAuth.pemFile: it is not a private key in PEM form") from None
        self._client.headers["Authorization"] = f"Bearer {signed}"
        answer = self.write("POST", f"/app/installations/{app['installationId']}/access_tokens")
        return str(answer["token"])


def api_root(base_url: str) -> str:
    """The REST root of a GitHub, as the provider makes it of `baseUrl`."""
    base = base_url.rstrip("/").removesuffix("/api/v3")
    return "https://api.github.com" if base in {"https://github.com", "https://api.github.com"} else f"{base}/api/v3"


def _remedy(status: int) -> str:
    return {
        401: "; the token is not valid, give a new one",
        403: "; the token may not do this, give it the permission that the README lists",
        404: "; it is not there, or the token may not see it",
    }.get(status, "")


def _decoded(answer: httpx.Response) -> Json:
    try:
        return fields(answer.json())
    except ValueError:
        return {}
