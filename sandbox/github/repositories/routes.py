"""REST of repositories: list, create, read, change, delete, topics, security switches."""

import re

from sandbox.github.access import accounts
from sandbox.github.access.authorization import allowed, repository_role
from sandbox.github.core.errors import GitHubError, forbidden, invalid_field, not_found, unprocessable
from sandbox.github.core.principals import Kind
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document
from sandbox.github.repositories import forks, repositories

MOST_TOPICS = 20
TOPIC = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")


@route("POST", "/orgs/{org}/repos", permission="administration:write")
def create_in_organization(request: Request) -> Answer:
    """Creates a repository in an organisation."""
    made = repositories.create(request.forge, request.organization, request.data(), request.principal)
    return 201, repositories.view(request.forge, made, request.principal)


@route("POST", "/user/repos", permission="user")
def create_for_user(request: Request) -> Answer:
    """Creates a repository of the caller's own."""
    owner = accounts.find_user(request.forge, request.principal.login)
    if owner is None:
        raise not_found()
    made = repositories.create(request.forge, owner, request.data(), request.principal)
    return 201, repositories.view(request.forge, made, request.principal)


def _visible(request: Request) -> list[Document]:
    forge = request.forge
    found = forge.store.table("repositories").all()
    return [repository for repository in found if allowed(forge, request.principal, repository, "metadata:read")]


@route("GET", "/orgs/{org}/repos", permission="public")
def list_of_organization(request: Request) -> Answer:
    """Repositories of an organisation that the caller may see."""
    owner = request.organization["login"]
    visible = [repository for repository in _visible(request) if repository["owner"]["login"] == owner]
    return [repositories.view(request.forge, repository, request.principal) for repository in visible]


@route("GET", "/users/{login}/repos", permission="public")
def list_of_user(request: Request) -> Answer:
    """Repositories of a user that the caller may see."""
    owner = request.params["login"].lower()
    visible = [repository for repository in _visible(request) if repository["owner"]["login"].lower() == owner]
    return [repositories.view(request.forge, repository, request.principal) for repository in visible]


@route("GET", "/user/repos", permission="user")
def list_own(request: Request) -> Answer:
    """Repositories in which the caller has a role of its own."""
    forge, login = request.forge, request.principal.login
    visible = [
        repository
        for repository in _visible(request)
        if repository["visibility"] != "public" or repository_role(forge, login, repository) != "read"
    ]
    return [repositories.view(forge, repository, request.principal) for repository in visible]


@route("GET", "/repos/{owner}/{repo}")
def read(request: Request) -> Answer:
    """One repository."""
    return forks.full_view(request.forge, request.repository, request.principal)


@route("PATCH", "/repos/{owner}/{repo}", permission="administration:write")
def change(request: Request) -> Answer:
    """Changes a repository; an archived one can only be unarchived."""
    given = request.data()
    if request.repository["archived"] and given.get("archived") is not False:
        raise forbidden("Repository was archived so is read-only.")
    forks.check_setting(request.forge, request.repository, given)
    changed = repositories.change(request.forge, request.repository, given)
    return forks.full_view(request.forge, changed, request.principal)


@route("POST", "/repos/{owner}/{repo}/transfer", permission="administration:write")
def transfer(request: Request) -> Answer:
    """Gives a repository to another owner."""
    moved = repositories.transfer(request.forge, request.repository, str(request.required("new_owner")))
    return 202, repositories.view(request.forge, moved, request.principal)


@route("DELETE", "/repos/{owner}/{repo}", permission="administration:write", scope="delete_repo")
def delete(request: Request) -> Answer:
    """Deletes a repository."""
    if request.principal.kind is Kind.WORKFLOW:
        raise forbidden("Resource not accessible by integration")
    forks.delete_private(request.forge, request.repository)
    repositories.delete(request.forge, request.repository)
    return None


@route("GET", "/repos/{owner}/{repo}/topics")
def list_topics(request: Request) -> Answer:
    """Topics of a repository."""
    return {"names": request.repository["topics"]}


@route("PUT", "/repos/{owner}/{repo}/topics", permission="administration:write")
def replace_topics(request: Request) -> Answer:
    """Sets all topics of a repository."""
    names = request.required("names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):  # pyright: ignore[reportUnknownVariableType]
        raise invalid_field("Repository", "names")
    topics = [str(name) for name in names]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if len(topics) > MOST_TOPICS:
        raise unprocessable(f"A repository cannot have more than {MOST_TOPICS} topics.")
    if not all(TOPIC.fullmatch(topic) for topic in topics):
        raise invalid_field(
            "Repository",
            "topics",
            "custom",
            "topics must start with a lowercase letter or number, consist of 50 characters or less, and can include"
            " hyphens.",
        )
    request.forge.store.table("repositories").update(
        request.repository["id"], lambda document: document.update(topics=topics)
    )
    return {"names": topics}


@route("GET", "/repos/{owner}/{repo}/languages")
def list_languages(request: Request) -> Answer:
    """Languages are not detected here."""
    del request
    return {}


def _switch(request: Request, name: str, on: bool) -> None:
    request.forge.store.table("repositories").update(
        request.repository["id"], lambda document: document.update({name: on})
    )


@route("GET", "/repos/{owner}/{repo}/vulnerability-alerts", permission="administration:read")
def read_alerts(request: Request) -> Answer:
    """204 where vulnerability alerts are on, 404 where they are off."""
    if not request.repository["vulnerability_alerts"]:
        raise GitHubError(404, "Vulnerability alerts are disabled.")
    return None


@route("PUT", "/repos/{owner}/{repo}/vulnerability-alerts", permission="administration:write")
def enable_alerts(request: Request) -> Answer:
    """Turns vulnerability alerts on."""
    return _switch(request, "vulnerability_alerts", on=True)


@route("DELETE", "/repos/{owner}/{repo}/vulnerability-alerts", permission="administration:write")
def disable_alerts(request: Request) -> Answer:
    """Turns vulnerability alerts off."""
    return _switch(request, "vulnerability_alerts", on=False)


@route("GET", "/repos/{owner}/{repo}/automated-security-fixes", permission="administration:read")
def read_fixes(request: Request) -> Answer:
    """Whether Dependabot opens pull requests of fixes."""
    return {"enabled": request.repository["automated_security_fixes"], "paused": False}


@route("PUT", "/repos/{owner}/{repo}/automated-security-fixes", permission="administration:write")
def enable_fixes(request: Request) -> Answer:
    """Turns Dependabot's fixes on."""
    return _switch(request, "automated_security_fixes", on=True)


@route("DELETE", "/repos/{owner}/{repo}/automated-security-fixes", permission="administration:write")
def disable_fixes(request: Request) -> Answer:
    """Turns Dependabot's fixes off."""
    return _switch(request, "automated_security_fixes", on=False)
