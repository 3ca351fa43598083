"""What a change does to each environment, as Markdown: a summary first, details folded, secrets masked."""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from slipway_release import limits, workflow
from slipway_release.errors import RefusedError
from slipway_release.validation import charts, files, secrets
from slipway_release.validation.comment import MARKER
from slipway_release.validation.dependencies import Builds
from slipway_release.validation.files import Manifest, Tree

_SAFE = limits.COMMENT - 2_000
_DANGEROUS = {"Namespace", "PersistentVolumeClaim", "StatefulSet", "CustomResourceDefinition"}

Key: TypeAlias = tuple[str, str]
Objects: TypeAlias = Mapping[Key, Manifest]


@dataclass(frozen=True)
class Change:
    """What happens to one object."""

    kind: str
    name: str
    verb: str
    diff: str


@dataclass(frozen=True)
class Section:
    """What happens to one service in one environment, or to an environment's infrastructure."""

    environment: str
    subject: str
    changes: list[Change]
    problem: str | None = None

    def count(self, verb: str) -> int:
        return sum(change.verb == verb for change in self.changes)


def run(base: Path, head: Path, output: Path | None) -> None:
    """Write the difference between two work trees."""
    text = markdown(sections(Tree(base), Tree(head)), workflow.run_url())
    workflow.summary(text)
    if output is None:
        workflow.say(text)
        if workflow.optional("GITHUB_OUTPUT"):
            workflow.output("difference", text)
    else:
        output.write_text(text, encoding="utf-8")


def sections(base: Tree, head: Tree) -> list[Section]:
    """Everything that is rendered otherwise, by environment."""
    before = {(environment.name, service.name): (service, environment) for service, environment in _placements(base)}
    after = {(environment.name, service.name): (service, environment) for service, environment in _placements(head)}

    def section(builds: Builds, key: Key) -> Section | None:
        old = charts.inputs(base, *before[key]) if key in before else None
        if key in after and old == charts.inputs(head, *after[key]):
            return None
        return _section(
            key,
            charts.render(base, *before[key], builds) if key in before else None,
            charts.render(head, *after[key], builds) if key in after else None,
        )

    with Builds() as builds, ThreadPoolExecutor(os.cpu_count()) as pool:
        keys = sorted(before.keys() | after.keys())
        found = [item for item in pool.map(functools.partial(section, builds), keys) if item is not None]
    return found + _infrastructure(base, head)


def _section(key: Key, old: charts.Rendered | None, new: charts.Rendered | None) -> Section | None:
    problem = str(new.problems[0]) if new and new.problems else None
    changes = compare(_objects(old.manifests if old else []), _objects(new.manifests if new else []))
    return Section(*key, [] if problem else changes, problem) if changes or problem else None


def _placements(tree: Tree) -> list[tuple[charts.Service, charts.Environment]]:
    try:
        return list(tree.placements())
    except RefusedError:
        return []


def _infrastructure(base: Tree, head: Tree) -> list[Section]:
    old, new = _plain(base), _plain(head)
    found: list[Section] = []
    for environment in sorted(old.keys() | new.keys()):
        changes = compare(_objects(old.get(environment, [])), _objects(new.get(environment, [])))
        if changes:
            found.append(Section(environment, "infrastructure", changes))
    return found


def _plain(tree: Tree) -> dict[str, list[Manifest]]:
    found: dict[str, list[Manifest]] = {}
    for path, manifests, _ in tree.manifests():
        parts = path.split("/")
        if parts[0] == "infrastructure" and len(parts) > 2:
            found.setdefault(parts[1], []).extend(manifests)
    return found


def _objects(manifests: Iterable[Manifest]) -> dict[Key, Manifest]:
    return {(str(item.get("kind")), secrets.name_of(item)): item for item in manifests}


def compare(old: Objects, new: Objects) -> list[Change]:
    """The objects that differ."""
    changes: list[Change] = []
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        verb = "added" if before is None else "removed" if after is None else "changed"
        changes.append(Change(*key, verb, _diff(before, after)))
    return changes


def _diff(before: Manifest | None, after: Manifest | None) -> str:
    old, new = (files.dump(secrets.masked(item)) if item is not None else "" for item in (before, after))
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), "before", "after", lineterm="", n=3))[2:]
    # A change of masked values alone leaves nothing to show.
    return secrets.masked_text("\n".join(lines)) or f"only masked values differ {secrets.MASK}"


def markdown(found: list[Section], link: str, limit: int = _SAFE) -> str:
    """The comment. What does not fit is left out by whole sections, and said so."""
    head = [MARKER, "## What this changes", ""]
    if not found:
        return "\n".join([*head, "Nothing that runs anywhere changes."]) + "\n"
    head += ["| environment | what | added | changed | removed |", "|---|---|---:|---:|---:|"]
    parts, rest = _fitting([_row(section) for section in found], limit // 2 - sum(map(len, head)))
    head += parts + ([f"| … | {rest} more | | | |"] if rest else [])
    head += ["", *_warnings(found)]
    used = sum(len(line) + 1 for line in head)
    details, left = _fitting([_detail(section) for section in found], limit - used)
    tail: list[str] = []
    if left:
        where = f"; all of it is in the [log of this run]({link})" if link else ""
        tail = ["", f"{left} of {len(found)} sections are too long to show here{where}."]
    return "\n".join([*head, *details, *tail]) + "\n"


def _fitting(parts: list[str], room: int) -> tuple[list[str], int]:
    """Those parts that fit, and how many do not."""
    taken: list[str] = []
    for part in parts:
        if len(part) + 1 <= room:
            taken.append(part)
            room -= len(part) + 1
    return taken, len(parts) - len(taken)


def _row(section: Section) -> str:
    if section.problem:
        return f"| {section.environment} | {section.subject} | does not render | | |"
    numbers = " | ".join(str(section.count(verb)) for verb in ("added", "changed", "removed"))
    return f"| {section.environment} | {section.subject} | {numbers} |"


def _warnings(found: list[Section]) -> list[str]:
    lost = [
        f"{change.kind} `{change.name}` in {section.environment}"
        for section in found
        for change in section.changes
        if change.verb == "removed" and change.kind in _DANGEROUS
    ]
    return ["> [!WARNING]", "> Removes what holds data: " + ", ".join(lost[:20]) + ".", ""] if lost else []


def _detail(section: Section) -> str:
    title = f"{section.environment}: {section.subject}"
    if section.problem:
        # A chart chooses the words with which it fails.
        return f"**{title}**\n\n{_fenced(secrets.masked_text(section.problem))}\n"
    blocks = [f"{change.kind} {change.name} ({change.verb})\n{change.diff}" for change in section.changes]
    body = _fenced("\n\n".join(blocks), "diff")
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _fenced(text: str, language: str = "") -> str:
    """A text that is shown as it is: the fence is longer than any that the text holds, or the text would end it."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"
