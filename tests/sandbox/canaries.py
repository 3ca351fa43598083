"""Where a secret would show if it got out: every place of a sandbox that somebody without it may look at."""

import base64
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sandbox.config import SandboxConfig
from sandbox.rehearsal import Rehearsal
from sandbox.sign_on import logged_in

ADMINISTRATOR = "pat"
"""Of the platform's team, who sees all that Argo CD shows."""
ASKED = ("applications", "applicationsets", "projects", "repositories", "repocreds", "clusters", "settings", "accounts")
"""What Argo CD's API lists."""
OF_REPOSITORY = (
    "deployments", "commits", "pulls?state=all", "issues?state=all", "actions/variables", "actions/secrets",
    "environments", "tags", "git/matching-refs/", "hooks", "labels",
)  # fmt: skip
UNREADABLE = ("secrets", "bindings", "componentstatuses")
"""Kinds of Kubernetes that are meant to hold secrets, and some that list nothing."""


def of_the_sandbox(config: SandboxConfig) -> dict[str, str]:
    """A text out of each secret of a sandbox, by its name; a key's is a line in its middle."""
    found = json.loads(config.credentials.read_text())
    keys = {f"{name}.privateKey": app["privateKey"].splitlines()[5] for name, app in found["apps"].items()}
    tokens = {f"token of {login}": token for login, token in found["users"].items()}
    return keys | tokens | {key: found[key] for key in ("githubToken", "webhookSecret", "ssoClientSecret")}


def shown(canaries: Mapping[str, str], places: Iterator[tuple[str, str]]) -> list[str]:
    """The places that show a secret, as it is or in base64; looked at are at least some."""
    looked, found = 0, list[str]()
    forms = [
        (name, form) for name, text in canaries.items() for form in (text, base64.b64encode(text.encode()).decode())
    ]
    for place, text in places:
        looked += 1
        found += [f"{name} in {place}" for name, form in forms if form in text]
    assert looked > 2
    return found


def places(config: SandboxConfig, rehearsal: Rehearsal, *repositories: str) -> Iterator[tuple[str, str]]:
    """Every place, with what it shows."""
    for repository in (rehearsal.environment_repository, *repositories):
        yield from _of_github(rehearsal, repository)
    yield from _of_argo_cd(config)
    yield from _of_the_cluster(config)
    for file in files(config.pulumi_directory):
        yield str(file), file.read_text(errors="replace")
    for name in ("requests.log", "server.log"):
        yield name, (config.github_directory / name).read_text(errors="replace")


def _of_github(rehearsal: Rehearsal, repository: str) -> Iterator[tuple[str, str]]:
    path = rehearsal.repository_path(repository)
    runs = rehearsal.runs(repository)
    for run in runs:
        yield f"the log of {run['html_url']}", rehearsal.run_log(repository, run["id"])
        for what in ("jobs", "artifacts"):
            yield f"{what} of {run['html_url']}", _json(rehearsal, f"{path}/actions/runs/{run['id']}/{what}")
    for commit in sorted({run["head_sha"] for run in runs}):
        for what in ("check-runs", "statuses"):
            yield f"{what} of {commit}", _json(rehearsal, f"{path}/commits/{commit}/{what}")
    for pull in rehearsal.github("GET", f"{path}/pulls?state=all"):
        yield f"the comments of {pull['html_url']}", _json(rehearsal, f"{path}/issues/{pull['number']}/comments")
    for deployment in rehearsal.github("GET", f"{path}/deployments"):
        statuses = f"{path}/deployments/{deployment['id']}/statuses"
        yield f"statuses of deployment {deployment['id']}", _json(rehearsal, statuses)
    for kind in OF_REPOSITORY:
        yield f"{repository}/{kind}", _json(rehearsal, f"{path}/{kind}")
    with rehearsal.clone(repository) as clone:
        yield f"the history of {repository}", clone.git("log", "--all", "--patch", "--format=fuller")
        yield f"the tags of {repository}", clone.git("for-each-ref", "--format=%(refname) %(contents)")


def _of_argo_cd(config: SandboxConfig) -> Iterator[tuple[str, str]]:
    with logged_in(config, ADMINISTRATOR) as client:
        for kind in ASKED:
            answer = client.get(f"/api/v1/{kind}")
            yield f"{kind} of Argo CD's API", answer.text
        for application in client.get("/api/v1/applications").json()["items"]:
            name = application["metadata"]["name"]
            for what in ("managed-resources", "manifests", "events"):
                yield f"{what} of {name}", client.get(f"/api/v1/applications/{name}/{what}").text


def _of_the_cluster(config: SandboxConfig) -> Iterator[tuple[str, str]]:
    kinds = set(kubectl(config, "api-resources", "--verbs=list", "--output", "name").split()) - set(UNREADABLE)
    objects = kubectl(config, "get", ",".join(sorted(kinds)), "--all-namespaces", "--output", "json")
    for one in json.loads(objects)["items"]:
        yield f"{one['kind']} {one['metadata'].get('namespace', '')}/{one['metadata']['name']}", json.dumps(one)
    for pod in kubectl(config, "get", "pods", "--namespace", "argocd", "--output", "name").split():
        yield f"the log of {pod}", kubectl(config, "logs", "--namespace", "argocd", pod, "--all-containers")


def _json(rehearsal: Rehearsal, path: str) -> str:
    found: Any = rehearsal.github("GET", path)
    return json.dumps(found)


def kubectl(config: SandboxConfig, *words: str) -> str:
    command = [str(config.commands / "kubectl"), "--kubeconfig", str(config.kubeconfig), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def files(folder: Path) -> Iterator[Path]:
    """What Pulumi has written, but for plugins, and files that are closed to others as those with the secrets are."""
    for file in folder.rglob("*"):
        if file.is_file() and "plugins" not in file.parts and file.stat().st_mode & 0o077:
            yield file
