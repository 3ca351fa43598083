"""Repositories: themselves, default branch, branches, topics, security updates."""

from typing import cast

from sandbox.engine.github.kind import Context, Document, Kind, Setting, renamed
from sandbox.engine.outcome import Applied, ApplyError, Outcome
from sandbox.engine.shape import Json, at, fields

FIELDS = (
    "allowAutoMerge",
    "allowForking",
    "allowMergeCommit",
    "allowRebaseMerge",
    "allowSquashMerge",
    "allowUpdateBranch",
    "archived",
    "deleteBranchOnMerge",
    "description",
    "hasDiscussions",
    "hasDownloads",
    "hasIssues",
    "hasProjects",
    "hasWiki",
    "isTemplate",
    "mergeCommitMessage",
    "mergeCommitTitle",
    "name",
    "squashMergeCommitMessage",
    "squashMergeCommitTitle",
    "visibility",
    "webCommitSignoffRequired",
)
ON_CREATE = ("autoInit", "gitignoreTemplate", "licenseTemplate")


def _wanted(_context: Context, inputs: Json) -> Json:
    wanted = renamed(inputs, FIELDS, homepageUrl="homepage")
    if "topics" in inputs:
        wanted["topics"] = sorted(inputs["topics"])
    if "visibility" not in wanted and "private" in inputs:
        wanted["visibility"] = "private" if inputs["private"] else "public"
    if "securityAndAnalysis" in inputs:
        wanted["security_and_analysis"] = {
            key: value for key, value in renamed_deep(inputs["securityAndAnalysis"]).items() if value
        }
    return wanted


def renamed_deep(value: Json) -> Json:
    """Nested inputs as GitHub spells them."""
    names = tuple(value)
    return {
        theirs: renamed_deep(cast("Json", item)) if isinstance(item, dict) else item
        for theirs, item in renamed(value, names).items()
    }


def _create(context: Context, inputs: Json, wanted: Json) -> Json:
    api = context.api
    topics = wanted.pop("topics", None)
    body = wanted | renamed(inputs, ON_CREATE)
    body["private"] = body.get("visibility", "public") != "public"
    archived = body.pop("archived", False)
    template = fields(inputs, "template")
    if template:
        source = f"/repos/{template['owner']}/{template['repository']}/generate"
        copy = renamed(inputs, ("name", "description")) | {"owner": api.owner, "private": body["private"]}
        api.write("POST", source, copy | {"include_all_branches": bool(template.get("includeAllBranches"))})
    else:
        api.write("POST", f"/orgs/{api.owner}/repos", body)
    path = api.repository_path(inputs["name"])
    if template or archived:
        api.write("PATCH", path, wanted | {"archived": archived})
    if topics:
        api.write("PUT", f"{path}/topics", {"names": topics})
    _alerts(context, inputs)
    return api.repository(inputs["name"])


def _update(context: Context, inputs: Json, _document: Json, changes: Json) -> Json:
    path = context.api.repository_path(inputs["name"])
    topics = changes.pop("topics", None)
    if topics is not None:
        context.api.write("PUT", f"{path}/topics", {"names": topics})
    if changes:
        context.api.write("PATCH", path, changes)
    return context.api.repository(inputs["name"])


def _alerts(context: Context, inputs: Json) -> bool:
    """Vulnerability alerts, which are no field of the repository; says whether they had to change."""
    wanted = inputs.get("vulnerabilityAlerts")
    path = f"{context.api.repository_path(inputs['name'])}/vulnerability-alerts"
    if wanted is None or context.api.exists(path) == wanted:
        return False
    context.api.write("PUT" if wanted else "DELETE", path)
    return True


def _outputs(document: Json) -> Json:
    return {
        "allowAutoMerge": document.get("allow_auto_merge", False),
        "archived": document.get("archived", False),
        "defaultBranch": document["default_branch"],
        "etag": "",
        "fullName": document["full_name"],
        "gitCloneUrl": document["git_url"],
        "htmlUrl": document["html_url"],
        "httpCloneUrl": document["clone_url"],
        "name": document["name"],
        "nodeId": document["node_id"],
        "primaryLanguage": document.get("language") or "",
        "private": document["private"],
        "repoId": document["id"],
        "sshCloneUrl": document["ssh_url"],
        "svnUrl": document.get("svn_url") or "",
        "topics": document.get("topics") or [],
        "visibility": document["visibility"],
    }


