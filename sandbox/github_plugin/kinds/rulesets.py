"""Rulesets of repositories."""

from collections.abc import Iterator

from sandbox.github_plugin.client import GitHub
from sandbox.github_plugin.identity import split
from sandbox.github_plugin.schema import Block, Field, Imported, Kind, Many, body, snake, state
from sandbox.github_plugin.wire import Json, fields, items

SWITCHES = ("creation", "deletion", "nonFastForward", "requiredLinearHistory", "requiredSignatures", "update")
PULL_REQUEST = Block(
    {
        "allowedMergeMethods": Field(Many(str), computed=True),
        "dismissStaleReviewsOnPush": Field(bool, default=False),
        "requireCodeOwnerReview": Field(bool, default=False),
        "requireLastPushApproval": Field(bool, default=False),
        "requiredApprovingReviewCount": Field(int, default=0),
        "requiredReviewThreadResolution": Field(bool, default=False),
    },
    refused=frozenset({"requiredReviewers"}),
)
STATUS_CHECKS = Block(
    {
        "requiredChecks": Field(
            Many(Block({"context": Field(str, required=True), "integrationId": Field(int, default=0)})),
            required=True,
            github="required_status_checks",
        ),
        "strictRequiredStatusChecksPolicy": Field(bool, default=False),
        "doNotEnforceOnCreate": Field(bool, default=False),
    }
)
RULES = Block(
    {
        **{name: Field(bool) for name in SWITCHES},
        "updateAllowsFetchAndMerge": Field(bool, default=False),
        "pullRequest": Field(PULL_REQUEST),
        "requiredStatusChecks": Field(STATUS_CHECKS),
    },
    refused=frozenset(
        {
            "branchNamePattern", "commitAuthorEmailPattern", "commitMessagePattern", "committerEmailPattern",
            "copilotCodeReview", "fileExtensionRestriction", "filePathRestriction", "maxFilePathLength", "maxFileSize",
            "mergeQueue", "requiredCodeScanning", "requiredDeployments", "tagNamePattern",
        }
    ),
)  # fmt: skip
NAMES = Block(
    {
        "includes": Field(Many(str, ordered=True), required=True, github="include"),
        "excludes": Field(Many(str, ordered=True), required=True, github="exclude"),
    }
)
FIELDS = {
    "name": Field(str, required=True),
    "repository": Field(str, required=True, kept=True),
    "target": Field(str, required=True, allowed=("branch", "push", "tag")),
    "enforcement": Field(str, required=True, allowed=("active", "disabled", "evaluate")),
    "bypassActors": Field(
        # GitHub answers no number for organisation admins, so that a number which was sent stays a difference.
        Many(
            Block(
                {
                    "actorId": Field(int),
                    "actorType": Field(str, required=True),
                    "bypassMode": Field(str, required=True, allowed=("always", "exempt", "pull_request")),
                }
            )
        )
    ),
    "conditions": Field(Block({"refName": Field(NAMES, required=True)})),
    "rules": Field(RULES, required=True, kept=True),
    "etag": Field(str, output=True),
    "nodeId": Field(str, output=True),
    "rulesetId": Field(int, output=True, github="id"),
}


def _path(github: GitHub, known: Json, identity: str = "") -> str:
    return f"{github.repository_path(known['repository'])}/rulesets{identity and f'/{identity}'}"


def _content(planned: Json) -> Json:
    content = body(FIELDS, planned) | {"rules": list(_listed(planned["rules"]))}
    return {"bypass_actors": [], **content}


def _listed(rules: Json) -> Iterator[Json]:
    """The rules as GitHub's list: switches have a type only, the others their parameters."""
    for name in SWITCHES:
        if rules.get(name) and name == "update":
            fetch = bool(rules.get("updateAllowsFetchAndMerge"))
            yield {"type": "update", "parameters": {"update_allows_fetch_and_merge": fetch}}
        elif rules.get(name):
            yield {"type": snake(name)}
    for name, block in (("pullRequest", PULL_REQUEST), ("requiredStatusChecks", STATUS_CHECKS)):
        if name in rules:
            yield {"type": snake(name), "parameters": body(block.fields, rules[name])}


def _rules(document: Json) -> Json:
    """GitHub's list as properties; a rule of a type that is not known here was not made here, and is not looked at."""
    listed = {rule["type"]: fields(rule, "parameters") for rule in items(document, "rules")}
    found: Json = {name: snake(name) in listed for name in SWITCHES}
    found["updateAllowsFetchAndMerge"] = bool(listed.get("update", {}).get("update_allows_fetch_and_merge"))
    for name, block in (("pullRequest", PULL_REQUEST), ("requiredStatusChecks", STATUS_CHECKS)):
        found[name] = state(block.fields, listed[snake(name)]) if snake(name) in listed else None
    return found


def _read(github: GitHub, identity: str, known: Json) -> Json | None:
    document = github.find(_path(github, known, identity), includes_parents="false")
    if document is None:
        return None
    return state(FIELDS, document) | {
        "rules": _rules(document),
        "repository": known["repository"],
        "etag": known.get("etag") or document["_etag"],
    }


def _imported(_github: GitHub, given: str) -> Imported:
    repository, number = split(given, "repository", "ruleset id")
    return Imported(number, {"repository": repository})


def _update(github: GitHub, identity: str, _before: Json, planned: Json) -> None:
    github.write("PUT", _path(github, planned, identity), _content(planned))


KINDS = {
    "RepositoryRuleset": Kind(
        FIELDS,
        create=lambda github, planned: str(github.write("POST", _path(github, planned), _content(planned))["id"]),
        read=_read,
        update=_update,
        delete=lambda github, identity, before: github.remove(_path(github, before, identity)),
        imported=_imported,
        named=True,
    )
}
