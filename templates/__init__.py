"""Loads what is written into repositories: text in other languages lives beside this module, never in Python strings.

Files ending in `.j2` are rendered (an undefined name is an error, the last newline stays) and lose that ending; all
others are copied as they are. One template imports another by its path below this folder. A value that becomes YAML is
written by the filter `yaml`, which quotes it: `on` and `1e3` are names, too. The delimiters are `[[ value ]]`,
`[% if … %]` and `[# comment #]`, so that `${{ … }}` of GitHub and `{{ … }}` of Helm pass through untouched.
"""

import hashlib
import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment

ROOT = Path(__file__).parent
SUFFIX = ".j2"
IGNORED = frozenset({"__pycache__", ".pytest_cache", ".ruff_cache"})

_ENVIRONMENT = SandboxedEnvironment(
    loader=FileSystemLoader(ROOT),
    # Charts of a platform's own templates may come from anywhere: they render, and run nothing.
    autoescape=False,  # what is rendered is YAML, Markdown and source code, never HTML
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
    lstrip_blocks=True,
    variable_start_string="[[",
    variable_end_string="]]",
    block_start_string="[%",
    block_end_string="%]",
    comment_start_string="[#",
    comment_end_string="#]",
)


def _yaml(value: object) -> str:
    """A text, or a list of texts, as every YAML parser reads it: JSON's way to write it is one of YAML's."""
    return json.dumps(value if isinstance(value, list | tuple) else str(value), ensure_ascii=False)


_ENVIRONMENT.filters["yaml"] = _yaml


def rendered_files(folder: str, variables: Mapping[str, object]) -> dict[str, str]:
    """The files of a folder, below `templates/` or absolute, as they are written, by path relative to that folder.

    A template that renders to nothing is not a file: so a template can leave out what is not needed.

    Raises:
        jinja2.UndefinedError: a template uses a name that is not among the variables.
    """
    rendered = {
        path: content if isinstance(content, str) else _render(path, content, variables)
        for path, content in _loaded(folder).items()
    }
    return {path: text for path, text in rendered.items() if text.strip() or isinstance(_loaded(folder)[path], str)}


def _render(path: str, content: Template, variables: Mapping[str, object]) -> str:
    with _naming(path):
        return content.render(variables)


@contextmanager
def _naming(path: str) -> Generator[None]:
    """Notes at an error which file it is about."""
    try:
        yield
    except Exception as error:
        error.add_note(path)
        raise


@cache
def executable_files(folder: str) -> frozenset[str]:
    """Those of a folder's files that are programs."""
    return frozenset(
        str(file.relative_to(ROOT / folder)).removesuffix(SUFFIX)
        for file in files_below(ROOT / folder)
        if file.stat().st_mode & 0o100
    )


@cache
def _loaded(folder: str) -> dict[str, str | Template]:
    files: dict[str, str | Template] = {}
    for file in files_below(ROOT / folder):
        path = str(file.relative_to(ROOT / folder))
        with _naming(path):
            text = file.read_text(encoding="utf-8")
            files[path.removesuffix(SUFFIX)] = _ENVIRONMENT.from_string(text) if path.endswith(SUFFIX) else text
    return files


def digest(folder: Path) -> str:
    """Of the files of a folder, as `files_below` has them: their paths, contents, and which of them are programs."""
    whole = hashlib.sha256()
    for path in files_below(folder):
        content = path.read_bytes()
        # Whether others may run it depends on the umask of the clone.
        head = f"{path.relative_to(folder)} {path.stat().st_mode & 0o100} {len(content)}\n"
        whole.update(head.encode() + content)
    return whole.hexdigest()


def files_below(folder: Path) -> list[Path]:
    """The files of a folder, sorted, without links and what tools keep there."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.is_file() and not file.is_symlink() and not IGNORED & set(file.relative_to(folder).parts)
    )
