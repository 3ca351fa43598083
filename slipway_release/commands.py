"""What each command does. What a client sent arrives in environment variables only."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from slipway_release import (
    ask,
    attestation,
    claims,
    context,
    deliveries,
    dora,
    forward,
    freeze,
    gates,
    hold,
    image,
    merged,
    mirrors,
    people,
    platform_file,
    pull_request,
    pulls,
    reconcile,
    reports,
    rollback,
    sbom,
    source,
    tool,
    verdict,
    verified,
    workflow,
)
from slipway_release.claims import PromotionRequest
from slipway_release.errors import RefusedError
from slipway_release.platform_types import Environment, Service

_REGISTRY_SECONDS = 60.0
"""How long a rollback asks the registry whether its target is there; then it goes on without knowing."""


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


def _source_folder() -> Path:
    return Path(workflow.optional("GITHUB_WORKSPACE", "."), workflow.optional("FOLDER"))


def _credential(around: context.Context) -> tool.Credential:
    return tool.Credential(around.registry.server, around.registry.username, around.registry.password)


def request(_: argparse.Namespace) -> None:
    around = context.from_environment()
    service = around.platform.service_of(workflow.variable("GITHUB_REPOSITORY"))
    ask.request_promotion(
        around.platform, around.writer, service, workflow.variable("RUN"), workflow.variable("DIGEST")
    )


def name_repository(_: argparse.Namespace) -> None:
    service = _named()
    # Tokens are minted for a repository of the platform's owner, named without the owner.
    workflow.output("repository", service.repository.rpartition("/")[2] if service else "")


def name_reachable(_: argparse.Namespace) -> None:
    around = context.from_environment()
    github = dataclasses.replace(around.own, token=workflow.variable("INSTALLATION_TOKEN"))
    workflow.output("repositories", ",".join(mirrors.reachable(around.platform, github)))


def _named() -> Service | None:
    """The service that a step is about; None for a deployment that Argo CD does not report a release on."""
    placement = workflow.optional("PLACEMENT")
    if placement:
        # A claim: it names whose repository the ledger is mirrored in, and what is acted on is asked for.
        found = reports.placement_of(platform_file.load(), placement)
        return found and found[1]
    if deployment := workflow.optional("DEPLOYMENT"):
        report = reports.read(context.from_environment(), deployment)
        if report is None:
            workflow.say("no report of Argo CD's on a release")
        return report and report.service
    branch = workflow.optional("BRANCH")
    placement = pulls.placement_of(branch)
    if branch and placement is None:
        raise RefusedError(f"branch {branch!r}: not one of a release")
    return platform_file.load().service(placement[1] if placement else _claimed()[0])


def _request(around: context.Context) -> PromotionRequest:
    name, run = _claimed()
    service, digest = around.platform.service(name), workflow.variable("DIGEST")
    return claims.check(around, service, run or workflow.variable("RUN"), digest)


def _claimed() -> tuple[str, str]:
    """The service and the run of a promotion request, as a commit status or the workflow's inputs name them."""
    status = workflow.optional("REQUEST")
    return ask.claimed(status) if status else (workflow.variable("SERVICE"), workflow.optional("RUN"))


def plan(_: argparse.Namespace) -> None:
    around = context.from_environment()
    deliveries.promote(around, _request(around), _only(), again=_again())


def deliver(_: argparse.Namespace) -> None:
    around = context.from_environment()
    environment = around.platform.environment(workflow.variable("ENVIRONMENT"))
    deliveries.deliver(around, _request(around), environment, again=_again())


def _only() -> list[str]:
    """The environments that were asked for by name."""
    return workflow.optional("ENVIRONMENTS").split()


def _again() -> bool:
    """Whether a person wants it where a person did not want it before."""
    return workflow.optional("AGAIN") == "true"


def record_merged(_: argparse.Namespace) -> None:
    merged.record(context.from_environment(), workflow.variable("BRANCH"), workflow.variable("COMMIT"))


def forward_report(_: argparse.Namespace) -> None:
    around = context.from_environment()
    deployment, placement = workflow.variable("DEPLOYMENT"), workflow.variable("PLACEMENT")
    forward.forward(around.platform, around.own, deployment, placement, workflow.variable("STATE"))


def record_verified(_: argparse.Namespace) -> None:
    verified.verified(context.from_environment(), workflow.variable("DEPLOYMENT"))


def roll_back(_: argparse.Namespace) -> None:
    rollback.rollback(context.from_environment(_REGISTRY_SECONDS), workflow.variable("DEPLOYMENT"))


def reconcile_all(options: argparse.Namespace) -> None:
    reconcile.reconcile(context.from_environment(_REGISTRY_SECONDS), options.folder)


