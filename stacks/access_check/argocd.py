"""What Argo CD says about rights: its program decides each case on the policy that is in the cluster now."""

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import kubernetes.client

from components.argocd.installation import RELEASE_NAME
from manifests.access import Action, rights_by_place
from manifests.argocd import sign_on
from manifests.argocd.rbac import ADMINISTRATORS, denies_built_in
from manifests.argocd.values import OPENED, helm_values
from manifests.model import Settings, placement_name
from stacks.access_check import applications

_POLICY, _CONFIGURATION, _PARAMETERS = "argocd-rbac-cm", "argocd-cm", "argocd-cmd-params-cm"
_ANONYMOUS = "users.anonymous.enabled"
_ASKED = {
    Action.VIEW: ("get", "applications"),
    Action.LOGS: ("get", "logs"),
    Action.SYNC: ("sync", "applications"),
    Action.OVERRIDE: ("override", "applications"),
    Action.MAINTAIN: ("update", "projects"),
}
"""What an action is in Argo CD: verb and resource."""
_NEVER = (("create", "exec"), ("delete", "applications"), ("update", "applications"))
"""What no team but the platform's may do: everything goes through Git."""
_NO_CLUSTER = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:9"}}],
    "contexts": [{"name": "none", "context": {"cluster": "none", "namespace": "argocd"}}],
    "current-context": "none",
}
"""The program wants a cluster to be named, and asks it for nothing."""
_OVERRIDE = "application.sync.requireOverridePrivilegeForRevisionSync"
_UNCHECKED = ((_PARAMETERS, "server.disable.auth"), (_CONFIGURATION, "oidc.tls.insecure.skip.verify"))
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
"""What Argo CD reads as true (Go's `strconv.ParseBool`)."""


@dataclass(frozen=True)
class Question:
    """May this group do that, and is it declared."""

    group: str
    verb: str
    resource: str
    what: str
    declared: bool


def differences(settings: Settings, client: Any) -> Iterator[str]:
    """What Argo CD allows otherwise than declared."""
    api = cast(Any, kubernetes.client).CoreV1Api(client)
    namespace = settings.argocd.namespace
    policy: dict[str, str] = api.read_namespaced_config_map(_POLICY, namespace).data or {}
    configuration: dict[str, str] = api.read_namespaced_config_map(_CONFIGURATION, namespace).data or {}
    parameters: dict[str, str] = api.read_namespaced_config_map(_PARAMETERS, namespace).data or {}
    yield from evaluated(settings, policy)
    yield from configured(settings, policy, configuration)
    yield from unchecked(settings, {_CONFIGURATION: configuration, _PARAMETERS: parameters})
    yield from applications.differences(settings, client, _kubectl(settings))


def questions(settings: Settings) -> Iterator[Question]:
    """Every team, place and action; teams that have no right there are asked about too."""
    rights = rights_by_place(settings)
    for service, environment in settings.placements():
        declared = {right.team: right.actions for right in rights[service.name, environment.name]}
        application = f"{environment.name}/{placement_name(service, environment)}"
        for team in settings.teams:
            group = sign_on.groups(settings, team)[0]
            administers = team.name == settings.github.platform_team
            for action, (verb, resource) in _ASKED.items():
                what = environment.name if resource == "projects" else application
                yield Question(group, verb, resource, what, administers or action in declared.get(team.name, ()))
            for verb, resource in _NEVER:
                yield Question(group, verb, resource, application, administers)
    if denies_built_in(settings):
        yield from (Question(name, "update", "accounts", "*", declared=False) for name in ADMINISTRATORS)


def evaluated(settings: Settings, policy: Mapping[str, str]) -> Iterator[str]:
    """What Argo CD's own program decides otherwise than declared, on the data of `argocd-rbac-cm`."""
    program = os.environ.get("ARGOCD") or shutil.which("argocd")
    if program is None:
        yield "Argo CD: its policy is not evaluated: `argocd` is not on the PATH; install it, or set ARGOCD to its path"
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "policy.json"
        metadata = {"name": _POLICY, "namespace": settings.argocd.namespace}
        file.write_text(
            json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(policy)})
        )
        (Path(folder) / "kubeconfig").write_text(json.dumps(_NO_CLUSTER))
        asked = list(dict.fromkeys(questions(settings)))
        with ThreadPoolExecutor(os.cpu_count()) as executor:
            answers = list(executor.map(partial(_may, program, file), asked))
    for question, may in zip(asked, answers, strict=True):
        if may is None:
            yield f"Argo CD: it could not be asked whether {question.group} may {question.verb} {question.what}"
        elif may is not question.declared:
            said = "and it is declared" if question.declared else "and it is not declared"
            what = f"{question.verb} {question.resource} {question.what}"
            yield (
                f"Argo CD: {question.group} {'may' if may else 'may not'} {what}, {said}; {_mend(settings)}, unless"
                " `argocd.values` of the stack adds to the policy"
            )


