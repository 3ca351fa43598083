"""What a story of releases needs to know and how it is told: steps with their times, environments, versions."""

import re
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from rich.console import Console

from sandbox.progress import elapsed_text
from sandbox.rehearsal import Rehearsal


@dataclass
class Story:
    """Says what happens, and how long each step took."""

    console: Console = field(default_factory=lambda: Console(soft_wrap=True))
    steps: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])

    def chapter(self, title: str) -> None:
        self.console.print(f"\n[bold]{title}[/bold]")

    @contextmanager
    def step(self, text: str) -> Generator[None]:
        """One thing that is done or waited for; told when it has happened."""
        began = time.monotonic()
        yield
        took = time.monotonic() - began
        self.steps.append((text, took))
        self.console.print(f"  {elapsed_text(took):>9}  {text}", highlight=False)

    def say(self, text: str) -> None:
        self.console.print(f"  {'':>9}  [dim]{text}[/dim]", highlight=False)


@dataclass(frozen=True)
class Environment:
    """What the story needs to know of an environment."""

    name: str
    delivery: str
    branch: str
    manual: bool
    approved: bool
    """Whether people of its approvers let releases in, by their review of a pull request."""
    prefix: str | None
    """What tags that are for it alone begin with."""


def environments(rehearsal: Rehearsal, service: str) -> list[Environment]:
    """The environments of a service that take version tags, in promotion order, as the platform file says."""
    platform = rehearsal.platform()
    mine = next(item["environments"] for item in platform["services"] if item["name"] == service)
    return [
        Environment(
            item["name"],
            item["delivery"],
            item["targetBranch"],
            item["sync"] == "manual",
            item["approval"],
            item["tagPrefix"],
        )
        for item in platform["environments"]
        if item["name"] in mine
    ]


class Versions(NamedTuple):
    """The versions of a story, after all that were tagged before."""

    good: str
    bad: str
    fixed: str
    last: str
    """Of which the events are lost."""
    hotfix: str
    """Of the good one, for production alone."""


def next_versions(rehearsal: Rehearsal, service: str) -> Versions:
    """Versions that no tag has yet; each but the hotfix is newer than the one before."""
    tags = rehearsal.github("GET", f"{rehearsal.repository_path(service)}/git/matching-refs/tags/v")
    found = [re.fullmatch(r"refs/tags/v(\d+)\.(\d+)\.(\d+)", tag["ref"]) for tag in tags]
    minor = max((int(match[2]) for match in found if match), default=0)
    newer = f"0.{minor + 2}"
    return Versions(f"0.{minor + 1}.0", f"{newer}.0", f"{newer}.1", f"{newer}.2", f"0.{minor + 1}.1")


def maintenance_branch(rehearsal: Rehearsal, service: str, version: str) -> str | None:
    """The branch that a version older than main's may come from; None where the settings name none."""
    pattern = next(item["maintenanceBranch"] for item in rehearsal.platform()["services"] if item["name"] == service)
    major, minor, _ = version.split(".")
    return pattern and pattern.format(major=major, minor=minor)
