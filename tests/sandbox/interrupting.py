"""Cuts off an `up` of the sandbox at a random moment, and looks at what the next one makes of it."""

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from sandbox.applications import applications
from sandbox.argocd import release
from sandbox.cluster import Cluster
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.overlay import STACK, sandbox_stack
from sandbox.people import agree_to_settings
from sandbox.progress import Progress
from sandbox.pulumi import operations, processes
from sandbox.pulumi.events import UNCHANGED
from sandbox.pulumi.programs import Home
from sandbox.pulumi.project import linked_project
from sandbox.pulumi.settings import StackConfig
from sandbox.pulumi.workspace import Workspace, find_workspace
from sandbox.rehearsal import Rehearsal

ROOT = Path(__file__).parent.parent.parent
LIMIT_SECONDS = 1200
FIRST_GUESS = 20.0
"""How many seconds an `up` takes, before one has been measured."""
RUN = """
import sys
from pathlib import Path
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.people import agree_to_settings
from sandbox.progress import Progress
from sandbox.up import up
try:
    deployed = up(SandboxConfig.from_environment(root=Path(sys.argv[1])), Progress()).deployed
except SandboxError as error:
    sys.exit(f"error: {error}")
except KeyboardInterrupt:
    sys.exit(130)
print(*deployed.messages, deployed, *(f"merge {url}" for url in deployed.exports["pullRequests"]), sep="\\n")
"""
"""`up` of a work tree with other settings."""
Values = dict[str, Any]


class Ending(StrEnum):
    """How an `up` is cut off."""

    CTRL_C = "Ctrl-C"
    UP = "kill -9 of up"
    CLI = "kill -9 of pulumi"
    ALL = "kill -9 of everything"


class Moment(StrEnum):
    """When."""

    ANY = "at any moment"
    HELM = "while Helm is at work"


@dataclass
class Outcome:
    """One `up` that was cut off, and the one after it."""

    ending: Ending
    after: float
    """Seconds into the first."""
    was_running: bool
    first: str
    """What the first had said until then."""
    seconds: float
    """What the second took."""
    said: list[str]
    problems: list[str] = field(default_factory=list[str])


