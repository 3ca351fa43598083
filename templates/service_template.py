"""Service templates: their questions, their chart, and where they come from."""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

from templates import SUFFIX

BUILT_IN = Path(__file__).parent / "services"
CHARTED = "go-web"
"""The template that comes with Slipway and whose chart a template without one has."""
CONFIG_NAMES = ("copier.yml", "copier.yaml")
_FETCH_SECONDS = 120
_GIT_ADDRESS = re.compile(r"(https?|ssh|git|file)://|[\w.-]+@[\w.-]+:")
_RENDERED = (".yaml", ".yml", ".tpl", ".txt")
"""What `helm lint` permits in the folder of a chart's templates."""
_SHARED = re.compile(r"_[a-z0-9-]+")
_VERSION = re.compile(r"[A-Za-z0-9]+([.+-]?[A-Za-z0-9]+)*")


class TemplateProblem(ValueError):  # noqa: N818 - it is told like other problems
    """What is wrong with a template, or with an answer to it."""

    def __init__(self, text: str, question: str = "") -> None:
        super().__init__(text)
        self.question: str = question
        """The question whose answer is wrong; empty where it is the template."""


@dataclass(frozen=True)
class ServiceTemplate:
    """What a new service starts with."""

    name: str
    description: str
    version: str
    source: str
    """Where it is from, as its services record it: `slipway:<name>`, a folder or a Git address."""
    folder: Path
    """Its folder on this machine."""
    chart: Path
    """The folder of its chart."""
    brings_chart: bool
    """Whether the chart is the template's own; else it is that of `CHARTED`."""
    shared: tuple[Path, ...]
    """Folders beside its own whose files lie under its own files."""
    questions: Mapping[str, Mapping[str, Any]]
    """Its questions as Copier describes them, by name; without secrets and those never asked (`when: false`)."""
    secrets: frozenset[str]
    """Questions whose answers must not be kept: they have their defaults, and are neither asked nor recorded."""
    values: Mapping[str, Any]
    """Chart values that its services start with in every environment."""


@cache
def service_templates() -> list[str]:
    """The names of the templates that come with Slipway, sorted."""
    return sorted(file.parent.name for file in BUILT_IN.glob("[!_]*/copier.yml"))


@cache
def service_template(name: str) -> ServiceTemplate:
    """A template that comes with Slipway."""
    return described(name, f"slipway:{name}", BUILT_IN / name)


@cache
def own_template(name: str, source: str, version: str | None, root: Path) -> ServiceTemplate:
    """A template of the platform's own.

    Args:
        name: what services call it.
        source: a folder, relative to `root`, or a Git address.
        version: with a Git address: the tag or branch; fetched once and kept.
        root: the platform repository.

    Raises:
        TemplateProblem: there is none, it cannot be fetched, or it is not a template.
    """
    if not is_git_address(source):
        folder = root / source
        if not folder.is_dir() or not folder.resolve().is_relative_to(root.resolve()):
            raise TemplateProblem(
                f"{source!r} is not a folder of the platform repository; add it, or use a Git address"
            )
        return _own(described(name, source, folder, version))
    if version is None:
        raise TemplateProblem(f"{source!r} has no `version`; add the tag to use, so that a service can be made again")
    return _own(described(name, source, _fetched(source, version), version))


def chart_template(template: ServiceTemplate) -> ServiceTemplate:
    """The template that the chart of a template is of."""
    return template if template.brings_chart else service_template(CHARTED)


def is_git_address(source: str) -> bool:
    """Whether a template is fetched from somewhere; else it is a folder of the platform repository."""
    return _GIT_ADDRESS.match(source) is not None


