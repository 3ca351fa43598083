"""Files of a commit as they are: archives of the whole, and single files raw."""

from starlette.responses import Response

from sandbox.github.core.downloads import redirect
from sandbox.github.core.errors import not_found
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route


def _archive(request: Request, kind: str, ref: str) -> Response:
    git, repository = request.git, request.repository
    sha = git.find_commit(ref or repository["default_branch"])
    if sha is None:
        raise not_found()
    folder = f"{repository['owner']['login']}-{repository['name']}-{sha[:7]}"
    content = git.run("archive", f"--format={kind}", f"--prefix={folder}/", sha)
    media = "application/zip" if kind == "zip" else "application/x-gzip"
    disposition = f"attachment; filename={folder}.{kind}"
    return Response(content, media_type=media, headers={"Content-Disposition": disposition})


@route("GET", "/repos/{owner}/{repo}/tarball", permission="contents:read")
@route("GET", "/repos/{owner}/{repo}/tarball/{ref:path}", permission="contents:read")
def tarball(request: Request) -> Answer:
    """Everything at a ref as tar.gz."""
    return redirect(request, _archive(request, "tar.gz", request.params.get("ref", "")))


@route("GET", "/repos/{owner}/{repo}/zipball", permission="contents:read")
@route("GET", "/repos/{owner}/{repo}/zipball/{ref:path}", permission="contents:read")
def zipball(request: Request) -> Answer:
    """Everything at a ref as zip."""
    return redirect(request, _archive(request, "zip", request.params.get("ref", "")))


@route("GET", "/{owner}/{repo}/archive/{name:path}", permission="contents:read", root=True)
def archive_page(request: Request) -> Answer:
    """What the download links of the web pages lead to."""
    name = request.params["name"]
    for suffix in ("tar.gz", "zip"):
        if name.endswith("." + suffix):
            return _archive(request, suffix, name.removesuffix("." + suffix))
    raise not_found()


@route("GET", "/{owner}/{repo}/raw/{rest:path}", permission="contents:read", root=True)
def raw(request: Request) -> Answer:
    """One file; the ref is the shortest start of the path that is one."""
    parts = request.params["rest"].split("/")
    for length in range(1, len(parts)):
        sha = request.git.find_commit("/".join(parts[:length]))
        if sha is not None and (content := request.git.read(sha, "/".join(parts[length:]))) is not None:
            return Response(content, media_type="text/plain; charset=utf-8")
    raise not_found()
