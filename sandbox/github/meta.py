"""REST of the server itself: what it is, limits, and a word of wisdom."""

from starlette.responses import Response

from sandbox.github.core import budgets, clock
from sandbox.github.core.errors import unprocessable
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.dispatch import GHES_VERSION

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
    """What the caller has used of its hour."""
    shown: dict[str, dict[str, int]] = {}
    for resource in ("core", "graphql", "search"):
        window = request.forge.budgets.window(request.principal, resource)
        numbers = {"limit": window.limit, "used": window.used, "remaining": window.remaining, "reset": window.ends}
        shown[resource] = numbers
    return {"resources": shown, "rate": shown["core"]}


@route("GET", "/_sandbox/clock", permission="public", root=True)
def read_clock(request: Request) -> Answer:
    """What time it is, and how far this clock is ahead of the machine's."""
    del request
    return {"now": clock.now(), "ahead": clock.ahead()}


@route("POST", "/_sandbox/clock", permission="site_admin", root=True)
def move_clock(request: Request) -> Answer:
    """Moves the clock ahead by `seconds`; it never goes back."""
    given = request.required("seconds")
    if not isinstance(given, int | float) or given < 0:
        raise unprocessable("seconds: a number that is not negative")
    seconds = clock.ahead() + given
    request.forge.store.table("clock").put("ahead", {"seconds": seconds})
    clock.move(seconds)
    return {"now": clock.now(), "ahead": clock.ahead()}


@route("PUT", "/_sandbox/budgets", permission="site_admin", root=True)
def change_budgets(request: Request) -> Answer:
    """Sets how many requests an hour there are: `workflow` of a GITHUB_TOKEN, `installation` of an App."""
    given = request.data()
    unknown = set(given) - set(budgets.LIMITS)
    if unknown or not all(isinstance(limit, int) and limit >= 0 for limit in given.values()):
        raise unprocessable(f"numbers of requests for {' and '.join(budgets.LIMITS)}")
    request.forge.budgets.limits |= given
    return request.forge.budgets.limits


@route("GET", "/_sandbox/permissions", permission="site_admin", root=True)
def permissions(request: Request) -> Answer:
    """What Apps and workflows hold and what their calls have needed, since the server has started."""
    return request.forge.uses.table()


@route("GET", "/_sandbox/permissions/tokens", permission="site_admin", root=True)
def permissions_of_tokens(request: Request) -> Answer:
    """The same of the tokens of each job."""
    return request.forge.uses.tokens()


@route("GET", "/zen", permission="public")
def zen(request: Request) -> Answer:
    """A word of wisdom."""
    del request
    return Response(ZEN, media_type="text/plain; charset=utf-8")


@route("GET", "/_sandbox/health", permission="public", root=True)
def health(request: Request) -> Answer:
    """Says that the server answers, and which folder it serves."""
    return {"status": "ok", "url": request.forge.url, "directory": str(request.forge.directory)}
