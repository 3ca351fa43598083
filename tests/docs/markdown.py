"""The Markdown files of the project, cut into what can be checked: code blocks, inline code, links, headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\[[^\]]+\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


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
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                yield line.strip()
    for code in page.inline():
        if (
            re.match(r"(make|(?:\.venv/bin/)?python -m|python3 \.slipway\S*|pulumi|gh) [a-z-]", code)
            and "…" not in code
        ):
            yield code


@dataclass(frozen=True)
class Step:
    """One numbered heading of a page that leads somewhere."""

    title: str
    commands: tuple[str, ...]


def steps(page: Page) -> list[Step]:
    """What a person does, in order, by the numbered headings of a page."""
    _, *parts = re.split(r"^## (?=\d+\. )", page.text, flags=re.MULTILINE)
    return [Step(part.splitlines()[0], tuple(_shell_lines(part.partition("\n## ")[0]))) for part in parts]


def _shell_lines(text: str) -> Iterator[str]:
    for block in _FENCE.finditer(text):
        if block["language"] == "sh":
            yield from block["body"].splitlines()
