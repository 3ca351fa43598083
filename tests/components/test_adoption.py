"""What exists is imported where `slipway:adopt` names it, and nowhere else."""

from types import SimpleNamespace
from typing import Any, cast

import pulumi
import pytest

from components.adoption import Adoption
from components.state import State
from stacks.settings import settings_of
from tests.components.fake_github import Answers, fake_github
from tests.stacks.builders import texts, values

TEAM = ("github:index/team:Team", "web-team", "slipway:index:TeamAccess", "web")
SERVICE, OURS = "slipway:index:ServiceRepository", "slipway:index:EnvironmentRepository"
REPOSITORY = ("github:index/repository:Repository", "guestbook-repository", SERVICE, "guestbook")
ENVIRONMENTS = ("github:index/repository:Repository", "environments-repository", OURS, "environments")
RELEASE = ("kubernetes:helm.sh/v3:Release", "argocd-release", "slipway:index:ArgoCDInstallation", "argocd")
THERE: Answers = {
    "/orgs/acme/teams/web": {"id": 7},
    "/repos/acme/guestbook": {"name": "guestbook"},
    "/repos/acme/environments": {"name": "environments"},
    "/repos/acme/guestbook/rulesets": [{"id": 3, "name": "main"}],
    "/repos/acme/guestbook/hooks": [{"id": 4, "config": {"url": "https://a"}}],
    "/repos/acme/guestbook/environments/gate": {"name": "gate"},
    "/repos/acme/guestbook/environments/gate/deployment-branch-policies": {
        "branch_policies": [{"id": 5, "name": "main"}]
    },
    "/repos/acme/guestbook/actions/variables/A": {"name": "A"},
    "/repos/acme/guestbook/labels/preview": {"name": "preview"},
}
EACH = {TEAM: "7", REPOSITORY: "guestbook", ENVIRONMENTS: "environments", RELEASE: "argocd/argocd"}
NAMED = {
    "team/web": TEAM,
    "repository/guestbook": REPOSITORY,
    "repository/environments": ENVIRONMENTS,
    "release/argocd": RELEASE,
}


def _hook(url: str) -> SimpleNamespace:
    return SimpleNamespace(url=url)


def imported(
    what: tuple[str, str, str, str],
    *adopt: str,
    props: dict[str, Any] | None = None,
    answers: Answers = THERE,
    state: State | None = None,
    has_release: bool = True,
) -> str | None:
    """The id under which a resource would be imported; None where it would be made."""
    kind, name, parent_type, parent = what
    settings = settings_of("test", texts(values(adopt=list(adopt))))
    owner = cast(pulumi.Resource, SimpleNamespace(pulumi_resource_type=parent_type, pulumi_resource_name=parent))
    args = SimpleNamespace(type_=kind, name=name, props=props or {}, opts=pulumi.ResourceOptions(parent=owner))
    adoption = Adoption(settings, fake_github(answers), state, has_release=has_release)
    found = adoption(cast(pulumi.ResourceTransformationArgs, args))
    return None if found is None else found.opts.import_


@pytest.mark.parametrize("entry", NAMED)
def test_what_is_named_is_imported_and_nothing_beside_it(entry: str) -> None:
    for what, identity in EACH.items():
        assert imported(what, entry) == (identity if what == NAMED[entry] else None)
        assert imported(what, "everything") == identity
        assert imported(what) is None


def test_what_the_state_knows_or_nobody_has_is_not_imported() -> None:
    for what in EACH:
        assert imported(what, "everything", state=State(frozenset([what[:2]]))) is None
        assert imported(what, "everything", answers={}, has_release=False) is None


@pytest.mark.parametrize(
    ("kind", "name", "props", "identity"),
    [
        ("repositoryRuleset:RepositoryRuleset", "main-rules", {"name": "main"}, "guestbook:3"),
        ("repositoryRuleset:RepositoryRuleset", "main-rules", {"name": "theirs"}, None),
        ("repositoryEnvironment:RepositoryEnvironment", "gate", {"environment": "gate"}, "guestbook:gate"),
        ("repositoryEnvironment:RepositoryEnvironment", "gate", {"environment": "other"}, None),
        (
            "repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy",
            "gate-from-main",
            {"branch_pattern": "main"},
            "guestbook:gate:5",
        ),
        (
            "repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy",
            "gate-from-main",
            {"branch_pattern": "next"},
            None,
        ),
        ("actionsVariable:ActionsVariable", "a", {"variable_name": "A"}, "guestbook:A"),
        ("issueLabel:IssueLabel", "preview", {"name": "preview"}, "guestbook:preview"),
        (
            "repositoryWebhook:RepositoryWebhook",
            "w",
            {"configuration": _hook("https://a")},
            "guestbook/4",
        ),
        ("repositoryWebhook:RepositoryWebhook", "w", {"configuration": _hook("https://b")}, None),
        ("actionsSecret:ActionsSecret", "s", {"secret_name": "A"}, None),
    ],
)
def test_of_a_repository_that_is_one_what_has_the_same_name_is_imported(
    kind: str, name: str, props: dict[str, Any], identity: str | None
) -> None:
    what = (f"github:index/{kind}", f"guestbook-{name}", SERVICE, "guestbook")
    assert imported(what, "repository/guestbook", props=props) == identity
    assert imported(what, props=props) is None


def test_of_a_team_that_is_one_members_are_imported_and_its_accesses_are_made() -> None:
    members = ("github:index/teamMembers:TeamMembers", "web-members", *TEAM[2:])
    access = ("github:index/teamRepository:TeamRepository", "web-access", *TEAM[2:])
    assert (imported(members, "team/web"), imported(access, "team/web")) == ("7", None)
