"""Proposes new versions of templates, and new answers, to the services that were made from older ones.

    make template-updates STACK=acme            shows what would be proposed
    make template-updates STACK=acme PROPOSE=1  opens a pull request in each service's repository

What changed in the template is merged into what the team has made of it. A request that a person closes stays closed.
"""

import argparse
import base64
import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import yaml

from components.github.api import GitHubApi
from components.github.credentials import Token
from components.github.errors import GitHubError
from components.github.file_delivery import BRANCH, FileDelivery
from components.github.tree import PROGRAM, REGULAR, Blob, blob_sha, removed_entry, written_entry
from manifests.model import Service, Settings
from manifests.repository_files import offered_variables, service_repository_files
from manifests.template_merge import Merged, merge
from stacks.addition import settings_in
from stacks.stack_text import StackText, StackTextError
from templates.service_template import ServiceTemplate, TemplateProblem
from templates.starting_files import ANSWERS_FILE, starting_files
from templates.template_history import earlier_version

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "slipway/template-"
PATIENCE_SECONDS = 60


class UpdateError(Exception):
    """Why a service gets no update; what to do."""


@dataclass(frozen=True)
class Update:
    """What would be proposed to a service."""

    service: Service
    template: ServiceTemplate
    since: str
    """The version that its files came from."""
    head: str
    """The commit of main that it was made for."""
    branch: str
    merged: Merged
    tree: Mapping[str, Blob]

    @property
    def title(self) -> str:
        if self.since == self.template.version:
            return f"Follow the answers to {self.template.name}"
        return f"Update {self.template.name} from {self.since} to {self.template.version}"


def update_of(api: GitHubApi, settings: Settings, service: Service, root: Path = ROOT) -> Update | None:
    """What would be proposed to a service; None where it is up to date.

    Raises:
        UpdateError: its record is missing or broken, or is of another template.
        TemplateProblem: the old version is not to be had, or one of the two does not render.
        GitHubError: GitHub refuses something.
    """
    template = settings.template(service)
    start = service_repository_files(settings, service)
    now = {path: text for path, text in start.seeded.items() if path != ANSWERS_FILE}
    wanted = start.seeded[ANSWERS_FILE]
    files = FileDelivery(api, settings.github.owner, service.repository_name)
    found = files.read()
    if found is None:
        raise UpdateError("it has no repository yet; `pulumi up` makes it")
    if ANSWERS_FILE not in found.tree:
        raise UpdateError(f"{ANSWERS_FILE} is missing; `pulumi up` writes it, for the version of that day")
    at = f"/repos/{settings.github.owner}/{quote(service.repository_name)}"

    def read(path: str) -> str | None:
        if found.tree[path].mode not in {REGULAR, PROGRAM}:
            return None
        blob = api.get(f"{at}/git/blobs/{found.tree[path].sha}")
        try:
            return base64.b64decode(blob["content"]).decode()
        except UnicodeDecodeError:
            return None

    since, answers = _recorded(read(ANSWERS_FILE) or "", template)
    if (since, answers) == _recorded(wanted, template):
        return None
    old = earlier_version(template, since, root)
    try:
        before = dict(starting_files(old, answers, offered_variables(settings, service)).files)
    except TemplateProblem as error:
        if not error.question:
            raise
        text = f"{ANSWERS_FILE}: {error.question}: {error}"
        raise UpdateError(f"{text}; the record was edited: put it back as its last template update wrote it") from None
    del before[ANSWERS_FILE]
    # What is the platform's is kept by `pulumi up`.
    before = {path: text for path, text in before.items() if path not in start.owned}

    def ours(path: str) -> str | None:
        return before[path] if path in before and found.tree[path].sha == blob_sha(before[path]) else read(path)

    merged = merge(before, now, set(found.tree), ours)
    merged = Merged({**merged.written, ANSWERS_FILE: wanted}, merged.deleted, merged.conflicts, merged.left)
    digest = hashlib.sha256(wanted.encode()).hexdigest()[:8]
    return Update(service, template, since, found.commit, f"{PREFIX}{template.version}-{digest}", merged, found.tree)


