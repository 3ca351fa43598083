"""The ledger of releases: GitHub deployments and their statuses, on this repository and the service's.

Which version a deployment was is read from `release.yaml` at its commit, never from what somebody wrote
into the deployment.
"""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass

from slipway_release import limits, record, workflow
from slipway_release.choices import Sync
from slipway_release.context import Context
from slipway_release.deployments import TOOK_BACK, VERDICTS, Entry, entries, entry_from, name_of
from slipway_release.errors import ApiError, UnavailableError
from slipway_release.fields import Document
from slipway_release.github import GitHub
from slipway_release.platform_types import Environment, Service
from slipway_release.release_file import Release

_NEWEST = 100
"""How many deployments are looked at: one page. What is older is in the record."""


@dataclass(frozen=True)
class Ledger:
    """Writes both sides of the ledger for one service."""

    context: Context
    service: Service

    def delivered(
        self,
        environment: Environment,
        release: Release,
        commit: str,
        committed_at: str | None = None,
        *,
        new: bool = False,
    ) -> None:
        """A release is in Git; from now on its verification counts.

        Args:
            environment: where it is delivered.
            release: the release.
            commit: the commit that has it.
            committed_at: when its source was committed.
            new: whether this run has just made the commit, so that the ledger does not know of it.
        """
        waits = environment.sync is Sync.MANUAL
        state = "queued" if waits else "in_progress"
        words = "waits for somebody to sync it" if waits else "delivered, being verified"
        words += environment.windows_note
        back = f" {TOOK_BACK.format(release.rollback.version)}" if release.rollback else ""
        description = f"{release.version}{back}: {words}"
        name = name_of(environment.name, self.service.name)
        repository = self.context.platform.repository
        payload = _payload(release, committed_at)
        # Should Argo CD have been quicker all the same, `verified` marks this one after it.
        known = None if new else self._known(self.context.writer, repository, name, commit, payload)
        own = known or self._made(self.context.writer, repository, environment, name=name, ref=commit, payload=payload)
        if own.latest is None:
            self._report(self.context.own, repository, own.id, environment, state=state, description=description)
        elif own.latest.state not in {"queued", "in_progress"}:
            # Argo CD was quicker than this run; what it has found is mirrored by another one.
            return
        self.mirror(environment, release, state, description)

    def settle(
        self, environment: Environment, release: Release, state: str, description: str, log_url: str | None = None
    ) -> None:
        """As `mirror`, where the service's repository was told that it goes on, and no end of it."""
        self.mirror(environment, release, state, description, log_url, unsettled=True)

    def mirror(
        self,
        environment: Environment,
        release: Release,
        state: str,
        description: str,
        log_url: str | None = None,
        *,
        unsettled: bool = False,
    ) -> bool:
        """Tell the service's repository. It is a mirror: that it cannot be told stops nothing.

        Returns:
            Whether it is told, or never will be.
        """
        github, repository = self.context.service, self.service.repository
        name, ref = environment.name, release.tag or release.commit
        payload: dict[str, object] = {"version": release.version, "digest": release.digest}
        try:
            known = self._known(github, repository, name, ref, payload)
            if unsettled and (known is None or known.latest is None or known.latest.state in VERDICTS):
                return True
            opened = known or self._made(github, repository, environment, name=name, ref=ref, payload=payload)
            latest = opened.latest
            if latest is not None and (latest.state, latest.description) == (state, _shown(description)):
                return True
            self._report(
                github, repository, opened.id, environment, state=state, description=description, log_url=log_url
            )
        except (ApiError, UnavailableError) as error:
            workflow.warning(f"{repository}: the deployment of {release.version} could not be recorded there: {error}")
            return isinstance(error, ApiError)
        return True

    def verified(self, environment: Environment, release: Release, reported: Entry) -> None:
        """Mark what was delivered, where Argo CD reported on a later commit than the delivering one."""
        if reported.is_of(release):
            return
        name = name_of(environment.name, self.service.name)
        repository = self.context.platform.repository
        for found in itertools.islice(entries(self.context.writer, repository, name), _NEWEST):
            if not found.is_of(release):
                continue
            if found.verified_at is None and found.failed_at is None:
                text = f"{release.version}: Synced, Healthy and Succeeded"
                self._report(self.context.own, repository, found.id, environment, state="success", description=text)
            return

    def overtaken(self, environment: Environment, release: Release, by: Release) -> None:
        """A release was replaced before it was verified: it does not stay in progress."""
        if release.version == by.version or record.is_verified(self.context, environment, self.service, release):
            return
        name, repository = name_of(environment.name, self.service.name), self.context.platform.repository
        text = f"{release.version}: overtaken by {by.version} before it was verified"
        for found in itertools.islice(entries(self.context.writer, repository, name), _NEWEST):
            if found.is_of(release):
                goes_on = found.latest is not None and found.latest.state in {"queued", "in_progress"}
                # Marked here once it is told there: what could not be told is found again by it.
                if goes_on and self.mirror(environment, release, "inactive", text):
                    self._report(
                        self.context.own, repository, found.id, environment, state="inactive", description=text
                    )
                return

    def knows(self, environment: Environment, release: Release) -> bool:
        """Whether the delivery of exactly this image is written down, among the newest deployments or as verified."""
        name, repository = name_of(environment.name, self.service.name), self.context.platform.repository
        newest = itertools.islice(entries(self.context.writer, repository, name), _NEWEST)
        return any(found.is_of(release) for found in newest) or record.is_verified(
            self.context, environment, self.service, release
        )

    @staticmethod
    def _known(github: GitHub, repository: str, name: str, ref: str, payload: Document) -> Entry | None:
        """The deployment of a ref, so that a re-run writes no second one."""
        for found in entries(github, repository, name, ref):
            if not found.payload or found.is_about(payload.get("version"), payload.get("digest")):
                return found
        return None

    def _made(
        self,
        github: GitHub,
        repository: str,
        environment: Environment,
        *,
        name: str,
        ref: str,
        payload: dict[str, object],
    ) -> Entry:
        path = f"/repos/{repository}/deployments"
        made = github.post(
            path,
            {
                "ref": ref,
                "environment": name,
                "description": _shown(f"{self.service.name} {payload.get('version', '')} to {environment.name}"),
                "payload": payload,
                "auto_merge": False,
                "required_contexts": [],
                "production_environment": environment.approval or environment.sync is Sync.MANUAL,
                "transient_environment": False,
            },
        )
        return dataclasses.replace(entry_from(made, github, path), _statuses=[])

    def _report(
        self,
        github: GitHub,
        repository: str,
        number: int,
        environment: Environment,
        *,
        state: str,
        description: str,
        log_url: str | None = None,
    ) -> None:
        body: dict[str, object] = {"state": state, "description": _shown(description)}
        url = environment.service_url(self.service.name)
        if url:
            body["environment_url"] = url
        log = log_url or self.context.run_url
        if log:
            body["log_url"] = log
        github.post(f"/repos/{repository}/deployments/{number}/statuses", body)


def _payload(release: Release, committed_at: str | None) -> dict[str, object]:
    payload: dict[str, object] = {"version": release.version, "digest": release.digest, "commit": release.commit}
    if committed_at:
        payload["committedAt"] = committed_at
    return payload


def _shown(text: str) -> str:
    return limits.shortened(text, limits.DESCRIPTION)
