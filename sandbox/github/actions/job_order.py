"""What one job is given: its order, the folder that it works in, its environment, and the command line of `act`."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.github.actions.expressions import quote
from sandbox.github.actions.host import Host
from sandbox.github.actions.jobfile import LABEL, RESULTS_FILE
from sandbox.github.actions.lending import Lent

Document = dict[str, Any]

_STORAGE = """\
# Images built by a job belong to it and its repository; the machine's own are out of reach.
[storage]
driver = "{driver}"
graphroot = "{home}/.cache/containers"
runroot = "{home}/tmp/containers"
rootless_storage_path = "{home}/.cache/containers"
"""

_NODE = """\
#!/bin/sh
# `act` asks in every job where node is, and node needs longer to answer than a small job takes.
if [ "$*" = "--no-warnings -e console.log(process.execPath)" ]; then echo {node}; else exec {node} "$@"; fi
"""

_IN_USER_NAMESPACE = {"_CONTAINERS_USERNS_CONFIGURED": "done", "_CONTAINERS_ROOTLESS_UID": "1000"}
"""Tells buildah what it knows only of namespaces it made itself: this root owns none of the machine's files."""


@dataclass(frozen=True)
class JobOrder:
    """Everything that one job needs to run."""

    folder: Path
    """Made for the job and removed after it."""
    log: Path
    cache: Path
    """Kept between jobs of the same repository: downloads and build caches."""
    event: str
    actor: str
    workflow: Document
    job_id: str
    payload: Document
    variables: dict[str, str]
    """GITHUB_ and other variables from the server."""
    secrets: dict[str, str]
    """With GITHUB_TOKEN among them."""
    actions: dict[str, Path]
    """`owner/repository@ref` → folder."""
    outputs: Document
    """The job's `outputs`, for their names."""
    url: Any
    timeout_minutes: float
    lent: Lent | None = None
    """What it has of this machine beside tools."""
    writes: bool = False
    """Whether it may change the state that is lent."""


def fill_folder(host: Host, order: JobOrder) -> None:
    """Makes the job's folder, with all files that the job and `act` read."""
    shutil.rmtree(order.folder, ignore_errors=True)
    for folder in (order.folder, order.folder / "work", order.folder / "tmp", order.cache):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if host.isolation == "plain":
        (order.folder / ".cache").symlink_to(order.cache)
    else:
        (order.folder / ".cache").mkdir()
    files: dict[str, Any] = {
        "workflow.yml": order.workflow,
        "event.json": order.payload,
        "secrets.yml": order.secrets,
    }
    for name, content in files.items():
        # JSON is YAML, and leaves no doubt about what is a text.
        (order.folder / name).write_text(json.dumps(content))
        (order.folder / name).chmod(0o600)
    (order.folder / "results").touch()
    home = host.home(order.folder)
    (order.folder / "storage.conf").write_text(_STORAGE.format(home=home, driver=host.storage_driver))
    (order.folder / "bin").mkdir()
    if node := shutil.which("node", path=":".join(host.path)):
        (order.folder / "bin" / "node").write_text(_NODE.format(node=node))
        (order.folder / "bin" / "node").chmod(0o755)
    owner = host.owner
    if owner is not None:
        for path in (order.folder, *order.folder.iterdir(), order.cache):
            os.chown(path, owner, owner)


def environment(host: Host, order: JobOrder) -> dict[str, str]:
    """The variables that `act` starts with."""
    home = host.home(order.folder)
    cache = f"{home}/.cache"
    lent = order.lent.path if order.lent else []
    return {
        **host.passed_on,
        "PATH": ":".join([f"{home}/bin", *lent, *host.path]),
        "ACT_DISABLE_VERSION_CHECK": "1",
        "HOME": home,
        "USER": "runner",
        "XDG_CACHE_HOME": cache,
        "GOMODCACHE": f"{cache}/go-mod",
        "BUILDAH_ISOLATION": "chroot",
        "CONTAINERS_STORAGE_CONF": f"{home}/storage.conf",
        "STORAGE_DRIVER": host.storage_driver,
        "XDG_RUNTIME_DIR": f"{home}/tmp",  # noqa: S108 -- a folder of the job
        **(_IN_USER_NAMESPACE if host.isolation == "user" else {}),
        "TERM": "dumb",
        "GIT_PAGER": "cat",
        "PAGER": "cat",
        "GIT_TERMINAL_PROMPT": "0",
        "RUNNER_NAME": "sandbox",
        "RUNNER_ENVIRONMENT": "self-hosted",
        "ImageOS": "sandbox",
    }


def act_command(host: Host, order: JobOrder) -> list[str]:
    """How `act` is called for the job."""
    home = host.home(order.folder)
    variables = {
        **order.variables,
        "SHA_REF": order.variables.get("GITHUB_SHA", ""),
        RESULTS_FILE: f"{home}/results",
    }
    command = [
        str(host.act), order.event,
        "--workflows", f"{home}/workflow.yml", "--no-recurse",
        "--job", order.job_id,
        "--directory", f"{home}/work",
        "--platform", f"{LABEL}=-self-hosted",
        "--eventpath", f"{home}/event.json",
        "--secret-file", f"{home}/secrets.yml",
        "--actor", order.actor,
        "--action-cache-path", f"{home}/work",
        "--use-new-action-cache", "--no-skip-checkout", "--no-cache-server", "--insecure-secrets", "--json",
        "--env-file", "/dev/null", "--var-file", "/dev/null", "--input-file", "/dev/null",
        "--pull=false", "--rm",
    ]  # fmt: skip
    for name, value in variables.items():
        command += ["--env", f"{name}={_literal(name, value)}"]
    for name, folder in order.actions.items():
        command += ["--local-repository", f"{name}={folder}"]
    return command


def _literal(name: str, value: str) -> str:
    """A variable's value so that `act`, which evaluates the environment, comes out with the same text.

    What it knows itself it evaluates once, everything else twice.
    """
    if "${{" not in value:
        return value
    return (
        quote(value)
        if name in ("GITHUB_REF", "GITHUB_REF_NAME", "GITHUB_HEAD_REF", "GITHUB_BASE_REF")
        else quote(quote(value))
    )
