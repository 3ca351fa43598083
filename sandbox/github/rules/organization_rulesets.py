"""REST of an organisation's rulesets, which hold in those of its repositories whose names they cover."""

from typing import Any

from sandbox.github.access import plans
from sandbox.github.core.clock import now
from sandbox.github.core.errors import GitHubError, not_found
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document
from sandbox.github.rules import rules, rulesets

PATH = "/orgs/{org}/rulesets"
READ, WRITE = "organization_administration:read", "organization_administration:write"


def _check_plan(request: Request) -> None:
    if plans.of(request.forge, request.organization["login"]) is plans.Plan.FREE:
        raise GitHubError(403, "Upgrade to GitHub Team or Enterprise to enable this feature.")


def _checked(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    checked = rulesets.checked(request.forge, request.organization["login"], given)
    names = {"repository_name", "repository_id", "repository_property"} & set(checked["conditions"])
    if len(names) != 1:
        raise GitHubError(422, "Validation Failed", ["Conditions must name repositories in exactly one way"])
    plans.check_metadata_rules(
        request.forge, request.organization["login"], {rule["type"] for rule in checked["rules"]}
    )
    return checked


def _view(request: Request, ruleset: Document, *, full: bool = True) -> dict[str, Any]:
    login = request.organization["login"]
    shown = dict(ruleset) | {
        "node_id": f"RRS_{ruleset['id']}",
        "source_type": "Organization",
        "source": login,
        "_links": {
            "self": {"href": f"{request.forge.api_url}/orgs/{login}/rulesets/{ruleset['id']}"},
            "html": {"href": f"{request.forge.url}/organizations/{login}/settings/rules/{ruleset['id']}"},
        },
    }
    return shown if full else {key: shown[key] for key in shown if key not in ("rules", "conditions", "bypass_actors")}


def _find(request: Request) -> Document:
    _check_plan(request)
    number = request.number("ruleset_id")
    found = request.forge.store.table(rules.OF_ORGANIZATIONS).get(f"{request.organization['id']}/{number}")
    if found is None:
        raise not_found()
    return found


def _others(request: Request) -> list[Document]:
    return request.forge.store.table(rules.OF_ORGANIZATIONS).all(f"{request.organization['id']}/")


@route("GET", PATH, permission=READ)
def list_rulesets(request: Request) -> Answer:
    """All rulesets, without their rules."""
    _check_plan(request)
    found = _others(request)
    return [_view(request, ruleset, full=False) for ruleset in found]


@route("POST", PATH, permission=WRITE)
def create_ruleset(request: Request) -> Answer:
    """Adds a ruleset; it holds from this moment."""
    _check_plan(request)
    checked, table = _checked(request, request.data()), request.forge.store.table(rules.OF_ORGANIZATIONS)
    with request.forge.store.lock:
        # One series of numbers with those of repositories.
        rulesets.check_place(_others(request), checked["name"])
        number = request.forge.store.table("rulesets").next_id()
        ruleset = {"id": number, **checked, "created_at": now(), "updated_at": now()}
        table.put(f"{request.organization['id']}/{number}", ruleset)
    return 201, _view(request, ruleset)


@route("GET", PATH + "/{ruleset_id}", permission=READ)
def read_ruleset(request: Request) -> Answer:
    """One ruleset with its rules."""
    return _view(request, _find(request))


@route("PUT", PATH + "/{ruleset_id}", permission=WRITE)
def replace_ruleset(request: Request) -> Answer:
    """Changes a ruleset; fields that are left out stay."""
    present = _find(request)
    changed = present | _checked(request, present | request.data()) | {"updated_at": now()}
    rulesets.check_place(_others(request), changed["name"], present["id"])
    request.forge.store.table(rules.OF_ORGANIZATIONS).put(f"{request.organization['id']}/{present['id']}", changed)
    return _view(request, changed)


@route("DELETE", PATH + "/{ruleset_id}", permission=WRITE)
def delete_ruleset(request: Request) -> Answer:
    """Removes a ruleset."""
    request.forge.store.table(rules.OF_ORGANIZATIONS).delete(f"{request.organization['id']}/{_find(request)['id']}")
    return None
