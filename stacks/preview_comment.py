"""One comment for the reviewer of an infrastructure change, from `pulumi preview --json`.

    pulumi preview --json --stack acme > preview.json
    python -m stacks.preview_comment preview.json --stack acme

What is destructive comes first, then what the change is about, what is deleted or replaced, who may do what, and the
rest by service and environment. A destructive change ends with code 3, unless the pull request has the label
`destructive`.
"""

import argparse
import difflib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from components.github.errors import GitHubError
from slipway_release.output import ended
from stacks.preview_access import access_words, guarded
from stacks.preview_changes import Change, Preview, PreviewError, between, read_preview
from stacks.preview_headlines import headlines, machinery
from stacks.preview_words import code, some
from stacks.pull_request_comment import LIMIT, hand_on, mark, publish
from stacks.stack_text import StackText, StackTextError
from stacks.workflow_run import add_to_summary, github_of_run

LABEL = "destructive"
"""What a pull request is labelled with by somebody who means it."""
REFUSED = 3
FILES = "CommittedFiles"
_PLAN = (
    "> **This is a plan without state.** GitHub gives no secrets to pull requests of forks and of Dependabot, so the "
    "state, GitHub and the cluster were not asked. {} It cannot know what was changed by hand, which names are taken, "
    "and what would be replaced. For a preview with state, somebody who may push here pushes these commits to a "
    "branch of this repository and opens a pull request of it."
)
_SHOWN_LINES = 400
_SIGNS = {"create": "+", "update": "~", "delete": "-", "replace": "±", "import": "="}


def comment(
    preview: Preview,
    stack: str,
    teams: Mapping[str, str],
    labels: Sequence[str] = (),
    limit: int = LIMIT,
    note: str = "",
) -> str:
    """The comment as Markdown.

    Args:
        preview: what would change.
        stack: the stack's name.
        teams: the team of each service.
        labels: those of the pull request.
        limit: how many characters it may have. What does not fit is left out from the end, and said to be.
        note: what is said before everything else, as Markdown.
    """
    head = [mark(stack), f"## `{stack}`: {_summary(preview)}", *([note, ""] if note else [])]
    head += [f"> **The preview failed.** {_quoted(text)}" for text in preview.errors]
    refused = guarded(preview.changes)
    if refused:
        meant = LABEL in labels
        said = (
            f"The label `{LABEL}` says that this is meant:"
            if meant
            else f"Destructive: the check fails until somebody sets the label `{LABEL}`:"
        )
        head += ["", f"### {'⚠️' if meant else '⛔'} {said}", *(f"- **{text}**" for text in refused)]
    about = headlines(preview.changes, list(map(_quoted, preview.warnings)))
    if about:
        head += ["", "### In short", *(f"- {text}" for text in about)]
    removed = [change for change in preview.changes if change.removes]
    if removed:
        head += ["", "### Deleted and replaced", *(f"- {_told(change)}" for change in removed)]
    words = access_words(preview.changes, teams)
    if words:
        head += ["", "### Access", *(f"- {text}" for text in words)]
    rest = [change for change in preview.changes if not change.removes]
    groups: dict[str, list[Change]] = {}
    for change in rest:
        groups.setdefault(change.owner, []).append(change)
    sections = [_group(owner, changes) for owner, changes in groups.items()]
    sections += [section for change in preview.changes for section in _files(change)]
    return _fitting("\n".join(head), sections, limit)


def _summary(preview: Preview) -> str:
    counts: dict[str, int] = {}
    for change in preview.changes:
        counts[change.operation] = counts.get(change.operation, 0) + 1
    told = [f"{count} to {operation}" for operation, count in counts.items()]
    if not told:
        return "the preview failed" if preview.errors else "nothing would change"
    return ", ".join(told) + (f", {preview.unchanged} unchanged" if preview.unchanged else "")


def _told(change: Change) -> str:
    because = f", because of {_names(change.reasons or change.differing)}" if change.operation == "replace" else ""
    stays = "; it stays, unmanaged" if change.kept and change.operation == "delete" else ""
    return f"**{change.operation}** {change.type} {code(change.name)} ({change.owner}){because}{stays}"


