"""The values of the official argo-cd chart, as the platform sets them.

Known with chart 10.1.1, which carries Argo CD v3.4.4, and with Argo CD v3.5.7 by `version` of `slipway:argocd`. Only
keys of the official chart are used, so that the sandbox's stand-in for it and any mirror of it take the same values.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from manifests.argocd import sign_on
from manifests.argocd.notifications import notification_values
from manifests.argocd.rbac import BUILT_IN, rbac_values
from manifests.model import Settings
from templates import rendered_files

Values = dict[str, Any]

_POLLING = {"timeout.reconciliation": "60s", "timeout.reconciliation.jitter": "20s"}
"""How often Git is asked where GitHub cannot tell Argo CD of a push."""
_WEBHOOK = {"timeout.reconciliation": "180s", "timeout.reconciliation.jitter": "60s"}
"""How often Git is asked beside the webhook, in case one was lost."""
_ADDITIVE = (("configs", "rbac", "policy.csv"), ("notifications", "subscriptions"))
"""Where the stack's own values add to the platform's: rights of teams, and reports to the ledger."""
_NAMES = frozenset({"nameOverride", "fullnameOverride", "namespaceOverride"})
_NEEDED: Mapping[tuple[str, ...], tuple[str, ...]] = {
    **dict.fromkeys([("notifications", "enabled"), ("notifications", "cm", "create")], ("true",)),
    ("notifications", "secret", "create"): ("false",),
    **dict.fromkeys([("configs", part, "create") for part in ("cm", "params", "rbac")], ("true",)),
    ("configs", "cm", "application.resourceTrackingMethod"): ("annotation", "annotation+label"),
    ("configs", "params", "controller.resource.health.persist"): ("true",),
    ("configs", "rbac", "policy.matchMode"): ("glob",),
    ("createClusterRoles",): ("true",),
    ("configs", "rbac", "policy.default"): ("",),
    **dict.fromkeys([("configs", "cm", "users.anonymous.enabled"), ("configs", "cm", "exec.enabled")], ("false",)),
    ("configs", "cm", "application.sync.requireOverridePrivilegeForRevisionSync"): ("true",),
    ("configs", "params", "server.disable.auth"): ("false",),
    ("configs", "cm", "oidc.tls.insecure.skip.verify"): ("false",),
}
"""What releases, rights and guards hang on: reports, the ConfigMaps, and how Argo CD marks objects as its own."""
OPENED = {
    "policy.default": "everybody who logs in would have that role; `teams` give rights",
    "users.anonymous.enabled": "people would act in Argo CD who have not logged in",
    "exec.enabled": "people open shells by Kubernetes' own rights, which `teams` give",
    "application.sync.requireOverridePrivilegeForRevisionSync": (
        "who may sync could sync a commit that nobody has reviewed"
    ),
    "server.disable.auth": "everybody who reaches Argo CD could do everything in it, without a login",
    "oidc.tls.insecure.skip.verify": "another server could log people in under any name",
}
"""What another value of a guard would do."""
_AT_LEAST_ONE = (("controller", "replicas"), ("repoServer", "replicas"))
_DISABLES_AUTH = re.compile("--disable-auth(=(?!false).*)?|ARGOCD_SERVER_DISABLE_AUTH")
"""How the server is told by its arguments, or by its environment, that nobody has to log in."""
_REQUESTS = {
    "controller": {"cpu": "250m", "memory": "512Mi"},
    "server": {"cpu": "50m", "memory": "128Mi"},
    "repoServer": {"cpu": "100m", "memory": "256Mi"},
    "applicationSet": {"cpu": "20m", "memory": "128Mi"},
    "notifications": {"cpu": "20m", "memory": "128Mi"},
}


def helm_values(settings: Settings, *, webhook_secret: object = None) -> Values:
    """Everything that is set in the chart, the stack's own `values` on top; its policy and subscriptions are added.

    The installation makes the Secret `argocd-notifications-secret` before it, with the keys that
    `manifests.argocd.notifications` names.

    Args:
        settings: the platform.
        webhook_secret: what GitHub signs its webhook with; a secret output is passed on as it is.
    """
    values, own = _platforms(settings, webhook_secret), cast(Values, settings.argocd.values)
    return _added(merged(values, own), values, own)


def lost_values(settings: Settings) -> Iterator[tuple[str, str]]:
    """The stack's own values that would take away what the platform sets, each by its path with what it has to be."""
    own = cast(Values, settings.argocd.values)
    if own:  # most stacks have none, and what the platform sets is long
        yield from _lost(_platforms(settings, None), own, ())
    for key in sorted(_NAMES & set(own)):
        yield key, "absent: the platform knows Argo CD's objects by their names"
    if BUILT_IN in (_at(own, ("configs", "rbac")) or {}):
        yield f"configs.rbac.{BUILT_IN}", "absent: `argocd.sso.admin: true` lets Argo CD's own administrator in"
    needed = {**_NEEDED, **({("dex", "enabled"): ("true",)} if sign_on.needs_dex(settings) else {})}
    for path, allowed in needed.items():
        if _is_set(own, path) and str(_at(own, path)).lower() not in allowed:
            why = OPENED.get(path[-1], "the platform's releases and rights need it")
            yield ".".join(path), f"{' or '.join(allowed) or 'absent'}: {why}"
    yield from _without_login(own)
    yield from _contradicting(settings, own)


