"""GitHub environments of repositories, their gates, and which branches and tags may deploy to them."""

from typing import cast
from urllib.parse import quote

from sandbox.engine.github.kind import Context, Document, Kind, renamed
from sandbox.engine.shape import Json, at, fields, items


def _path(context: Context, inputs: Json) -> str:
    name = quote(inputs.get("environment") or inputs["environmentName"], safe="")
    return f"{context.api.repository_path(inputs['repository'])}/environments/{name}"


def _wanted(_context: Context, inputs: Json) -> Json:
    reviewers = [
        {"type": kind, "id": int(number)}
        for entry in items(inputs, "reviewers")
        for kind, key in (("Team", "teams"), ("User", "users"))
        for number in cast("list[int | str]", entry.get(key) or [])
    ]
    policy = inputs.get("deploymentBranchPolicy")
    return {
        "wait_timer": inputs.get("waitTimer") or 0,
        "can_admins_bypass": inputs.get("canAdminsBypass", True),
        "prevent_self_review": inputs.get("preventSelfReview", False),
        "reviewers": sorted(reviewers, key=_reviewer),
        "deployment_branch_policy": renamed(policy, ("protectedBranches", "customBranchPolicies")) if policy else None,
    }


def _reviewer(entry: Json) -> tuple[str, int]:
    return entry["type"], entry["id"]


def _view(document: Json) -> Json:
    """The answer, whose gates are a list of rules, in the form of the request."""
    gates = {rule["type"]: rule for rule in items(document, "protection_rules")}
    review = gates.get("required_reviewers", {})
    reviewers = [{"type": entry["type"], "id": at(entry, "reviewer", "id")} for entry in items(review, "reviewers")]
    return {
        "wait_timer": at(gates, "wait_timer", "wait_timer") or 0,
        "can_admins_bypass": document.get("can_admins_bypass", True),
        "prevent_self_review": review.get("prevent_self_review") or False,
        "reviewers": sorted(reviewers, key=_reviewer),
        "deployment_branch_policy": document.get("deployment_branch_policy"),
    }


def _put(context: Context, inputs: Json) -> Json:
    context.api.write("PUT", _path(context, inputs), _wanted(context, inputs))
    return context.api.get(_path(context, inputs)) or {}


repository_environment = Document(
    identity=lambda inputs, _document: f"{inputs['repository']}:{inputs['environment']}",
    find=lambda context, inputs: context.api.get(_path(context, inputs)),
    wanted=_wanted,
    create=lambda context, inputs, _wanted_fields: _put(context, inputs),
    update=lambda context, inputs, _document, _changes: _put(context, inputs),
    view=_view,
)


def _policy(inputs: Json) -> Json:
    if inputs.get("tagPattern"):
        return {"name": inputs["tagPattern"], "type": "tag"}
    return {"name": inputs.get("branchPattern") or inputs["name"], "type": "branch"}


def _find_policy(context: Context, inputs: Json) -> Json | None:
    wanted = _policy(inputs)
    listed = context.api.get(f"{_path(context, inputs)}/deployment-branch-policies", per_page=100)
    for entry in items(fields(listed), "branch_policies"):
        if entry["name"] == wanted["name"] and entry.get("type", "branch") == wanted["type"]:
            return entry
    return None


# A policy is its pattern: another pattern is another policy, so there never is anything to update.
deployment_policy = Document(
    identity=lambda inputs, document: ":".join(
        (inputs["repository"], inputs.get("environment") or inputs["environmentName"], str(document["id"]))
    ),
    find=_find_policy,
    wanted=lambda _context, inputs: _policy(inputs),
    create=lambda context, inputs, wanted: context.api.write(
        "POST", f"{_path(context, inputs)}/deployment-branch-policies", wanted
    ),
    update=lambda _context, _inputs, document, _changes: document,
    outputs=lambda document: {"policyId": str(document["id"])},
    view=lambda document: {"type": "branch"} | document,
)

KINDS: dict[str, Kind] = {
    "RepositoryEnvironment": repository_environment,
    "RepositoryEnvironmentDeploymentPolicy": deployment_policy,
    "RepositoryDeploymentBranchPolicy": deployment_policy,
}