def _names(names: Sequence[str]) -> str:
    return some([*map(code, names)], 6)


def _group(owner: str, changes: list[Change]) -> str:
    lines = ["", f"**{owner}**", "", "```diff"]
    for change in changes:
        sign = _SIGNS.get(change.operation, "!")
        if change.type == FILES:
            lines.append(f"{sign} {_files_in_a_line(change)}")
            continue
        # Each entry of a list that moves is not worth a name of its own.
        differing = list(dict.fromkeys(re.sub(r"\[\d+\].*", "", name) for name in change.differing))
        about = some([*map(_plain, differing)], 5)
        lines.append(f"{sign} {change.type} {_plain(change.name)}{f': {about}' if about else ''}")
    return "\n".join([*lines, "```"])


def _files_in_a_line(change: Change) -> str:
    repository = _repository(change)
    paths = [_plain(path) for path, _old, _new in _texts(change)]
    if change.operation == "create":
        return f"files of the repository {repository}: {len(paths)} new"
    if not paths:
        return f"files of the repository {repository}: no text; `pulumi up` looks what became of its pull request"
    return f"files of the repository {repository}: {some(paths, 5)}"


def _repository(change: Change) -> str:
    return _plain(change.new.get("repository") or change.old.get("repository"))


def _plain(value: object) -> str:
    """A name in one line that cannot end a fence; where it is not within one, `_quoted` or `code` is needed as well."""
    return " ".join(str(value).replace("`", "'").split())


def _texts(change: Change) -> Iterator[tuple[str, str | None, str | None]]:
    """The path, old text and new text of each file that would change."""
    for key in ("owned", "seeded"):
        old, new = (change.old.get(key), change.new.get(key))
        if (old is not None and not isinstance(old, Mapping)) or not isinstance(new, Mapping):
            continue
        before, after = cast(Mapping[str, str], old or {}), cast(Mapping[str, str], new)
        for path in sorted({**before, **after}):
            # A seeded file that is there is the team's, whatever the template says by now.
            if before.get(path) != after.get(path) and not (key == "seeded" and path in before):
                yield path, before.get(path), after.get(path)


def _files(change: Change) -> list[str]:
    """The text of files that would change, folded, one section for each folder of an environment."""
    if change.type != FILES:
        return []
    repository = _repository(change)
    folders: dict[str, list[str]] = {}
    for path, old, new in _texts(change):
        folders.setdefault(_folder(path), []).append(_difference(path, old, new, bool(change.old)))
    title = f"files of <code>{_quoted(repository)}</code>"
    return [
        f"\n<details><summary>{title}: {_quoted(_plain(folder))} ({len(texts)})</summary>\n\n"
        + "\n".join(texts)
        + "\n</details>"
        for folder, texts in folders.items()
    ]


def _folder(path: str) -> str:
    parts = path.split("/")
    return (
        "/".join(parts[:2])
        if len(parts) > 2 and not path.startswith(".")
        else parts[0]
        if len(parts) > 1
        else "at the top"
    )


def _difference(path: str, old: str | None, new: str | None, existed: bool) -> str:
    if old is None and (not existed or new is None):
        return f"- new: {code(path)}"
    name = _plain(path)
    lines = [*difflib.unified_diff((old or "").splitlines(), (new or "").splitlines(), name, name, lineterm="", n=2)]
    more = [f"… {len(lines) - _SHOWN_LINES} lines more"] if len(lines) > _SHOWN_LINES else []
    text = "\n".join([*lines[:_SHOWN_LINES], *more])
    fence = "`" * max(3, 1 + max((len(run) for run in _runs(text)), default=0))
    return f"{fence}diff\n{text}\n{fence}"


def _runs(text: str) -> list[str]:
    """The runs of backticks in a text."""
    return [run for run in "".join(one if one == "`" else " " for one in text).split() if run]


def _fitting(head: str, sections: Sequence[str], limit: int) -> str:
    note = "\n\n_{} sections more did not fit; the artifact of this run has them._"
    whole = head
    for index, section in enumerate(sections):
        if len(whole) + len(section) + 1 > limit - len(note) - 8:
            return _cut(whole, limit - len(note) - 8) + note.format(len(sections) - index)
        whole += f"\n{section}"
    return _cut(whole, limit)


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return text[: limit - 60].rpartition("\n")[0] + "\n- … and more; the artifact of this run has all of it"


