"""What tells people of releases."""

from __future__ import annotations

import argparse
from pathlib import Path

from slipway_release import context, dora, overview, page, releases_text, workflow


def write_page(options: argparse.Namespace) -> None:
    output: Path = options.output
    text = page.page(overview.overview(context.from_environment(), options.folder))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    workflow.say(f"{output}: {len(text.encode())} bytes")


def show_releases(options: argparse.Namespace) -> None:
    print(releases_text.text(overview.overview(context.from_environment(), options.folder)))


def show_dora(options: argparse.Namespace) -> None:
    around = context.from_environment()
    found = dora.figures(around, options.days, options.service, options.environment)
    print(dora.as_json(found) if options.json else dora.as_table(found))
