"""A new version of a template, proposed to 50 services and their charts, on the model of GitHub.

The command is `make template-updates PROPOSE=1`.

The model answers at once, so what is measured is the program and its requests; each of them takes longer on GitHub,
which also asks for a second between writes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
import yaml

from benchmarks.measure import Report, benchmark, say
from benchmarks.sandboxes import ROOT, github_alone
from components.github.api import GitHubApi
from components.github.credentials import Token
from components.github.file_delivery import FileDelivery
from components.github.tree import WantedFiles
from manifests.model import OwnedFiles
from manifests.repository_files import environment_repository_files, service_repository_files
from stacks.addition import settings_in
from stacks.stack_text import StackText

GOAL_SECONDS = 300
SERVICES = 50
STACK = "bench"
TEMPLATE = "templates/services/go-web"
CHART = "templates/services/_chart"
LATER = "9.9.9"


def measured(options: argparse.Namespace, report: Report) -> None:
    for run in range(options.runs):
        say(f"run {run + 1} of {options.runs}: {options.services} services")
        with github_alone() as (url, token), tempfile.TemporaryDirectory(prefix="slipway-benchmark-") as folder:
            clone = Path(folder)
            platform(clone, url, options.services)
            services(clone, url, token)
            later(clone)
            with report.measure(f"{options.services} services: one pull request each, and one for each chart").timed():
                command = [sys.executable, "-m", "stacks.template_updates", "--stack", STACK, "--propose"]
                ran = subprocess.run(
                    command, cwd=clone, env=os.environ | {"GITHUB_TOKEN": token}, capture_output=True, text=True,
                    check=False,
                )  # fmt: skip
            proposed = ran.stdout.count(": proposed: ")
            if ran.returncode or proposed != 2 * options.services:
                sys.exit(f"{proposed} of {2 * options.services} were proposed: {ran.stdout}{ran.stderr}")
    took = report.series[0].median
    report.at_most("an update over 50 services, in seconds", took * SERVICES / options.services, GOAL_SECONDS)


def platform(clone: Path, url: str, count: int) -> None:
    """A platform repository with so many services of one template, in its first commit."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for path in filter(None, listed.split("\0")):
        if (ROOT / path).is_file():
            (clone / path).parent.mkdir(parents=True, exist_ok=True)
            (clone / path).write_bytes((ROOT / path).read_bytes())
    stack: dict[str, Any] = yaml.safe_load((ROOT / "stacks/Pulumi.example.yaml").read_text(encoding="utf-8"))
    stack["config"]["slipway:github"]["baseUrl"] = f"{url.removesuffix('api/v3')}"
    stack["config"]["slipway:services"] = [
        {"name": f"service-{number}", "template": Path(TEMPLATE).name, "team": "web"} for number in range(count)
    ]
    (clone / f"stacks/Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(stack), encoding="utf-8")
    git(clone, "init", "--quiet")
    commit(clone, "Begin")


def services(clone: Path, url: str, token: str) -> None:
    """What `pulumi up` makes of the services: their repositories, and their charts in that of environments."""
    text = (clone / f"stacks/Pulumi.{STACK}.yaml").read_text(encoding="utf-8")
    settings, problems = settings_in(StackText(text), STACK)
    if settings is None:
        sys.exit(f"the stack of the benchmark: {problems[0]}")
    api = GitHubApi(url, Token(token))
    repositories = {settings.github.environment_repository: environment_repository_files(settings)}
    repositories |= {one.repository_name: service_repository_files(settings, one) for one in settings.services}
    for name, files in repositories.items():
        body = {"name": name, "private": True, "auto_init": True}
        httpx.post(
            f"{url}/orgs/acme/repos", json=body, headers={"Authorization": f"Bearer {token}"}, trust_env=False
        ).raise_for_status()
        wanted = WantedFiles(files.owned, files.seeded)
        FileDelivery(api, "acme", name).deliver(wanted, "Start", OwnedFiles.COMMIT)


def later(clone: Path) -> None:
    """A newer version of the template, which changes one of its files and one of its chart."""
    described = clone / TEMPLATE / "copier.yml"
    about = yaml.safe_load(described.read_text(encoding="utf-8"))["_slipway"]
    text = described.read_text(encoding="utf-8").replace(f"version: {about['version']}", f"version: {LATER}")
    described.write_text(text, encoding="utf-8")
    readme = next((clone / TEMPLATE).rglob("README.md*"))
    readme.write_text(readme.read_text(encoding="utf-8") + "\nOne more line.\n", encoding="utf-8")
    values = clone / CHART / "values.yaml"
    values.write_text(values.read_text(encoding="utf-8") + "\n# One more line.\n", encoding="utf-8")
    commit(clone, "A newer template")


def commit(clone: Path, message: str) -> None:
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", message)


def git(clone: Path, *words: str) -> None:
    who = ["-c", "user.name=slipway", "-c", "user.email=slipway@users.noreply.example.com"]
    subprocess.run(["git", *who, *words], cwd=clone, check=True)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--services", type=int, default=SERVICES, help=f"how many services (default: {SERVICES})")


if __name__ == "__main__":
    sys.exit(benchmark("template_updates", measured, description="Template updates", runs=1, arguments=arguments))
