"""`make generate`: files that are made from the code and committed, so that editors and readers have them."""

import sys
from collections.abc import Iterator
from pathlib import Path

from stacks import schema
from tools import template_versions

ROOT = Path(__file__).parent.parent


def files() -> Iterator[tuple[Path, str]]:
    """Every generated file with the text that it should have."""
    yield schema.PATH, schema.schema_text()
    yield template_versions.PATH, template_versions.versions_text()


def is_stale(path: Path, text: str) -> bool:
    return not path.is_file() or path.read_text() != text


def main() -> int:
    if unraised := template_versions.unraised():
        print("\n".join(unraised), file=sys.stderr)
        return 1
    for path, text in files():
        changed = is_stale(path, text)
        if changed:
            path.write_text(text)
        print(f"{path.relative_to(ROOT)}: {'written' if changed else 'up to date'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
