"""`POST /api/graphql`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLError,
    OverlappingFieldsCanBeMergedRule,
    build_schema,
    execute_sync,  # pyright: ignore[reportUnknownVariableType]
    parse,
    specified_rules,
    validate,
)

from sandbox.github.access import accounts
from sandbox.github.core.errors import GitHubError
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import mapping
from sandbox.github.graphql import mutations, nodes

SCHEMA = build_schema(Path(__file__).with_name("schema.graphql").read_text())

RULES = [rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule]
"""GitHub answers queries whose fields of one name differ in nullability; the provider's reads of actors need that."""


Resolver = Callable[..., nodes.Node]


def _queries(request: Request) -> dict[str, Resolver]:
    """Resolvers of the top-level fields of a query."""
    forge = request.forge

    def node(_info: Any, id: str) -> nodes.Node:  # noqa: A002 - GitHub's name of the argument
        found = nodes.resolve(request, id)
        if found is None:
            raise nodes.unresolvable(id)
        return found

    def repository(_info: Any, owner: str, name: str) -> nodes.Node:
        found = forge.repository(f"{owner}/{name}")
        if found is None or not nodes.may(request, found, "metadata:read"):
            raise nodes.error(f"Could not resolve to a Repository with the name '{owner}/{name}'.", "NOT_FOUND")
        return nodes.repository_node(request, found)

    def organization(_info: Any, login: str) -> nodes.Node:
        found = accounts.find_organization(forge, login)
        if found is None:
            raise nodes.error(f"Could not resolve to an Organization with the login of '{login}'.", "NOT_FOUND")
        return nodes.organization_node(request, found)

    def user(_info: Any, login: str) -> nodes.Node:
        found = nodes.user_node(forge, login)
        if found is None:
            raise nodes.error(f"Could not resolve to a User with the login of '{login}'.", "NOT_FOUND")
        return found

    def viewer(_info: Any) -> nodes.Node:
        found = nodes.user_node(forge, request.principal.login)
        if found is None:
            raise nodes.error("Resource not accessible by integration", "FORBIDDEN")
        return found

    return {"node": node, "repository": repository, "organization": organization, "user": user, "viewer": viewer}


CHANGES = {
    "createBranchProtectionRule": mutations.create_rule,
    "updateBranchProtectionRule": mutations.update_rule,
    "deleteBranchProtectionRule": mutations.delete_rule,
    "enablePullRequestAutoMerge": mutations.enable_auto_merge,
    "disablePullRequestAutoMerge": mutations.disable_auto_merge,
    "markPullRequestReadyForReview": mutations.mark_ready,
}


def _mutation(request: Request, name: str) -> Resolver:
    def change(_info: Any, input: dict[str, Any]) -> nodes.Node:  # noqa: A002 - GitHub's name of the argument
        return CHANGES[name](request, input)

    return change


def _error_view(error: GraphQLError) -> dict[str, Any]:
    shown: dict[str, Any] = dict(error.formatted)
    extensions: dict[str, Any] = shown.pop("extensions", None) or {}
    kind: dict[str, Any] = {"type": extensions["type"]} if "type" in extensions else {}
    return kind | shown


@route("POST", "/api/graphql", permission="authenticated", root=True)
def graphql(request: Request) -> Answer:
    """Answers a query or carries out a mutation; refusals are in `errors`, with status 200."""
    given = request.data()
    query = given.get("query")
    if not isinstance(query, str):
        raise GitHubError(400, "A query attribute must be specified and must be a string.")
    try:
        document = parse(query)
    except GraphQLError as error:
        return 200, {"errors": [_error_view(error)]}
    if problems := validate(SCHEMA, document, RULES):
        return 200, {"errors": [_error_view(error) for error in problems]}
    result = execute_sync(  # pyright: ignore[reportUnknownVariableType]
        SCHEMA,
        document,
        _queries(request) | {name: _mutation(request, name) for name in CHANGES},
        variable_values=mapping(given, "variables"),
        operation_name=given.get("operationName"),
    )
    answer: dict[str, Any] = {} if result.data is None and result.errors else {"data": result.data}
    if result.errors:
        answer["errors"] = [_error_view(error) for error in result.errors]
    return 200, answer
