"""Every kind through its life, as the real plugin leads it."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.github_plugin.conftest import Engine, RefusedError

Json = dict[str, Any]
GATE = {"environment": "production/eu:1"}
HOOK = {"url": "http://127.0.0.1:9/hook", "contentType": "json", "secret": "hidden"}
REF = {"refName": {"includes": ["~DEFAULT_BRANCH"], "excludes": []}}
CHECKS = {"requiredChecks": [{"context": "Validate"}, {"context": "Build", "integrationId": 15368}]}
PULL = {"requiredApprovingReviewCount": 1, "dismissStaleReviewsOnPush": True, "requireCodeOwnerReview": False}
RULES = {"deletion": True, "nonFastForward": True, "pullRequest": PULL, "requiredStatusChecks": CHECKS}
RULESET = {"name": "main", "target": "branch", "enforcement": "active", "conditions": REF, "rules": RULES}
SELECTED = {"enabled": True, "allowedActions": "selected"}
CHOSEN = {"githubOwnedAllowed": True, "verifiedAllowed": False, "patternsAlloweds": ["acme/*", "docker/*"]}


@dataclass(frozen=True)
class Case:
    kind: str
    inputs: Json
    change: Json
    again: str | None
    """What a second one is refused with; None where GitHub takes it, as the real plugin then does too."""
    import_id: str
    """With `{repository}`, `{team}` and `{id}`, the id that creating gave."""
    not_told: set[str] = field(default_factory=set)
    """Inputs that GitHub does not tell an import."""
    gone: bool = True
    """Whether deleting leaves nothing to read; settings are set back instead."""


CASES = [
    Case("Team", {"name": "{repository} people", "privacy": "closed", "description": "x"}, {"description": "y"},
         "Name must be unique", "{id}"),
    Case("TeamMembers", {"teamId": "{team}", "members": [{"username": "sam"}]},
         {"members": [{"username": "sam", "role": "maintainer"}, {"username": "dana", "role": "member"}]}, None, "{id}",
         gone=False),
    Case("TeamRepository", {"teamId": "{team}", "repository": "{repository}", "permission": "push"},
         {"permission": "maintain"}, None, "{team}:{repository}"),
    Case("RepositoryRuleset", RULESET, {"rules": {**RULES, "requiredLinearHistory": True}}, "must be unique",
         "{repository}:{id}"),
    Case("RepositoryEnvironment",
         {**GATE, "waitTimer": 5,
          "deploymentBranchPolicy": {"protectedBranches": False, "customBranchPolicies": True}},
         {"waitTimer": 6, "canAdminsBypass": False}, None, "{repository}:production/eu??1"),
    Case("ActionsEnvironmentSecret", {"environment": "slipway", "secretName": "KEY", "value": "hidden"},
         {"value": "other"}, None, "{repository}:slipway:KEY", not_told={"value"}),
    Case("ActionsSecret", {"secretName": "KEY", "value": "hidden"}, {"value": "other"}, None, "{repository}:KEY",
         not_told={"value"}),
    Case("Branch", {"branch": "environment/production"}, {}, "already exists", "{repository}:environment/production"),
    Case("ActionsVariable", {"variableName": "APP_ID", "value": "1"}, {"value": "2"}, "already exists",
         "{repository}:APP_ID"),
    Case("ActionsRepositoryPermissions", {**SELECTED, "allowedActionsConfig": CHOSEN},
         {"allowedActionsConfig": {**CHOSEN, "patternsAlloweds": ["acme/*"]}}, None, "{repository}", gone=False),
    Case("ActionsRepositoryAccessLevel", {"accessLevel": "organization"}, {"accessLevel": "none"}, None, "{repository}",
         gone=False),
    Case("WorkflowRepositoryPermissions",
         {"defaultWorkflowPermissions": "write", "canApprovePullRequestReviews": True},
         {"canApprovePullRequestReviews": False}, None, "{repository}", gone=False),
    Case("IssueLabel", {"name": "held back", "color": "d93f0b", "description": "x"}, {"description": "y"},
         "already_exists", "{repository}:held back"),
    Case("RepositoryWebhook", {"configuration": HOOK, "events": ["push", "create"], "active": True},
         {"events": ["push"]}, "already exists", "{repository}/{id}", not_told={"configuration"}),
]  # fmt: skip


def filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        return value.format(**names)
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    return [filled(item, names) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_a_resource_is_made_compared_read_imported_changed_and_removed(
    case: Case, engine: Engine, repository: str, team: str
) -> None:
    names = {"repository": repository, "team": team}
    where = {} if case.kind.startswith("Team") else {"repository": repository}
    inputs = where | filled(case.inputs, names)

    if case.kind == "ActionsEnvironmentSecret":
        engine.create("RepositoryEnvironment", where | {"environment": "slipway"})
    made = engine.create(case.kind, inputs)
    assert made.id
    assert engine.changed(made) == set(), "a second preview has no changes"
    if case.again is None:
        again = engine.create(case.kind, inputs)
        assert again.id == made.id
        made = again
    else:
        with pytest.raises(RefusedError, match=case.again):
            engine.create(case.kind, inputs)

    seen = engine.refresh(made)
    assert seen is not None
    assert engine.changed(seen) == set(), "a refresh shows no drift"
    assert seen.inputs == made.inputs

    imported = engine.imported(case.kind, case.import_id.format(**names, id=made.id))
    assert imported is not None
    assert imported.id == made.id
    assert {path.partition(".")[0] for path in engine.changed(imported, inputs)} == case.not_told

    changed = filled(case.change, names)
    if changed:
        after = engine.update(made, inputs | changed)
        assert {path.partition(".")[0] for path in engine.changed(made, inputs | changed)} == set(changed)
        assert engine.changed(after) == set(), "what was updated is as declared"
        assert engine.refresh(after) is not None
        made = after

    engine.delete(made)
    left = engine.refresh(made)
    assert (left is None) == case.gone
    engine.delete(made)
