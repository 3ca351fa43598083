"""Provenance that a service cannot write itself: GitHub's word that main's release workflow has built an image.

The build job of the environment repository's `release.yml` makes a statement (in-toto, SLSA provenance) about the
digest that it has pushed, and has GitHub sign it: an ID token whose audience is the statement's hash. GitHub puts into
it which workflow file of which branch the job stands in (`job_workflow_ref`), which no caller can change. Both lie
beside the image in one DSSE envelope, and a promotion checks them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence

from slipway_release import fields, id_token, referrers, sbom, workflow
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from slipway_release.fields import Document
from slipway_release.platform_types import MAIN, RELEASE_WORKFLOW, Platform, Service

KIND = "application/vnd.slipway.attestation.v1+json"
_PAYLOAD = "application/vnd.in-toto+json"
_STATEMENT, _PREDICATE = "https://in-toto.io/Statement/v1", "https://slsa.dev/provenance/v1"
_BUILD = "https://actions.github.io/buildtypes/workflow/v1"


def attest(context: Context, service: Service, digest: str, commit: str, boms: Sequence[Document] = ()) -> None:
    """Has GitHub sign what this job has built, its bills of materials among it, and puts it beside the image."""
    payload = json.dumps(statement(context.platform, service, digest, commit, boms), sort_keys=True).encode()
    token = id_token.request(audience(payload), context.registry.transport)
    envelope = {
        "payloadType": _PAYLOAD,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": id_token.issuer(context.platform), "sig": base64.b64encode(token.encode()).decode()}],
    }
    referrers.attach(context.registry, service.image, digest, KIND, json.dumps(envelope).encode())
    workflow.notice(f"{service.image}@{digest}: attested")


def check(context: Context, service: Service, digest: str, commit: str) -> None:
    """Refuse an image that main's release workflow has not built from this commit of the service's repository."""
    reasons: list[str] = []
    for envelope in referrers.find(context.registry, service.image, digest, KIND):
        try:
            _check(context, service, digest, commit, envelope)
        except RefusedError as error:
            reasons.append(str(error))
        else:
            return
    reason = "; ".join(dict.fromkeys(reasons)) or "there is none"
    raise RefusedError(
        f"attestation of {service.image}@{digest}: {reason}; run the release again, which builds it again"
    )


def is_attested(context: Context, service: Service, digest: str, commit: str) -> bool:
    """Whether a promotion would take the image."""
    try:
        check(context, service, digest, commit)
    except RefusedError as error:
        workflow.notice(str(error))
        return False
    return True


def audience(payload: bytes) -> str:
    """What a token has to be for, to be the signature of a statement: the hash of what DSSE signs."""
    signed = b"DSSEv1 %d %s %d %s" % (len(_PAYLOAD), _PAYLOAD.encode(), len(payload), payload)
    return f"slipway/{hashlib.sha256(signed).hexdigest()}"


def statement(
    platform: Platform, service: Service, digest: str, commit: str, boms: Sequence[Document] = ()
) -> Document:
    """SLSA provenance of the image that this job has built."""
    repository = f"{platform.server_url}/{service.repository}"
    reference = workflow.variable("GITHUB_REF")
    run = f"{workflow.run_url()}/attempts/{workflow.optional('GITHUB_RUN_ATTEMPT', '1')}"
    called = {"ref": reference, "repository": repository, "path": service.release_workflow}
    return {
        "_type": _STATEMENT,
        "subject": [{"name": service.image, "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": _PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": _BUILD,
                "externalParameters": {"workflow": called},
                "resolvedDependencies": [
                    {"uri": f"git+{repository}@{reference}", "digest": {"gitCommit": commit}},
                ],
            },
            "runDetails": {
                "builder": {"id": f"{platform.server_url}/{builder(platform)}"},
                "metadata": {"invocationId": run},
                "byproducts": list(boms),
            },
        },
    }


def builder(platform: Platform) -> str:
    """The one workflow file that builds, as GitHub names it in its tokens."""
    return f"{platform.repository}/{RELEASE_WORKFLOW}@refs/heads/{MAIN}"


def _check(context: Context, service: Service, digest: str, commit: str, content: bytes) -> None:
    payload, token = _opened(content)
    said = id_token.claims(context.platform, token, context.registry.transport)
    _is(said, "aud", audience(payload))
    _is(said, "job_workflow_ref", builder(context.platform))
    _is(said, "repository", service.repository)
    _is(said, "sha", commit)
    _is(said, "event_name", "push")
    found = fields.document(json.loads(payload), "statement")
    subjects = fields.documents(found.get("subject"), "statement: subject")
    digests = [fields.child(subject, "digest", "statement: subject").get("sha256") for subject in subjects]
    if found.get("_type") != _STATEMENT or digests != [digest.removeprefix("sha256:")]:
        raise RefusedError("it is about another image")
    if context.platform.sbom:
        details = fields.child(fields.child(found, "predicate", "statement"), "runDetails", "statement: predicate")
        sbom.check(context, service, digest, fields.documents(details.get("byproducts", []), "statement: byproducts"))


def _opened(content: bytes) -> tuple[bytes, str]:
    """The statement of an envelope, and the token that signs it."""
    try:
        envelope = fields.document(json.loads(content), "envelope")
        (signature,) = fields.documents(envelope.get("signatures"), "envelope: signatures")
        payload = base64.b64decode(fields.text(envelope, "payload", "envelope"), validate=True)
        return payload, base64.b64decode(fields.text(signature, "sig", "envelope"), validate=True).decode()
    except (ValueError, binascii.Error):
        raise RefusedError("it is not an envelope of one statement and one signature") from None


def _is(said: Document, claim: str, wanted: str) -> None:
    if comparable(str(said.get(claim))) != comparable(wanted):
        raise RefusedError(f"GitHub says {claim} {str(said.get(claim))!r}, not {wanted!r}")


def comparable(text: str) -> tuple[str, str]:
    """What two names of one repository, or of one workflow in it, have in common.

    GitHub's names of accounts and repositories do not differ by case; those of files and branches do.
    """
    repository, _, rest = text.partition("/.github/")
    return repository.lower(), rest
