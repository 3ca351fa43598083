"""Rights on the running platform: GitHub, Argo CD and Kubernetes are asked, and agree with the settings."""

import os
import re
import shlex
import subprocess
from typing import Any, cast

import kubernetes.client

from manifests.access import Action
from sandbox.overlay import STACK
from sandbox.rehearsal import Rehearsal
from stacks.access import stack_settings
from tests.docs.documented import documented
from tests.sandbox.conftest import Sandbox

AGREED = "GitHub, Argo CD and Kubernetes allow what is declared"
POLICY = "argocd-rbac-cm"
PRODUCTION = "guestbook-production"


def test_all_three_systems_allow_what_is_declared_and_anything_else_is_found_and_mended(
    sandbox: Sandbox, rehearsal: Rehearsal
) -> None:
    """One difference is planted in each system; every other case has to agree while they are there."""
    plant(rehearsal)
    ran = sandbox.run("access", "--check")
    assert ran.returncode == 1, ran.stderr
    *found, _ = ran.stderr.splitlines()
    given = "RoleBinding tried gives it, and is not in Git; `kubectl"
    beside = f"Kubernetes: User dana has ClusterRole admin in {PRODUCTION} beside the teams, by RoleBinding person"
    variable = "GitHub: variable PROMOTER_APP_ID of environment slipway of acme/environments is '1', declared is none"
    expected = [
        (variable, "`gh api --method DELETE"),
        ("GitHub: team platform has push on acme/clock, declared is nothing", "`gh api --method DELETE"),
        ("Argo CD: acme web may delete applications dev/guestbook-dev, and it is not declared", "`helm"),
        (f"Argo CD: acme web may create exec production/{PRODUCTION}, and it is not declared", "`helm"),
        (f"Argo CD: {POLICY} has the line 'p, role:team-web, exec, create, production/{PRODUCTION}, allow'", "`helm"),
        (f"Argo CD: {POLICY} has policy.more.csv, which is not declared", "`kubectl"),
        ("Argo CD: argocd-cm has accounts.robot, which lets in who does not sign on", "`kubectl"),
        (f"Kubernetes: acme:web may patch deployments in {PRODUCTION} ({Action.CHANGE})", given),
        (f"Kubernetes: acme:web may create pods/exec in {PRODUCTION} ({Action.EXEC})", given),
        (beside, "`kubectl"),
    ]
    assert len(found) == len(expected), found
    for line, (what, command) in zip(found, expected, strict=True):
        assert line.startswith(what), found
        assert command in line, found
    for command in dict.fromkeys(line.split("`")[1] for line in found):
        run(sandbox, rehearsal, command)

    *_, agreed, line = sandbox.types(f"{documented('make access CHECK=1')} 2>&1").splitlines()
    assert agreed == AGREED
    assert cases(line) == counted(sandbox, rehearsal)


def cases(line: str) -> dict[str, int]:
    """In how many cases each system was asked, by the last line of `make access CHECK=1`."""
    found = re.findall(r"(\d+) of (GitHub|Argo CD|Kubernetes)", line)
    return {system: int(count) for count, system in found}


def plant(rehearsal: Rehearsal) -> None:
    """What somebody might do by hand: a team on a repository, a variable, a line of Argo CD's policy, a role."""
    variables = "/repos/acme/environments/environments/slipway/variables"
    rehearsal.github("POST", variables, body={"name": "PROMOTER_APP_ID", "value": "1"})
    rehearsal.github("PUT", "/orgs/acme/teams/platform/repos/acme/clock", body={"permission": "push"})
    core = cast(Any, kubernetes.client).CoreV1Api(rehearsal.kubernetes)
    policy = core.read_namespaced_config_map(POLICY, "argocd").data["policy.csv"]
    shell = f"p, role:team-web, exec, create, production/{PRODUCTION}, allow\n"
    more = "p, role:team-web, applications, delete, dev/guestbook-dev, allow\n"
    data = {"policy.csv": policy + shell, "policy.more.csv": more}
    core.patch_namespaced_config_map(POLICY, "argocd", {"data": data})
    core.patch_namespaced_config_map("argocd-cm", "argocd", {"data": {"accounts.robot": "apiKey"}})
    rbac = "rbac.authorization.k8s.io"
    api = cast(Any, kubernetes.client).RbacAuthorizationV1Api(rehearsal.kubernetes)
    for name, role, kind, whom in (("tried", "edit", "Group", "acme:web"), ("person", "admin", "User", "dana")):
        binding = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": rbac, "kind": kind, "name": whom}],
        }
        api.create_namespaced_role_binding(PRODUCTION, binding)


def run(sandbox: Sandbox, rehearsal: Rehearsal, command: str) -> None:
    """Runs a command that a difference names, as it is written there."""
    words = shlex.split(command)
    if words[:3] == ["gh", "api", "--method"]:
        # The sandbox has no `gh`, which would make this request.
        rehearsal.github(words[3], f"/{words[4]}")
        return
    environment = sandbox.environment | {
        "PATH": f"{sandbox.config.commands}:{os.environ['PATH']}",
        "KUBECONFIG": str(sandbox.config.kubeconfig),
    }
    ran = subprocess.run(["sh", "-ec", command], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def counted(sandbox: Sandbox, rehearsal: Rehearsal) -> dict[str, int]:
    """How many cases there are: from the settings of the sandbox, and GitHub's own list of rulesets."""
    settings = stack_settings(sandbox.config.pulumi_directory / "project" / "stacks" / f"Pulumi.{STACK}.yaml")
    teams, places, stages = len(settings.teams), len(list(settings.placements())), len(settings.environments)
    repositories = [rehearsal.environment_repository, *(one.repository_name for one in settings.services)]
    rulesets = sum(len(rehearsal.github("GET", f"{rehearsal.repository_path(one)}/rulesets")) for one in repositories)
    # Of each repository who sees it, its deploy keys, secrets, what its workflows may do (two) and are told, and what
    # reaches its keys; once the organisation, the actions of the environment repository, and the code owners.
    each, others = teams + 7, 3
    return {
        "GitHub": 2 * teams + each * len(repositories) + rulesets + stages + others,
        # Seven actions on each Application, and one on each AppProject; Argo CD's own administrator by its two names.
        "Argo CD": teams * (7 * places + stages) + 2,
        # The platform's team has its own way into the cluster.
        "Kubernetes": 3 * (teams - 1) * places,
    }