def propose(api: GitHubApi, settings: Settings, update: Update) -> str:
    """Opens the pull request, and closes those that it makes pointless; returns what was done.

    Raises:
        GitHubError: GitHub refuses it.
    """
    owner, name = settings.github.owner, update.service.repository_name
    at = f"/repos/{owner}/{quote(name)}"
    before = api.get(f"{at}/pulls?state=all&head={owner}:{update.branch}")
    if before:
        state = "waits" if before[0]["state"] == "open" else "was closed, and is not proposed again"
        return f"{before[0]['html_url']} {state}"
    files = FileDelivery(api, owner, name)
    entries = [
        *(
            written_entry(path, text, update.tree[path].mode if path in update.tree else REGULAR)
            for path, text in update.merged.written.items()
        ),
        *map(removed_entry, update.merged.deleted),
    ]
    commit = files.commit(update.head, entries, update.title)
    files.put_branch(update.branch, commit, files.head(update.branch))
    made = api.post(
        f"{at}/pulls", {"title": update.title, "head": update.branch, "base": BRANCH, "body": _body(update)}
    )
    for pull in api.pages(f"{at}/pulls?state=open"):
        other = str(pull["head"]["ref"])
        if other.startswith(PREFIX) and other != update.branch:
            text = f"{made['html_url']} has all of this and more."
            api.post(f"{at}/issues/{pull['number']}/comments", {"body": text})
            api.patch(f"{at}/pulls/{pull['number']}", {"state": "closed"})
    return f"proposed: {made['html_url']}"


def _recorded(text: str, template: ServiceTemplate) -> tuple[str, dict[str, Any]]:
    """The version and the answers that a record names."""
    try:
        found = cast(object, yaml.safe_load(text))
    except yaml.YAMLError:
        found = None
    record = cast(dict[str, Any], found) if isinstance(found, dict) else {}
    since, source = record.get("_commit"), record.get("_src_path")
    if not isinstance(since, str) or not isinstance(source, str):
        raise UpdateError(f"{ANSWERS_FILE} does not say what it was made from; put it back from its first commit")
    if source != template.source:
        text = f"it was made from {source}, and the settings say {template.source}"
        raise UpdateError(f"{text}; a service does not change its template, so set that one again")
    return since, {key: value for key, value in record.items() if not key.startswith("_")}


def _body(update: Update) -> str:
    template = update.template
    lines = [
        f"The template `{template.name}` ({template.description}) has changed since this service was made from it."
    ]
    if update.since == template.version:
        lines = [f"The settings answer questions of the template `{template.name}` differently now."]
    lines += ["", "What you have changed stays; what you have deleted stays deleted."]
    if update.merged.conflicts:
        lines += ["", "**Both sides changed these in one place; choose between the marks before you merge:**"]
        lines += [f"- `{path}`" for path in update.merged.conflicts]
    if update.merged.left:
        lines += [
            "",
            "**The template changes these too, and here they are links, folders or no text; bring it in by hand:**",
        ]
        lines += [f"- `{path}`" for path in update.merged.left]
    return "\n".join([*lines, "", "Close it if you do not want it: this version is not proposed again."])


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Goes through all services; exit code 1 where one of them has a problem."""
    parser = argparse.ArgumentParser(
        prog="python -m stacks.template_updates", description="Update what templates made."
    )
    parser.add_argument("--stack", required=True, help="the stack, as in stacks/Pulumi.<stack>.yaml")
    parser.add_argument("--service", help="only this one")
    parser.add_argument("--propose", action="store_true", help="open the pull requests; without it they are shown")
    given = parser.parse_args(arguments)
    path = root / "stacks" / f"Pulumi.{given.stack}.yaml"
    token = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN")
    try:
        settings, problems = settings_in(StackText(path.read_text(encoding="utf-8")), given.stack)
    except (StackTextError, OSError, UnicodeDecodeError) as error:
        print(f"error: {path}: {error}", file=sys.stderr)
        return 2
    if settings is None or not token:
        reason = (
            f"{path}: {problems[0]}" if problems else "GITHUB_TOKEN: it is not set; give one that reads the services"
        )
        print(f"error: {reason}", file=sys.stderr)
        return 2
    api = GitHubApi(settings.github.api_url, Token(token), deadline_seconds=PATIENCE_SECONDS)
    failed = False
    for service in settings.services:
        if given.service not in {None, service.name}:
            continue
        try:
            update = update_of(api, settings, service, root)
            if update is None:
                print(f"{service.name}: up to date")
            elif given.propose:
                print(f"{service.name}: {propose(api, settings, update)}")
            else:
                marks = f", {len(update.merged.conflicts)} with conflicts" if update.merged.conflicts else ""
                changed = len(update.merged.written) + len(update.merged.deleted)
                print(f"{service.name}: {update.title}: {changed} files change{marks}")
        except (UpdateError, TemplateProblem, GitHubError, OSError) as error:
            failed = True
            print(f"{service.name}: {error}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
