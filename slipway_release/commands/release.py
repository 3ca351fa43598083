"""What the steps of a service's release and of its pull requests run."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from slipway_release import ask, attestation, context, image, pull_request, sbom, source, tool, workflow


def check_tag(_: argparse.Namespace) -> None:
    # No job of main's `release.yml` runs it; a re-run of an older run does, which takes the newest program.
    found = source.check(context.from_environment())
    workflow.output("service", found.service.name)
    workflow.output("version", found.version)
    workflow.output("image", f"{found.service.image}:{found.version}")
    workflow.output("exists", json.dumps(found.existing is not None))
    workflow.notice(f"{found.service.name} {found.version} from {found.commit[:12]}")


def build(_: argparse.Namespace) -> None:
    around = context.from_environment()
    found = source.check(around)
    attests, known = around.platform.attestations, found.existing
    if attests and known and not attestation.is_attested(around, found.service, known.digest, found.commit):
        # Somebody else has pushed it, or it is of before: what is built here takes its place.
        known = None
    digest = image.build(around, dataclasses.replace(found, existing=known), _source_folder(), _credential(around))
    if attests and known is None:
        boms = sbom.attach(around, found.service, digest, _credential(around)) if around.platform.sbom else []
        attestation.attest(around, found.service, digest, found.commit, boms)
    workflow.output("digest", digest)


def run_pull_request(_: argparse.Namespace) -> None:
    around = context.from_environment()
    number, commit = workflow.variable("PULL_REQUEST"), workflow.variable("COMMIT")
    workflow.output("digest", pull_request.build(around, number, commit, _source_folder(), _credential(around)))
    pull_request.tell(around, number, commit, workflow.optional("ADDRESS").replace("{number}", number))


def end_pull_request(_: argparse.Namespace) -> None:
    pull_request.gone(context.from_environment(), workflow.variable("PULL_REQUEST"))


def expire_pull_requests(_: argparse.Namespace) -> None:
    pull_request.expire(context.from_environment(), workflow.variable("LABEL"), int(workflow.variable("DAYS")))


def request(_: argparse.Namespace) -> None:
    around = context.from_environment()
    service = around.platform.service_of(workflow.variable("GITHUB_REPOSITORY"))
    ask.request_promotion(
        around.platform, around.writer, service, workflow.variable("RUN"), workflow.variable("DIGEST")
    )


def _source_folder() -> Path:
    return Path(workflow.optional("GITHUB_WORKSPACE", "."), workflow.optional("FOLDER"))


def _credential(around: context.Context) -> tool.Credential:
    return tool.Credential(around.registry.server, around.registry.username, around.registry.password)