def _quoted(text: str) -> str:
    """What a program said: no markup of its own, in one line."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("@", "@\u200b")
    return "<br>".join(line.strip() for line in escaped.splitlines() if line.strip())


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints or publishes the comment; exit code 3 where something has to be meant and is not."""
    parser = argparse.ArgumentParser(prog="python -m stacks.preview_comment", description="A preview as one comment.")
    parser.add_argument("preview", type=Path, help="what `pulumi preview --json` wrote")
    parser.add_argument("--said", type=Path, help="what it wrote to its standard error, for one that ended early")
    parser.add_argument("--plan-of-base", type=Path, help="says that it is a plan, to be compared with this other one")
    parser.add_argument("--stack", required=True, help="the stack's name")
    parser.add_argument("--labels", default="[]", help="the labels of the pull request, as a JSON list")
    parser.add_argument("--whole", type=Path, help="where all of it is written, whatever its size")
    parser.add_argument("--summary", type=Path, help="a file that the comment is added to: a run's summary")
    parser.add_argument("--pull-request", type=int, help="publishes it there, by GITHUB_REPOSITORY and GITHUB_TOKEN")
    parser.add_argument("--hand-on", action="store_true", help="gives it to another job, by GITHUB_OUTPUT")
    given = parser.parse_args(arguments)
    try:
        said = given.said.read_text(encoding="utf-8") if given.said else ""
        preview = read_preview(given.preview.read_text(encoding="utf-8"), said)
        note = ""
        if given.plan_of_base:
            preview, note = _compared(preview, given.plan_of_base)
        if given.pull_request is not None:
            warning = machinery(github_of_run(), os.environ["GITHUB_REPOSITORY"], given.pull_request)
            note = "\n\n".join(filter(None, (warning, note)))
        # Without labels some runners say `null`, and others an empty list.
        labels = cast(list[str], json.loads(given.labels or "null") or [])
        teams = teams_of(given.stack)
        text = comment(preview, given.stack, teams, labels, note=note)
        if given.whole:
            whole = comment(preview, given.stack, teams, labels, sys.maxsize, note)
            given.whole.write_text(whole, encoding="utf-8")
        add_to_summary(given.summary, text)
        if given.hand_on:
            hand_on(text)
        if given.pull_request is None:
            print(text)
        else:
            print(publish(github_of_run(), os.environ["GITHUB_REPOSITORY"], given.pull_request, given.stack, text))
    except KeyError as error:
        print(f"error: {error.args[0]}: it is not set in the environment", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename or given.preview}: {error.strerror or error}", file=sys.stderr)
        return 2
    except (PreviewError, GitHubError, UnicodeDecodeError, ValueError) as error:
        print(f"error: {given.preview}: {error}", file=sys.stderr)
        return 2
    refused = guarded(preview.changes) if LABEL not in labels else []
    for sentence in refused:
        print(f"error: {sentence}; label the pull request `{LABEL}` if it is meant", file=sys.stderr)
    return REFUSED if refused else 1 if preview.errors else 0


def _compared(plan: Preview, base: Path) -> tuple[Preview, str]:
    """What a plan changes, and what has to be known about it."""
    try:
        before = read_preview(base.read_text(encoding="utf-8"))
    except (PreviewError, OSError, UnicodeDecodeError):
        before = Preview((), 0, errors=("none",))
    if before.errors:
        return plan, _PLAN.format(
            "The base branch has no plan that works, so all that this branch declares is listed as new."
        )
    return between(before, plan), _PLAN.format("It compares what this branch declares with what the base branch does.")


def teams_of(stack: str) -> dict[str, str]:
    """The team of each service, as the stack file says."""
    try:
        text = StackText((Path(__file__).parent / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
        services = cast(list[dict[str, Any]], json.loads(text.texts().get("services", "[]")))
        return {str(one["name"]): str(one["team"]) for one in services}
    except (OSError, StackTextError, ValueError, KeyError, TypeError):
        return {}


if __name__ == "__main__":
    sys.exit(ended(main))
