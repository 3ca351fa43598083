"""Where `uses: owner/repository@ref` comes from: a repository of this GitHub, or a stand-in for a well-known one."""

import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.github.actions.shapes import is_mapping
from sandbox.github.actions.workflow import WorkflowError, read_yaml
from sandbox.github.core.forge import Forge
from sandbox.github.core.git import environment
from sandbox.github.core.store import Document
from sandbox.github.repositories import settings

STANDINS = Path(__file__).parent / "standins"

_SHA = re.compile(r"[0-9a-f]{40}\Z")
_DEPTH = 10


class SourceError(Exception):
    """Something that `uses` names cannot be used; the text is GitHub's."""


@dataclass(frozen=True)
class Reference:
    """`owner/repository[/path]@ref`."""

    repository: str
    path: str
    ref: str

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Reads a reference.

        Raises:
            SourceError: it is not written as one.
        """
        name, at, ref = text.partition("@")
        parts = name.split("/", 2)
        if not at or not ref or len(parts) < 2 or not all(parts[:2]):
            raise SourceError(
                f"Expected format {{org}}/{{repo}}[/path]@ref. Actual '{text}' Input string was not in a correct format"
            )
        return cls(f"{parts[0]}/{parts[1]}", parts[2].strip("/") if len(parts) > 2 else "", ref)


class Sources:
    """Finds actions and reusable workflows, and unpacks repositories for `act`."""

    def __init__(self, forge: Forge, cache: Path) -> None:
        self._forge = forge
        self._cache = cache
        self._lock = threading.Lock()

    def commit(self, user: Document, name: str, ref: str) -> tuple[Document, str] | None:
        """A repository of this GitHub and the commit that a ref names, if the user may take code from there.

        Args:
            user: The repository whose workflow wants it.
            name: Full name of the other.
            ref: Branch, tag or commit.
        """
        repository = self._forge.repository(name)
        if repository is None or not self._may_use(user, repository):
            return None
        git = self._forge.git.by_id(repository["id"])
        # A tag goes before a branch of the same name, as in git itself.
        sha = git.resolve(f"refs/tags/{ref}") or git.find_commit(ref)
        return None if sha is None else (repository, sha)

    def full_ref(self, repository: Document, ref: str) -> str:
        """A branch or tag of a repository with its kind, as ID tokens name it; a commit as it is."""
        git = self._forge.git.by_id(repository["id"])
        return next((name for kind in ("tags", "heads") if git.resolve(name := f"refs/{kind}/{ref}")), ref)

    def _may_use(self, user: Document, other: Document) -> bool:
        if user["id"] == other["id"] or other["visibility"] == "public":
            return True
        level = settings.of(self._forge, other["full_name"]).access_level
        if level == "enterprise":
            return True
        return level in ("organization", "user") and user["owner"]["login"] == other["owner"]["login"]

    def actions(self, user: Document, sha: str, steps: list[Any]) -> dict[str, Path]:
        """Every repository that steps take actions from, nested ones included: `owner/repository@ref` → its folder.

        Raises:
            SourceError: one cannot be resolved, or this repository's settings do not allow it.
        """
        found: dict[str, Path] = {}
        for uses in _uses(steps):
            self._collect(user, (user, sha), uses, found, 0)
        return found

    def _collect(
        self, user: Document, place: tuple[Document, str], uses: str, found: dict[str, Path], depth: int
    ) -> None:
        if depth > _DEPTH:
            raise SourceError(f"{uses}: actions use each other more than {_DEPTH} levels deep")
        if uses.startswith("docker://"):
            raise SourceError(
                f"{uses}: container actions need a Docker engine, which runners of the sandbox do not have"
            )
        if uses.startswith("./"):
            # Of the workspace. What an action made during the job itself uses is not known here.
            repository, sha = place
            read = self._forge.git.by_id(repository["id"]).read
            texts = (read(sha, f"{uses[2:].strip('/')}/action.{ending}".lstrip("/")) for ending in ("yml", "yaml"))
            self._nested(user, place, next((text for text in texts if text), b""), found, depth)
            return
        reference = Reference.parse(uses)
        key = f"{reference.repository}@{reference.ref}"
        self._check_policy(user, reference)
        located = self.commit(user, reference.repository, reference.ref)
        if key not in found:
            found[key] = self._unpack(located) if located else self._standin(reference)
        folder = found[key] / reference.path
        texts = (path.read_bytes() for path in (folder / "action.yml", folder / "action.yaml") if path.is_file())
        text = next(texts, None)
        if text is None:
            raise SourceError(f"Can't find 'action.yml', 'action.yaml' or 'Dockerfile' for action '{uses}'.")
        self._nested(user, located or place, text, found, depth)

    def _nested(
        self, user: Document, place: tuple[Document, str], text: bytes, found: dict[str, Path], depth: int
    ) -> None:
        try:
            action = read_yaml(text)
        except WorkflowError as error:
            raise SourceError(f"action.yml: {error}") from error
        runs: Any = action.get("runs") if is_mapping(action) else None
        for uses in _uses(runs.get("steps") or [] if is_mapping(runs) else []):
            self._collect(user, place, uses, found, depth + 1)

    def _check_policy(self, user: Document, reference: Reference) -> None:
        policy = settings.of(self._forge, user["full_name"])
        owner = reference.repository.partition("/")[0]
        name = f"{reference.repository}@{reference.ref}"
        own = owner.lower() == user["owner"]["login"].lower()
        if policy.sha_pinning_required and not _SHA.match(reference.ref):
            raise SourceError(
                f"The action {name} is not allowed in {user['full_name']} because all actions must be pinned to a"
                " full-length commit SHA."
            )
        if own or policy.allowed_actions == "all":
            return
        if policy.allowed_actions == "selected":
            selected = policy.selected_actions
            if selected.get("github_owned_allowed") and owner in ("actions", "github"):
                return
            patterns: list[str] = selected.get("patterns_allowed") or []
            if any(
                _allows(pattern, f"{reference.repository}/{reference.path}".rstrip("/"), name) for pattern in patterns
            ):
                return
        raise SourceError(
            f"The action {name} is not allowed in {user['full_name']} because all actions must be from a repository"
            f" owned by {user['owner']['login']}."
        )

    def _standin(self, reference: Reference) -> Path:
        owner, name = reference.repository.lower().split("/")
        folder = STANDINS / owner / name
        if not folder.is_dir():
            raise SourceError(f"Unable to resolve action {reference.repository}, repository not found")
        return folder

    def _unpack(self, located: tuple[Document, str]) -> Path:
        repository, sha = located
        folder = self._cache / str(repository["id"]) / sha
        with self._lock:
            if folder.is_dir():
                return folder
            folder.parent.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix="unpack-", dir=folder.parent))
            try:
                tree = made / "tree"
                tree.mkdir(mode=0o755)
                bare = self._forge.git.by_id(repository["id"]).directory
                variables = {"GIT_INDEX_FILE": str(made / "index"), "GIT_DIR": str(bare), "GIT_WORK_TREE": str(tree)}
                for arguments in (["read-tree", sha], ["checkout-index", "--all"]):
                    subprocess.run(
                        ["git", *arguments], cwd=tree, env=environment(variables), check=True, capture_output=True
                    )
                tree.rename(folder)
            except subprocess.CalledProcessError as error:
                raise SourceError(
                    f"{repository['full_name']}@{sha}: {error.stderr.decode(errors='replace')}"
                ) from error
            finally:
                shutil.rmtree(made, ignore_errors=True)
        return folder


def _uses(steps: list[Any]) -> Iterator[str]:
    for step in steps:
        if is_mapping(step) and isinstance(uses := step.get("uses"), str):
            yield uses


def _allows(pattern: str, path: str, name: str) -> bool:
    expression = re.escape(pattern.strip()).replace(r"\*", ".*")
    return bool(re.fullmatch(expression, name, re.IGNORECASE) or re.fullmatch(expression, path, re.IGNORECASE))
