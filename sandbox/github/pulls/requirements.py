"""What a pull request still needs before it may be merged: reviews, owners, checks, an up-to-date branch."""

from dataclasses import dataclass, field

from sandbox.github.access import accounts
from sandbox.github.access.authorization import ROLES, repository_role
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import Principal
from sandbox.github.core.store import Document, items
from sandbox.github.deployments import deployments, statuses
from sandbox.github.organizations import teams
from sandbox.github.pulls import codeowners
from sandbox.github.rules import protection, rules

METHODS = ("merge", "squash", "rebase")


@dataclass
class Requirements:
    """All that rulesets and branch protection demand, taken together: the strictest of each."""

    approvals: int = 0
    code_owners: bool = False
    last_push: bool = False
    checks: dict[str, int | None] = field(default_factory=dict[str, "int | None"])
    """Context → App that must have reported it, or None for anyone."""
    strict: bool = False
    """The head must contain the base."""
    environments: list[str] = field(default_factory=list[str])
    methods: tuple[str, ...] = METHODS
    reviewed: bool = False
    """Some rule demands a pull request."""


def of(forge: Forge, repository: Document, pull: Document, principal: Principal | None) -> Requirements:
    """The requirements that hold for the account that merges; None: for an account without any exemption."""
    ref = f"refs/heads/{pull['base']['ref']}"
    needed = Requirements()
    for rule in rules.active_rules(forge, repository, ref, principal, through_pull=True):
        given = rule.parameters
        if rule.type == "pull_request":
            needed.reviewed = True
            needed.approvals = max(needed.approvals, int(given.get("required_approving_review_count") or 0))
            needed.code_owners |= bool(given.get("require_code_owner_review"))
            needed.last_push |= bool(given.get("require_last_push_approval"))
            allowed = given.get("allowed_merge_methods") or METHODS
            needed.methods = tuple(method for method in needed.methods if method in allowed)
        elif rule.type == "required_status_checks":
            needed.strict |= bool(given.get("strict_required_status_checks_policy"))
            for check in items(given, "required_status_checks"):
                needed.checks[check["context"]] = check.get("integration_id")
        elif rule.type == "required_deployments":
            needed.environments += items(given, "required_deployment_environments")
        elif rule.type == "required_linear_history":
            needed.methods = tuple(method for method in needed.methods if method != "merge")
    _add_protection(forge, repository, ref, principal, needed)
    return needed


def _add_protection(
    forge: Forge, repository: Document, ref: str, principal: Principal | None, needed: Requirements
) -> None:
    rule = protection.rule_for(forge, repository, ref)
    if rule is None or (principal is not None and not protection.applies(forge, repository, rule, principal)):
        return
    exempt = principal is not None and protection.is_among(forge, principal, rule["bypassPullRequestActorIds"])
    if rule["requiresApprovingReviews"] and not exempt:
        needed.reviewed = True
        needed.approvals = max(needed.approvals, int(rule["requiredApprovingReviewCount"] or 0))
        needed.code_owners |= rule["requiresCodeOwnerReviews"]
        needed.last_push |= rule["requireLastPushApproval"]
    if rule["requiresStatusChecks"]:
        needed.strict |= rule["requiresStrictStatusChecks"]
        needed.checks |= dict.fromkeys(rule["requiredStatusCheckContexts"])
    if rule["requiresLinearHistory"]:
        needed.methods = tuple(method for method in needed.methods if method != "merge")


def unmet(forge: Forge, repository: Document, pull: Document, principal: Principal | None) -> list[str]:
    """What is missing, in GitHub's words; empty if the pull request may be merged."""
    needed = of(forge, repository, pull, principal)
    return [
        *_missing_reviews(forge, repository, pull, needed),
        *_missing_checks(forge, repository, pull, needed),
        *_missing_deployments(forge, repository, pull, needed),
    ]


def latest_reviews(forge: Forge, repository: Document, pull: Document) -> dict[str, Document]:
    """The decisive review of each person: comments do not replace an approval."""
    decisive: dict[str, Document] = {}
    for review in forge.store.table("reviews").all(f"{repository['id']}/{pull['number']}/"):
        if review["state"] in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED") and review["user"] != pull["user"]:
            decisive[review["user"]] = review
    return decisive


