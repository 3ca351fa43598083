"""The platform repository in the sandbox's GitHub: this tree, with the stack of `make up`.

Its secrets, variables and environments are as `docs/platform-ci.md` has them. Its workflows are those of this tree, and
work on the state of `make up`.
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.github.credentials import PLATFORM as REPOSITORY
from sandbox.github.credentials import PROPOSER
from sandbox.lock import locked
from sandbox.overlay import STACK
from sandbox.platform_lending import lend
from sandbox.progress import Progress
from sandbox.pulumi.settings import stack_file
from sandbox.pulumi.workspace import Workspace, find_workspace
from sandbox.rehearsal import Rehearsal
from sandbox.sealing import sealed

TEAM = "platform"
PREVIEW, DEPLOY, PROPOSALS = "platform-preview", "platform", "platform-proposals"
"""The environments of its workflows."""
LEFT_OUT = (".github/workflows/ci.yml", ".github/workflows/sandbox.yml", "stacks/Pulumi.example.yaml")
"""Workflows that develop Slipway itself, and a stack that forks would get a plan of: they take this machine long."""
MODE = "100644"


def ensure(config: SandboxConfig, progress: Progress) -> str:
    """Makes the repository, unless it is there; returns its address.

    Raises:
        SandboxError: No sandbox is up here, or this tree is not a clone.
    """
    rehearsal = Rehearsal(config)
    with locked(config), progress.phase("Platform repository"):
        place = find_workspace(config, progress)
        lend(place, rehearsal.owner, REPOSITORY, {PREVIEW: "reader", DEPLOY: "writer"})
        _create(rehearsal)
        # The rules come last.
        if not rehearsal.github("GET", f"{rehearsal.repository_path(REPOSITORY)}/rulesets"):
            _fill(rehearsal, place)
    return f"{config.github_url}{rehearsal.owner}/{REPOSITORY}"


def _create(rehearsal: Rehearsal) -> None:
    """Makes the empty repository, unless it is there."""
    found = rehearsal.github("GET", f"/orgs/{rehearsal.owner}/repos?per_page=100")
    if REPOSITORY not in {one["name"] for one in found}:
        rehearsal.github("POST", f"/orgs/{rehearsal.owner}/repos", body={"name": REPOSITORY, "private": True})


def _fill(rehearsal: Rehearsal, place: Workspace) -> None:
    path = rehearsal.repository_path(REPOSITORY)
    _push(rehearsal, place)
    for team, permission in ((TEAM, "maintain"), ("web", "push")):
        access = f"/orgs/{rehearsal.owner}/teams/{team}{path}"
        rehearsal.github("PUT", access, body={"permission": permission})
    secrets = {
        "PULUMI_CONFIG_PASSPHRASE": place.passphrase.read_text(encoding="utf-8"),
        "PLATFORM_KUBECONFIG": rehearsal.config.kubeconfig.read_text(encoding="utf-8"),
    }
    main_only = {"protected_branches": False, "custom_branch_policies": True}
    rehearsal.github("PUT", f"{path}/environments/{PREVIEW}", body={})
    for environment in (DEPLOY, PROPOSALS):
        at = f"{path}/environments/{environment}"
        rehearsal.github("PUT", at, body={"deployment_branch_policy": main_only})
        rehearsal.github("POST", f"{at}/deployment-branch-policies", body={"name": "main"})
    for environment in (PREVIEW, DEPLOY):
        _keep_secrets(rehearsal, f"{path}/environments/{environment}/secrets", secrets)
    app = rehearsal.credentials["apps"][PROPOSER]
    key = {"PROPOSAL_APP_PRIVATE_KEY": app["privateKey"]}
    _keep_secrets(rehearsal, f"{path}/environments/{PROPOSALS}/secrets", key)
    rehearsal.github(
        "POST", f"{path}/environments/{PROPOSALS}/variables", body={"name": "PROPOSAL_APP_ID", "value": app["id"]}
    )
    variables = {"PULUMI_STACK": STACK, "PULUMI_BACKEND_URL": place.environment()["PULUMI_BACKEND_URL"]}
    for name, value in variables.items():
        rehearsal.github("POST", f"{path}/actions/variables", body={"name": name, "value": value})
    rehearsal.github("POST", f"{path}/rulesets", body=_RULES)


def _keep_secrets(rehearsal: Rehearsal, path: str, secrets: Mapping[str, str]) -> None:
    key = rehearsal.github("GET", f"{path}/public-key")
    for name, value in secrets.items():
        rehearsal.github("PUT", f"{path}/{name}", body=sealed(key, value))


def _push(rehearsal: Rehearsal, place: Workspace) -> None:
    """Pushes the files of this work tree that git knows, with the stack file of `make up` and where its state is."""
    root = rehearsal.config.root
    settings = stack_file(root, STACK).relative_to(root)
    project = yaml.safe_load((root / "Pulumi.yaml").read_text(encoding="utf-8"))
    backend = {"url": place.environment()["PULUMI_BACKEND_URL"]}
    own = {
        "Pulumi.yaml": yaml.safe_dump(project | {"backend": backend}, sort_keys=False),
        str(settings): (place.project / settings).read_text(encoding="utf-8"),
        ".github/CODEOWNERS": f"* @{rehearsal.owner}/{TEAM}\n",
    }
    with tempfile.TemporaryDirectory(prefix="slipway-platform-") as folder:
        git = _Git(root, Path(folder))
        git("init", "--quiet", "--bare", folder, own=False)
        git(
            "update-index",
            "--add",
            "--remove",
            "-z",
            "--stdin",
            given=git("-C", str(root), "ls-files", "-z", own=False),
        )
        git("update-index", "--force-remove", *LEFT_OUT)
        for path, text in own.items():
            blob = git("hash-object", "-w", "--stdin", given=text).strip()
            git("update-index", "--add", "--cacheinfo", f"{MODE},{blob},{path}")
        commit = git("commit-tree", git("write-tree").strip(), "-m", "Begin with this tree").strip()
        git("push", "--quiet", "--force", rehearsal.git_url(REPOSITORY), f"{commit}:refs/heads/main")


class _Git:
    """Git with a store in one folder and the work tree of another."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._own = {
            "GIT_DIR": str(folder),
            "GIT_WORK_TREE": str(root),
            **{f"GIT_{who}_NAME": "slipway" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "slipway@users.noreply.example.com" for who in ("AUTHOR", "COMMITTER")},
        }

    def __call__(self, *words: str, given: str = "", own: bool = True) -> str:
        ran = subprocess.run(
            ["git", *words], input=given, cwd=self._own["GIT_WORK_TREE"], capture_output=True, text=True, check=False,
            env=os.environ | (self._own if own else {}),
        )  # fmt: skip
        if ran.returncode:
            raise SandboxError(
                f"git {words[0]}: {ran.stderr.strip()}; the platform repository is made from a git clone"
            )
        return ran.stdout


_RULES: dict[str, Any] = {
    "name": "main",
    "target": "branch",
    "enforcement": "active",
    "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
    "rules": [
        {"type": "deletion"},
        {"type": "non_fast_forward"},
        {
            "type": "pull_request",
            "parameters": {
                "required_approving_review_count": 1,
                "dismiss_stale_reviews_on_push": True,
                "require_code_owner_review": True,
                "require_last_push_approval": True,
                "required_review_thread_resolution": False,
            },
        },
        {
            "type": "required_status_checks",
            "parameters": {
                # One of the two is skipped, which counts as passed.
                "required_status_checks": [{"context": "preview"}, {"context": "plan"}],
                "strict_required_status_checks_policy": False,
            },
        },
    ],
}