def described(name: str, source: str, folder: Path, version: str | None = None) -> ServiceTemplate:
    """What the `copier.yml` of a folder says.

    Raises:
        TemplateProblem: there is none, or it is not that of a template.
    """
    found = [folder / one for one in CONFIG_NAMES if (folder / one).is_file()]
    if not found:
        raise TemplateProblem(f"{source!r} has no copier.yml; docs/service-templates.md says what a template is")
    if len(found) > 1:
        raise TemplateProblem(f"{source!r} has both {' and '.join(CONFIG_NAMES)}; keep one of them")
    file = found[0]
    if (folder / ".git").exists():
        raise TemplateProblem(f"{source!r} is a Git repository of its own; use its address, with a `version`")
    try:
        config = cast(object, yaml.safe_load(file.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError):
        text = f"its {file.name} cannot be read as one document of YAML, without `!include`"
        raise TemplateProblem(f"{source!r}: {text}; mend it") from None
    if not isinstance(config, dict | None):
        raise TemplateProblem(f"{source!r}: its {file.name} is not a mapping; docs/service-templates.md shows one")
    fields = cast(dict[str, Any], config or {})
    if odd := [key for key in fields if not isinstance(cast(object, key), str)]:
        raise TemplateProblem(
            f"{source!r}: the question {odd[0]!r} of its {file.name} is not named by a text; quote it"
        )
    about = _about(source, fields)
    shared = _shared_folders(source, folder, [str(one) for one in cast(list[object], about.get("shared") or [])])
    chart = _chart_folder(source, folder, about.get("chart"))
    _check_links(source, folder, [folder, *shared, *([chart] if chart else [])])
    questions = {
        key: cast(dict[str, Any], one) if isinstance(one, dict) else {"default": one}
        for key, one in fields.items()
        if not key.startswith("_") and not (isinstance(one, dict) and cast(dict[str, Any], one).get("when") is False)
    }
    named = cast(object, fields.get("_secret_questions") or [])
    if not isinstance(named, list):
        raise TemplateProblem(f"{source!r}: `_secret_questions` of its {file.name} is not a list; make it one")
    secrets = frozenset(key for key, one in questions.items() if one.get("secret") or key in cast(list[object], named))
    return ServiceTemplate(
        name,
        str(about.get("description") or f"The template {name}"),
        version or _version(source, about.get("version", "0.0.0")),
        source,
        folder,
        chart or BUILT_IN / "_chart",
        chart is not None,
        shared,
        {key: one for key, one in questions.items() if key not in secrets},
        secrets,
        cast(dict[str, Any], about.get("values") or {}),
    )


def cache_folder() -> Path:
    """What was fetched and rendered is kept there."""
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(home) / "slipway"


def _about(source: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What it says to Slipway."""
    about: object = fields.get("_slipway") or {}
    if not isinstance(about, dict):
        raise TemplateProblem(f"{source!r}: `_slipway` of its copier.yml is not a mapping; write `_slipway: {{…}}`")
    found = cast(dict[str, Any], about)
    for key, kind, word in (("shared", list, "a list"), ("values", dict, "a mapping")):
        if not isinstance(found.get(key) or kind(), kind):
            raise TemplateProblem(f"{source!r}: `{key}` of `_slipway` in its copier.yml is not {word}; make it one")
    return found


def _version(source: str, given: object) -> str:
    """The version, which becomes part of a branch's name."""
    if isinstance(given, float) or not _VERSION.fullmatch(str(given)):
        text = 'write it in quotes, of letters, digits, dots, dashes and plus signs, such as "1.2.0"'
        raise TemplateProblem(f"{source!r}: {given!r} is not a version; {text}")
    return str(given)


def _own(template: ServiceTemplate) -> ServiceTemplate:
    """The template, if its chart is one."""
    if not template.brings_chart:
        return template
    file, chart = template.chart / "values.yaml", template.chart
    if not any((chart / f"Chart.yaml{end}").is_file() for end in ("", SUFFIX)):
        raise TemplateProblem(f"{template.source!r}: its chart has no Chart.yaml; add it, or leave the chart out")
    try:
        values = cast(object, yaml.safe_load(file.read_text(encoding="utf-8"))) if file.is_file() else None
    except (yaml.YAMLError, UnicodeDecodeError):
        values = ""
    if not isinstance(values, dict | None):
        raise TemplateProblem(f"{template.source!r}: values.yaml of its chart is not a mapping in YAML; mend it")
    _check_extensions(template)
    return template


def _check_extensions(template: ServiceTemplate) -> None:
    """Helm refuses a chart for other files beside its templates, unless `.helmignore` names them."""
    ignored = template.chart / ".helmignore"
    patterns = ignored.read_text(encoding="utf-8", errors="replace").split() if ignored.is_file() else []
    for path in sorted((template.chart / "templates").rglob("*")):
        name = path.name.removesuffix(SUFFIX)
        if path.is_dir() or name.endswith(_RENDERED) or any(fnmatch(name, pattern) for pattern in patterns):
            continue
        where = path.relative_to(template.chart)
        raise TemplateProblem(
            f"{template.source!r}: Helm refuses {where} of its chart; move it out of `templates`, or write it as one of"
            f" {', '.join(_RENDERED)}"
        )


def _chart_folder(source: str, folder: Path, named: object) -> Path | None:
    """Its own chart: in the template, or in a folder beside it, so that nothing from elsewhere gets into a chart."""
    if named is None:
        return (folder / "chart").resolve() if (folder / "chart").is_dir() else None
    within, place = folder.resolve(), (folder / str(named)).resolve()
    beside = place.parent == within.parent and _SHARED.fullmatch(place.name)
    if not place.is_dir() or not (within in place.parents or beside):
        text = "name a folder of the template, or one beside it that starts with `_`"
        raise TemplateProblem(f"{source!r}: `chart` names {str(named)!r}; {text}")
    return place


def _check_links(source: str, folder: Path, folders: list[Path]) -> None:
    """Copier would follow a link, out of the template."""
    for one in folders:
        for path in one.rglob("*"):
            if path.is_symlink():
                raise TemplateProblem(f"{source!r} has a symbolic link, {_within(path, folder)}; use a file instead")


def _within(path: Path, folder: Path) -> Path:
    whole = path.absolute()
    for base in (folder, folder.resolve(), folder.parent, folder.resolve().parent):
        if whole.is_relative_to(base):
            return whole.relative_to(base)
    return path


def _shared_folders(source: str, folder: Path, names: list[str]) -> tuple[Path, ...]:
    """Folders beside a template, by name alone, so that nothing from elsewhere gets into a service."""
    for name in names:
        place = folder.parent / name
        if not _SHARED.fullmatch(name) or not place.is_dir() or place.is_symlink():
            raise TemplateProblem(
                f"{source!r}: `shared` names {name!r}; name a folder beside the template that starts with `_`"
            )
    return tuple(folder.parent / name for name in names)


def _fetched(source: str, version: str) -> Path:
    """A version of a Git repository on this machine; a version that is there is not fetched again."""
    folder = cache_folder() / "templates" / hashlib.sha256(f"{source}@{version}".encode()).hexdigest()[:32]
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder.parent) as place:
        command = ["git", "clone", "--quiet", "--depth", "1", "--branch", version, "--", source, f"{place}/template"]
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
        try:
            ran = subprocess.run(
                command, capture_output=True, text=True, env=environment, timeout=_FETCH_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise TemplateProblem(f"{source!r} did not answer within {_FETCH_SECONDS} s; try again") from None
        if ran.returncode:
            said = (ran.stderr.strip().splitlines() or ["git failed"])[-1]
            raise TemplateProblem(f"{version} of {source!r} could not be fetched: {said}; check both, and the access")
        # Without its history it is a folder like any other, and Copier does not clone it once more.
        shutil.rmtree(f"{place}/template/.git")
        with contextlib.suppress(OSError):
            (Path(place) / "template").rename(folder)
    return folder