def _may(program: str, policy: Path, question: Question) -> bool | None:
    """What `argocd admin settings rbac can` answers; None for nothing that can be understood."""
    command = [program, "admin", "settings", "rbac", "can", question.group, question.verb, question.resource]
    ran = subprocess.run(
        [*command, question.what, "--policy-file", str(policy)],
        capture_output=True, text=True, timeout=60, check=False,
        env={"HOME": str(policy.parent), "KUBECONFIG": str(policy.parent / "kubeconfig")},
    )  # fmt: skip
    return {"Yes": True, "No": False}.get(ran.stdout.strip())


def configured(settings: Settings, policy: Mapping[str, str], configuration: Mapping[str, str]) -> Iterator[str]:
    """What the data of `argocd-rbac-cm` and `argocd-cm` say otherwise than declared.

    The program is asked about teams alone: a person or an account that the policy names is found here.
    """
    mend, declared = _mend(settings), helm_values(settings)["configs"]
    for key in sorted(key for key in policy if key.startswith("policy.") and key.endswith(".csv")):
        if key not in declared["rbac"]:
            yield f"Argo CD: {_POLICY} has {key}, which is not declared; `{_without(settings, _POLICY, key)}`"
            continue
        known = set(_lines(declared["rbac"][key]))
        for line in dict.fromkeys(_lines(policy[key])):
            if line not in known:
                yield f"Argo CD: {_POLICY} has the line {line!r}, which is not declared; {mend}"
    for key in sorted(configuration.keys() - set(declared["cm"])):
        if key.startswith("accounts.") or (key == _ANONYMOUS and configuration[key] == "true"):
            command = _without(settings, _CONFIGURATION, key)
            yield f"Argo CD: {_CONFIGURATION} has {key}, which lets in who does not sign on; `{command}`"
    if policy.get("policy.default", ""):
        yield f"Argo CD: an account without a role gets {policy['policy.default']}, declared is nothing; {mend}"
    if policy.get("scopes", "[groups]") != sign_on.scopes(settings):
        yield f"Argo CD: groups come from {policy['scopes']}, declared is {sign_on.scopes(settings)}; {mend}"
    if configuration.get(_OVERRIDE) != "true":
        yield f"Argo CD: who may sync may sync every revision ({_OVERRIDE}); {mend}"
    if configuration.get("exec.enabled", "false") == "true":
        yield f"Argo CD: shells in pods are open to who has the right (exec.enabled), declared is off; {mend}"
    sso = settings.argocd.sso
    admin = configuration.get("admin.enabled", "true") == "true"
    if sso is not None and admin is not sso.admin:
        word = "can log in" if admin else "cannot log in"
        yield f"Argo CD: its own `admin` {word}, declared is the opposite (argocd.sso.admin); {mend}"


def unchecked(settings: Settings, data: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Where Argo CD lets people in without a login, or by one that it does not check; no stack may declare that.

    Args:
        settings: the platform.
        data: those of Argo CD's ConfigMaps, by their names.
    """
    for config_map, key in _UNCHECKED:
        if data[config_map].get(key) in _TRUE:
            yield (
                f"Argo CD: {config_map} has {key}, so that {OPENED[key]}; `{_without(settings, config_map, key)}`, then"
                f" `{_kubectl(settings)} rollout restart deployment argocd-server`"
            )


def _lines(policy: str) -> list[str]:
    """The rules of a policy."""
    return [line.strip() for line in policy.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _without(settings: Settings, config_map: str, key: str) -> str:
    """What takes a key out of one of Argo CD's ConfigMaps."""
    patch = json.dumps([{"op": "remove", "path": f"/data/{key}"}])
    return f"{_kubectl(settings)} patch configmap {config_map} --type json --patch {shlex.quote(patch)}"


def _kubectl(settings: Settings) -> str:
    """The command for Argo CD's namespace."""
    return f"kubectl --context {shlex.quote(settings.cluster.context)} --namespace {settings.argocd.namespace}"


def _mend(settings: Settings) -> str:
    """What puts back an object of Argo CD's Helm release: Pulumi compares its values alone."""
    namespace, context = settings.argocd.namespace, shlex.quote(settings.cluster.context)
    manifest = f"helm --kube-context {context} --namespace {namespace} get manifest {RELEASE_NAME}"
    apply = f"{_kubectl(settings)} apply --server-side --force-conflicts --filename -"
    return f"`{manifest} | {apply}` puts it back"
