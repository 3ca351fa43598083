"""Proposes a new entry of a stack file as one pull request on the platform repository."""

import base64
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from components.github.api import GitHubApi
from components.github.errors import GitHubError
from stacks.addition import Addition
from stacks.stack_text import StackText, StackTextError

OF_ACTIONS = "github-actions[bot]"
"""Who opens what a workflow proposes with its own token."""
_NOT_PERMITTED = (
    "GitHub Actions may not create pull requests here; allow it in Settings, Actions, General, of the organisation and"
    " of this repository, or give the form an App (docs/platform-ci.md)"
)
_WITHOUT_PREVIEW = (
    "GitHub starts no workflow for what a workflow proposes. **Close this pull request and open it again**: then its"
    " preview runs."
)


class ProposalError(Exception):
    """Why there is no pull request; what to do. Nothing was changed."""


def origin(root: Path) -> str:
    """`owner/name` of the repository that a clone came from.

    Raises:
        ProposalError: it does not say.
    """
    ran = subprocess.run(["git", "remote", "get-url", "origin"], cwd=root, capture_output=True, text=True, check=False)
    found = re.search(r"[/:]([\w.-]+/[\w.-]+?)(\.git)?/?$", ran.stdout.strip())
    if found is None:
        raise ProposalError("origin: this clone does not say where it came from; give --platform-repository owner/name")
    return found.group(1)


def propose(api: GitHubApi, repository: str, path: str, made: Addition, again: Callable[[StackText], Addition]) -> str:
    """Opens the pull request, from what the default branch says now; returns what was done.

    Args:
        api: as who may write the repository.
        repository: `owner/name` of the platform repository.
        path: the stack file in it.
        made: the entry, as it was shown.
        again: adds it to another text of the file.

    Raises:
        ProposalError: it is proposed already, or the repository has no such file.
        AdditionError: somebody else has taken the name in the meantime.
        GitHubError: GitHub refuses it.
    """
    at = f"/repos/{repository}"
    found = api.find(at)
    if found is None:
        raise ProposalError(
            f"{repository}: the token reaches no such repository; give --platform-repository owner/name"
        )
    main = str(found["default_branch"])
    file = api.find(f"{at}/contents/{path}?ref={quote(main, safe='')}")
    if file is None:
        raise ProposalError(f"{repository}: {main} has no {path}; push the stack file first")
    _check_free(api, made)
    try:
        fresh = again(StackText(base64.b64decode(file["content"]).decode()))
    except (StackTextError, UnicodeDecodeError) as error:
        raise ProposalError(f"{path} on {main} of {repository}: {error}") from None
    branch = f"add-{made.kind.name}-{made.name}"
    head = api.get(f"{at}/git/ref/heads/{quote(main)}")["object"]["sha"]
    try:
        api.post(f"{at}/git/refs", {"ref": f"refs/heads/{branch}", "sha": head})
    except GitHubError as error:
        if error.status != 422:
            raise
        raise ProposalError(_already(api, at, repository, branch)) from None
    title = f"Add the {made.kind.name} {made.name}"
    try:
        content = base64.b64encode(fresh.after.text.encode()).decode()
        api.put(f"{at}/contents/{path}", {"message": title, "content": content, "sha": file["sha"], "branch": branch})
        pull = api.post(f"{at}/pulls", {"title": title, "head": branch, "base": main, "body": _body(fresh)})
    except GitHubError as error:
        # A branch without a pull request would keep everybody from trying again.
        api.request("DELETE", f"{at}/git/refs/heads/{branch}")
        if "not permitted to create" in error.message:
            raise ProposalError(f"{repository}: {_NOT_PERMITTED}") from None
        raise
    if pull["user"]["login"] == OF_ACTIONS:
        api.patch(f"{at}/pulls/{pull['number']}", {"body": f"{_body(fresh)}\n\n{_WITHOUT_PREVIEW}".strip()})
    return f"proposed: {pull['html_url']}"


def _check_free(api: GitHubApi, made: Addition) -> None:
    """A repository that exists would stop `pulumi up` after the merge."""
    if made.settings is None or made.kind.name != "service":
        return
    service = next(one for one in made.settings.services if one.name == made.name)
    owner = made.settings.github.owner
    if api.find(f"/repos/{owner}/{quote(service.repository_name)}") is not None:
        text = f"{owner}/{service.repository_name} exists on GitHub; use another name, or adopt it (docs/adopt.md)"
        raise ProposalError(f"name: {text}")


def _already(api: GitHubApi, at: str, repository: str, branch: str) -> str:
    owner = repository.partition("/")[0]
    pulls: list[Any] = api.get(f"{at}/pulls?state=open&head={quote(f'{owner}:{branch}', safe='')}")
    if pulls:
        return f"name: {pulls[0]['html_url']} proposes it already; review that one, or use another name"
    return (
        f"name: the branch {branch} of {repository} exists without a pull request; somebody proposes it right now, or"
        " was cut off: look again, then delete it or use another name"
    )


def _body(made: Addition) -> str:
    lines = [f"- {line}" for line in made.consequences]
    return "\n".join(["`pulumi up` then makes", "", *lines]) if lines else ""
