"""Downloads: logs and archives are answered with 302 and fetched from an address that needs no credential."""

import secrets
from collections import OrderedDict

from starlette.responses import Response

from sandbox.github.core.errors import not_found
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route

MOST_KEPT = 100

_offered: OrderedDict[str, Response] = OrderedDict()


def redirect(request: Request, response: Response) -> Response:
    """Keeps an answer for one download, and answers where it is."""
    key = secrets.token_urlsafe(24)
    _offered[key] = response
    while len(_offered) > MOST_KEPT:
        _offered.popitem(last=False)
    return Response(status_code=302, headers={"Location": f"{request.forge.url}/_downloads/{key}"})


@route("GET", "/_downloads/{key}", permission="public", root=True)
def download(request: Request) -> Answer:
    """What was kept; an address that is used up or unknown leads nowhere."""
    found = _offered.pop(request.params["key"], None)
    if found is None:
        raise not_found()
    return found
