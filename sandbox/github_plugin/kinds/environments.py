"""GitHub environments of repositories, their gates, and which branches and tags may deploy to them."""

from typing import cast
from urllib.parse import quote

from sandbox.github_plugin.client import GitHub
from sandbox.github_plugin.identity import joined, split
from sandbox.github_plugin.schema import Block, Field, Kind, Many, body, state
from sandbox.github_plugin.wire import Json, fields, items

REVIEWERS = Block({"teams": Field(Many(int)), "users": Field(Many(int))})
ENVIRONMENT = {
    "repository": Field(str, required=True, kept=True),
    "environment": Field(str, required=True, replaces=True, github="name"),
    "canAdminsBypass": Field(bool, default=True),
    "preventSelfReview": Field(bool, default=False),
    "waitTimer": Field(int),
    "reviewers": Field(Many(REVIEWERS, ordered=True)),
    "deploymentBranchPolicy": Field(
        Block({"protectedBranches": Field(bool, required=True), "customBranchPolicies": Field(bool, required=True)})
    ),
    "repositoryId": Field(int, output=True),
}
POLICY = {
    "repository": Field(str, required=True, kept=True),
    "environment": Field(str, required=True, replaces=True, kept=True),
    "branchPattern": Field(str, kept=True),
    "tagPattern": Field(str, kept=True),
    "policyId": Field(int, output=True),
    "repositoryId": Field(int, output=True),
}


def environment_path(github: GitHub, repository: str, environment: str) -> str:
    """What an environment and all that belongs to it lies under."""
    return f"{github.repository_path(repository)}/environments/{quote(environment, safe='')}"


def _put(github: GitHub, planned: Json) -> str:
    content = body(ENVIRONMENT, planned, "canAdminsBypass", "preventSelfReview", "deploymentBranchPolicy")
    content["reviewers"] = [
        {"type": kind, "id": number}
        for entry in items(planned, "reviewers")
        for kind, key in (("Team", "teams"), ("User", "users"))
        for number in cast("list[int]", entry.get(key) or [])
    ]
    content |= {"wait_timer": planned.get("waitTimer") or 0}
    content.setdefault("deployment_branch_policy", None)
    github.write("PUT", environment_path(github, planned["repository"], planned["environment"]), content)
    return joined(planned["repository"], planned["environment"])


def _read(github: GitHub, identity: str, known: Json) -> Json | None:
    repository, environment = split(identity, "repository", "environment")
    repository = known.get("repository") or repository
    document = github.find(environment_path(github, repository, environment))
    if document is None:
        return None
    gates = {rule["type"]: rule for rule in items(document, "protection_rules")}
    review = gates.get("required_reviewers", {})
    people: dict[str, list[int]] = {"teams": [], "users": []}
    for reviewer in items(review, "reviewers"):
        people[f"{reviewer['type'].lower()}s"].append(fields(reviewer, "reviewer")["id"])
    return state(ENVIRONMENT, document) | {
        "repository": repository,
        "waitTimer": gates.get("wait_timer", {}).get("wait_timer") or 0,
        "preventSelfReview": bool(review.get("prevent_self_review")),
        "reviewers": [people] if any(people.values()) else [],
        "repositoryId": known.get("repositoryId") or github.require(github.repository_path(repository))["id"],
    }


def _update(github: GitHub, _identity: str, _before: Json, planned: Json) -> None:
    _put(github, planned)


def _policy(planned: Json) -> Json:
    if planned.get("tagPattern"):
        return {"name": planned["tagPattern"], "type": "tag"}
    return {"name": planned.get("branchPattern"), "type": "branch"}


def _policies(github: GitHub, known: Json) -> str:
    return f"{environment_path(github, known['repository'], known['environment'])}/deployment-branch-policies"


def _create_policy(github: GitHub, planned: Json) -> str:
    made = github.write("POST", _policies(github, planned), _policy(planned))
    return joined(planned["repository"], planned["environment"], str(made["id"]))


def _read_policy(github: GitHub, identity: str, known: Json) -> Json | None:
    repository, environment, number = split(identity, "repository", "environment", "policy id")
    found = {"repository": known.get("repository") or repository, "environment": environment}
    document = github.find(f"{_policies(github, found)}/{number}")
    if document is None:
        return None
    is_tag = document.get("type") == "tag"
    return found | {
        "branchPattern": None if is_tag else document["name"],
        "tagPattern": document["name"] if is_tag else None,
        "policyId": int(number),
        "repositoryId": known.get("repositoryId") or github.require(github.repository_path(found["repository"]))["id"],
    }


def _update_policy(github: GitHub, identity: str, _before: Json, planned: Json) -> None:
    github.write("PUT", f"{_policies(github, planned)}/{_number(identity)}", {"name": _policy(planned)["name"]})


def _number(identity: str) -> str:
    """Of a policy; the state of one that was made and could not be read does not have it."""
    return split(identity, "repository", "environment", "policy id")[2]


KINDS = {
    "RepositoryEnvironment": Kind(
        ENVIRONMENT,
        create=_put,
        read=_read,
        update=_update,
        delete=lambda github, _identity, before: github.remove(
            environment_path(github, before["repository"], before["environment"])
        ),
        follows_rename=True,
    ),
    "RepositoryEnvironmentDeploymentPolicy": Kind(
        POLICY,
        create=_create_policy,
        read=_read_policy,
        update=_update_policy,
        delete=lambda github, identity, before: github.remove(f"{_policies(github, before)}/{_number(identity)}"),
        follows_rename=True,
    ),
}
