"""What is right about a command line that the documentation tells people to type."""

import argparse
import contextlib
import importlib
import importlib.util
import io
import json
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from functools import cache

import yaml

from sandbox import cli
from slipway_release import cli as release_cli
from stacks.problems import NAMESPACE
from stacks.secrets import SECRETS
from tests.docs.markdown import ROOT

WORKFLOWS = ROOT / "templates/environment/.github/workflows"
PULUMI = {
    "config set": {"--path", "--secret", "--stack"},
    "config rm": {"--stack"},
    "destroy": {"--stack"},
    "import": set[str](),
    "login": set[str](),
    "preview": {"--diff", "--expect-no-changes", "--json", "--refresh", "--stack"},
    "stack init": set[str](),
    "stack output": {"--stack"},
    "state delete": {"--target-dependents"},
    "state unprotect": {"--all"},
    "up": {"--refresh", "--stack"},
}
"""The commands that the documentation may use, and the options of each; `tests/pulumi/test_options.py` asks the CLI."""
HARMLESS = {"base64", "cat", "cd", "cp", "export", "git", "openssl"}
TOOLS = {"pytest", "ruff", "uv"}
ARGOCD = {"account get-user-info", "app rollback", "app sync", "app terminate-op", "app wait", "cluster list", "login"}

Check = Callable[[list[str]], Iterator[str]]


def problems(line: str) -> Iterator[str]:
    """What is wrong with a command line; nothing, if a person can type it."""
    inner = re.fullmatch(r"(?:export )?[A-Z_]+=\$\((.*)\)(?: (.*))?", line)
    for part in filter(None, inner.groups() if inner else [line]):
        for words in split(part):
            yield from check(words)


