"""REST of labels, and the labels of a name."""

import re
from typing import Any
from urllib.parse import quote

from sandbox.github.core.errors import check_length, invalid_field, missing_field, not_found
from sandbox.github.core.forge import Forge
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document

LABELS = "/repos/{owner}/{repo}/labels"


def view(forge: Forge, repository: Document, label: Document) -> dict[str, Any]:
    """A label as GitHub shows it."""
    url = f"{forge.api_url}/repos/{repository['full_name']}/labels/{quote(label['name'])}"
    return label | {"node_id": f"LA_{label['id']}", "url": url, "default": False}


def ensure(forge: Forge, repository: Document, name: str) -> Document:
    """The label of a name, made if there is none: putting an unknown label on a pull request makes it."""
    table = forge.store.table("labels")
    key = f"{repository['id']}/{name.lower()}"
    with forge.store.lock:
        label = table.get(key)
        if label is None:
            label = {"id": table.next_id(), "name": name, "color": "ededed", "description": None}
            table.put(key, label)
    return label


def _view(request: Request, label: Document) -> dict[str, Any]:
    return view(request.forge, request.repository, label)


def _label(request: Request) -> tuple[str, Document]:
    key = f"{request.repository['id']}/{request.params['name'].lower()}"
    label = request.forge.store.table("labels").get(key)
    if label is None:
        raise not_found()
    return key, label


@route("GET", LABELS, permission="issues:read|pull_requests:read")
def list_labels(request: Request) -> Answer:
    """All labels."""
    return [_view(request, label) for label in request.forge.store.table("labels").all(f"{request.repository['id']}/")]


def _color(given: dict[str, Any], default: str) -> str:
    color = str(given.get("color") or default).lower()
    if not re.fullmatch(r"[0-9a-f]{6}", color):
        raise invalid_field("Label", "color")
    return color


def _check_lengths(name: object, description: object) -> None:
    check_length("Label", "name", name, 50)
    check_length("Label", "description", description, 100)


@route("POST", LABELS, permission="issues:write|pull_requests:write")
def create_label(request: Request) -> Answer:
    """Creates a label."""
    given, table = request.data(), request.forge.store.table("labels")
    if not given.get("name"):
        raise missing_field("name")
    key = f"{request.repository['id']}/{str(given['name']).lower()}"
    _check_lengths(given["name"], given.get("description"))
    if table.get(key) is not None:
        raise invalid_field("Label", "name", "already_exists")
    label: Document = {
        "id": table.next_id(),
        "name": given["name"],
        "color": _color(given, "ededed"),
        "description": given.get("description"),
    }
    table.put(key, label)
    return 201, _view(request, label)


@route("GET", LABELS + "/{name}", permission="issues:read|pull_requests:read")
def read_label(request: Request) -> Answer:
    """One label."""
    return _view(request, _label(request)[1])


@route("PATCH", LABELS + "/{name}", permission="issues:write|pull_requests:write")
def change_label(request: Request) -> Answer:
    """Changes a label."""
    key, label = _label(request)
    given, table = request.data(), request.forge.store.table("labels")
    name = given.get("new_name") or given.get("name") or label["name"]
    new = f"{request.repository['id']}/{str(name).lower()}"
    _check_lengths(name, given.get("description"))
    if new != key and table.get(new) is not None:
        raise invalid_field("Label", "name", "already_exists")
    label |= {"name": name, "color": _color(given, label["color"])}
    if "description" in given:
        label["description"] = given["description"]
    table.delete(key)
    table.put(new, label)
    return _view(request, label)


@route("DELETE", LABELS + "/{name}", permission="issues:write|pull_requests:write")
def delete_label(request: Request) -> Answer:
    """Removes a label."""
    request.forge.store.table("labels").delete(_label(request)[0])
    return None
