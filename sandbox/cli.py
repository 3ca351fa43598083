"""The command line, `python -m sandbox`. What the exit codes mean is in `sandbox/errors.py`."""

import argparse
import contextlib
import errno
import json
import os
import sys
import time
from collections.abc import Callable, Sequence

from rich.console import Console, RenderableType

from sandbox.config import SandboxConfig
from sandbox.errors import ExitCode, SandboxError
from sandbox.output import discard, is_unread
from sandbox.progress import Progress, elapsed_text

# Each command imports what it needs: `status` is to answer at once, without Pulumi's second.
# ruff: noqa: PLC0415

_WATCH_SECONDS = 2
TRACEBACK = "SLIPWAY_SANDBOX_TRACEBACK"
"""The environment variable that lets faults of the sandbox itself through as they are."""

_REMEDIES = {
    errno.ENOSPC: "make room on that disk, then run `make up` again, or `make down`",
    errno.EACCES: "run this as the user that the sandbox belongs to",
    errno.EPERM: "run this as the user that the sandbox belongs to",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; errors are sentences, never tracebacks."""
    try:
        return _run(arguments)
    except SandboxError as error:
        _complain(f"error: {error}")
        return error.exit_code
    except OSError as error:
        return _ended(error)
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted; run `make up` again to continue, or `make down` to clean up")
        return ExitCode.INTERRUPTED
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        fault = f"error: a fault of the sandbox itself: {type(error).__name__}: {error}"
        _complain(f"{fault}; report it with what it prints under {TRACEBACK}=1")
        return ExitCode.FAILED


def _run(arguments: Sequence[str] | None) -> int:
    try:
        given = _parser().parse_args(arguments)
        command: Callable[[SandboxConfig, argparse.Namespace], int | None] = given.command
        return command(SandboxConfig.from_environment(), given) or ExitCode.OK
    finally:
        sys.stdout.flush()


def _ended(error: OSError) -> int:
    """What a command ends with that the system refused something."""
    unread = is_unread(sys.stdout)
    if not unread:
        _complain(_told(error))
    if not error.filename:
        discard(sys.stdout)
    return ExitCode.UNREAD if unread else ExitCode.FAILED


def _complain(text: str) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False, style="red")


def _told(error: OSError) -> str:
    """What the system refused, and what helps."""
    logs = "see `.venv/bin/python -m sandbox logs`; `make up` continues, `make down` cleans up"
    remedy = _REMEDIES.get(error.errno or 0, logs)
    place = f"{error.filename}: " if error.filename else ""
    return f"error: {place}{error.strerror or error}; {remedy}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="The platform, rehearsed on this machine.")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, command: Callable[[SandboxConfig, argparse.Namespace], int | None], text: str):
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=command)
        return added

    add("up", _up, "bring the platform up; run again, it mends what is missing")
    down = add("down", _down, "stop it and leave nothing behind")
    down.add_argument("--keep-state", action="store_true", help="keep repositories and cluster for the next `up`")
    status = add("status", _status, "what runs, where, in which version")
    status.add_argument("--json", action="store_true", help="one JSON document, for programs")
    status.add_argument("--releases", action="store_true", help="the newest releases and DORA's figures too")
    status.add_argument("--watch", action="store_true", help="again every two seconds, until Ctrl-C")
    access = add("access", _access, "who may do what on this platform, as its settings declare it")
    access.add_argument("--check", action="store_true", help="ask GitHub, Argo CD and each cluster too")
    access.add_argument("--json", action="store_true", help="JSON instead of a table")
    updates = add("template-updates", _template_updates, "what changed in templates, for services made before")
    updates.add_argument("--service", help="only this one")
    updates.add_argument("--propose", action="store_true", help="open the pull requests; without it they are shown")
    add("page", _page, "write the status page, as one HTML file")
    add("preview", _preview, "what `up` would change of a platform that is up")
    plan = add("plan", _plan, "the resources of a stack as a tree, touching nothing")
    plan.add_argument("--stack", default="sandbox", help="whose settings to read (default: sandbox)")
    plan.add_argument("--json", action="store_true", help="as `pulumi preview --json` writes it, for the comment")
    logs = add("logs", _logs, "the ends of the sandbox's own logs; without a name, which there are")
    logs.add_argument("name", nargs="?", help="part of a log's name, such as `kubelet`")
    logs.add_argument("--lines", type=int, default=40)
    cli = add("pulumi", _pulumi, "the pulumi CLI with the sandbox's state, settings and plugins")
    cli.add_argument("words", nargs=argparse.REMAINDER, help="what to tell it, such as `preview --diff`")
    demo = add("demo", _demo, "tell the story of a release: good, bad, rolled back, fixed, a hotfix, and a lost event")
    demo.add_argument("--service", default="guestbook")
    add("platform-repository", _platform_repository, "make the platform repository, with the workflows that deploy it")
    approve = add("approve", _approve, "approve and merge a pull request, as a person of the sandbox")
    approve.add_argument("url", help="the address of the pull request, as `up` prints it")
    approve.add_argument("--person", default="pat", help="dana, sam or pat (default: pat, of the platform's team)")
    return parser


def _console() -> Console:
    """Where no terminal sets the width, names and addresses are to stay whole."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 200)


def _up(config: SandboxConfig, _given: argparse.Namespace) -> int | None:
    from sandbox.status import status, table
    from sandbox.up import up

    result = up(config, Progress())
    console = _console()
    for message in result.deployed.messages:
        console.print(message, markup=False)
    console.print()
    console.print(table(status(config)))
    manual = [item.name for item in result.applications if not item.automated and item.sync == "OutOfSync"]
    if manual:
        console.print(f"\nwaiting for somebody to sync them: {', '.join(manual)}")
    console.print(f"\n{result.deployed}, in {elapsed_text(result.seconds)}", style="bold")
    _next_step(console, config, result.deployed.exports)
    return None


def _next_step(console: Console, config: SandboxConfig, exports: dict[str, object]) -> None:
    steps = exports.get("next")
    if isinstance(steps, list):
        for step in steps:  # pyright: ignore[reportUnknownVariableType]  # the program's own sentences
            console.print(f"  {step}", markup=False, soft_wrap=True)
    pulls: object = exports.get("pullRequests")
    if isinstance(pulls, list) and pulls:
        merge = "".join(f".venv/bin/python -m sandbox approve {pull} && " for pull in pulls)  # pyright: ignore[reportUnknownVariableType]  # addresses
        console.print(f"  In the sandbox, to merge as pat and go on: {merge}make up", markup=False, soft_wrap=True)
    console.print(f"  Tokens to clone and push with: {config.credentials}", markup=False, soft_wrap=True)


def _down(config: SandboxConfig, given: argparse.Namespace) -> int | None:
    from sandbox.down import down

    down(config, Progress(), keep_state=given.keep_state)
    return None


def _status(config: SandboxConfig, given: argparse.Namespace) -> int | None:
    from rich.console import Group
    from rich.text import Text

    from sandbox.page import releases
    from sandbox.status import status, table

    def look() -> RenderableType:
        found = status(config)
        more = [Text(f"\n{releases(config)}")] if given.releases and found["running"]["github"] else []
        return Group(table(found), *more)

    if given.json:
        sys.stdout.write(json.dumps(status(config), indent=2) + "\n")
    elif given.watch:
        _watch(look)
    else:
        _console().print(look())
    return None


def _watch(look: Callable[[], RenderableType]) -> None:
    """Shows something again and again until Ctrl-C, which ends it without a failure and leaves what was shown last."""
    from rich.live import Live

    console, last = _console(), look()
    with (
        contextlib.suppress(KeyboardInterrupt),
        # A screen of its own: what is drawn anew after the window has changed would stand below its own remains.
        Live(last, console=console, auto_refresh=False, screen=console.is_terminal, vertical_overflow="crop") as live,
    ):
        while True:
            time.sleep(_WATCH_SECONDS)
            last = look()
            live.update(last, refresh=True)
    if console.is_terminal:
        console.print(last)


def _access(config: SandboxConfig, given: argparse.Namespace) -> int | None:
    from sandbox.access import ask

    return ask(config, [word for word, wanted in (("--check", given.check), ("--json", given.json)) if wanted])


def _template_updates(config: SandboxConfig, given: argparse.Namespace) -> int | None:
    from sandbox.template_updates import update

    only = ["--service", given.service] if given.service else []
    return update(config, [*only, *(["--propose"] if given.propose else [])])


def _page(config: SandboxConfig, _given: argparse.Namespace) -> int | None:
    from sandbox.page import write_page

    _console().print(f"file://{write_page(config)}", markup=False)
    return None


def _plan(config: SandboxConfig, given: argparse.Namespace) -> int | None:
    from sandbox.overlay import planned_stack
    from sandbox.pulumi.plan import plan, plan_document, resources, summary, tree

    progress = Progress()
    stack = planned_stack(config, given.stack)
    if given.json:
        text, code = plan_document(config, stack, progress)
        sys.stdout.write(text)
        return ExitCode.FAILED if code else None
    with progress.phase("Plan"):
        run = plan(config, stack, progress)
    console = _console()
    console.print(tree(stack, resources(run)))
    console.print(summary(resources(run)))
    return None


def _preview(config: SandboxConfig, _given: argparse.Namespace) -> int | None:
    from sandbox.preview import preview
    from sandbox.pulumi.changes import table

    run = preview(config, Progress())
    console = _console()
    for message in run.messages:
        console.print(message, markup=False)
    if run.changed:
        console.print(table(run.steps))
    console.print(run.foreseen(), style="bold")
    return None


def _pulumi(config: SandboxConfig, given: argparse.Namespace) -> int | None:
    from sandbox.overlay import sandbox_stack
    from sandbox.pulumi.operations import execute
    from sandbox.pulumi.workspace import find_workspace

    execute(find_workspace(config, Progress()), sandbox_stack(config), given.words[given.words[:1] == ["--"] :])


def _logs(config: SandboxConfig, given: argparse.Namespace) -> int | None:
    from sandbox.logs import tail

    sys.stdout.write(tail(config, given.name, given.lines) + "\n")
    return None


def _demo(config: SandboxConfig, given: argparse.Namespace) -> int | None:
    from sandbox.demo import run_demo
    from sandbox.rehearsal import Rehearsal

    run_demo(Rehearsal(config), given.service)
    return None


def _platform_repository(config: SandboxConfig, _given: argparse.Namespace) -> int | None:
    from sandbox.platform_repository import ensure

    _console().print(ensure(config, Progress()), markup=False)
    return None


def _approve(config: SandboxConfig, given: argparse.Namespace) -> int | None:
    from sandbox.people import agree, numbered
    from sandbox.rehearsal import Rehearsal

    repository, number = numbered(given.url)
    try:
        commit = agree(Rehearsal(config), repository, number, reviewer=given.person)
    except SandboxError as error:
        if " 404 " not in str(error):
            raise
        raise SandboxError(f"{given.url}: there is no such pull request, or it is not opened yet") from None
    _console().print(f"merged as {commit[:12]}")
    return None