def _missing_reviews(forge: Forge, repository: Document, pull: Document, needed: Requirements) -> list[str]:
    if not needed.reviewed:
        return []
    decisive = latest_reviews(forge, repository, pull)
    weighty = {
        login: review["state"]
        for login, review in decisive.items()
        if ROLES.index(repository_role(forge, login, repository)) >= ROLES.index("write")
    }
    approved = {login for login, state in weighty.items() if state == "APPROVED"}
    missing: list[str] = []
    if needed.approvals and any(state == "CHANGES_REQUESTED" for state in weighty.values()):
        missing.append("Changes have been requested by a reviewer with write access.")
    if len(approved) < needed.approvals:
        noun = "review is" if needed.approvals == 1 else "reviews are"
        missing.append(f"At least {needed.approvals} approving {noun} required by reviewers with write access.")
    if needed.last_push and not approved - {pull["last_pusher"]}:
        missing.append("New changes require approval from someone other than the last pusher.")
    if needed.code_owners:
        missing += _missing_owners(forge, repository, pull, approved)
    return missing


def _missing_owners(forge: Forge, repository: Document, pull: Document, approved: set[str]) -> list[str]:
    git, base, head = forge.git.by_id(repository["id"]), pull["base"]["sha"], pull["head"]["sha"]
    common = git.merge_base(base, head) or base
    paths = [path for path in git.text("diff", "--name-only", "-z", "--no-renames", common, head).split("\0") if path]
    return [
        f"Waiting on code owner review from {' or '.join(name.lstrip('@') for name in names)}."
        for names in codeowners.owners(git, base, paths)
        if not any(_is_owner(forge, repository, login, name) for name in names for login in approved)
    ]


def _is_owner(forge: Forge, repository: Document, login: str, name: str) -> bool:
    organization, slash, slug = name.lstrip("@").partition("/")
    if not slash:
        user = accounts.find_user(forge, login) or {}
        return login.lower() == organization.lower() or user.get("email") == name
    team = teams.find(forge, organization, slug)
    if team is None or team["privacy"] == "secret":
        return False
    # A team that may not write to the repository owns nothing in it.
    access = forge.store.table("team_repositories").get(f"{team['id']}/{repository['id']}")
    if access is None or access["role"] not in ("write", "maintain", "admin"):
        return False
    return accounts.is_team_member(forge, team["id"], login)


def _missing_checks(forge: Forge, repository: Document, pull: Document, needed: Requirements) -> list[str]:
    git, head = forge.git.by_id(repository["id"]), pull["head"]["sha"]
    missing: list[str] = []
    if needed.strict and needed.checks and not git.is_ancestor(pull["base"]["sha"], head):
        missing.append("Head branch is out of date: it must contain the latest commit of the base branch.")
    if not needed.checks:
        return missing
    for context, app in needed.checks.items():
        # What another App says under the same name does not count, neither for nor against.
        state = statuses.latest(forge, repository, head, app).get(context)
        if state is None:
            missing.append(f'Required status check "{context}" is expected.')
        elif state != "success":
            verb = "is in progress" if state == "pending" else "is failing"
            missing.append(f'Required status check "{context}" {verb}.')
    return missing


def _missing_deployments(forge: Forge, repository: Document, pull: Document, needed: Requirements) -> list[str]:
    if not needed.environments:
        return []
    done = {
        deployment["environment"]
        for deployment in forge.store.table("deployments").all(f"{repository['id']}/")
        if deployment["sha"] == pull["head"]["sha"]
        and any(status["state"] == "success" for status in deployments.statuses_of(forge, repository, deployment))
    }
    return [f'Required deployment to "{name}" has not succeeded.' for name in needed.environments if name not in done]


def mergeable_state(forge: Forge, repository: Document, pull: Document) -> str:
    """GitHub's word for how ready a pull request is."""
    if pull["state"] == "closed" or pull["mergeable"] is None:
        return "unknown"
    if not pull["mergeable"]:
        return "dirty"
    if pull["draft"]:
        return "draft"
    missing = unmet(forge, repository, pull, None)
    if missing:
        return "behind" if all(text.startswith("Head branch is out of date") for text in missing) else "blocked"
    states = statuses.latest(forge, repository, pull["head"]["sha"]).values()
    return "unstable" if any(state != "success" for state in states) else "clean"
