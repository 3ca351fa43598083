"""From documents to GraphQL nodes, and from node ids back."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLError

from sandbox.github.access import accounts, authorization
from sandbox.github.core.forge import Forge
from sandbox.github.core.requests import Request
from sandbox.github.core.store import Document
from sandbox.github.organizations import teams
from sandbox.github.pulls import heads, pulls, requirements
from sandbox.github.rules import protection

Node = dict[str, Any]

ALLOWANCES = {
    "bypassForcePushAllowances": "bypassForcePushActorIds",
    "bypassPullRequestAllowances": "bypassPullRequestActorIds",
    "pushAllowances": "pushActorIds",
    "reviewDismissalAllowances": "reviewDismissalActorIds",
}


def error(message: str, kind: str) -> GraphQLError:
    """An error with GitHub's `type`, which the endpoint lifts to where GitHub puts it."""
    return GraphQLError(message, extensions={"type": kind})


def unresolvable(node_id: str) -> GraphQLError:
    return error(f"Could not resolve to a node with the global id of '{node_id}'", "NOT_FOUND")


def connection(nodes: list[Any]) -> Node:
    """A list as one page that holds everything."""
    page = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
    return {"nodes": nodes, "totalCount": len(nodes), "pageInfo": page}


def may(request: Request, repository: Document, permission: str) -> bool:
    """True if the caller holds a permission in a repository."""
    allowed = authorization.allowed(request.forge, request.principal, repository, permission)
    if allowed:
        request.forge.uses.note(request.principal, permission, "POST /graphql")
    return allowed


def user_node(forge: Forge, login: str) -> Node | None:
    """A user."""
    user = accounts.find_user(forge, login)
    if user is None:
        return None
    return {
        "__typename": "User",
        "id": f"U_{user['id']}",
        "databaseId": user["id"],
        "login": user["login"],
        "name": user["name"],
        "email": user["email"],
        "url": f"{forge.url}/{user['login']}",
    }


def actor_node(forge: Forge, login: str) -> Node:
    """The account that did something: a user or a bot."""
    bot = accounts.simple(forge, login)
    as_bot = {"__typename": "Bot", "id": bot["node_id"], "databaseId": bot["id"], "login": login.removesuffix("[bot]")}
    return user_node(forge, login) or as_bot


def team_node(forge: Forge, team: Document) -> Node:
    """A team with its members."""

    def members(_info: Any, **_: Any) -> Node:
        entries = accounts.team_members(forge, team)
        edges = [
            {"node": user_node(forge, entry["login"]), "role": entry["role"].upper(), "cursor": entry["login"]}
            for entry in entries
        ]
        return connection([edge["node"] for edge in edges]) | {"edges": edges}

    return {
        "__typename": "Team",
        "id": f"T_{team['id']}",
        "databaseId": team["id"],
        "name": team["name"],
        "slug": team["slug"],
        "description": team["description"],
        "members": members,
    }


def organization_node(request: Request, organization: Document) -> Node:
    """An organisation; its teams are for members only."""
    forge = request.forge

    def team(_info: Any, slug: str) -> Node | None:
        grants = authorization.organization_grants(forge, request.principal, organization)
        found = (
            teams.find(forge, organization["login"], slug) if authorization.satisfies(grants, "members:read") else None
        )
        return team_node(forge, found) if found else None

    return {
        "__typename": "Organization",
        "id": f"O_{organization['id']}",
        "databaseId": organization["id"],
        "login": organization["login"],
        "name": organization["name"],
        "url": f"{forge.url}/{organization['login']}",
        "team": team,
    }


def repository_node(request: Request, repository: Document) -> Node:
    """A repository with its branch protections and pull requests."""
    forge = request.forge

    def rules(_info: Any, **_: Any) -> Node:
        found = protection.rules_of(forge, repository) if may(request, repository, "administration:read") else []
        return connection([rule_node(request, repository, rule) for rule in found])

    def pull(_info: Any, number: int) -> Node | None:
        found = forge.store.table("pulls").get(pulls.key(repository, number))
        if found is None:
            raise error(f"Could not resolve to a PullRequest with the number of {number}.", "NOT_FOUND")
        return pull_node(forge, repository, found)

    return {
        "__typename": "Repository",
        "id": f"R_{repository['id']}",
        "databaseId": repository["id"],
        "name": repository["name"],
        "nameWithOwner": repository["full_name"],
        "isArchived": repository["archived"],
        "isPrivate": repository["visibility"] != "public",
        "autoMergeAllowed": repository["allow_auto_merge"],
        "url": f"{forge.url}/{repository['full_name']}",
        "branchProtectionRules": rules,
        "pullRequest": pull,
    }