def _version(around: context.Context) -> tuple[Service, Environment, str, str]:
    """The version that a person wants held, released or taken back: its service, environment, itself, their login."""
    service = around.platform.service(workflow.variable("SERVICE"))
    environment = around.platform.environment(workflow.variable("ENVIRONMENT"))
    if environment.name not in service.environments:
        raise RefusedError(f"service {service.name!r}: does not run in {environment.name}")
    what = f"hold, release or take back versions of {service.name} in {environment.name}"
    login = people.starter(around, service.holders.get(environment.name, ()), what)
    return service, environment, workflow.variable("VERSION"), login


def freeze_environment(_: argparse.Namespace) -> None:
    around = context.from_environment()
    environment = around.platform.environment(workflow.variable("ENVIRONMENT"))
    login = people.starter(around, environment.freezers, f"freeze {environment.name}")
    freeze.freeze(around, environment, why=workflow.optional("REASON"), login=login)
    reconcile.start(around)


def end_freeze(_: argparse.Namespace) -> None:
    around = context.from_environment()
    environment = around.platform.environment(workflow.variable("ENVIRONMENT"))
    login = people.starter(around, environment.freezers, f"end the freeze of {environment.name}")
    freeze.end(around, environment, login=login)
    reconcile.start(around)


def forward_review(_: argparse.Namespace) -> None:
    reconcile.start(context.from_environment())


def put_on_hold(_: argparse.Namespace) -> None:
    around = context.from_environment()
    service, environment, version, login = _version(around)
    hold.hold(around, environment, service, version, reason=workflow.optional("REASON"), login=login)
    reconcile.start_after_hold(around, environment)


def roll_back_by_hand(_: argparse.Namespace) -> None:
    around = context.from_environment(_REGISTRY_SECONDS)
    service, environment, version, login = _version(around)
    rollback.by_hand(around, environment, service, version, reason=workflow.optional("REASON"), login=login)
    reconcile.start_after_hold(around, environment)


def release_from_hold(_: argparse.Namespace) -> None:
    around = context.from_environment(_REGISTRY_SECONDS)
    service, environment, version, login = _version(around)
    hold.unhold(around, environment, service, version, login=login)
    reconcile.start_after_hold(around, environment)
    if workflow.optional("PROMOTE") != "true":
        workflow.notice(f"{version} may come to {environment.name}; with `promote`, this workflow asks for it at once")
    elif not hold.promote_again(around, environment, service, version):
        workflow.warning(
            f"{environment.name} never had {version}, and no newer promotion asked for it; run its release again: "
            + hold.remedy(service, version)
        )


def validate(options: argparse.Namespace) -> None:
    # It alone needs PyYAML (see requirements.txt); no release depends on it.
    from slipway_release.validation import check, ownership  # noqa: PLC0415

    branch = workflow.optional("HEAD_BRANCH")
    fork = workflow.optional("HEAD_REPOSITORY").lower() != workflow.optional("GITHUB_REPOSITORY").lower()
    check.run(options.folder, options.base, ownership.Proposal(branch, fork) if branch else None)


def check_base(options: argparse.Namespace) -> None:
    verdict.check_base(context.from_environment(), options.commit)


def install_helm(_: argparse.Namespace) -> None:
    from slipway_release.validation import installation  # noqa: PLC0415

    program = installation.install(platform_file.load().helm, Path(workflow.variable("RUNNER_TEMP")))
    if program is not None:
        installation.announce(program)


def give_verdict(_: argparse.Namespace) -> None:
    around = context.from_environment()
    commit, branch = workflow.variable("COMMIT"), workflow.optional("BRANCH")
    if verdict.turned_away(around, workflow.variable("PULL_REQUEST"), commit, branch):
        return
    reason = gates.refusal(around, branch, commit) if branch else None
    result = workflow.variable("RESULT")
    verdict.give(around, commit, result, gates.closing(reason) if reason else None)
    if branch and result == "success":
        gates.merge(around, branch)


def show_diff(options: argparse.Namespace) -> None:
    from slipway_release.validation import difference  # noqa: PLC0415

    difference.run(options.base, options.head, options.output)


def comment_diff(options: argparse.Namespace) -> None:
    from slipway_release.validation import comment  # noqa: PLC0415

    around = context.from_environment()
    text = options.markdown.read_text(encoding="utf-8") if options.markdown else workflow.variable("DIFFERENCE")
    comment.keep(around, workflow.variable("PULL_REQUEST"), text)


def write_page(options: argparse.Namespace) -> None:
    from slipway_release import overview, page  # noqa: PLC0415 - nothing else needs them

    output: Path = options.output
    text = page.page(overview.overview(context.from_environment(), options.folder))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    workflow.say(f"{output}: {len(text.encode())} bytes")


def show_releases(options: argparse.Namespace) -> None:
    from slipway_release import overview, releases_text  # noqa: PLC0415 - nothing else needs them

    print(releases_text.text(overview.overview(context.from_environment(), options.folder)))


def show_dora(options: argparse.Namespace) -> None:
    around = context.from_environment()
    found = dora.figures(around, options.days, options.service, options.environment)
    print(dora.as_json(found) if options.json else dora.as_table(found))
