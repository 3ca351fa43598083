"""REST of the server itself: what it is, limits, and a word of wisdom."""

from starlette.responses import Response

from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.dispatch import GHES_VERSION, RATE_LIMIT

ZEN = "Practicality beats purity."


@route("GET", "/", permission="public")
@route("GET", "", permission="public")
def root(request: Request) -> Answer:
    """Where things are."""
    api = request.forge.api_url
    return {
        "current_user_url": f"{api}/user",
        "organization_url": f"{api}/orgs/{{org}}",
        "rate_limit_url": f"{api}/rate_limit",
        "repository_url": f"{api}/repos/{{owner}}/{{repo}}",
        "user_url": f"{api}/users/{{user}}",
    }


@route("GET", "/meta", permission="public")
def meta(request: Request) -> Answer:
    """The version that this GitHub claims to be."""
    del request
    return {"verifiable_password_authentication": False, "installed_version": GHES_VERSION}


@route("GET", "/rate_limit", permission="public")
def rate_limit(request: Request) -> Answer:
    """There is no limit, but there are numbers."""
    del request
    numbers = {"limit": RATE_LIMIT, "used": 0, "remaining": RATE_LIMIT, "reset": 0}
    return {"resources": {"core": numbers, "search": numbers, "graphql": numbers}, "rate": numbers}


@route("GET", "/zen", permission="public")
def zen(request: Request) -> Answer:
    """A word of wisdom."""
    del request
    return Response(ZEN, media_type="text/plain; charset=utf-8")


@route("GET", "/_sandbox/health", permission="public", root=True)
def health(request: Request) -> Answer:
    """Says that the server answers, and which folder it serves."""
    return {"status": "ok", "url": request.forge.url, "directory": str(request.forge.directory)}
