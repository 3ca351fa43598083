"""The one reader of Pulumi's configuration: from `stacks/Pulumi.<stack>.yaml` to typed settings"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import Field

from manifests.argocd.rbac import broken_rules, denied_memberships, denies_built_in
from manifests.argocd.values import lost_values
from manifests.model import (
    ArgoCD,
    Cluster,
    Environment,
    GitHub,
    Mark,
    Notifications,
    Registry,
    SecretsBackend,
    Service,
    Settings,
    Team,
    Template,
)
from stacks.checks import check_parts
from stacks.clear_secrets import clear_secrets
from stacks.entries import check_entries
from stacks.parts import Parts
from stacks.problems import NAMESPACE, Problem, SettingsError, listed
from stacks.reading import Found, Reader
from stacks.secrets import SECRETS, check_contents, check_presence, encrypted_keys, needed_secrets, public_texts
from stacks.stack_text import StackText, StackTextError
from stacks.template_checks import check_answers, known_templates

SECTIONS: dict[str, Any] = {
    "github": GitHub,
    "cluster": Cluster,
    "argocd": ArgoCD,
    "registry": Registry,
    "teams": Annotated[tuple[Team, ...], Field(description="Teams of the organisation and who is in them.")],
    "environments": Annotated[
        tuple[Environment, ...],
        Field(description="Where services run; the list's order is the order of promotion."),
    ],
    "services": Annotated[
        tuple[Service, ...],
        Field(description="What teams own: a repository, a chart, and an Application per environment."),
    ],
    "templates": Annotated[
        tuple[Template, ...],
        Field(description="Service templates of the platform's own, beside those that come with Slipway."),
    ],
    "secrets": SecretsBackend,
    "notifications": Notifications,
    "mark": Annotated[
        Mark,
        Field(
            description="What marks repositories, teams and namespaces as this platform's. Unset: made from the names"
            " of the stack and the environment repository; set it before you change either."
        ),
    ],
    "adopt": Annotated[
        tuple[str, ...],
        Field(description="What exists and is taken over: repository/<name>, team/<name>, release/argocd, everything."),
    ],
}
SWITCHES: dict[str, str] = {
    "preflight": "Whether GitHub and the cluster are looked at before the first write",
    "downgrade": "Whether an older Slipway or commit than the last may change the platform; take it out again after it",
}
"""Keys that are not part of the platform's description."""


def read_settings() -> Settings:
    """Reads the settings of the selected stack.

    Raises:
        SettingsError: something is wrong with them; it names everything that is.
    """
    everything = {**get_config_env(), **CONFIG.get()}
    texts = {key.partition(":")[2]: str(text) for key, text in everything.items() if key.startswith(f"{NAMESPACE}:")}
    stack = pulumi.get_stack()
    written = _written(stack)
    changed = written.changed(texts) if written else []
    try:
        return settings_as_written(stack, texts, changed, encrypted_keys(texts))
    except SettingsError as error:
        raise SettingsError(stack, list(map(written.located, error.problems)) if written else error.problems) from None


def settings_as_written(
    stack: str, texts: Mapping[str, str], changed: Sequence[Problem], encrypted: Collection[str] | None = None
) -> Settings:
    """As `settings_of`, and refuses what Pulumi reads otherwise than it is written, which tells more of its place."""
    try:
        settings = settings_of(stack, texts, encrypted)
    except SettingsError as error:
        places = {problem.path for problem in changed}
        others = [problem for problem in error.problems if problem.path not in places]
        raise SettingsError(stack, [*changed, *others]) from None
    if changed:
        raise SettingsError(stack, changed)
    return settings


