"""Asks the provider of single sign-on what it offers: what is wrong there shows to nobody until somebody logs in."""

from collections.abc import Iterator
from http.client import responses
from typing import cast

from components.github.preflight.findings import Advice
from manifests.model import Settings, SignOn
from slipway_release.errors import ReleaseError
from slipway_release.exchange import Exchange, Response, exchange
from slipway_release.transport import Transport

_DISCOVERY = "/.well-known/openid-configuration"
_PATIENCE_SECONDS = 5
_SHOWN = 12


def provider_problems(settings: Settings, exchange: Exchange = exchange) -> Iterator[str]:
    """What stops a login by a provider of OpenID Connect, and, as `Advice`, what may leave people without rights."""
    sso = settings.argocd.sso
    if sso is None or sso.issuer is None:
        return  # GitHub has no issuer.
    url = f"{sso.issuer.removesuffix('/')}{_DISCOVERY}"
    transport = Transport(_PATIENCE_SECONDS, log=lambda _: None, exchange=exchange, remedy="it may answer later")
    try:
        answer = transport.send("GET", url, {"Accept": "application/json"})
    except ReleaseError as error:
        # It is Argo CD that has to reach it, not this machine.
        yield Advice(f"argocd.sso.issuer: it cannot be asked from here, {error}; see that Argo CD reaches it")
        return
    document = _document(answer)
    if document is None:
        what = (
            "with no JSON object" if answer.ok else f"with {answer.status} {responses.get(answer.status, '')}".strip()
        )
        yield (
            f"argocd.sso.issuer: {url} answers {what}, so that nobody could log in; write the issuer as the provider"
            " names it"
        )
        return
    if document.get("issuer") != sso.issuer:
        yield (
            f"argocd.sso.issuer: the provider there calls itself {document.get('issuer')!r}, and Argo CD takes a login"
            f" from {sso.issuer!r} alone; write what the provider says, its slash at the end too"
        )
        return
    yield from _not_offered(sso, document)


def _not_offered(sso: SignOn, document: dict[str, object]) -> Iterator[str]:
    """What the provider does not list. It need not list all that it has, so this stops nothing."""
    offered = _texts(document, "scopes_supported")
    lacking = [scope for scope in sso.scopes if offered and scope not in offered]
    for scope in lacking:
        yield Advice(
            f"argocd.sso.scopes: the provider does not list {scope!r} among its scopes ({_list(offered)}), and some"
            " refuse every login that asks for more; leave it out, or add it there"
        )
    claims = _texts(document, "claims_supported")
    comes_by_scope = sso.groups_claim in sso.scopes and sso.groups_claim in offered
    if claims and sso.groups_claim not in claims and not comes_by_scope:
        yield Advice(
            f"argocd.sso.groupsClaim: the provider does not list {sso.groups_claim!r} among its claims"
            f" ({_list(claims)}), and without it nobody has rights; let it put that claim into the ID token, or name"
            " the one that it sends, as docs/log-in.md says"
        )


def _document(answer: Response) -> dict[str, object] | None:
    try:
        content = answer.json() if answer.ok else None
    except ValueError:
        return None
    return cast("dict[str, object]", content) if isinstance(content, dict) else None


def _texts(document: dict[str, object], key: str) -> list[str]:
    found = document.get(key)
    return [text for text in cast("list[object]", found) if isinstance(text, str)] if isinstance(found, list) else []


def _list(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
