"""One pull request that brings what a template has changed into files that a team has worked on."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast
from urllib.parse import quote

import yaml

from components.github.api import GitHubApi
from components.github.file_delivery import BRANCH, README, FileDelivery
from components.github.tree import PROGRAM, REGULAR, Blob, blob_sha, removed_entry, written_entry
from manifests.template_merge import Merged, merge
from slipway_release import pulls
from templates.service_template import ServiceTemplate

_MOST_LISTED = 100
"""How many files are named of each list: GitHub takes 65,536 characters of a body."""


class UpdateError(Exception):
    """Why something gets no update; what to do."""


@dataclass(frozen=True)
class Record:
    """What a repository or a chart was made from, as it says itself."""

    source: str
    version: str
    answers: Mapping[str, Any] = field(default_factory=dict[str, Any])


def recorded(text: str, path: str) -> Record:
    """Reads a record.

    Raises:
        UpdateError: it is none.
    """
    try:
        found = cast(object, yaml.safe_load(text))
    except yaml.YAMLError:
        found = None
    record = {str(key): one for key, one in cast(dict[object, Any], found).items()} if isinstance(found, dict) else {}
    version, source = record.get("_commit"), record.get("_src_path")
    if not isinstance(version, str) or not isinstance(source, str):
        raise UpdateError(
            f"{path} does not say what it was made from; put it back as it was before somebody changed it"
        )
    return Record(source, version, {key: value for key, value in record.items() if not key.startswith("_")})


def of_another(source: str, template: ServiceTemplate) -> str:
    """Why nothing is updated that was made from another template."""
    text = f"it was made from {source}, and the settings say {template.source}"
    return f"{text}; a service does not change its template, so set that one again"


_MARK = "<!-- slipway: obsolete -->"
"""Begins the comment on a pull request that is closed because its version is not today's."""


class TeamFiles:
    """The files of a repository's main as they are, and its open pull requests."""

    def __init__(self, api: GitHubApi, owner: str, repository: str) -> None:
        """Reads which files there are.

        Raises:
            UpdateError: there is no such repository.
            GitHubError: GitHub refuses it.
        """
        self.api: GitHubApi = api
        self.full_name: str = f"{owner}/{repository}"
        self.path: str = f"/repos/{owner}/{quote(repository)}"
        self.delivery: FileDelivery = FileDelivery(api, owner, repository)
        found = self.delivery.read()
        if found is None:
            raise UpdateError(f"{self.full_name} is not there yet; `pulumi up` makes it")
        self.commit: str = found.commit
        self.tree: Mapping[str, Blob] = found.tree

    def read(self, path: str) -> str | None:
        """The text of a file; None where it is a link or no text."""
        if self.tree[path].mode not in {REGULAR, PROGRAM}:
            return None
        blob = self.api.get(f"{self.path}/git/blobs/{self.tree[path].sha}")
        try:
            return base64.b64decode(blob["content"]).decode()
        except UnicodeDecodeError:
            return None

    def had(self, path: str) -> bool:
        """Whether some commit of main has a file, or takes it away."""
        return bool(self.api.get(f"{self.path}/commits?sha={BRANCH}&path={quote(path)}&per_page=1"))

    def merged(self, before: Mapping[str, str], now: Mapping[str, str], record: str, folder: str = "") -> Merged:
        """What becomes of them.

        Args:
            before: the rendering that they came from, by path.
            now: the rendering of today, with the record of it.
            record: the path of that record, which is written whatever stands there.
            folder: where all of it lies.
        """

        def ours(path: str) -> str | None:
            return before[path] if path in before and self.tree[path].sha == blob_sha(before[path]) else self.read(path)

        old, new = ({path: text for path, text in one.items() if path != record} for one in (before, now))
        paths = {path for path in self.tree if path.startswith(folder)}
        if README in paths and README in new and self.delivery.has_readme_of_github(self.tree):
            # Services from before templates replaced it have it still.
            old.pop(README, None)
            paths.discard(README)
        found = merge(old, new, paths, ours)
        return replace(found, written={**found.written, record: now[record]})

    @cached_property
    def open_pulls(self) -> list[dict[str, Any]]:
        """The pull requests of its own branches that were open when they were first asked for."""
        found = self.api.pages(f"{self.path}/pulls?state=open")
        return [pull for pull in found if pulls.is_own(pull["head"], self.full_name)]


