"""Reading workflow files: YAML as GitHub reads it, and the checks that make a file a workflow."""

import re
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from sandbox.fast_yaml import SafeLoader
from sandbox.github.actions.globs import compile_pattern
from sandbox.github.actions.shapes import is_list, is_mapping

Mapping = dict[str, Any]

FOLDER = ".github/workflows/"
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z", re.ASCII)
_TOP_LEVEL = {"name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"}
_JOB = {
    "name", "permissions", "needs", "if", "runs-on", "environment", "concurrency", "outputs", "env", "defaults",
    "steps", "timeout-minutes", "strategy", "continue-on-error", "container", "services", "uses", "with", "secrets",
    "snapshot",
}  # fmt: skip
_STEP = {
    "id", "if", "name", "uses", "run", "working-directory", "shell", "with", "env", "continue-on-error",
    "timeout-minutes", "background", "wait", "wait-all", "cancel", "parallel",
}  # fmt: skip
FILTERS = ("branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore")


class WorkflowError(Exception):
    """A workflow that cannot run as it is written; the text says where and why."""


class _Loader(SafeLoader):
    """YAML 1.2 scalars, so that `on` is a key and `12:30` a text, and no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.value != "<<":
                raise WorkflowError(f"line {key.start_mark.line + 1}: '{key.value}' is already defined")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    cast("Any", _Loader).add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})\\Z"), list(_first)
    )


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    return int(text, 0) if text[:2] in ("0x", "0o") else int(text)


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


@dataclass(frozen=True)
class Workflow:
    """One workflow file."""

    path: str
    """Where it lies in its repository."""
    name: str
    """Its `name`, or the path."""
    on: dict[str, Mapping]
    """Event → its filters and settings."""
    jobs: dict[str, Mapping]
    run_name: str | None = None
    env: Mapping = field(default_factory=dict[str, Any])
    defaults: Mapping = field(default_factory=dict[str, Any])
    permissions: Any = None
    concurrency: Any = None

    @property
    def call(self) -> Mapping:
        """What `on.workflow_call` declares."""
        return self.on.get("workflow_call") or {}


def load(text: str | bytes, path: str) -> Workflow:
    """Reads a workflow file.

    Raises:
        WorkflowError: it is not a workflow; one sentence names the first problem and its place.
    """
    document = read_yaml(text)
    if not is_mapping(document):
        raise WorkflowError("a workflow is a mapping with the keys 'on' and 'jobs'")
    data: Mapping = document
    _known(data, _TOP_LEVEL, "")
    if data.get("on") is None:
        raise WorkflowError("No event triggers defined in `on`")
    jobs = data.get("jobs")
    if not is_mapping(jobs) or not jobs:
        raise WorkflowError("No jobs defined in `jobs`")
    workflow = Workflow(
        path=path,
        name=str(data.get("name") or path),
        on=_events(data["on"]),
        jobs={str(name): _job(str(name), job, jobs) for name, job in jobs.items()},
        run_name=data.get("run-name"),
        env=_mapping(data.get("env"), "env"),
        defaults=_mapping(data.get("defaults"), "defaults"),
        permissions=data.get("permissions"),
        concurrency=data.get("concurrency"),
    )
    order(workflow.jobs)
    return workflow


def read_yaml(text: str | bytes) -> Any:
    """A YAML document as GitHub reads it.

    Raises:
        WorkflowError: it is not YAML.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 -- derived from the safe loader
    except yaml.YAMLError as error:
        raise WorkflowError(f"You have an error in your yaml syntax: {' '.join(str(error).split())}") from error
    except UnicodeDecodeError as error:
        raise WorkflowError("You have an error in your yaml syntax: it is not UTF-8") from error


def _known(data: Mapping, allowed: set[str], where: str) -> None:
    for key in data:
        if key not in allowed:
            raise WorkflowError(f"{where}Unexpected value '{key}'")


def _mapping(value: Any, where: str) -> Mapping:
    if value is None:
        return {}
    if is_mapping(value):
        return value
    if isinstance(value, str) and "${{" in value:
        return {"<expression>": value}
    raise WorkflowError(f"{where}: A mapping was expected")


def _events(value: Any) -> dict[str, Mapping]:
    if isinstance(value, str):
        return {value: {}}
    if is_list(value):
        return {str(name): {} for name in value}
    if not is_mapping(value):
        raise WorkflowError("on: name an event, several, or a mapping of events")
    events: dict[str, Mapping] = {}
    for name, settings in value.items():
        if name == "schedule":
            events["schedule"] = {"schedule": settings}
            continue
        events[str(name)] = _filters(str(name), _mapping(settings, f"on.{name}"))
    return events


def _filters(event: str, settings: Mapping) -> Mapping:
    settings = dict(settings)
    for name in (*FILTERS, "types", "workflows"):
        if name in settings:
            settings[name] = as_list(settings[name])
    for name in FILTERS:
        for pattern in settings.get(name, ()):
            try:
                compile_pattern(pattern.removeprefix("!"))
            except ValueError as error:
                raise WorkflowError(f"on.{event}.{name}: {error}") from error
    for name in ("branches", "tags", "paths"):
        if name in settings and f"{name}-ignore" in settings:
            raise WorkflowError(f"on.{event}: you may only define one of `{name}` and `{name}-ignore`")
    return settings


def as_list(value: Any) -> list[str]:
    """One text or several, as several."""
    if value is None:
        return []
    return [str(item) for item in value] if is_list(value) else [str(value)]


def _job(name: str, value: Any, jobs: Mapping) -> Mapping:
    where = f"jobs.{name}: "
    if not _IDENTIFIER.match(name):
        raise WorkflowError(
            f"{where}The identifier '{name}' is invalid. IDs may only contain alphanumeric characters, '_', and '-'"
            " and must start with a letter or '_'"
        )
    if not is_mapping(value):
        raise WorkflowError(f"{where}A mapping was expected")
    job: Mapping = dict(value)
    _known(job, _JOB, where)
    job["needs"] = as_list(job.get("needs"))
    for needed in job["needs"]:
        if needed not in jobs:
            raise WorkflowError(f"{where}Job '{name}' depends on unknown job '{needed}'")
    if "uses" in job:
        _known(job, _JOB - {"runs-on", "steps", "environment", "env", "outputs", "timeout-minutes", "container"}, where)
        return job
    if "runs-on" not in job:
        raise WorkflowError(f"{where}Required property is missing: runs-on")
    steps = job.get("steps")
    if not is_list(steps) or not steps:
        raise WorkflowError(f"{where}Required property is missing: steps")
    for number, step in enumerate(steps, 1):
        _step(f"{where}step {number}: ", step)
    return job


def _step(where: str, step: Any) -> None:
    if not is_mapping(step):
        raise WorkflowError(f"{where}A mapping was expected")
    _known(step, _STEP, where)
    if ("run" in step) == ("uses" in step):
        raise WorkflowError(f"{where}give either 'run' or 'uses'")


def order(jobs: dict[str, Mapping]) -> list[str]:
    """Names of the jobs, each after those it needs.

    Raises:
        WorkflowError: they need each other in a circle.
    """
    done: list[str] = []
    waiting = list(jobs)
    while waiting:
        ready = [name for name in waiting if all(needed in done for needed in jobs[name].get("needs", ()))]
        if not ready:
            raise WorkflowError(
                f"The workflow must contain at least one job with no dependencies: {', '.join(waiting)}"
            )
        done += ready
        waiting = [name for name in waiting if name not in ready]
    return done