def settings_of(stack: str, texts: Mapping[str, str], encrypted: Collection[str] | None = None) -> Settings:
    """Types the values of a stack, each as Pulumi gives it: JSON where it has structure.

    Args:
        stack: the stack's name.
        texts: its values, by key without namespace.
        encrypted: the keys that hold something that was set with `--secret`. None: what secrets hold is not looked at,
            for those who want the description alone.

    Raises:
        SettingsError: something is wrong with them; it names everything that is.
    """
    texts, hidden = public_texts(stack, texts, encrypted or ())
    reader = Reader(texts)
    _check_keys(reader, texts)
    github = reader.one("github", GitHub)
    cluster = reader.one("cluster", Cluster)
    argocd = reader.one("argocd", ArgoCD)
    registry = reader.one("registry", Registry)
    teams = reader.many("teams", Team)
    environments = reader.many("environments", Environment)
    services = reader.many("services", Service)
    own_templates = reader.many("templates", Template)
    templates, unusable = known_templates(own_templates)
    secrets = reader.word("secrets", SecretsBackend, SecretsBackend.NONE)
    notifications = reader.one("notifications", Notifications)
    mark = reader.word("mark", Mark, None) if texts.get("mark") else None
    adopt = reader.many("adopt", str)
    parts = Parts(
        argocd=argocd,
        github=github,
        argocd_namespace=argocd.value.namespace if argocd else ArgoCD().namespace,
        registry=registry,
        keeps_keys_from_pull_requests=_kept_keys(registry, github),
        teams=teams,
        environments=environments,
        services=services,
        adopt=adopt,
        team_names=reader.names("teams"),
        environment_names=reader.names("environments"),
        templates=templates,
    )
    veiled = {problem.path for problem in hidden}
    # A section that should hold no secret and does is not quoted.
    shown = [problem for problem in reader.problems if problem.path.partition(".")[0].partition("[")[0] not in veiled]
    problems = [*hidden, *shown, *unusable, *check_parts(parts), *check_entries(environments, services, cluster)]
    if github and argocd and registry and notifications:
        needed = needed_secrets(github.value, argocd.value, registry.value, notifications.value)
        problems += check_presence(texts, needed, github.value)
    if encrypted is not None:
        problems += check_contents(texts, encrypted, keys=texts.get("preflight") != "false")
        problems += clear_secrets(argocd.value.values) if argocd else []
    if problems or not (github and cluster and argocd and registry and notifications):
        raise SettingsError(stack, problems)
    settings = Settings(
        stack=stack,
        own_mark=mark,
        github=github.value,
        cluster=cluster.value,
        argocd=argocd.value,
        registry=registry.value,
        teams=tuple(team.value for team in teams),
        environments=tuple(environment.value for environment in environments),
        services=tuple(service.value for service in services),
        secrets=secrets,
        notifications=notifications.value,
        templates=tuple(template.value for template in own_templates),
        adopt=tuple(name.value for name in adopt),
    )
    if late := [*check_answers(settings), *_check_values(settings)]:
        raise SettingsError(stack, late)
    return settings


def _check_values(settings: Settings) -> list[Problem]:
    """Values for Argo CD's chart that would take away the platform's, rights and reports among them."""
    lost = [Problem(f"argocd.values.{path}", f"it has to be {what}") for path, what in lost_values(settings)]
    return [*lost, *_check_policy(settings)]


def _check_policy(settings: Settings) -> Iterator[Problem]:
    configs = settings.argocd.values.get("configs")
    rbac = configs.get("rbac") if isinstance(configs, dict) else None
    for key, text in rbac.items() if isinstance(rbac, dict) else ():
        if not (key.startswith("policy.") and key.endswith("csv") and isinstance(text, str)):
            continue
        for number, rule in broken_rules(text):
            wanted = "`p, <role>, <resource>, <action>, <object>, allow` or `g, <group>, <role>`"
            yield Problem(
                f"argocd.values.configs.rbac.{key}",
                f"line {number}, {rule!r}, is not a rule, and Argo CD then loads none of them; use {wanted}",
            )
        for number, rule in denied_memberships(text) if denies_built_in(settings) else ():
            role = f"role:team-{settings.github.platform_team}"
            yield Problem(
                f"argocd.values.configs.rbac.{key}",
                f"line {number}, {rule!r}: Argo CD's own administrator has no rights with `argocd.sso`; use {role}",
            )


def _kept_keys(registry: Found[Registry] | None, github: Found[GitHub] | None) -> str:
    """Why images cannot be built with a workflow's own token."""
    if registry is not None and not registry.value.takes_workflow_tokens:
        return f"images of {registry.value.server} are pushed with `registryPassword`"
    if github is not None and github.value.pinned_actions:
        return "with `github.pinnedActions` the program is checked out with the requester's key"
    return ""


def _written(stack: str) -> StackText | None:
    """The stack's file, as far as it can be read."""
    # Where this is a link, the file beside it is made from the one that people write.
    file = Path(__file__).resolve().parent / f"Pulumi.{stack}.yaml"
    try:
        return StackText(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, StackTextError):
        return None


def _check_keys(reader: Reader, texts: Mapping[str, str]) -> None:
    known = [*SECTIONS, *SECRETS, *SWITCHES]
    for key in texts:
        if key not in known:
            reader.problem(key, f"unknown key; use one of {listed(known)}")
    for key in SWITCHES:
        if texts.get(key, "true") not in {"true", "false"}:
            reader.problem(key, f"{texts[key]!r} is not a switch: use true or false")
