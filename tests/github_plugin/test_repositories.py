"""Repositories: what is never done silently, what a destroy leaves, what a renaming is."""

import pytest

from sandbox.github_plugin.client import GitHub
from sandbox.github_plugin.wire import UNKNOWN, decoded
from tests.github_plugin.conftest import Engine, Fault, RefusedError, Resource

INPUTS = {
    "autoInit": True,
    "description": "a service",
    "visibility": "private",
    "hasIssues": True,
    "hasProjects": False,
    "hasWiki": False,
    "allowMergeCommit": False,
    "allowAutoMerge": True,
    "deleteBranchOnMerge": True,
    "archiveOnDestroy": True,
}


def test_what_is_not_declared_is_off(engine: Engine) -> None:
    made = engine.create("Repository", {"name": "bare"})
    assert (made.state["hasWiki"], made.state["hasIssues"], made.state["visibility"]) == (False, False, "public")
    assert engine.changed(made) == set()


def test_a_repository_is_as_declared_and_a_second_preview_has_no_changes(engine: Engine) -> None:
    made = engine.create("Repository", {"name": "declared", **INPUTS})
    assert made.id == "declared"
    assert made.state["fullName"] == "acme/declared"
    assert engine.changed(made) == set()
    seen = engine.refresh(made)
    assert seen is not None
    assert (seen.state, seen.inputs) == (made.state, made.inputs)


def test_an_existing_repository_is_not_taken_over(engine: Engine, repository: str, github: GitHub) -> None:
    with pytest.raises(RefusedError, match=r"422 .*name already exists on this account"):
        engine.create("Repository", {"name": repository, "visibility": "public"})
    assert github.require(github.repository_path(repository))["visibility"] == "private"


def test_a_preview_of_a_new_repository_knows_what_is_declared_and_nothing_else(engine: Engine) -> None:
    planned = engine.create("Repository", {"name": "planned", **INPUTS}, preview=True)
    assert planned.id == ""
    assert planned.state["name"] == "planned"
    assert planned.state["allowRebaseMerge"] is True
    assert planned.state["nodeId"] == planned.state["htmlUrl"] == UNKNOWN


def test_settings_changed_by_hand_are_drift_that_an_update_mends(engine: Engine, github: GitHub) -> None:
    made = engine.create("Repository", {"name": "drifted", **INPUTS})
    github.write("PATCH", github.repository_path("drifted"), {"has_wiki": True, "description": "mine"})
    seen = engine.refresh(made)
    assert seen is not None
    assert engine.changed(seen, made.inputs) == {"hasWiki", "description"}
    assert seen.inputs["description"] == "mine"
    engine.update(seen, made.inputs)
    mended = engine.refresh(made)
    assert mended is not None
    assert engine.changed(mended, made.inputs) == set()


def test_what_is_ignored_is_not_a_change(engine: Engine) -> None:
    made = engine.create("Repository", {"name": "ignoring", **INPUTS})
    inputs = {**made.inputs, "autoInit": False}
    assert engine.changed(made, inputs) == {"autoInit"}
    assert engine.changed(made, inputs, ignored=("autoInit",)) == set()


def test_a_destroy_archives_where_that_is_declared(engine: Engine, github: GitHub) -> None:
    kept = engine.create("Repository", {"name": "kept", **INPUTS})
    engine.delete(kept)
    assert github.require(github.repository_path("kept"))["archived"] is True
    deleted = engine.create("Repository", {"name": "deleted", **INPUTS, "archiveOnDestroy": False})
    engine.delete(deleted)
    assert engine.refresh(deleted) is None


def test_an_imported_repository_needs_no_change_but_what_differs(engine: Engine) -> None:
    engine.create("Repository", {"name": "existing", **INPUTS})
    imported = engine.imported("Repository", "existing")
    assert imported is not None
    assert engine.changed(imported, imported.inputs) == set()
    wanted = {"name": "existing", **INPUTS, "visibility": "public"}
    assert engine.changed(imported, wanted) == {"visibility", "autoInit", "archiveOnDestroy"}