_document = Document(
    identity=lambda _inputs, document: document["name"],
    find=lambda context, inputs: context.api.get(context.api.repository_path(inputs["name"])),
    wanted=_wanted,
    create=_create,
    update=_update,
    outputs=_outputs,
    view=lambda document: document | {"topics": sorted(document.get("topics") or [])},
)


def repository(context: Context, inputs: Json) -> Applied:
    """A repository; an existing one of the name is adopted."""
    if not inputs.get("name"):
        raise ApplyError("name: it has none; give one, the in-process deployment makes up no names")
    applied = _document(context, inputs)
    if applied.outcome is not Outcome.CREATED and _alerts(context, inputs):
        return Applied(applied.id, applied.outputs, Outcome.UPDATED)
    return applied


def look_up(context: Context, name: str) -> Applied:
    """An existing repository."""
    document = context.api.repository(name)
    return Applied(document["name"], _outputs(document) | {"description": document.get("description") or ""})


def branch_default(context: Context, inputs: Json) -> Applied:
    """The default branch, by pointing at another one or by renaming it."""
    document = context.api.repository(inputs["repository"])
    path, wanted, now = context.api.repository_path(inputs["repository"]), inputs["branch"], document["default_branch"]
    if now != wanted:
        if inputs.get("rename"):
            context.api.write("POST", f"{path}/branches/{now}/rename", {"new_name": wanted})
        else:
            context.api.write("PATCH", path, {"default_branch": wanted})
    outputs = {**inputs, "repositoryId": document["id"], "etag": ""}
    return Applied(inputs["repository"], outputs, Outcome.UNCHANGED if now == wanted else Outcome.UPDATED)


def branch(context: Context, inputs: Json) -> Applied:
    """A branch; where it points is not the program's business once it exists."""
    path = f"{context.api.repository_path(inputs['repository'])}/git"
    name = inputs["branch"]
    found, outcome = context.api.get(f"{path}/ref/heads/{name}"), Outcome.UNCHANGED
    if found is None:
        source = inputs.get("sourceBranch") or "main"
        sha = inputs.get("sourceSha") or at(context.api.get(f"{path}/ref/heads/{source}"), "object", "sha")
        if not sha:
            raise ApplyError(f"sourceBranch: {inputs['repository']} has no branch {source!r}")
        found = context.api.write("POST", f"{path}/refs", {"ref": f"refs/heads/{name}", "sha": sha})
        outcome = Outcome.CREATED
    outputs = {**inputs, "ref": f"refs/heads/{name}", "sha": at(found, "object", "sha"), "etag": ""}
    return Applied(f"{inputs['repository']}:{name}", outputs, outcome)


def _switch(context: Context, path: str, wanted: bool) -> bool:
    """A switch that is PUT or DELETEd; says whether it had to change."""
    answer = context.api.get(path)
    is_on = answer is not None and answer.get("enabled", True)
    if is_on == wanted:
        return False
    context.api.write("PUT" if wanted else "DELETE", path)
    return True


def _switched(part: str) -> Kind:
    def apply(context: Context, inputs: Json) -> Applied:
        path = f"{context.api.repository_path(inputs['repository'])}/{part}"
        changed = _switch(context, path, inputs.get("enabled", True))
        return Applied(inputs["repository"], dict(inputs), Outcome.UPDATED if changed else Outcome.UNCHANGED)

    return apply


repository_topics = Setting(
    identity=lambda inputs: inputs["repository"],
    read=lambda context, inputs: {"names": sorted(context.api.repository(inputs["repository"]).get("topics") or [])},
    wanted=lambda _context, inputs: {"names": sorted(inputs["topics"])},
    write=lambda context, inputs, wanted: _put_topics(context, inputs["repository"], wanted),
)


def _put_topics(context: Context, repository_name: str, wanted: Json) -> None:
    context.api.write("PUT", f"{context.api.repository_path(repository_name)}/topics", wanted)


KINDS: dict[str, Kind] = {
    "Repository": repository,
    "Branch": branch,
    "BranchDefault": branch_default,
    "RepositoryTopics": repository_topics,
    "RepositoryVulnerabilityAlerts": _switched("vulnerability-alerts"),
    "RepositoryDependabotSecurityUpdates": _switched("automated-security-fixes"),
}