def _contradicting(settings: Settings, own: Values) -> Iterator[tuple[str, str]]:
    """What leaves Argo CD without a part that it cannot do without, or says otherwise than another setting."""
    for path in _AT_LEAST_ONE:
        if _is_set(own, path) and _at(own, path) in {0, "0", None}:
            yield ".".join(path), "1 or more: nothing would be delivered without it"
    stand_ins = (_at(own, ("redis-ha", "enabled")), _at(own, ("externalRedis", "host")))
    if _at(own, ("redis", "enabled")) is False and not any(stand_ins):
        yield "redis.enabled", "true, or `redis-ha.enabled` true, or `externalRedis.host` set: Argo CD needs one Redis"
    said = {
        ("crds", "install"): ("argocd.installCrds", settings.argocd.install_crds),
        ("configs", "cm", "url"): ("argocd.url", settings.argocd.url),
        ("configs", "rbac", "scopes"): ("argocd.sso.groupsClaim", sign_on.scopes(settings)),
    }
    if settings.argocd.sso is not None:
        said["configs", "cm", "admin.enabled"] = ("argocd.sso.admin", settings.argocd.sso.admin)
        login = sign_on.configuration(settings)
        said |= {("configs", "cm", key): ("argocd.sso", login.get(key)) for key in ("dex.config", "oidc.config")}
    for path, (setting, value) in said.items():
        if _is_set(own, path) and _at(own, path) != value:
            yield ".".join(path), f"absent, because `{setting}` says it; set that"


def _without_login(own: Values) -> Iterator[tuple[str, str]]:
    """Where arguments or variables let people in who have not logged in."""
    for path, key in ((("server", "extraArgs"), None), (("server", "env"), "name"), (("global", "env"), "name")):
        given = _at(own, path)
        items = cast(list[object], given) if isinstance(given, list) else []
        for index, item in enumerate(items):
            text = cast(Values, item).get(key) if key and isinstance(item, Mapping) else item
            if isinstance(text, str) and _DISABLES_AUTH.fullmatch(text):
                yield f"{'.'.join(path)}[{index}]", f"absent: {OPENED['server.disable.auth']}"


def _is_set(values: Values, path: tuple[str, ...]) -> bool:
    parent = _at(values, path[:-1])
    return isinstance(parent, Mapping) and path[-1] in parent


