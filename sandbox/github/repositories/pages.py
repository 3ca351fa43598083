"""A page for every link that the API gives out, so that none of them leads nowhere."""

import html

from starlette.responses import HTMLResponse

from sandbox.github.access import accounts
from sandbox.github.core.errors import not_found
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem}}</style></head>
<body><h1>{title}</h1>{body}<p><small>The sandbox's GitHub has no pages of its own; everything is at
<a href="{api}">{api}</a>.</small></p></body></html>
"""


def page(request: Request, title: str, body: str) -> HTMLResponse:
    """A small page; `body` is HTML."""
    text = _PAGE.format(title=html.escape(title), body=body, api=html.escape(request.forge.api_url))
    return HTMLResponse(text)


@route("GET", "/", permission="public", root=True)
def front(request: Request) -> Answer:
    """The front page: repositories that anyone may see are linked."""
    names = [
        found["full_name"] for found in request.forge.store.table("repositories") if found["visibility"] == "public"
    ]
    links = "".join(f'<li><a href="/{html.escape(name)}">{html.escape(name)}</a></li>' for name in names)
    return page(request, "GitHub in the sandbox", f"<ul>{links}</ul>")


@route("GET", "/{account}", permission="public", root=True)
def account(request: Request) -> Answer:
    """An account's page."""
    found = accounts.find_account(request.forge, request.params["account"])
    if found is None:
        raise not_found()
    return page(request, found["login"], "")


# A browser brings no token, so these pages say nothing that the address does not.
@route("GET", "/{owner}/{repo}", permission="public", root=True)
@route("GET", "/{owner}/{repo}/{rest:path}", permission="public", root=True)
def repository(request: Request) -> Answer:
    """The page of a repository, a commit, a run, a pull request: where its facts are."""
    full_name, rest = request.repository["full_name"], request.params.get("rest", "")
    clone = html.escape(f"git clone {request.forge.url}/{full_name}.git")
    return page(request, f"{full_name} {rest}".strip(), f"<pre>{clone}</pre>")
