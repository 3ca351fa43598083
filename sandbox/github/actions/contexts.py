"""The contexts that the server knows: `github`, `inputs`, `vars`, `needs`, `matrix`, `strategy`."""

from typing import Any

from sandbox.github.actions.expressions import Partial
from sandbox.github.actions.shapes import mapping

Document = dict[str, Any]


def head_branch(ref: str) -> str | None:
    """What the API calls `head_branch`: a branch's or a tag's short name, None for a bare commit."""
    for prefix in ("refs/heads/", "refs/tags/"):
        if ref.startswith(prefix):
            return ref[len(prefix) :]
    return ref.removeprefix("refs/") or None


def github_context(run: Document, urls: tuple[str, str]) -> Document:
    """The `github` context of a run, without what only a running job knows.

    Args:
        run: The run's document.
        urls: Server and API URL.
    """
    server, api = urls
    ref: str = run["ref"]
    pull = mapping(run["payload"].get("pull_request")) if run["event"].startswith("pull_request") else {}
    owner = run["repository"].partition("/")[0]
    branch = head_branch(ref)
    return {
        "actor": run["actor"],
        "actor_id": str(run["actor_id"]),
        "api_url": api,
        "base_ref": mapping(pull.get("base")).get("ref", ""),
        "event": run["payload"],
        "event_name": run["event"],
        "graphql_url": api.removesuffix("/v3") + "/graphql" if api.endswith("/v3") else f"{api}/graphql",
        "head_ref": mapping(pull.get("head")).get("ref", ""),
        "ref": ref,
        "ref_name": branch or "",
        "ref_protected": run["ref_protected"],
        "ref_type": "tag" if ref.startswith("refs/tags/") else "branch" if ref else "",
        "repository": run["repository"],
        "repository_id": str(run["repository_id"]),
        "repository_owner": owner,
        "repository_owner_id": str(run["owner_id"]),
        "repositoryurl": f"{server}/{run['repository']}.git",
        "retention_days": "90",
        "run_attempt": str(run["attempt"]),
        "run_id": str(run["id"]),
        "run_number": str(run["run_number"]),
        "secret_source": "Actions",
        "server_url": server,
        "sha": run["sha"],
        "triggering_actor": run["triggering_actor"],
        "workflow": run["name"],
        "workflow_ref": f"{run['repository']}/{run['path']}@{ref or run['sha']}",
        "workflow_sha": run["sha"],
    }


def environment_variables(github: Document, job_id: str) -> dict[str, str]:
    """The GITHUB_ variables of a job, as far as they do not depend on the step."""
    same = (
        "actor", "actor_id", "api_url", "base_ref", "event_name", "graphql_url", "head_ref", "ref", "ref_name",
        "ref_type", "repository", "repository_id", "repository_owner", "repository_owner_id", "retention_days",
        "run_attempt", "run_id", "run_number", "server_url", "sha", "triggering_actor", "workflow", "workflow_ref",
        "workflow_sha",
    )  # fmt: skip
    variables = {f"GITHUB_{name.upper()}": str(github[name]) for name in same}
    return variables | {
        "CI": "true",
        "GITHUB_JOB": job_id,
        "GITHUB_REF_PROTECTED": "true" if github["ref_protected"] else "false",
    }


def step_contexts(known: Document) -> Document:
    """What can be decided in a job's steps before it runs.

    Of `github` only what does not depend on the step or the runner; the whole object is left to `act`.
    """
    runtime = {"event", "token"}
    github = Partial({name: value for name, value in known["github"].items() if name not in runtime})
    return {name: value for name, value in known.items() if name != "github"} | {"github": github}
