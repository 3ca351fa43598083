"""Telling the outside about runs and jobs: events for webhooks and `workflow_run`, check runs on the commit."""

from sandbox.github.actions import presentation
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import ACTIONS_APP_ID, ACTIONS_LOGIN, Kind, Principal
from sandbox.github.core.store import Document
from sandbox.github.deployments import statuses
from sandbox.github.git import publishing

ACTIONS = Principal(Kind.INSTALLATION, ACTIONS_LOGIN, app_id=ACTIONS_APP_ID)


def run(forge: Forge, document: Document, action: str) -> None:
    """Publishes `workflow_run`: requested, in_progress or completed."""
    repository = forge.repository(document["repository"])
    if repository is None:
        return
    ref = f"refs/heads/{repository['default_branch']}"
    publishing.emit(
        forge,
        repository,
        Principal(Kind.USER, document["triggering_actor"]),
        "workflow_run",
        action=action,
        ref=ref,
        sha=forge.git.by_id(repository["id"]).resolve(ref) or "",
        payload={"workflow_run": presentation.run(forge, document), "workflow": None},
    )


def job(forge: Forge, run_document: Document, document: Document, action: str) -> None:
    """Publishes `workflow_job` (queued, waiting, in_progress or completed) and keeps the job's check run."""
    repository = forge.repository(run_document["repository"])
    if repository is None or document["kind"] == "call":
        return
    status: str = document["status"]
    statuses.record_check(
        forge,
        repository,
        ACTIONS,
        name=presentation.check_name(document),
        head_sha=run_document["head_sha"],
        status="queued" if status in ("waiting", "pending") else status,
        conclusion=document["conclusion"],
        check_id=document["check_id"],
        details={"details_url": presentation.job_html_url(forge, document), "external_id": str(document["id"])},
    )
    publishing.emit(
        forge,
        repository,
        Principal(Kind.USER, run_document["triggering_actor"]),
        "workflow_job",
        action=action,
        ref=run_document["ref"],
        sha=run_document["sha"],
        payload={"workflow_job": presentation.job(forge, run_document, document)},
    )


def new_check(forge: Forge, run_document: Document, name: str) -> int | None:
    """Makes the check run of a job that is new; answers its id."""
    repository = forge.repository(run_document["repository"])
    if repository is None:
        return None
    made = statuses.record_check(
        forge, repository, ACTIONS, name=name, head_sha=run_document["head_sha"], status="queued"
    )
    return int(made["id"])
