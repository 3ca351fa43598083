"""A pull request on the platform repository: pushed → the preview's comment, by the real workflow in the sandbox.

With `--services 100` it is the preview and the comment alone, of that many services in three environments: by the
engine of `pulumi`, on an empty state and with providers that reach nothing.
"""

import argparse
import json
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

from benchmarks.measure import Report, benchmark, say
from benchmarks.plan_time import settings_of
from benchmarks.sandboxes import command, running
from sandbox.config import SandboxConfig
from sandbox.merged_settings import REPOSITORY
from sandbox.people import propose
from sandbox.progress import Progress
from sandbox.pulumi.plan import plan_document
from sandbox.pulumi.settings import StackConfig
from sandbox.rehearsal import Rehearsal
from stacks.preview_comment import main as comment
from stacks.pull_request_comment import LIMIT

GOAL_SECONDS = 30
MANY_SECONDS = 60
SETTINGS = "stacks/Pulumi.sandbox.yaml"
COMMENTED = "pull request opened → comment"


def measured(options: argparse.Namespace, report: Report) -> None:
    if options.services:
        of_many(options, report)
        return
    with running() as config:
        command(config, "platform-repository")
        rehearsal = Rehearsal(config)
        for run in range(options.runs):
            say(f"run {run + 1} of {options.runs}")
            commented(rehearsal, report)
        report.at_most("pull request → comment, in seconds", report.measure(COMMENTED).median, GOAL_SECONDS)


def commented(rehearsal: Rehearsal, report: Report) -> None:
    """Opens a pull request that renames a group, waits for the comment, and closes it again."""
    path = rehearsal.repository_path(REPOSITORY)
    with rehearsal.clone(REPOSITORY, "dana") as clone:
        text = (clone.directory / SETTINGS).read_text(encoding="utf-8")
        changed = text.replace('"acme web"', '"acme developers"')
        number = propose(rehearsal, clone, f"Rename a group at {time.time():.0f}", {SETTINGS: changed}, author="dana")
    began = time.monotonic()
    rehearsal.wait("the comment", lambda: rehearsal.github("GET", f"{path}/issues/{number}/comments"), seconds=600)
    report.measure(COMMENTED).values.append(time.monotonic() - began)
    run = rehearsal.wait_for_run(REPOSITORY, "preview.yml")
    if run["conclusion"] != "success":
        sys.exit(f"the preview ended with {run['conclusion']}: {rehearsal.run_log(REPOSITORY, run['id'])}")
    rehearsal.github("PATCH", f"{path}/pulls/{number}", body={"state": "closed"})


def of_many(options: argparse.Namespace, report: Report) -> None:
    """Previews many services, and renders the comment of a change that every one of them sees."""
    count = options.services
    config, before = SandboxConfig.from_environment(), settings_of(count)
    environments = before.values["slipway:environments"]
    wider = [{**one, "quota": {"pods": 33, "cpu": "17", "memory": "40Gi"}} for one in environments]
    with tempfile.TemporaryDirectory(prefix="slipway-comment-") as name:
        base, preview, whole = (Path(name) / file for file in ("base.json", "preview.json", "whole.md"))
        document(config, before, base)
        for run in range(options.runs):
            say(f"run {run + 1} of {options.runs}: {count} services")
            began = time.monotonic()
            with report.measure("preview").timed():
                document(config, settings_of(count, environments=wider), preview)
            for what, more in (("everything is new", []), ("every service changes", ["--plan-of-base", str(base)])):
                words = [str(preview), "--stack", before.stack, "--whole", str(whole)]
                said = Path(name) / "said.md"
                with report.measure(f"comment, {what}").timed(), said.open("w") as file, redirect_stdout(file):
                    comment([*words, *more])
                report.measure(f"comment, {what}, characters", "").values.append(len(said.read_text()))
                report.measure(f"artifact, {what}, characters", "").values.append(len(whole.read_text()))
            report.measure(f"preview of {count} services → comment").values.append(time.monotonic() - began)
    longest = max(series.median for series in report.series if series.name.startswith("comment") and not series.unit)
    report.at_most("characters of a comment", longest, LIMIT)
    report.at_most("seconds", report.measure(f"preview of {count} services → comment").median, MANY_SECONDS)


def document(config: SandboxConfig, settings: StackConfig, file: Path) -> None:
    """Writes what `pulumi preview --json` says."""
    text, code = plan_document(config, settings, Progress(quiet=True))
    if code:
        said = [one["message"] for one in json.loads(text or "{}").get("diagnostics", [])]
        sys.exit(f"the preview failed: {said}")
    file.write_text(text, encoding="utf-8")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--services", type=int, help="of so many services, without the sandbox's GitHub")


if __name__ == "__main__":
    sys.exit(
        benchmark("preview_comment", measured, description="Preview of a pull request", runs=3, arguments=arguments)
    )