@dataclass(frozen=True)
class Update:
    """What would be proposed."""

    files: TeamFiles
    branches: str
    """What the branches of all updates of the same files begin with."""
    branch: str
    title: str
    reason: tuple[str, ...]
    """Lines of Markdown: why, and what it does."""
    merged: Merged
    executable: frozenset[str] = frozenset()
    """Paths that are programs in the template of today."""

    def __str__(self) -> str:
        marks = f", {len(self.merged.conflicts)} with conflicts" if self.merged.conflicts else ""
        return f"{self.title}: {len(self.merged.written) + len(self.merged.deleted)} files change{marks}"


def propose(update: Update) -> str:
    """Opens the pull request, and closes those that it makes pointless; returns what was done.

    Raises:
        GitHubError: GitHub refuses it.
    """
    files, api = update.files, update.files.api
    earlier = files.delivery.own_pulls(update.branch, "state=all")
    if earlier and not _was_obsolete(files, earlier[0]):
        address = str(earlier[0]["html_url"])
        closed = close_others(files, update.branches, f"{address} is of today's version.", update.branch)
        return "; ".join([f"{address} {_state(earlier[0])}", *(f"closed: {one}" for one in closed)])
    entries = [
        *(written_entry(path, text, _mode(update, path)) for path, text in update.merged.written.items()),
        *map(removed_entry, update.merged.deleted),
    ]
    commit = files.delivery.commit(files.commit, entries, update.title)
    files.delivery.put_branch(update.branch, commit, files.delivery.head(update.branch))
    body = {"title": update.title, "head": update.branch, "base": BRANCH, "body": _body(update)}
    made = api.post(f"{files.path}/pulls", body)
    close_others(files, update.branches, f"{made['html_url']} has all of this and more.", update.branch)
    return f"proposed: {made['html_url']}"


def close_others(files: TeamFiles, branches: str, reason: str, kept: str = "") -> list[str]:
    """Closes the open updates that are pointless, each with the reason; returns their addresses.

    Args:
        files: where they are.
        branches: what their branches begin with.
        reason: why they are closed.
        kept: the branch of the one that stays.

    Raises:
        GitHubError: GitHub refuses it.
    """
    closed: list[str] = []
    for pull in files.open_pulls:
        branch = str(pull["head"]["ref"])
        if branch.startswith(branches) and branch != kept:
            body = {"body": f"{_MARK}\n{reason}"}
            files.api.post(f"{files.path}/issues/{pull['number']}/comments", body)
            files.api.patch(f"{files.path}/pulls/{pull['number']}", {"state": "closed"})
            closed.append(str(pull["html_url"]))
    return closed


def _was_obsolete(files: TeamFiles, pull: Mapping[str, Any]) -> bool:
    """Whether it was not a person who closed it, so that it may come again once its version does."""
    if pull["state"] == "open" or pull.get("merged_at"):
        return False
    comments = files.api.pages(f"{files.path}/issues/{pull['number']}/comments")
    return any(str(comment["body"]).startswith(_MARK) for comment in comments)


def _state(pull: Mapping[str, Any]) -> str:
    if pull["state"] == "open":
        return "waits"
    done = "was merged and taken back since" if pull.get("merged_at") else "was closed"
    return f"{done}, and is not proposed again"


def _mode(update: Update, path: str) -> str:
    if path in update.files.tree:
        return update.files.tree[path].mode
    return PROGRAM if path in update.executable else REGULAR


def _body(update: Update) -> str:
    merged = update.merged
    return "\n".join(
        [
            *update.reason,
            "",
            "What you have changed stays; what you have deleted stays deleted.",
            *_listed(
                "Both sides changed these in one place; choose between the marks before you merge:", merged.conflicts
            ),
            *_listed(
                "The template changes these too, and here they are links, folders or no text; bring it in by hand:",
                merged.left,
            ),
            *_listed(
                "The template has no more of these, or moved them; you have changed yours, so they stay:", merged.kept
            ),
            "",
            "Close it if you do not want it: this version is not proposed again.",
        ]
    )


def _listed(title: str, paths: Sequence[str]) -> list[str]:
    """A list of files under its title; nothing for none."""
    if not paths:
        return []
    more = [f"- … and {len(paths) - _MOST_LISTED} more"] if len(paths) > _MOST_LISTED else []
    return ["", f"**{title}**", *(f"- `{path}`" for path in paths[:_MOST_LISTED]), *more]
