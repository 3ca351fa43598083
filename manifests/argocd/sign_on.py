"""How people log in to Argo CD: by GitHub through Dex, or by a provider of OpenID Connect."""

import json
import re
from typing import Any

from manifests.model import Settings, SignOn, SignOnProvider, Team
from manifests.yaml_text import document

SECRET = "argocd-sso"
SECRET_KEY = "clientSecret"
_REFERENCE = f"${SECRET}:{SECRET_KEY}"
"""Argo CD reads it from the Secret, so that no ConfigMap contains it."""


def configuration(settings: Settings) -> dict[str, Any]:
    """The keys of `argocd-cm` about logging in; none without single sign-on."""
    sso = settings.argocd.sso
    if sso is None:
        return {}
    admin = {"admin.enabled": sso.admin}
    if sso.provider is SignOnProvider.OIDC:
        return {**admin, "oidc.config": document(_oidc(sso))}
    return {**admin, "dex.config": document(_dex(settings, sso))}


def needs_dex(settings: Settings) -> bool:
    """Whether Dex has to run beside Argo CD."""
    return settings.argocd.sso is not None and settings.argocd.sso.provider is SignOnProvider.GITHUB


def scopes(settings: Settings) -> str:
    """The claims in which the RBAC policy looks for groups, as `argocd-rbac-cm` wants them."""
    sso = settings.argocd.sso
    claim = sso.groups_claim if sso and sso.provider is SignOnProvider.OIDC else "groups"
    # Some providers name their own claims by an address, which is read as a mapping without quotes.
    return f"[{claim}]" if re.fullmatch(r"[\w.-]+", claim) else json.dumps([claim])


def groups(settings: Settings, team: Team) -> list[str]:
    """The names under which a team's group may come; the policy compares letter by letter.

    Directories do not tell groups apart by case, and each writes it in a way of its own.
    """
    group = team.sso_group or f"{settings.github.owner}:{team.name}"
    return list(dict.fromkeys([group, group.lower(), group.upper(), group.title(), group.capitalize()]))


def _dex(settings: Settings, sso: SignOn) -> dict[str, Any]:
    github = settings.github
    connector: dict[str, Any] = {
        "clientID": sso.client_id,
        "clientSecret": _REFERENCE,
        # Who is not of the organisation does not come in at all.
        "orgs": [{"name": github.owner}],
        # `<owner>:<slug>`: a team's display name may be changed by its maintainers.
        "teamNameField": "slug",
    }
    if not github.is_hosted:
        connector["hostName"] = github.base_url.split("://", 1)[1].strip("/")
    return {"connectors": [{"type": "github", "id": "github", "name": "GitHub", "config": connector}]}


def _oidc(sso: SignOn) -> dict[str, Any]:
    return {
        "name": "SSO",
        "issuer": sso.issuer,
        "clientID": sso.client_id,
        "clientSecret": _REFERENCE,
        **({"cliClientID": sso.cli_client_id} if sso.cli_client_id else {}),
        # A code that somebody else gets hold of is worth nothing; providers that do not know it ignore it.
        "enablePKCEAuthentication": True,
        "requestedScopes": list(sso.scopes),
        "requestedIDTokenClaims": {sso.groups_claim: {"essential": True}},
    }
