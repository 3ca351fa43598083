"""Names that the stack wants on GitHub: what exists already and is not ours, and people who have to be there."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from components.github.api import GitHubApi
from components.github.errors import GitHubError
from components.github.file_delivery import FileDelivery
from components.github.marks import carries, other_mark
from components.github.preflight.findings import Adoptable, Advice
from components.github.tree import WantedFiles
from components.state import REPOSITORY_KIND, State
from manifests.model import REPOSITORY, TEAM, MemberRole, Settings, Team, adoptable
from manifests.repository_files import environment_repository_files, service_repository_files

_ENVIRONMENTS_KIND = "slipway:index:EnvironmentRepository"
_BRANCH = "its default branch is {}, and rules and releases follow main"
_TEAM_KIND = "github:index/team:Team"

Repository = dict[str, Any]


def find_repository(settings: Settings, api: GitHubApi, name: str) -> Repository | GitHubError | None:
    """A repository as GitHub shows it, None where it does not exist, or why that cannot be said."""
    try:
        return api.find(f"/repos/{settings.github.owner}/{quote(name)}")
    except GitHubError as error:
        return error


def repository_problems(
    settings: Settings, state: State | None, api: GitHubApi, name: str, found: Repository | GitHubError | None
) -> Iterator[str]:
    """What is wrong with a repository that exists."""
    full_name = f"{settings.github.owner}/{name}"
    if isinstance(found, GitHubError):
        yield str(found)
        return
    known = state.repositories.get(f"{_component(settings, name)}-repository") if state is not None else None
    if found is None:
        if known is not None:
            yield from _gone(settings, api, full_name, known)
        return
    # GitHub redirects from the former name of a repository, so that what is found may have another one.
    now = str(found.get("full_name", full_name))
    if now.lower() != full_name.lower():
        yield f"repository {full_name}: it is {now} now; use that in the settings, or choose another name"
        return
    if found.get("archived"):
        yield f"repository {full_name}: it is archived; unarchive it on its settings page, or choose another name"
    where = f"repository {full_name}"
    if state is not None and state.has(REPOSITORY_KIND, f"{_component(settings, name)}-repository"):
        if known is not None and not _is_now(api, known, full_name):
            remedy = "choose another name, or rename that one first"
            yield f"{where}: it exists, so that {known} cannot get its name; {remedy}"
        elif found.get("default_branch", "main") != "main":
            yield Advice(f"{where}: {_BRANCH.format(found['default_branch'])}; make main its default branch again")
        return
    if state is not None and (holder := _holder(state, full_name)) is not None:
        yield (
            f"{where}: it is that of {holder} in the state, and what is taken away from {holder} would be taken from"
            f" it too; keep that name, or run `pulumi up` without it first and adopt the repository then"
        )
        return
    if other := other_mark(found.get("description"), settings.mark):
        yield _of_another(where, other, "choose another name")
    elif settings.adopts(REPOSITORY, name):
        yield from _changes_of_adoption(settings, where, found)
        yield from _switched_off(where, found)
        yield from _replaced_files(settings, api, where, name, found)
    else:
        yield from _unclaimed(settings, where, found, adoptable(REPOSITORY, name), state, "choose another name")


def environment_repository_problems(settings: Settings, state: State | None) -> Iterator[str]:
    """An environment repository of another name would begin without a release, and nothing would run any more."""
    wanted = settings.github.environment_repository
    for kind, name in sorted(state.resources) if state is not None else ():
        if kind == _ENVIRONMENTS_KIND and name != wanted:
            yield (
                f"github.environmentRepository: the releases of this stack are in {name}, and {wanted} would begin"
                f" without them; set it back to {name}, or make a stack of its own for {wanted}"
            )


def _gone(settings: Settings, api: GitHubApi, full_name: str, known: str) -> Iterator[str]:
    """What became of a repository that the state has and GitHub has not."""
    if known.lower() == full_name.lower():
        yield Advice(
            f"repository {full_name}: the state has it and GitHub has not; restore it on the organisation's settings"
            " page, or let `pulumi up --refresh` make it again, empty"
        )
    elif known.partition("/")[0].lower() != settings.github.owner.lower() and not _is_now(api, known, full_name):
        yield (
            f"github.owner: {known} is in the state, and is not moved to {settings.github.owner}; set it back, or make"
            f" a stack of its own for {settings.github.owner}"
        )


def _is_now(api: GitHubApi, known: str, full_name: str) -> bool:
    """Whether a repository has that name, or got it by a rename: GitHub leads from the former name to it."""
    if known.lower() == full_name.lower():
        return True
    found = api.find(f"/repos/{quote(known)}")
    return found is not None and str(found.get("full_name", known)).lower() == full_name.lower()


def _holder(state: State, full_name: str) -> str | None:
    """What else has a repository in the state, such as a service under its former name."""
    for name, repository in state.repositories.items():
        if repository.lower() == full_name.lower():
            return name.removesuffix("-repository")
    return None


def _changes_of_adoption(settings: Settings, where: str, found: Repository) -> Iterator[str]:
    """What adoption must not change in passing, because it publishes, hides or renames."""
    is_, wanted = found.get("visibility"), settings.github.visibility.value
    if is_ is not None and is_ != wanted:
        yield (
            f"{where}: it is {is_} and github.visibility is {wanted}; adopting it would make it {wanted}: change it on"
            f" {found.get('html_url')}/settings first, or change `visibility`"
        )
    if (branch := found.get("default_branch", "main")) != "main" and found.get("size") != 0:
        yield (
            f"{where}: {_BRANCH.format(branch)}; rename it on"
            f" {found.get('html_url')}/branches first (GitHub keeps pull requests and redirects; an old main has to go"
            " before), or choose another repository"
        )


def _switched_off(where: str, found: Repository) -> Iterator[str]:
    """What people may miss after an adoption, or what does not work in such a repository."""
    used = {"has_wiki": "wiki", "is_template": "use as a template"}
    if lost := [what for key, what in used.items() if found.get(key)]:
        yield Advice(f"{where}: adopting it turns off its {', '.join(lost)}; keep a copy of what is needed")
    if found.get("fork"):
        yield Advice(
            f"{where}: it is a fork, in which GitHub runs no workflow until somebody enables them on"
            f" {found.get('html_url')}/actions; do that before the first release"
        )


def _replaced_files(settings: Settings, api: GitHubApi, where: str, name: str, found: Repository) -> Iterator[str]:
    there = FileDelivery(api, settings.github.owner, name).read() if found.get("default_branch") == "main" else None
    if there is None:
        return
    services = [service for service in settings.services if service.repository_name == name]
    files = service_repository_files(settings, services[0]) if services else environment_repository_files(settings)
    wanted = WantedFiles(owned=files.owned, seeded={}, executable=files.executable)
    replaced = [path for entry in wanted.changes(there.tree) if (path := str(entry["path"])) in there.tree]
    if replaced:
        yield Advice(f"{where}: adopting it replaces {', '.join(sorted(replaced))}; keep a copy of what is needed")


def _unclaimed(
    settings: Settings, where: str, found: Mapping[str, Any], entry: str, state: State | None, other: str
) -> Iterator[str]:
    if not carries(found.get("description"), settings.mark):
        yield Adoptable(f"{where}: it exists and is not this stack's; {other}, or adopt it", entry)
    elif state is not None:
        what = f"it carries this stack's mark ({settings.mark}), but the state does not know it"
        remedy = "adopt it if the state was lost; if another platform has this mark, set `mark` to one of your own"
        yield Adoptable(f"{where}: {what}; {remedy}", entry)


def _of_another(where: str, mark: str, remedy: str) -> str:
    return (
        f"{where}: it is another platform's, whose mark is {mark}; {remedy}, or take it out of that platform first and"
        " then the mark out of its description"
    )


def _component(settings: Settings, repository: str) -> str:
    """What the component is called that has a repository."""
    return next((service.name for service in settings.services if service.repository_name == repository), repository)


def team_problems(settings: Settings, state: State | None, api: GitHubApi, team: Team) -> Iterator[str]:
    """What is wrong with a team, or with its absence."""
    found = api.find(f"/orgs/{settings.github.owner}/teams/{team.name}")
    path = f"teams[{team.name}]"
    if team.existing and found is None:
        yield f"{path}: {settings.github.owner} has no such team; create it, or leave `existing` out"
    known = state is not None and state.has(_TEAM_KIND, f"{team.name}-team")
    if found is None:
        if known and not team.existing:
            yield Advice(f"{path}: the state has it and GitHub has not; `pulumi up --refresh` makes it again")
        return
    if not (team.existing or known):
        remedy = "set `existing: true` if others manage it, choose another name"
        if other := other_mark(found.get("description"), settings.mark):
            yield _of_another(path, other, remedy)
        elif not settings.adopts(TEAM, team.name):
            yield from _unclaimed(settings, path, found, adoptable(TEAM, team.name), state, remedy)
    if found.get("privacy") == "secret":
        page = f"{settings.github.base_url}orgs/{settings.github.owner}/teams/{team.name}/edit"
        yield f"{path}: it is a secret team, and rules and CODEOWNERS take visible ones only; make it visible: {page}"


def member_problems(settings: Settings, api: GitHubApi, login: str) -> Iterator[str]:
    """What keeps a person from being a member of its teams as the settings say."""
    owner = settings.github.owner
    membership = api.find(f"/orgs/{owner}/memberships/{quote(login)}")
    if membership is None:
        if api.find(f"/users/{quote(login)}") is None:
            yield f"teams: there is no account {login}; correct the login, or take it out"
        else:
            yield Advice(
                f"teams: {login} is not a member of {owner}; GitHub sends an invitation, and {login} is in no team"
                " until it is accepted"
            )
        return
    if membership.get("state") == "pending":
        yield Advice(f"teams: {login} has not accepted the invitation to {owner}, and is in no team until then")
    if membership.get("role") == "admin":
        for team in settings.teams:
            if any(one.login == login and one.role is MemberRole.MEMBER for one in team.members):
                yield (
                    f"teams[{team.name}].members: {login} owns {owner}, and GitHub makes owners maintainers of their"
                    " teams; set `role: maintainer`"
                )