def split(line: str) -> list[list[str]]:
    """The commands of a pipeline or a chain, as words."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
    lexer.whitespace_split = True
    parts: list[list[str]] = [[]]
    for token in lexer:
        if set(token) <= set("|&;"):
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def check(words: list[str]) -> Iterator[str]:
    command, rest = words[0], words[1:]
    known: dict[str, Check] = {
        "make": check_make, "pulumi": check_pulumi, "gh": check_gh, "kubectl": check_kubectl, "argocd": check_argocd,
        "xargs": check_xargs,
    }  # fmt: skip
    if command in {"python", "python3", ".venv/bin/python"}:
        yield from check_python(rest)
    elif command in known:
        yield from known[command](rest)
    elif command == "cp":
        yield from (f"{rest[0]} does not exist" for _ in [0] if not (ROOT / rest[0]).exists())
    elif command not in HARMLESS and not command.startswith(".sandbox/bin/"):
        yield f"{command}: not a command that these pages know"


def check_make(rest: list[str]) -> Iterator[str]:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^\.PHONY: (\S+)$", makefile, re.MULTILINE))
    for word in rest:
        name, equals, _ = word.partition("=")
        if equals and not re.search(rf"^{name} \?=|\$\({name}\)|\$\{{{name}", makefile, re.MULTILINE):
            yield f"make {word}: the Makefile has no variable {name}"
        elif not equals and name not in targets:
            yield f"make {word}: the Makefile has no such target"
            return
    yield from recipe_problems(*rest)


@cache
def recipe_problems(*rest: str) -> list[str]:
    """What is wrong with the programs that make would start; packages count as installed."""
    command = ["make", "--dry-run", *(f"--old-file=.venv/.{what}" for what in ("everything", "product")), *rest]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    # That a stack is to be given is said where a target is only mentioned.
    found = [shown.stderr.strip()] if shown.returncode and "give STACK=" not in shown.stderr else []
    lines = shown.stdout.replace("\\\n", " ").splitlines()
    programs = [words for line in lines for words in split(line) if words[0] == ".venv/bin/python"]
    return found + [problem for words in programs for problem in check([word for word in words if word[0] != ">"])]


def check_python(rest: list[str]) -> Iterator[str]:
    if rest[0] == "-c":
        return
    if rest[0] == "-m" and rest[1] == "sandbox":
        yield from parsed(cli._parser(), rest[2:])
    elif rest[0] == "-m" and rest[1] in TOOLS:
        return
    elif rest[0] == "-m" and rest[1].startswith(("benchmarks.", "stacks.", "tools.")):
        if importlib.util.find_spec(rest[1]) is None:
            yield f"{rest[1]}: no such module"
    elif rest[0] == ".slipway/slipway_release":
        yield from parsed(release_cli._parser(), rest[1:])
    else:
        yield f"python {' '.join(rest)}: not a program of this project"


def parsed(parser: argparse.ArgumentParser, arguments: list[str]) -> Iterator[str]:
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parser.parse_args(arguments)
    except SystemExit:
        yield f"{parser.prog} {' '.join(arguments)}: {said.getvalue().strip().splitlines()[-1]}"


def check_xargs(rest: list[str]) -> Iterator[str]:
    yield from check(rest[2:] if rest[0] == "-n" else rest)


def check_argocd(rest: list[str]) -> Iterator[str]:
    if not " ".join(rest).startswith(tuple(ARGOCD)):
        yield f"argocd {' '.join(rest)}: not a command that these pages know"


def check_kubectl(rest: list[str]) -> Iterator[str]:
    verbs = [word for word in rest if word in {"get", "patch", "delete", "logs", "config", "rollout"}]
    if not verbs:
        yield f"kubectl {' '.join(rest)}: not a command that these pages know"
    if "--patch" in rest:
        try:
            json.loads(rest[rest.index("--patch") + 1])
        except ValueError as error:
            yield f"kubectl {' '.join(verbs)}: the patch is not JSON: {error}"


def check_pulumi(rest: list[str]) -> Iterator[str]:
    command = next((name for name in PULUMI if rest[: len(name.split())] == name.split()), None)
    if command is None:
        yield f"pulumi {' '.join(rest)}: not a command that these pages know"
        return
    arguments = rest[len(command.split()) :]
    unknown = [word for word in arguments if word.startswith("--") and word not in PULUMI[command]]
    if unknown:
        yield f"pulumi {command}: {', '.join(unknown)}: not an option that these pages know"
    if command == "config set":
        keys = [word for word in arguments if ":" in word]
        secrets = {f"{NAMESPACE}:{name}" for name in SECRETS}
        nested = f"{NAMESPACE}:argocd.values."
        wrong = [key for key in keys if key not in secrets and not ("--path" in arguments and key.startswith(nested))]
        yield from (f"{key}: not a secret of the settings" for key in wrong)


def check_gh(rest: list[str]) -> Iterator[str]:
    match rest[:2]:
        case ["workflow", "run"]:
            file = next(path for path in (WORKFLOWS / rest[2], WORKFLOWS / f"{rest[2]}.j2") if path.is_file())
            marks = ("[%", "[[", "[#")
            lines = [line for line in file.read_text().splitlines() if not any(mark in line for mark in marks)]
            text = "\n".join(lines).partition("\njobs:")[0]
            inputs = (yaml.safe_load(text)[True]["workflow_dispatch"] or {}).get("inputs", {})
            given = dict(word.split("=", 1) for word in rest if "=" in word)
            yield from (f"{rest[2]}: has no input {name}" for name in given if name not in inputs)
            yield from (
                f"{rest[2]}: {name} cannot be {value}"
                for name, value in given.items()
                if value not in inputs.get(name, {}).get("options", [value])
            )
            yield from (
                f"{rest[2]}: {name} is required"
                for name, described in inputs.items()
                if described["required"] and name not in given
            )
        case ["auth", "token"] | ["run", "list" | "rerun"]:
            pass
        case _:
            yield f"gh {' '.join(rest)}: not a command that these pages know"