def pull_node(forge: Forge, repository: Document, pull: Document) -> Node:
    """A pull request."""
    auto = pull["auto_merge"]
    return {
        "__typename": "PullRequest",
        "id": f"PR_{pull['id']}",
        "databaseId": pull["id"],
        "number": pull["number"],
        "title": pull["title"],
        "body": pull["body"] or "",
        "state": "MERGED" if pull["merged"] else pull["state"].upper(),
        "isDraft": pull["draft"],
        "merged": pull["merged"],
        "mergeable": {True: "MERGEABLE", False: "CONFLICTING", None: "UNKNOWN"}[pull["mergeable"]],
        "mergeStateStatus": requirements.mergeable_state(forge, repository, pull).upper(),
        "headRefName": pull["head"]["ref"],
        "headRefOid": pull["head"]["sha"],
        "isCrossRepository": heads.is_from_fork(repository, pull),
        "baseRefName": pull["base"]["ref"],
        "baseRefOid": pull["base"]["sha"],
        "url": f"{forge.url}/{repository['full_name']}/pull/{pull['number']}",
        "autoMergeRequest": auto
        and {
            "mergeMethod": auto["merge_method"].upper(),
            "enabledBy": actor_node(forge, auto["enabled_by"]),
            "commitHeadline": auto["commit_title"],
            "commitBody": auto["commit_message"],
        },
    }


def rule_node(request: Request, repository: Document, rule: Document) -> Node:
    """A branch protection with the actors that it names."""

    def owner(_info: Any) -> Node:
        return repository_node(request, repository)

    node: Node = rule | {
        "__typename": "BranchProtectionRule",
        "id": f"BPR_{rule['id']}",
        "databaseId": rule["id"],
        "repository": owner,
    }
    for name, kept in ALLOWANCES.items():
        actors = [resolve(request, actor) for actor in rule[kept]]
        node[name] = connection([{"actor": actor} for actor in actors if actor is not None])
    return node


def resolve(request: Request, node_id: str) -> Node | None:
    """The node of an id, if the caller may see it."""
    prefix, _, number = node_id.rpartition("_")
    finders: dict[str, Callable[[Request, int], Node | None]] = {
        "R": _repository,
        "U": _user,
        "O": _organization,
        "T": _team,
        "A": _app,
        "PR": _pull,
        "BPR": _rule,
    }
    finder = finders.get(prefix)
    if finder is None or not number.isascii() or not number.isdigit():
        return None
    return finder(request, int(number))


def visible_repository(request: Request, number: int) -> Document | None:
    """A repository by number, if the caller may see it."""
    repository = request.forge.store.table("repositories").get(number)
    return repository if repository is not None and may(request, repository, "metadata:read") else None


def _repository(request: Request, number: int) -> Node | None:
    repository = visible_repository(request, number)
    return repository_node(request, repository) if repository else None


def _user(request: Request, number: int) -> Node | None:
    user = next((user for user in request.forge.store.table("users") if user["id"] == number), None)
    return user_node(request.forge, user["login"]) if user else None


def _organization(request: Request, number: int) -> Node | None:
    found = next((one for one in request.forge.store.table("organizations") if one["id"] == number), None)
    return organization_node(request, found) if found else None


def _team(request: Request, number: int) -> Node | None:
    team = request.forge.store.table("teams").get(number)
    return team_node(request.forge, team) if team else None


def _app(request: Request, number: int) -> Node | None:
    app = request.forge.store.table("apps").get(number)
    if app is None:
        return None
    return {"__typename": "App", "id": f"A_{number}", "databaseId": number, "name": app["name"], "slug": app["slug"]}


def find_owned(request: Request, table: str, number: int) -> tuple[Document, Document] | None:
    """A document of a repository by its own number, with the repository, if the caller may see that."""
    for key in request.forge.store.table(table).keys():  # noqa: SIM118 - a method, not a mapping's
        document = request.forge.store.table(table).get(key)
        if document is not None and document["id"] == number:
            repository = visible_repository(request, int(key.partition("/")[0]))
            return (repository, document) if repository else None
    return None


def _pull(request: Request, number: int) -> Node | None:
    found = find_owned(request, "pulls", number)
    return pull_node(request.forge, *found) if found else None


def _rule(request: Request, number: int) -> Node | None:
    found = find_owned(request, "branch_protections", number)
    if found is None or not may(request, found[0], "administration:read"):
        return None
    return rule_node(request, *found)
