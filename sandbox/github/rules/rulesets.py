"""REST of rulesets, and of the rules that hold for a branch."""

from typing import Any

from sandbox.github.access import plans
from sandbox.github.access.authorization import allowed
from sandbox.github.core.clock import now
from sandbox.github.core.errors import GitHubError, not_found
from sandbox.github.core.forge import Forge
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document, items, mapping
from sandbox.github.rules import kinds, rules

ENFORCEMENTS = ("active", "disabled", "evaluate")
MOST_RULESETS = 75
"""Of a repository, and as many of an organisation."""
TARGETS = ("branch", "tag", "push")


def checked(forge: Forge, owner: str, given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a body that make up a ruleset of a repository or of an organisation.

    Raises:
        GitHubError: 422, one of them is not allowed.
    """
    if not given.get("name"):
        raise GitHubError(422, "Invalid request.\n\nName can't be blank.")
    problems: list[str] = []
    if given.get("enforcement") not in ENFORCEMENTS:
        problems.append(f"Enforcement must be one of {', '.join(ENFORCEMENTS)}")
    if given.get("target", "branch") not in TARGETS:
        problems.append(f"Target must be one of {', '.join(TARGETS)}")
    problems += kinds.rule_problems(given.get("target", "branch"), items(given, "rules"))
    problems += kinds.condition_problems(mapping(given, "conditions"))
    problems += kinds.actor_problems(forge, owner, items(given, "bypass_actors"))
    if problems:
        raise GitHubError(422, "Validation Failed", problems)
    plans.check_enforcement(forge, owner, given["enforcement"])
    plans.check_metadata_rules(forge, owner, {str(rule["type"]) for rule in items(given, "rules")})
    return {
        "name": given["name"],
        "target": given.get("target", "branch"),
        "enforcement": given["enforcement"],
        "bypass_actors": [kinds.shown_actor(actor) for actor in items(given, "bypass_actors")],
        "conditions": mapping(given, "conditions"),
        "rules": [kinds.shown_rule(rule) for rule in items(given, "rules")],
    }


def _checked(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    plans.check_rules(request.forge, request.repository)
    return checked(request.forge, request.repository["owner"]["login"], given)


def view(request: Request, ruleset: Document, *, full: bool = True) -> dict[str, Any]:
    """A ruleset as GitHub shows it; bypass actors only to those who may change it."""
    shown = dict(ruleset)
    if not allowed(request.forge, request.principal, request.repository, "administration:write"):
        del shown["bypass_actors"]
    shown |= {
        "node_id": f"RRS_{ruleset['id']}",
        "source_type": "Repository",
        "source": request.repository["full_name"],
        "current_user_can_bypass": (
            "always"
            if rules.may_bypass(request.forge, request.repository, ruleset, request.principal, through_pull=True)
            else "never"
        ),
        "_links": {
            "self": {"href": f"{request.repository_url}/rulesets/{ruleset['id']}"},
            "html": {"href": f"{request.forge.url}/{request.repository['full_name']}/rules/{ruleset['id']}"},
        },
    }
    return shown if full else {key: shown[key] for key in shown if key not in ("rules", "conditions", "bypass_actors")}


def _find(request: Request) -> Document:
    plans.check_rules(request.forge, request.repository)
    found = request.forge.store.table("rulesets").get(f"{request.repository['id']}/{request.number('ruleset_id')}")
    if found is None:
        raise not_found()
    return found


def check_place(others: list[Document], name: str, own: int | None = None) -> None:
    """Refuses a name that is taken, and one ruleset too many.

    https://docs.github.com/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/about-rulesets

    Args:
        others: those of the same repository or organisation.
        name: of the one that is made or changed.
        own: its number, if there is one already.

    Raises:
        GitHubError: 422.
    """
    if any(ruleset["name"] == name and ruleset["id"] != own for ruleset in others):
        raise GitHubError(422, "Validation Failed", ["Name must be unique"])
    if own is None and len(others) >= MOST_RULESETS:
        raise GitHubError(422, "Validation Failed", [f"There is a limit of {MOST_RULESETS} rulesets"])


def _others(request: Request) -> list[Document]:
    return request.forge.store.table("rulesets").all(f"{request.repository['id']}/")


@route("GET", "/repos/{owner}/{repo}/rulesets")
def list_rulesets(request: Request) -> Answer:
    """All rulesets, without their rules."""
    plans.check_rules(request.forge, request.repository)
    found = request.forge.store.table("rulesets").all(f"{request.repository['id']}/")
    return [view(request, ruleset, full=False) for ruleset in found]


@route("POST", "/repos/{owner}/{repo}/rulesets", permission="administration:write")
def create_ruleset(request: Request) -> Answer:
    """Adds a ruleset; it holds from this moment."""
    ruleset = _checked(request, request.data())
    table = request.forge.store.table("rulesets")
    with request.forge.store.lock:
        check_place(_others(request), ruleset["name"])
        ruleset = {"id": table.next_id(), **ruleset, "created_at": now(), "updated_at": now()}
        table.put(f"{request.repository['id']}/{ruleset['id']}", ruleset)
    return 201, view(request, ruleset)


@route("GET", "/repos/{owner}/{repo}/rulesets/{ruleset_id}")
def read_ruleset(request: Request) -> Answer:
    """One ruleset with its rules."""
    return view(request, _find(request))


@route("PUT", "/repos/{owner}/{repo}/rulesets/{ruleset_id}", permission="administration:write")
def replace_ruleset(request: Request) -> Answer:
    """Changes a ruleset; fields that are left out stay."""
    present = _find(request)
    changed = present | _checked(request, present | request.data()) | {"updated_at": now()}
    check_place(_others(request), changed["name"], present["id"])
    request.forge.store.table("rulesets").put(f"{request.repository['id']}/{present['id']}", changed)
    return view(request, changed)


@route("DELETE", "/repos/{owner}/{repo}/rulesets/{ruleset_id}", permission="administration:write")
def delete_ruleset(request: Request) -> Answer:
    """Removes a ruleset."""
    ruleset = _find(request)
    request.forge.store.table("rulesets").delete(f"{request.repository['id']}/{ruleset['id']}")
    return None


@route("GET", "/repos/{owner}/{repo}/rules/branches/{branch:path}")
def rules_of_branch(request: Request) -> Answer:
    """Rules that hold for a branch, for any account."""
    ref = f"refs/heads/{request.params['branch']}"
    found = rules.active_rules(request.forge, request.repository, ref, None)
    return [
        {"type": rule.type}
        | ({"parameters": rule.parameters} if rule.parameters else {})
        | {
            "ruleset_source_type": rule.source_type,
            "ruleset_source": (
                request.repository["full_name"]
                if rule.source_type == "Repository"
                else request.repository["owner"]["login"]
            ),
            "ruleset_id": rule.ruleset["id"],
        }
        for rule in found
    ]
