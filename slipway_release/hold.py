"""Holds: a person takes a version out of promotion, or gives it back."""

from __future__ import annotations

from slipway_release import ask, delivery, intent, limits, promotions, workflow
from slipway_release.context import Context
from slipway_release.delivery import Delivered, Purpose
from slipway_release.errors import RefusedError, ReleaseError
from slipway_release.platform_types import Environment, Service
from slipway_release.release_file import Held, ReleaseFile
from slipway_release.tags import is_branch_version, is_version
from slipway_release.verified_releases import releases


def hold(
    context: Context, environment: Environment, service: Service, version: str, *, reason: str, login: str
) -> Delivered | None:
    """Put a version on hold. What already runs keeps running."""
    _check_version(version)
    why = f"{limits.reason(reason) or 'no reason given'} ({login})"
    held = Held(version, why, context.run_url, workflow.timestamp())

    def change(file: ReleaseFile) -> ReleaseFile | None:
        return file if file.hold_of(version) else file.with_hold(held)

    title = f"Hold {service.name} {version} in {environment.name}"
    purpose = Purpose("hold", version, lambda _: f"{title}\n\nWhy: {held.reason}\nAsked for in: {context.run_url}\n")
    done = delivery.write_or_propose(context.contents, environment, service.name, change, purpose)
    # An open pull request of the version must not deliver it.
    delivery.tidy(context.contents, environment, service.name)
    return _done(done, title)


def unhold(
    context: Context, environment: Environment, service: Service, version: str, *, login: str
) -> Delivered | None:
    """Release a version from hold."""
    _check_version(version)

    def change(file: ReleaseFile) -> ReleaseFile | None:
        return file.without_hold(version)

    title = intent.unhold_title(service.name, version, environment.name)
    purpose = Purpose("hold", version, lambda _: f"{title}\n\nAsked for by: {login}\nIn: {context.run_url}\n")
    return _done(delivery.write_or_propose(context.contents, environment, service.name, change, purpose), title)


def promote_again(context: Context, environment: Environment, service: Service, version: str) -> bool:
    """Ask for the promotion of a version that was here or was asked for before; False if neither is known."""
    had = next((item for item in releases(context, environment, service) if item.version == version), None)
    found = (had.run_number, had.digest) if had is not None and had.run_number else _asked(context, service, version)
    if found is None:
        return False
    # For this environment alone: that it may go here says nothing about others.
    ask.ask(context.platform, context.own, service, *found, [environment.name], again=True)
    return True


def _asked(context: Context, service: Service, version: str) -> tuple[str, str] | None:
    """The run and the image of a version that was on hold before it ever came: of a promotion that asked for it."""
    try:
        image = context.registry.image(service.image, version)
    except ReleaseError as error:
        workflow.say(f"image {service.image}:{version}: {error}")
        return None
    for run in promotions.newest(context) if image else []:
        if image and (run.service, run.digest) == (service.name, image.digest):
            return run.run, image.digest
    return None


def remedy(service: Service, version: str) -> str:
    """How a version is asked for again, of which nothing is known here."""
    release = f"--repo {service.repository} --workflow {service.release_workflow.rpartition('/')[2]}"
    newest = f"gh run list {release} --branch v{version} --limit 1 --json databaseId --jq '.[0].databaseId'"
    return f'gh run rerun --repo {service.repository} "$({newest})"'


def _check_version(version: str) -> None:
    if not is_version(version) and not is_branch_version(version):
        raise RefusedError(f"version {version!r}: expected 1.2.3, 1.2.3-rc.1 or main-0123456789ab, without a leading v")


def _done(done: Delivered | None, title: str) -> Delivered | None:
    if done is None or not done.new:
        workflow.notice(f"{title}: nothing to do, it is so already")
    else:
        where = done.pull.url if done.pull and not done.commit else f"commit {done.commit}"
        workflow.notice(f"{title}: {where}")
    return done