@dataclass
class Interrupter:
    """Runs `up` with changing settings on one sandbox."""

    config: SandboxConfig
    tree: Path
    """A folder for a work tree whose settings can be changed."""
    chance: random.Random
    values: Values = field(default_factory=dict[str, Any])
    expected: float = FIRST_GUESS

    def __post_init__(self) -> None:
        self._file = linked_project(ROOT, self.tree, STACK)
        self.values = yaml.safe_load((ROOT / "stacks" / self._file.name).read_text())["config"]
        self.config = replace(self.config, root=self.tree)
        self.change(lambda _values: None)

    def change(self, change: Callable[[Values], None]) -> None:
        """Changes the settings, whose keys come without their namespace."""
        short = {key.removeprefix("slipway:"): value for key, value in self.values.items()}
        change(short)
        self.values = {f"slipway:{key}": value for key, value in short.items()}
        self._file.write_text(yaml.safe_dump({"config": self.values}))

    def cut_off(self, ending: Ending, moment: Moment = Moment.ANY) -> Outcome:
        """Cuts off an `up`, lets the next one run to its end, and looks at everything."""
        began = time.monotonic()
        process = self._start()
        if moment is Moment.HELM:
            self._wait_for_helm(process)
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(self.chance.uniform(0, self.expected))
        after, was_running = time.monotonic() - began, process.poll() is None
        end(process, ending, Home(self.config.pulumi_directory / "home"))
        first, _ = process.communicate(timeout=LIMIT_SECONDS)
        began = time.monotonic()
        code, said = self._up()
        took = self.expected = time.monotonic() - began
        outcome = Outcome(ending, after, was_running, first, took, said.splitlines())
        if not code and (waiting := re.findall(r"^merge (\S+)$", said, re.MULTILINE)):
            for pull_request in waiting:
                agree_to_settings(Rehearsal(self.config), pull_request, self.values)
            code, said = self._up()
        outcome.problems += [f"the next up failed: {said[-1500:]}"] if code else self.problems()
        return outcome

    def _up(self) -> tuple[int, str]:
        process = self._start()
        said, _ = process.communicate(timeout=LIMIT_SECONDS)
        return process.returncode, said

    def problems(self) -> list[str]:
        """What is not as the settings say, is there twice, or still runs."""
        settings, place = self.settings, self.place
        rehearsal = Rehearsal(self.config)
        services, environments = settings.values["slipway:services"], settings.values["slipway:environments"]
        placed = {
            f"{service['name']}-{name}"
            for service in services
            for name in service.get("environments", [one["name"] for one in environments])
        }
        wanted = placed | {f"infrastructure-{one['name']}" for one in environments}
        repositories = Counter(found["name"] for found in rehearsal.github("GET", "/orgs/acme/repos?per_page=100"))
        with contextlib.closing(Cluster(self.config)) as cluster:
            there = [found.name for found in applications(cluster)]
            history = release.history(cluster)
            helm_releases = cluster.secrets(None, "owner=helm")
            namespaces = cluster.namespaces()
        named = {(found["metadata"]["namespace"], found["metadata"]["labels"]["name"]) for found in helm_releases}
        known = re.compile(rf"({'|'.join(sorted(repositories))})-({'|'.join(one['name'] for one in environments)})")
        own = {name for name in namespaces if known.fullmatch(name)}
        again = operations.preview(place, settings, refresh=True)
        differing = [(step.operation, step.name) for step in again.steps if step.operation not in UNCHANGED]
        left = self._left(place.home)
        checks = {
            f"Applications {there} instead of {wanted}": sorted(there) != sorted(wanted),
            f"repositories {dict(repositories)}": max(repositories.values()) > 1
            or not {"environments", *(service["name"] for service in services)} <= set(repositories),
            f"Helm releases {named}": len(named) != 1,
            f"the Helm release {history}": history[max(history)] != "deployed"
            or list(history.values()).count("deployed") != 1,
            f"namespaces {own} instead of {placed}": not placed <= own,
            f"a second preview: {differing}": bool(again.changed),
            f"processes {left}": bool(left),
            "pending operations": bool(operations.read_pending(place.state_file(settings), settings)),
        }
        return [text for text, wrong in checks.items() if wrong]

    @staticmethod
    def _left(home: Home) -> list[processes.Process]:
        """The processes that do not end by themselves: a CLI that is done does not wait for the last of its plugins."""
        deadline = time.monotonic() + 30
        while (left := processes.find(home)) and time.monotonic() < deadline:
            time.sleep(0.2)
        return left

    @property
    def settings(self) -> StackConfig:
        return sandbox_stack(self.config)

    @property
    def place(self) -> Workspace:
        return find_workspace(self.config, Progress(quiet=True))

    def _start(self) -> "subprocess.Popen[str]":
        environment = os.environ | {
            "SLIPWAY_SANDBOX_DIR": str(self.config.directory),
            "SLIPWAY_SANDBOX_NETWORK": self.config.network,
        }
        return subprocess.Popen(
            [sys.executable, "-c", RUN, str(self.tree)], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def _wait_for_helm(self, process: "subprocess.Popen[str]") -> None:
        while process.poll() is None:
            with contextlib.suppress(SandboxError), contextlib.closing(Cluster(self.config)) as cluster:
                history = release.history(cluster)
                if history and history[max(history)].startswith("pending"):
                    return
            time.sleep(0.05)


def end(process: "subprocess.Popen[str]", ending: Ending, home: Home) -> None:
    """Cuts off an `up`, which may have ended by now.

    Args:
        process: The `up`, the leader of its process group.
        ending: How.
        home: Of the `pulumi` that it runs.
    """
    if ending is Ending.CTRL_C:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        return
    found = processes.find(home)
    pids = [one.pid for one in found if ending is Ending.ALL or (ending is Ending.CLI and one.is_cli)]
    # Before pulumi is at work, only `up` itself can be killed.
    ended = pids if ending is Ending.CLI and pids else [process.pid, *pids]
    # All stand still first: where this process has to wait in between, none learns that another is gone.
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in ended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