def test_an_import_of_nothing_finds_nothing(engine: Engine) -> None:
    assert engine.imported("Repository", "absent") is None


def test_a_renamed_repository_keeps_what_belongs_to_it(engine: Engine) -> None:
    old = engine.create("Repository", {"name": "old-name", **INPUTS})
    variable = engine.create("ActionsVariable", {"repository": "old-name", "variableName": "A", "value": "1"})
    moved = {**variable.inputs, "repository": "new-name"}
    assert list(engine.diff(variable, moved).replaces) == [], "before the repository is renamed"
    new = engine.update(old, {**old.inputs, "name": "new-name"})
    assert new.state["fullName"] == "acme/new-name"
    answer = engine.diff(variable, moved)
    assert set(answer.detailedDiff) == {"repository"}
    assert list(answer.replaces) == []
    after = engine.update(variable, moved)
    assert engine.changed(after) == set()
    assert engine.refresh(new) is not None


def test_another_repository_is_another_variable(engine: Engine, repository: str) -> None:
    engine.create("Repository", {"name": "other", **INPUTS})
    variable = engine.create("ActionsVariable", {"repository": repository, "variableName": "A", "value": "1"})
    assert list(engine.diff(variable, {**variable.inputs, "repository": "other"}).replaces) == ["repository"]


def test_a_resource_without_a_name_gets_one_of_its_own_that_stays(engine: Engine) -> None:
    named, failures = engine.check("Repository", {"visibility": "private"})
    assert failures == []
    assert named["name"].startswith("it-")
    again, _ = engine.check("Repository", {"visibility": "private"}, {"name": "it-abcdefg"})
    assert again["name"] == "it-abcdefg"


def test_a_repository_that_could_not_be_finished_is_in_the_state(engine: Engine, fault: Fault) -> None:
    fault("PATCH .*/repos/acme/unfinished$", 422, 1)
    with pytest.raises(RefusedError, match="422") as refused:
        engine.create("Repository", {"name": "unfinished", **INPUTS})
    assert refused.value.unfinished is not None
    assert refused.value.unfinished.id == "unfinished"


def test_a_policy_that_was_made_and_could_not_be_read_is_changed_by_the_next_update(
    engine: Engine, repository: str, fault: Fault
) -> None:
    """The token of an App ends between the two."""
    policies = {"deploymentBranchPolicy": {"protectedBranches": False, "customBranchPolicies": True}}
    engine.create("RepositoryEnvironment", {"repository": repository, "environment": "dev", **policies})
    inputs = {"repository": repository, "environment": "dev", "branchPattern": "main"}
    fault(f"GET .*/{repository}/environments/dev/deployment-branch-policies/", 401, 1)
    with pytest.raises(RefusedError, match="401") as refused:
        engine.create("RepositoryEnvironmentDeploymentPolicy", inputs)
    made = refused.value.unfinished
    assert made is not None
    known = Resource("RepositoryEnvironmentDeploymentPolicy", made.id, inputs, decoded(made.properties))
    after = engine.update(known, {**inputs, "branchPattern": "release"})
    assert (after.state["branchPattern"], f"{int(after.state['policyId'])}") == ("release", made.id.rpartition(":")[2])


@pytest.mark.parametrize(("times", "status"), [(3, 503), (1, 429)])
def test_a_request_that_github_cannot_answer_now_is_repeated(
    engine: Engine, fault: Fault, times: int, status: int
) -> None:
    fault("POST .*/orgs/acme/repos", status, times)
    assert engine.create("Repository", {"name": f"repeated-{status}", **INPUTS}).id


def test_repeating_ends(engine: Engine, fault: Fault) -> None:
    fault("POST .*/orgs/acme/repos", 502, 4)
    with pytest.raises(RefusedError, match="502"):
        engine.create("Repository", {"name": "never", **INPUTS})
