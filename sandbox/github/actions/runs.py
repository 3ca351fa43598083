"""Runs and jobs as documents."""

from collections.abc import Callable
from typing import Any

from sandbox.github.core.clock import now
from sandbox.github.core.forge import Forge
from sandbox.github.core.store import Document

RUNS = "actions_runs"
JOBS = "actions_jobs"
WORKFLOWS = "actions_workflows"
INBOX = "actions_inbox"


class Runs:
    """The tables of Actions. Keys begin with the repository's id, so that it takes them along when it goes."""

    def __init__(self, forge: Forge) -> None:
        self._store = forge.store
        self._runs = forge.store.table(RUNS)
        self._jobs = forge.store.table(JOBS)
        self._workflows = forge.store.table(WORKFLOWS)
        self.inbox = forge.store.table(INBOX)

    def next_id(self) -> int:
        return self._store.next_id()

    def run(self, repository_id: int, run_id: int) -> Document | None:
        """A run, or None."""
        return self._runs.get(f"{repository_id}/{run_id}")

    def of_repository(self, repository_id: int) -> list[Document]:
        """All runs of a repository, newest first."""
        return self._runs.all(f"{repository_id}/")[::-1]

    def all(self) -> list[Document]:
        """All runs, oldest first."""
        return self._runs.all()

    def put(self, run: Document) -> None:
        """Keeps a run."""
        run["updated_at"] = now()
        self._runs.put(f"{run['repository_id']}/{run['id']}", run)

    def delete(self, run: Document) -> None:
        """Forgets a run and its jobs."""
        self._runs.delete(f"{run['repository_id']}/{run['id']}")
        self._jobs.delete_all(f"{run['repository_id']}/{run['id']}/")

    def jobs(self, run: Document, attempt: int | None = None) -> list[Document]:
        """Jobs of one attempt of a run (the present one by default), those of calls included, in order of creation."""
        wanted = attempt or run["attempt"]
        found = self._jobs.all(f"{run['repository_id']}/{run['id']}/")
        return [job for job in found if job["attempt"] == wanted]

    def all_jobs(self, run: Document) -> list[Document]:
        """Jobs of all attempts of a run."""
        return self._jobs.all(f"{run['repository_id']}/{run['id']}/")

    def job(self, repository_id: int, job_id: int) -> Document | None:
        """A job by its id alone."""
        ending = f"/{job_id}"
        key = next((key for key in self._jobs.keys(f"{repository_id}/") if key.endswith(ending)), None)
        return None if key is None else self._jobs.get(key)

    def put_job(self, job: Document) -> None:
        """Keeps a job."""
        self._jobs.put(f"{job['repository_id']}/{job['run_id']}/{job['id']}", job)

    def update_job(self, job: Document, change: Callable[[Document], None]) -> Document:
        """Changes a job as it is now."""
        return self._jobs.update(f"{job['repository_id']}/{job['run_id']}/{job['id']}", change)

    def workflow(self, repository_id: int, path: str, name: str | None = None) -> Document:
        """The entry of a workflow file, made when it is first seen; `name` renames it."""
        key = f"{repository_id}/{path}"
        with self._store.lock:
            entry = self._workflows.get(key)
            if entry is None:
                entry = {
                    "id": self.next_id(),
                    "repository_id": repository_id,
                    "path": path,
                    "name": name or path,
                    # A fork's own workflows rest until somebody lets each of them run.
                    "state": "disabled_fork" if self._is_fork(repository_id) else "active",
                    "runs": 0,
                    "created_at": now(),
                    "updated_at": now(),
                }
                self._workflows.put(key, entry)
            elif name and entry["name"] != name:
                entry |= {"name": name, "updated_at": now()}
                self._workflows.put(key, entry)
        return entry

    def _is_fork(self, repository_id: int) -> bool:
        return bool((self._store.table("repositories").get(repository_id) or {}).get("parent_id"))

    def workflows(self, repository_id: int) -> list[Document]:
        """All workflow files of a repository that were ever seen."""
        return self._workflows.all(f"{repository_id}/")

    def change_workflow(self, entry: Document, **changes: Any) -> None:
        """Changes the entry of a workflow file."""
        self._workflows.update(
            f"{entry['repository_id']}/{entry['path']}", lambda kept: kept.update(changes, updated_at=now())
        )

    def next_run_number(self, entry: Document) -> int:
        """The number of the next run of a workflow file."""

        def count(kept: Document) -> None:
            kept["runs"] += 1

        return self._workflows.update(f"{entry['repository_id']}/{entry['path']}", count)["runs"]
