"""Changes of refs, and the refusal of them."""

from dataclasses import dataclass

from sandbox.github.core.errors import GitHubError
from sandbox.github.core.git import ZERO


@dataclass(frozen=True)
class RefUpdate:
    """One ref that is to move; `old` or `new` is ZERO where it is created or deleted."""

    ref: str
    old: str
    new: str

    @property
    def creates(self) -> bool:
        return self.old == ZERO

    @property
    def deletes(self) -> bool:
        return self.new == ZERO

    @property
    def moves(self) -> bool:
        return not self.creates and not self.deletes


@dataclass(frozen=True)
class Violation:
    """One reason why a ref may not change."""

    ref: str
    message: str
    protected_branch: bool = False
    """The reason is a classic branch protection, which GitHub words differently."""


class RulesViolated(GitHubError):  # noqa: N818 - named as GitHub's own message
    """The refusal of a change of refs; the status depends on the way the change came."""

    def __init__(self, violations: list[Violation], status: int = 422) -> None:
        protection = all(violation.protected_branch for violation in violations)
        title = "Protected branch update failed" if protection else "Repository rule violations found"
        if protection:
            title += f" for {violations[0].ref}."
        reasons = "\n".join(dict.fromkeys(violation.message for violation in violations))
        super().__init__(status, f"{title}\n\n{reasons}\n\n")
        self.violations: list[Violation] = violations
