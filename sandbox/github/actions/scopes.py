"""One workflow at work within a run: the run's own, or one that a job calls."""

import functools
from dataclasses import dataclass
from typing import Any

from sandbox.github.actions import permissions
from sandbox.github.actions.contexts import github_context
from sandbox.github.actions.expressions import evaluate_template, to_text
from sandbox.github.actions.permissions import Permissions
from sandbox.github.actions.planner import Record, by_node, instance_contexts, needs_context
from sandbox.github.actions.shapes import mapping
from sandbox.github.actions.trust import Trust
from sandbox.github.actions.workflow import Mapping, Workflow, WorkflowError, load
from sandbox.github.core.forge import Forge
from sandbox.github.core.store import Document
from sandbox.github.repositories import settings

LEVELS = 10
"""Workflows that may call each other in a chain, the first one included."""


@dataclass(frozen=True)
class Scope:
    """A workflow with what its jobs inherit."""

    path: str
    """Where it stands in the run: empty for the run's own workflow, else the `place` of the job that calls it."""
    workflow: Workflow
    repository: Document
    """Where the workflow file lies."""
    sha: str
    inputs: Mapping
    maximum: Permissions
    parent: "Scope | None" = None
    call: Record | None = None

    @property
    def depth(self) -> int:
        return 1 if self.parent is None else self.parent.depth + 1

    def may_see(self, secret: str) -> bool:
        """Whether jobs are given a secret of their environment: to a called workflow, the caller must have named it."""
        if self.parent is None or self.call is None:
            return True
        passed: Any = self.parent.workflow.jobs[self.call["node"]].get("secrets")
        return passed == "inherit" or secret.upper() in {str(name).upper() for name in mapping(passed)}


class Scopes:
    """Builds scopes, contexts and secrets of a run from its documents."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self.trust = Trust(forge)
        self._load = functools.lru_cache(maxsize=256)(self._read)

    def workflow(self, repository: Document, sha: str, path: str) -> Workflow:
        """A workflow file at a commit.

        Raises:
            WorkflowError: it is not there, or not valid.
        """
        return self._load(repository["id"], sha, path)

    def _read(self, repository_id: int, sha: str, path: str) -> Workflow:
        content = self._forge.git.by_id(repository_id).read(sha, path)
        if content is None:
            raise WorkflowError(f"{path}: workflow was not found.")
        return load(content, path)

    def top(self, run: Document) -> Scope:
        """The scope of the run's own workflow."""
        repository = self.repository(run["repository_id"])
        default = settings.of(self._forge, repository["full_name"]).default_workflow_permissions
        if self.trust.reads_by_default(run):
            default = "read"
        workflow = self.workflow(repository, run["sha"], run["path"])
        return Scope("", workflow, repository, run["sha"], run["inputs"], permissions.DEFAULTS[default])

    def repository(self, repository_id: int) -> Document:
        """A repository by its id.

        Raises:
            WorkflowError: it is gone.
        """
        found = self._forge.store.table("repositories").get(repository_id)
        if found is None:
            raise WorkflowError("the repository no longer exists")
        return found

    def nested(self, parent: Scope, call: Record) -> Scope:
        """The scope of the workflow that a record of a calling job names."""
        source = call["source"]
        repository = self.repository(source["repository_id"])
        workflow = self.workflow(repository, source["sha"], source["path"])
        return Scope(
            call["place"], workflow, repository, source["sha"], call["inputs"], call["permissions"], parent, call
        )

    def find(self, run: Document, records: list[Record], path: str) -> Scope:
        """The scope at a place of a run."""
        if not path:
            return self.top(run)
        call = next(record for record in records if record["place"] == path)
        return self.nested(self.find(run, records, call["scope"]), call)

    def contexts(self, run: Document, scope: Scope, environment: str | None = None) -> Mapping:
        """`github`, `inputs` and `vars` as jobs of a scope see them."""
        variables = self.trust.variables(run)
        if environment is not None:
            variables = variables | self.trust.variables(run, environment)
        return {
            "github": github_context(run, (self._forge.url, self._forge.api_url)),
            "inputs": scope.inputs,
            "vars": variables,
        }

    def job_contexts(
        self, run: Document, scope: Scope, record: Record, records: list[Record], environment: str | None = None
    ) -> Mapping:
        """Everything that is known of one job before it runs."""
        here = by_node(other for other in records if other["scope"] == scope.path)
        definition = scope.workflow.jobs[record["node"]]
        return (
            self.contexts(run, scope, environment)
            | {"needs": needs_context(scope.workflow, record["node"], here)}
            | instance_contexts(record["matrix"], record["index"], record["total"], definition)
        )

    def permissions(self, scope: Scope, node: str) -> Permissions:
        """What a job of a scope may do with its token.

        Raises:
            WorkflowError: it asks for more than it may.
        """
        declared: Any = scope.workflow.jobs[node].get("permissions")
        nested = scope.parent is not None
        return permissions.effective(scope.maximum, scope.workflow.permissions, declared, name=node, nested=nested)

    def secrets(self, run: Document, scope: Scope, records: list[Record]) -> dict[str, str]:
        """The secrets that jobs of a scope are given, without those of an environment."""
        if scope.parent is None or scope.call is None:
            return self.trust.secrets(run)
        outer = self.secrets(run, scope.parent, records)
        passed: Any = scope.parent.workflow.jobs[scope.call["node"]].get("secrets")
        if passed == "inherit":
            return outer
        contexts = self.job_contexts(run, scope.parent, scope.call, records) | {"secrets": outer}
        return {name: to_text(evaluate_template(value, contexts)) for name, value in mapping(passed).items()}

    def environment_secrets(self, run: Document, scope: Scope, environment: str) -> dict[str, str]:
        """The secrets of an environment that a job of a scope is given."""
        own = self.trust.secrets(run, environment)
        return {name: value for name, value in own.items() if scope.may_see(name)}
