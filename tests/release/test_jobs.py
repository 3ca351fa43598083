"""Jobs that fail at the first release, or at the second, are told of before they are released."""

from typing import Any

import pytest

from slipway_release.validation import jobs

HOOK = "argocd.argoproj.io/hook"
ACCOUNT: dict[str, Any] = {"kind": "ServiceAccount", "metadata": {"name": "guestbook"}}


def job(account: str | None = None, **annotations: str) -> dict[str, Any]:
    pod = {"serviceAccountName": account} if account else {}
    metadata = {"name": "migrate", "annotations": annotations}
    return {"kind": "Job", "metadata": metadata, "spec": {"template": {"spec": pod}}}


def told(*manifests: dict[str, Any]) -> str:
    found = list(jobs.check("here", manifests))
    assert all(problem.is_warning for problem in found)
    return "\n".join(str(problem) for problem in found)


def test_a_plain_job_cannot_be_released_twice() -> None:
    assert "the next release cannot be synced" in told(job())
    assert told(job(**{HOOK: "Sync"})) == told(job(**{"argocd.argoproj.io/sync-options": "Replace=true"})) == ""


@pytest.mark.parametrize("hook", [{HOOK: "PreSync"}, {"helm.sh/hook": "pre-install,pre-upgrade"}])
def test_a_job_before_the_sync_needs_an_account_that_is_there(hook: dict[str, str]) -> None:
    assert "runs before the ServiceAccount 'guestbook' is made" in told(ACCOUNT, job("guestbook", **hook))
    early = {"kind": "ServiceAccount", "metadata": {"name": "guestbook", "annotations": hook}}
    assert told(early, job("guestbook", **hook)) == told(job("default", **hook)) == ""
    assert told(ACCOUNT, job("guestbook", **{HOOK: "Sync"})) == ""


@pytest.mark.parametrize(
    "odd", [{"kind": "Job"}, {"kind": "Job", "metadata": 5, "spec": []}, {"metadata": {"name": None}}]
)
def test_an_odd_shape_is_for_others_to_name(odd: dict[str, Any]) -> None:
    told(odd)
