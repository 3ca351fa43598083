"""The token of `pulumi up`: whose it is, what it may do, and how long."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import cast

from components.github.api import GitHubApi
from components.github.errors import GitHubError
from components.github.preflight.findings import REFUSALS, Advice
from manifests.model import OwnedFiles, Settings

TOKEN_SCOPES = ("repo", "workflow", "admin:org")
"""What a classic token needs; larger scopes hold smaller ones, and these are the largest of their kinds."""
SOON = timedelta(days=7)
WRITES_OF_A_SERVICE = 15
"""GitHub asks for a pause after each."""
APP_TOKEN_SECONDS = 3300
_EXPIRY = "github-authentication-token-expiration"


def token_problems(settings: Settings, api: GitHubApi) -> Iterator[str]:
    """What the token lacks."""
    owner = settings.github.owner
    try:
        membership, answer = api.response("GET", f"/user/memberships/orgs/{owner}")
    except GitHubError as error:
        yield f"githubToken: {error}; set a token of an owner of {owner}"
        return
    if cast(dict[str, object], membership or {}).get("role") != "admin":
        yield f"githubToken: its account does not own {owner}; set a token of an owner, or use `github.app`"
    # A fine-grained token has permissions instead, and GitHub does not say which.
    given = {scope.strip() for scope in answer.headers.get("x-oauth-scopes", "").split(",") if scope.strip()}
    lacking = [scope for scope in TOKEN_SCOPES if scope not in given]
    if given and lacking:
        yield f"githubToken: it lacks the scopes {', '.join(lacking)}; add them on the token's page"
    if (ends := _moment(answer.headers.get(_EXPIRY, ""))) is not None and ends - datetime.now(UTC) < SOON:
        yield Advice(f"githubToken: it expires at {ends:%Y-%m-%d %H:%M} UTC; make the next one before that")


def lifetime_advice(settings: Settings, there: set[str]) -> Iterator[str]:
    """The provider acts with one token of the App, which lasts an hour; a first `up` of many services takes longer."""
    new = [service for service in settings.services if service.repository_name not in there]
    seconds = len(new) * WRITES_OF_A_SERVICE * settings.github.write_delay_milliseconds / 1000
    if settings.github.app is not None and seconds > APP_TOKEN_SECONDS:
        yield Advice(
            f"github.app: {len(new)} new services take about {round(seconds / 60)} minutes, and an App's token lasts"
            " 60; where `pulumi up` ends with 401 Bad credentials, run it again, and it goes on"
        )


def reviewer_problems(settings: Settings, api: GitHubApi) -> Iterator[str]:
    """A pull request of ours is the token's account's, and an account cannot approve its own."""
    github = settings.github
    if github.app is not None or github.owned_files is not OwnedFiles.PULL_REQUEST or github.required_approvals == 0:
        return
    try:
        account = str(api.get("/user")["login"]).lower()
        people = _platform_people(settings, api)
    except GitHubError as error:
        if error.status in REFUSALS:
            return
        raise
    if people <= {account}:
        whom = f"the team {github.platform_team}" if github.platform_team else f"the owners of {github.owner}"
        yield (
            f"github.ownedFiles: with `pull-request` later changes need an approval, and {whom} has only {account},"
            " whose token opens them; add a person, use `github.app`, or set `ownedFiles: commit`"
        )


def _platform_people(settings: Settings, api: GitHubApi) -> set[str]:
    github = settings.github
    for team in settings.teams:
        if team.name == github.platform_team:
            if not team.existing:
                return {member.login.lower() for member in team.members}
            path = f"/orgs/{github.owner}/teams/{team.name}/members"
            break
    else:
        path = f"/orgs/{github.owner}/members?role=admin"
    return {str(member["login"]).lower() for member in api.pages(path)}


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text.removesuffix(" UTC"), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
