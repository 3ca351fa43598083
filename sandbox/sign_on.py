"""Logging in to Argo CD as people do: the browser goes to the provider, says there who they are, and comes back."""

import contextlib
from collections.abc import Generator

import httpx

from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError

COOKIE = "argocd.token"
"""What Argo CD gives the browser; a long token comes in several pieces, with numbers at the end of their names."""


@contextlib.contextmanager
def logged_in(config: SandboxConfig, user: str) -> Generator[httpx.Client]:
    """A client of Argo CD's API that is logged in as somebody.

    Args:
        config: the sandbox, which is up.
        user: a login, `dana` for example.

    Raises:
        SandboxError: the provider does not know them, or Argo CD does not take what it says.
        httpx.HTTPError: one of the two does not answer.
    """
    with httpx.Client(base_url=config.argocd_url, timeout=30, trust_env=False) as client:
        begun = client.get("/auth/login")
        if not begun.is_redirect:
            raise SandboxError(f"{config.argocd_url} does not send people to a provider: {begun.text.strip()}")
        answer = authorize(client, begun.headers["location"], user)
        if answer.is_redirect:
            answer = client.get(answer.headers["location"])
        if not any(cookie.name.startswith(COOKIE) for cookie in client.cookies.jar):
            raise SandboxError(f"{config.argocd_url} does not let {user} in: {answer.text.strip()}")
        yield client


def authorize(client: httpx.Client, url: str, user: str) -> httpx.Response:
    """Opens the provider's page at a URL that a client of it has made, and says who one is.

    Returns:
        The way back to that client; the provider's refusal where it gives none.
    """
    page = client.get(url)
    return client.post(url, data={"login": user}) if page.is_success else page
