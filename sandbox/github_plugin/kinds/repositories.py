"""Repositories."""

from sandbox.github_plugin.client import GitHub
from sandbox.github_plugin.schema import Block, Field, Kind, Many, body, snake, state
from sandbox.github_plugin.wire import Json

SWITCH = Field(Block({"status": Field(str, required=True, allowed=("enabled", "disabled"))}))
SWITCHES = (
    "advancedSecurity",
    "codeSecurity",
    "secretScanning",
    "secretScanningAiDetection",
    "secretScanningNonProviderPatterns",
    "secretScanningPushProtection",
)
FIELDS = {
    "name": Field(str, required=True),
    "description": Field(str),
    "homepageUrl": Field(str, github="homepage"),
    "private": Field(bool, computed=True),
    "visibility": Field(str, computed=True, allowed=("public", "private", "internal")),
    "hasDiscussions": Field(bool),
    "hasDownloads": Field(bool, kept=True),
    "hasIssues": Field(bool),
    "hasProjects": Field(bool),
    "hasWiki": Field(bool),
    "isTemplate": Field(bool),
    "allowAutoMerge": Field(bool, default=False),
    "allowForking": Field(bool, computed=True),
    "allowMergeCommit": Field(bool, default=True),
    "allowRebaseMerge": Field(bool, default=True),
    "allowSquashMerge": Field(bool, default=True),
    "allowUpdateBranch": Field(bool),
    "deleteBranchOnMerge": Field(bool, default=False),
    "webCommitSignoffRequired": Field(bool, default=False),
    "mergeCommitTitle": Field(str, default="MERGE_MESSAGE"),
    "mergeCommitMessage": Field(str, default="PR_TITLE"),
    "squashMergeCommitTitle": Field(str, default="COMMIT_OR_PR_TITLE"),
    "squashMergeCommitMessage": Field(str, default="COMMIT_MESSAGES"),
    "defaultBranch": Field(str, computed=True),
    "archived": Field(bool, default=False),
    "topics": Field(Many(str), computed=True),
    "securityAndAnalysis": Field(Block(dict.fromkeys(SWITCHES, SWITCH)), computed=True),
    "vulnerabilityAlerts": Field(bool, computed=True, kept=True),
    "ignoreVulnerabilityAlertsDuringRead": Field(bool, kept=True),
    "autoInit": Field(bool, kept=True),
    "gitignoreTemplate": Field(str, kept=True),
    "licenseTemplate": Field(str, kept=True),
    "archiveOnDestroy": Field(bool, kept=True),
    "etag": Field(str, computed=True, kept=True),
    "fullName": Field(str, output=True),
    "gitCloneUrl": Field(str, output=True, github="git_url"),
    "htmlUrl": Field(str, output=True),
    "httpCloneUrl": Field(str, output=True, github="clone_url"),
    "nodeId": Field(str, output=True),
    "primaryLanguage": Field(str, output=True, github="language"),
    "repoId": Field(int, output=True, github="id"),
    "sshCloneUrl": Field(str, output=True, github="ssh_url"),
    "svnUrl": Field(str, output=True),
}
ON_CREATE = ("autoInit", "gitignoreTemplate", "licenseTemplate")
NOT_IN_BODY = {"topics", "private", "visibility", "defaultBranch"}
OFF: Json = {"description": "", "homepageUrl": ""} | dict.fromkeys(
    ("hasDiscussions", "hasIssues", "hasProjects", "hasWiki", "isTemplate", "allowUpdateBranch"), False
)
"""What a property that is not declared means."""
MERGE_TEXTS = {
    "allowMergeCommit": ("mergeCommitTitle", "mergeCommitMessage"),
    "allowSquashMerge": ("squashMergeCommitTitle", "squashMergeCommitMessage"),
}


def _settings(planned: Json) -> Json:
    """What a PATCH is told; titles and messages only of the ways of merging that are on."""
    left_out = {name for way, texts in MERGE_TEXTS.items() if not planned[way] for name in texts}
    if _visibility(planned) == "public":
        left_out.add("allowForking")
    told = [name for name, field in FIELDS.items() if not field.kept and not field.output and name not in NOT_IN_BODY]
    return body(FIELDS, OFF | planned, *(name for name in told if name not in left_out))


def _visibility(planned: Json) -> str:
    return planned.get("visibility") or ("private" if planned.get("private") else "public")


def _create(github: GitHub, planned: Json) -> str:
    content = _settings(planned) | body(FIELDS, planned, *ON_CREATE)
    visibility = _visibility(planned)
    content |= {"visibility": visibility, "private": visibility == "private"}
    content.pop("archived", None)
    path = f"/orgs/{github.owner}/repos" if github.organization_id else "/user/repos"
    return str(github.write("POST", path, content)["name"])


def _finish(github: GitHub, identity: str, planned: Json) -> None:
    path = github.repository_path(identity)
    if planned.get("archived"):
        github.write("PATCH", path, {"archived": True})
        return
    if planned.get("topics"):
        github.write("PUT", f"{path}/topics", {"names": planned["topics"]})
    _alerts(github, path, planned)
    github.write("PATCH", path, _settings(planned))


def _alerts(github: GitHub, path: str, planned: Json) -> None:
    if (wanted := planned.get("vulnerabilityAlerts")) is not None:
        github.write("PUT" if wanted else "DELETE", f"{path}/vulnerability-alerts")


def _read(github: GitHub, identity: str, known: Json) -> Json | None:
    document = github.find(github.repository_path(known.get("name") or identity))
    if document is None:
        return None
    found = state(FIELDS, document)
    # A setting that an answer leaves out, as of an archived repository, is not a setting that is off.
    missing = [name for name, field in FIELDS.items() if field.default is not None and snake(name) not in document]
    found |= {name: known.get(name) for name in missing}
    return found | {"etag": known.get("etag") or document["_etag"]}


def _update(github: GitHub, identity: str, before: Json, planned: Json) -> None:
    path = github.repository_path(before.get("name") or identity)
    content = _settings(planned)
    if planned.get("visibility") not in {None, before.get("visibility")}:
        content["visibility"] = planned["visibility"]
    if planned.get("defaultBranch") not in {None, before.get("defaultBranch")}:
        content["default_branch"] = planned["defaultBranch"]
    github.write("PATCH", path, content)
    path = github.repository_path(planned["name"])
    if "topics" in planned and sorted(planned["topics"]) != sorted(before.get("topics") or []):
        github.write("PUT", f"{path}/topics", {"names": planned["topics"]})
    if planned.get("vulnerabilityAlerts") != before.get("vulnerabilityAlerts"):
        _alerts(github, path, planned)


def _delete(github: GitHub, identity: str, before: Json) -> None:
    path = github.repository_path(before.get("name") or identity)
    if not before.get("archiveOnDestroy"):
        github.remove(path)
    elif not before.get("archived"):
        github.write("PATCH", path, {"archived": True})


KINDS = {
    "Repository": Kind(
        FIELDS,
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
        finish=_finish,
        refused=frozenset({"fork", "pages", "sourceOwner", "sourceRepo", "template"}),
        named=True,
    )
}
