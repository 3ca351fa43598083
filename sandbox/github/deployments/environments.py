"""REST of deployment environments: reviewers, wait timer, and which branches and tags may deploy."""

from typing import Any

from sandbox.github.access import accounts, plans
from sandbox.github.core.clock import now
from sandbox.github.core.errors import GitHubError, check_length, invalid_field, not_found, unprocessable
from sandbox.github.core.forge import Forge
from sandbox.github.core.requests import Answer, Page, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document, items, mapping
from sandbox.github.organizations import teams
from sandbox.github.rules import rules
from sandbox.github.rules.patterns import matches

ENVIRONMENT = "/repos/{owner}/{repo}/environments/{environment}"
POLICIES = ENVIRONMENT + "/deployment-branch-policies"

LONGEST_NAME = 255
LONGEST_WAIT = 43200
MOST_REVIEWERS = 6


def key(repository: Document, name: str) -> str:
    """Where an environment is kept; names are compared without case."""
    return f"{repository['id']}/{name.lower()}"


def find(forge: Forge, repository: Document, name: str) -> Document | None:
    """An environment, or None.

    The document has `id`, `name`, `wait_timer` (minutes), `reviewers` (`type` User or Team, `id`),
    `prevent_self_review`, `can_admins_bypass`, `branch_policy` (None, or `protected_branches` and
    `custom_branch_policies`) and `policies` (`id`, `name`, `type`).
    """
    return forge.store.table("environments").get(key(repository, name))


def ensure(forge: Forge, repository: Document, name: str) -> Document:
    """The environment of that name, made without any protection if there is none, as a first deployment does."""
    table = forge.store.table("environments")
    with forge.store.lock:
        found: Document | None = table.get(key(repository, name))
        if found is None:
            found = {
                "id": table.next_id(),
                "name": name,
                "wait_timer": 0,
                "reviewers": [],
                "prevent_self_review": False,
                "can_admins_bypass": True,
                "branch_policy": None,
                "policies": [],
                "created_at": now(),
                "updated_at": now(),
            }
            table.put(key(repository, name), found)
    return found


def check_name(name: str) -> None:
    """Refuses a name that no environment can have.

    https://docs.github.com/actions/reference/workflows-and-actions/deployments-and-environments: "may not exceed 255
    characters".

    Raises:
        GitHubError: 422.
    """
    check_length("Environment", "name", name, LONGEST_NAME)


def allows_ref(forge: Forge, repository: Document, environment: Document, ref: str) -> bool:
    """True if a full ref may deploy to an environment."""
    policy = environment["branch_policy"]
    if policy is None:
        return True
    if policy["protected_branches"]:
        return ref.startswith("refs/heads/") and rules.is_protected(forge, repository, ref[11:])
    for prefix, kind in (("refs/heads/", "branch"), ("refs/tags/", "tag"), ("refs/pull/", "branch")):
        if ref.startswith(prefix):
            # The merge ref of a pull request is named as a whole: `refs/pull/*/merge`.
            name = ref if prefix == "refs/pull/" else ref[len(prefix) :]
            return any(entry["type"] == kind and matches(entry["name"], name) for entry in environment["policies"])
    return False


def is_reviewer(forge: Forge, environment: Document, login: str) -> bool:
    """True if a person is a required reviewer, by name or by team."""
    user = accounts.find_user(forge, login)
    for reviewer in environment["reviewers"]:
        if reviewer["type"] == "User" and user is not None and user["id"] == reviewer["id"]:
            return True
        if reviewer["type"] == "Team" and accounts.is_team_member(forge, reviewer["id"], login):
            return True
    return False


def reviewers_view(forge: Forge, environment: Document) -> list[dict[str, Any]]:
    """Required reviewers with the users and teams they are."""
    shown: list[dict[str, Any]] = []
    for reviewer in environment["reviewers"]:
        if reviewer["type"] == "Team":
            team = forge.store.table("teams").get(reviewer["id"])
            if team is not None:
                shown.append({"type": "Team", "reviewer": teams.brief(forge, team)})
        else:
            user = next((user for user in forge.store.table("users") if user["id"] == reviewer["id"]), None)
            if user is not None:
                shown.append({"type": "User", "reviewer": accounts.simple(forge, user["login"])})
    return shown


def view(forge: Forge, repository: Document, environment: Document) -> dict[str, Any]:
    """An environment as GitHub shows it."""
    number = environment["id"]
    shown: list[dict[str, Any]] = []
    if environment["wait_timer"]:
        shown.append({"id": number * 10 + 1, "type": "wait_timer", "wait_timer": environment["wait_timer"]})
    if environment["reviewers"]:
        shown.append(
            {
                "id": number * 10 + 2,
                "type": "required_reviewers",
                "prevent_self_review": environment["prevent_self_review"],
                "reviewers": reviewers_view(forge, environment),
            }
        )
    if environment["branch_policy"]:
        shown.append({"id": number * 10 + 3, "type": "branch_policy"})
    name = environment["name"]
    return {
        "id": number,
        "node_id": f"EN_{number}",
        "name": name,
        "url": f"{forge.api_url}/repos/{repository['full_name']}/environments/{name}",
        "html_url": f"{forge.url}/{repository['full_name']}/deployments/activity_log?environments_filter={name}",
        "created_at": environment["created_at"],
        "updated_at": environment["updated_at"],
        "can_admins_bypass": environment["can_admins_bypass"],
        "protection_rules": [rule | {"node_id": f"GA_{rule['id']}"} for rule in shown],
        "deployment_branch_policy": environment["branch_policy"],
    }