def _lost(ours: Values, own: Values, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for key, value in own.items():
        here = (*path, key)
        if isinstance(before := ours.get(key), Mapping):
            if isinstance(value, Mapping):
                yield from _lost(cast(Values, before), cast(Values, value), here)
            else:
                yield ".".join(here), "a mapping, which is laid over what the platform sets"
        elif here in _ADDITIVE and type(value) is not type(before):
            yield ".".join(here), f"a {'text' if isinstance(before, str) else 'list'}, which is added to the platform's"


def _platforms(settings: Settings, webhook_secret: object) -> Values:
    """What the platform sets."""
    argocd = settings.argocd
    values: Values = {
        "crds": {"install": argocd.install_crds, "keep": True},
        "global": {"addPrometheusAnnotations": True, "image": _image(settings)},
        "dex": {"enabled": sign_on.needs_dex(settings)},
        "configs": {
            "cm": _configuration(settings),
            "params": _parameters(settings),
            "rbac": rbac_values(settings),
            "secret": {"githubSecret": webhook_secret} if webhook_secret is not None else {},
        },
        "notifications": notification_values(settings),
    }
    for component, requests in _REQUESTS.items():
        part = values.setdefault(component, {})
        # The chart leaves ServiceMonitors out of a cluster that has no such kind; the annotations are for those.
        part["metrics"] = {"enabled": True, "serviceMonitor": {"enabled": True}}
        # No CPU limit: a throttled controller reports late, and what it reports decides about rollbacks.
        part["resources"] = {"requests": requests}
    return values


def merged(values: Mapping[str, Any], more: Mapping[str, Any]) -> Values:
    """Values with more laid over them, mapping by mapping, as Helm does."""
    result = dict(values)
    for key, value in more.items():
        before = result.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        result[key] = merged(cast(Values, before), cast(Values, value)) if both else value
    return result


def _added(result: Values, ours: Values, own: Values) -> Values:
    """The merged values with both parts of what would lose the platform's part if the stack's replaced it."""
    for path in _ADDITIVE:
        mine, theirs = _at(ours, path), _at(own, path)
        if isinstance(mine, str) and isinstance(theirs, str):
            mine = mine if mine.endswith("\n") else f"{mine}\n"
        if mine and type(mine) is type(theirs):
            _at(result, path[:-1])[path[-1]] = mine + theirs
    return result


def _at(values: Values, path: tuple[str, ...]) -> Any:
    here: Any = values
    for key in path:
        here = cast(Values, here).get(key) if isinstance(here, Mapping) else None
    return here


def _image(settings: Settings) -> Values:
    """Only what is set: the chart's own image and tag belong together."""
    image = {"repository": settings.argocd.image, "tag": settings.argocd.version}
    return {key: value for key, value in image.items() if value is not None}


def _configuration(settings: Settings) -> Values:
    """Of `argocd-cm`."""
    health = rendered_files("argocd", {})
    return {
        **({"url": settings.argocd.url} if settings.argocd.url else {}),
        **(_WEBHOOK if settings.argocd.receives_webhooks else _POLLING),
        # Without it, a person who may sync may sync any commit, even of an unreviewed branch.
        "application.sync.requireOverridePrivilegeForRevisionSync": "true",
        "resource.customizations.health.argoproj.io_Application": health["application-health.lua"],
        "resource.customizations.health.apps_Deployment": health["deployment-health.lua"],
        "resource.customizations.health.autoscaling_HorizontalPodAutoscaler": health["autoscaler-health.lua"],
        "resource.customizations.health.batch_CronJob": health["cron-job-health.lua"],
        "resource.customizations.health.networking.k8s.io_Ingress": health["address-health.lua"],
        "resource.customizations.health.Service": health["address-health.lua"],
        **sign_on.configuration(settings),
    }


def _parameters(settings: Settings) -> Values:
    """Of `argocd-cmd-params-cm`."""
    deadlines = [environment.verification_deadline_seconds for environment in settings.environments]
    return {
        # A submodule that cannot be fetched would stop the rendering of every service of the repository.
        "reposerver.enable.git.submodule": False,
        # Which resource is bad, and why, is in the Application only with this; reports and rollbacks quote it.
        "controller.resource.health.persist": True,
        # Drift that comes back is healed after 2, 6, 18 and then every 60 seconds, rather than five minutes at last.
        "controller.self.heal.backoff.timeout.seconds": 2,
        "controller.self.heal.backoff.factor": 3,
        "controller.self.heal.backoff.cap.seconds": 60,
        # A sync that hangs, in a hook for example, would keep the commit that mends it waiting for ever.
        "controller.sync.timeout.seconds": max(deadlines, default=600),
    }
