"""Adds a service, an environment or a team to a stack file: `make service STACK=acme` asks, or takes its answers.

It changes the file on this machine, or proposes the change on the platform repository. Nothing is changed where
something is wrong.
"""

import argparse
import difflib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.github.api import GitHubApi
from components.github.credentials import Token
from components.github.errors import GitHubError
from slipway_release import workflow
from slipway_release.output import ended
from stacks.addition import ANSWERS, KINDS, Addition, AdditionError, Kind, addition
from stacks.proposal import ProposalError, origin, propose
from stacks.stack_text import StackText, StackTextError
from stacks.template_fitness import unfit
from templates.service_template import TemplateProblem

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 20
_OF_TEMPLATE = ": question=answer, several with commas"


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Adds one entry; exit code 2 where something is wrong."""
    given = _parser().parse_args(arguments)
    kind = KINDS[given.kind]
    answers: dict[str, Any] = {name: value for name in kind.fields if (value := getattr(given, name, None))}
    path = Path("stacks") / f"Pulumi.{given.stack}.yaml"
    if broken := [name for name, value in vars(given).items() if isinstance(value, str) and not _is_text(value)]:
        said = "it has bytes that are not text in UTF-8; set the terminal to UTF-8, and type it again"
        print("\n".join([*(f"error: {name}: {said}" for name in broken), "nothing was changed"]), file=sys.stderr)
        return 2
    try:
        text = StackText(_content(root / path))
        after: str | None = given.after
        if not given.yes and sys.stdin.isatty() and any(name not in answers for name in kind.required):
            from stacks.questions import ask  # noqa: PLC0415 - slow to load, and only people need it

            answers, after = ask(text, kind, given.stack, answers, after)
        made = addition(text, kind, given.stack, answers, after)
        _check_template(made)
        workflow.say(shown(made, str(path)))
        if given.propose:
            proposed = _propose(given, made, kind, str(path), answers, after, root)
            workflow.summary(proposed)
            print(f"\n{proposed}")
        elif not given.dry_run:
            _write(root / path, made.after.text)
            print(f"\n{path} is changed; {_next(given.stack)}.")
    except (AdditionError, ProposalError, TemplateProblem) as error:
        for line in str(error).splitlines():
            workflow.error(line)
        print("nothing was changed", file=sys.stderr)
        return 2
    except (StackTextError, OSError) as error:
        print(f"error: {path}: {getattr(error, 'strerror', None) or error}; nothing was changed", file=sys.stderr)
        return 2
    except GitHubError as error:
        workflow.error(f"{error}; nothing was changed")
        return 2
    except KeyboardInterrupt:
        print("\nnothing was changed", file=sys.stderr)
        return 130
    return 0


def shown(made: Addition, path: str) -> str:
    """What changes in the file, and what `pulumi up` then makes."""
    before, after = (part.text.splitlines() for part in (made.before, made.after))
    lines = [*difflib.unified_diff(before, after, path, path, lineterm="", n=2)]
    if made.settings is None:
        lines += [
            "",
            "Other settings of the file have problems, so what it makes is not shown; `pulumi preview` names them.",
        ]
    if made.consequences:
        lines += ["", "pulumi up then makes", *(f"  {line}" for line in made.consequences)]
    return "\n".join(lines)


def _check_template(made: Addition) -> None:
    """Refuses a service whose template would not do."""
    if made.settings is None or made.kind.name != "service":
        return
    service = next(one for one in made.settings.services if one.name == made.name)
    if problems := unfit(made.settings, service):
        raise AdditionError("\n".join(problems))


def _propose(
    given: argparse.Namespace,
    made: Addition,
    kind: Kind,
    path: str,
    answers: dict[str, Any],
    after: str | None,
    root: Path,
) -> str:
    token = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN")
    if not token:
        raise ProposalError("GITHUB_TOKEN: it is not set; give a token that may write the platform repository")
    if made.settings is None:
        raise ProposalError(f"{path}: other settings of it have problems; `pulumi preview` names them, mend them first")
    # A runner knows best how it reaches the GitHub that it belongs to.
    url = os.environ.get("GITHUB_API_URL") or made.settings.github.api_url
    api = GitHubApi(url, Token(token), deadline_seconds=PATIENCE_SECONDS)
    repository = given.platform_repository or origin(root)
    return propose(api, repository, path, made, lambda text: addition(text, kind, given.stack, answers, after))


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StackTextError(
            "there is no such file; copy stacks/Pulumi.example.yaml to it, or name another STACK"
        ) from None
    except UnicodeDecodeError:
        raise StackTextError("it is not text in UTF-8; save it as such") from None


def _is_text(value: str) -> bool:
    """Whether a word of the command line is text; what the locale cannot read is kept in surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _next(stack: str) -> str:
    if stack == "sandbox":
        return "look with `make preview`, then run `make up`"
    return f"look with `pulumi preview --stack {stack}`, then commit it"


def _write(path: Path, text: str) -> None:
    """In one step: an interrupted write leaves the old file."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.chmod(path.stat().st_mode)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stacks.new", description="Add an entry to a stack file.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind in KINDS.values():
        added = kinds.add_parser(kind.name, help=f"add to {kind.section}")
        added.add_argument("--stack", required=True, help="the stack, as in stacks/Pulumi.<stack>.yaml")
        for name in kind.fields:
            several = " (several with commas)" if name in kind.lists else _OF_TEMPLATE if name == ANSWERS else ""
            added.add_argument(f"--{name}", help=f"see `make explain SETTING={kind.section}.{name}`{several}")
        added.add_argument("--after", help="the entry that it follows; unset: the last one")
        added.add_argument("--yes", action="store_true", help="ask nothing")
        added.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
        added.add_argument("--propose", action="store_true", help="open a pull request instead; needs GITHUB_TOKEN")
        added.add_argument("--platform-repository", help="owner/name of the platform repository; unset: from `origin`")
    return parser


if __name__ == "__main__":
    sys.exit(ended(main))