@route("GET", "/repos/{owner}/{repo}/environments", permission="actions:read|environments:read")
def list_environments(request: Request) -> Answer:
    """All environments."""
    plans.check_environments(request.forge, request.repository)
    found = request.forge.store.table("environments").all(f"{request.repository['id']}/")
    return Page([view(request.forge, request.repository, environment) for environment in found], "environments")


@route("GET", ENVIRONMENT, permission="actions:read|environments:read")
def read_environment(request: Request) -> Answer:
    """One environment."""
    return view(request.forge, request.repository, _find(request))


def _find(request: Request) -> Document:
    plans.check_environments(request.forge, request.repository)
    found = find(request.forge, request.repository, request.params["environment"])
    if found is None:
        raise not_found()
    return found


@route("PUT", ENVIRONMENT, permission="administration:write|environments:write")
def set_environment(request: Request) -> Answer:
    """Creates an environment or replaces its protection; what is left out is taken away."""
    given, forge, repository = request.data(), request.forge, request.repository
    plans.check_environments(forge, repository)
    check_name(request.params["environment"])
    wait = given.get("wait_timer") or 0
    if not isinstance(wait, int) or not 0 <= wait <= LONGEST_WAIT:
        raise invalid_field("Environment", "wait_timer")
    reviewers = [{"type": one["type"], "id": one["id"]} for one in items(given, "reviewers")]
    if len(reviewers) > MOST_REVIEWERS:
        raise unprocessable(f"reviewers can have at most {MOST_REVIEWERS} reviewers")
    gates = [name for name, value in (("required reviewers", reviewers), ("wait timer", wait)) if value]
    plans.check_gates(forge, repository, gates)
    policy = given.get("deployment_branch_policy")
    if policy is not None and bool(policy["protected_branches"]) == bool(policy["custom_branch_policies"]):
        raise unprocessable("protected_branches and custom_branch_policies cannot have the same value")
    changes: dict[str, Any] = {
        "wait_timer": wait,
        "reviewers": reviewers,
        "prevent_self_review": bool(given.get("prevent_self_review", False)),
        "can_admins_bypass": bool(given.get("can_admins_bypass", True)),
        "branch_policy": policy,
        "updated_at": now(),
    }
    if len(reviewers_view(forge, changes)) < len(reviewers):
        raise unprocessable("Failed to create the environment protection rule. Please ensure the reviewers exist.")
    ensure(forge, repository, request.params["environment"])
    changed = forge.store.table("environments").update(
        key(repository, request.params["environment"]), lambda document: document.update(changes)
    )
    return view(forge, repository, changed)


@route("DELETE", ENVIRONMENT, permission="administration:write|environments:write")
def delete_environment(request: Request) -> Answer:
    """Removes an environment with its secrets and variables."""
    _find(request)
    store, owned = (
        request.forge.store,
        f"{request.repository['id']}/environment/{request.params['environment'].lower()}/",
    )
    with store.lock:
        store.table("environments").delete(key(request.repository, request.params["environment"]))
        store.table("secrets").delete_all(owned)
        store.table("variables").delete_all(owned)
    return None


def _policy_view(entry: Document) -> dict[str, Any]:
    return entry | {"node_id": f"DBP_{entry['id']}"}


def _custom(request: Request) -> Document:
    environment = _find(request)
    if not mapping(environment, "branch_policy").get("custom_branch_policies"):
        raise GitHubError(404, "Not Found")
    return environment


@route("GET", POLICIES, permission="actions:read|environments:read")
def list_policies(request: Request) -> Answer:
    """Name patterns of branches and tags that may deploy."""
    return Page([_policy_view(entry) for entry in _find(request)["policies"]], "branch_policies")


@route("POST", POLICIES, permission="administration:write|environments:write")
def add_policy(request: Request) -> Answer:
    """Adds a name pattern."""
    environment, name = _custom(request), str(request.required("name"))
    kind = request.data().get("type") or "branch"
    if kind not in ("branch", "tag"):
        raise invalid_field("DeploymentBranchPolicy", "type")
    if any(entry["name"] == name and entry["type"] == kind for entry in environment["policies"]):
        # GitHub answers 303 with the one that is there, and no body.
        raise GitHubError(303, "Deployment branch policy already exists")
    entry = {"id": request.forge.store.next_id(), "name": name, "type": kind}
    request.forge.store.table("environments").update(
        key(request.repository, environment["name"]), lambda document: document["policies"].append(entry)
    )
    return _policy_view(entry)


def _policy(request: Request) -> tuple[Document, Document]:
    environment, number = _find(request), request.number("policy_id")
    for entry in environment["policies"]:
        if entry["id"] == number:
            return environment, entry
    raise not_found()


@route("GET", POLICIES + "/{policy_id}", permission="actions:read|environments:read")
def read_policy(request: Request) -> Answer:
    """One name pattern."""
    return _policy_view(_policy(request)[1])


def _replace(request: Request, environment: Document, policies: list[Document]) -> None:
    request.forge.store.table("environments").update(
        key(request.repository, environment["name"]), lambda document: document.update(policies=policies)
    )


@route("PUT", POLICIES + "/{policy_id}", permission="administration:write|environments:write")
def change_policy(request: Request) -> Answer:
    """Changes a name pattern."""
    environment, entry = _policy(request)
    changed = entry | {"name": str(request.required("name"))}
    policies = [changed if one["id"] == entry["id"] else one for one in environment["policies"]]
    _replace(request, environment, policies)
    return _policy_view(changed)


@route("DELETE", POLICIES + "/{policy_id}", permission="administration:write|environments:write")
def delete_policy(request: Request) -> Answer:
    """Removes a name pattern."""
    environment, entry = _policy(request)
    _replace(request, environment, [one for one in environment["policies"] if one["id"] != entry["id"]])
    return None
