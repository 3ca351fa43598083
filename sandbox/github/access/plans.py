"""What an organisation pays for, and what exists in its repositories because of that.

Public repositories have everything on every plan. Of the others, Free has neither rules nor environments, Team has both
but no reviewers or wait timers, and only Enterprise has everything.
"""

from enum import StrEnum

from sandbox.github.access import accounts
from sandbox.github.core.errors import GitHubError, forbidden, invalid_field, not_found, unprocessable
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import Kind, Principal
from sandbox.github.core.store import Document


class Plan(StrEnum):
    """A plan by the name that GitHub's API gives it."""

    FREE = "free"
    TEAM = "team"
    ENTERPRISE = "enterprise"


def of(forge: Forge, owner: str) -> Plan:
    """The plan of an account; people have Free."""
    organization = accounts.find_organization(forge, owner)
    return Plan.FREE if organization is None else Plan(organization.get("plan", Plan.ENTERPRISE))


def change(forge: Forge, organization: Document, plan: Plan) -> None:
    """Has an organisation pay for another plan."""
    forge.store.table("organizations").update(
        organization["login"].lower(), lambda document: document.update(plan=str(plan))
    )


def is_visible(forge: Forge, organization: Document, principal: Principal) -> bool:
    """Whether a caller learns the plan: owners do, and Apps with the permission "Organization plan"."""
    if principal.is_integration:
        return "organization_plan" in (principal.permissions or {})
    if principal.kind is not Kind.USER or accounts.membership(forge, organization, principal.login) != "admin":
        return False
    return principal.scopes is None or "admin:org" in principal.scopes


def protects(forge: Forge, repository: Document) -> bool:
    """Whether rulesets, branch protection and environments exist in a repository."""
    return repository["visibility"] == "public" or of(forge, repository["owner"]["login"]) is not Plan.FREE


def check_rules(forge: Forge, repository: Document) -> None:
    """Refuses rulesets and branch protection where the plan has none.

    Raises:
        GitHubError: 403.
    """
    if not protects(forge, repository):
        raise forbidden("Upgrade to GitHub Pro or make this repository public to enable this feature.")


def check_environments(forge: Forge, repository: Document) -> None:
    """Hides environments where the plan has none.

    Raises:
        GitHubError: 404.
    """
    if not protects(forge, repository):
        raise not_found()


def check_gates(forge: Forge, repository: Document, gates: list[str]) -> None:
    """Refuses reviewers and wait timers where the plan has none.

    Raises:
        GitHubError: 422.
    """
    full = repository["visibility"] == "public" or of(forge, repository["owner"]["login"]) is Plan.ENTERPRISE
    if gates and not full:
        raise unprocessable(
            "Failed to create the environment protection rule. Please ensure the billing plan supports the"
            f" {gates[0]} protection rule."
        )


def check_visibility(forge: Forge, owner: str, visibility: str | None) -> None:
    """Refuses `internal` without Enterprise.

    Raises:
        GitHubError: 422.
    """
    if visibility == "internal" and of(forge, owner) is not Plan.ENTERPRISE:
        raise invalid_field(
            "Repository",
            "visibility",
            "custom",
            "Only organizations associated with an enterprise can set visibility to internal",
        )


def check_enforcement(forge: Forge, owner: str, enforcement: str) -> None:
    """Refuses rulesets that are tried out alone, which only Enterprise has.

    https://docs.github.com/rest/repos/rules: "evaluate is only available with GitHub Enterprise".

    Raises:
        GitHubError: 422.
    """
    if enforcement == "evaluate" and of(forge, owner) is not Plan.ENTERPRISE:
        raise GitHubError(422, "Validation Failed", ["Enforcement evaluate is not available on the current plan."])


METADATA_RULES = frozenset(
    [
        "branch_name_pattern",
        "commit_author_email_pattern",
        "commit_message_pattern",
        "committer_email_pattern",
        "tag_name_pattern",
    ]
)


def check_metadata_rules(forge: Forge, owner: str, kinds: set[str]) -> None:
    """Refuses rules on names and metadata, which only Enterprise has.

    Raises:
        GitHubError: 422.
    """
    if (refused := sorted(kinds & METADATA_RULES)) and of(forge, owner) is not Plan.ENTERPRISE:
        problems = [f"Invalid rule '{kind}': This rule is not available on the current plan." for kind in refused]
        raise GitHubError(422, "Validation Failed", problems)
