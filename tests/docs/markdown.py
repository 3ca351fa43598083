"""The Markdown files of the project, cut into what can be checked: code blocks, inline code, links, headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\[[^\]]+\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_INLINE_COMMAND = re.compile(
    r"(make|(?:\.venv/bin/)?python -m|python3 \.slipway\S*|pulumi|gh|argocd|kubectl|\.sandbox/bin/\w+) [a-z-]"
)


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        return self.path.read_text()

    @property
    def prose(self) -> str:
        return _FENCE.sub("", self.text)

    def blocks(self, language: str) -> Iterator[str]:
        """The code blocks of a language, without their indentation."""
        for block in _FENCE.finditer(self.text):
            if block["language"] == language:
                yield "".join(line.removeprefix(block["indent"]) for line in block["body"].splitlines(keepends=True))

    def inline(self) -> list[str]:
        return _INLINE.findall(self.prose)

    def links(self) -> list[str]:
        return [link["target"] for link in _LINK.finditer(self.prose)]

    def anchors(self) -> set[str]:
        """What GitHub makes of the headings."""
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(self.prose)}


def pages() -> list[Page]:
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    return [Page(path) for path in sorted(found)]


def commands(page: Page) -> Iterator[str]:
    """Every command line: those of shell blocks, and those in running text that begin as commands do."""
    for block in page.blocks("sh"):
        yield from _command_lines(block)
    for code in page.inline():
        if _INLINE_COMMAND.match(code) and "…" not in code:
            yield code


def section_commands(page: Page, heading: str) -> list[list[str]]:
    """The command lines below a heading, block by block."""
    below = page.text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [list(_command_lines(block["body"])) for block in _FENCE.finditer(below) if block["language"] == "sh"]


@dataclass(frozen=True)
class Step:
    """One numbered heading of a page that leads somewhere."""

    title: str
    commands: tuple[str, ...]


def steps(page: Page) -> list[Step]:
    """What a person does, in order, by the numbered headings of a page."""
    titles = re.findall(r"^## (\d+\. .+)$", page.text, flags=re.MULTILINE)
    return [Step(title, tuple(chain.from_iterable(section_commands(page, title)))) for title in titles]


def _command_lines(block: str) -> Iterator[str]:
    """The lines of a shell block; one that goes on below is one, and comments are left out."""
    whole = re.sub(r"\|\n\s*", "| ", re.sub(r"\\\n\s*", "", block))
    for line in whole.splitlines():
        if command := re.sub(r"(^|\s+)# .*", "", line).strip():
            yield command
