"""An environment's branch has what its Applications read, and the releases move with the settings."""

from typing import Any

import pytest

from components.github.errors import GitHubError
from components.github.release_branch_provider import ReleaseBranchProvider
from components.github.tree import blob_sha
from tests.components.git_data import GitData

OWN = "environment/production"
CHART = {"helm-charts/guestbook/Chart.yaml": "name: guestbook\n", "helm-charts/guestbook/templates/a.yaml": "a: 1\n"}
ORDERS = {"helm-charts/orders/Chart.yaml": "name: orders\n"}
RELEASE = "environments/production/guestbook/release.yaml"


def properties(**changes: Any) -> dict[str, Any]:
    return {
        "repository": "guestbook",
        "environment": "production",
        "branch": OWN,
        "folders": ["helm-charts/guestbook"],
        "workflows": {},
        "waiting": None,
        **changes,
    }


def provider(data: GitData) -> ReleaseBranchProvider:
    made = ReleaseBranchProvider()
    made._owner, made._api = "acme", data.api()
    return made


def test_a_new_branch_starts_where_main_is() -> None:
    data = GitData.initialised(CHART)
    made = provider(data).create(properties())
    assert data.branches[OWN] == data.branches["main"]
    assert made.outs is not None
    assert made.outs["waiting"] == []


def test_an_environment_on_main_needs_no_commit() -> None:
    data = GitData.initialised(CHART)
    provider(data).create(properties(branch="main"))
    assert data.writes == []


def test_the_chart_of_a_new_service_is_brought_in_one_commit_and_nothing_else_of_main() -> None:
    data = GitData.initialised(CHART)
    before = provider(data).create(properties()).outs or {}
    data.commit("main", {**ORDERS, "helm-charts/guestbook/templates/a.yaml": "a: 2\n"})
    unreleased = data.files(OWN)["helm-charts/guestbook/templates/a.yaml"]
    provider(data).update("", before, properties(folders=["helm-charts/guestbook", "helm-charts/orders"]))
    assert set(data.files(OWN)) == {*CHART, *ORDERS}
    assert data.files(OWN)["helm-charts/guestbook/templates/a.yaml"] == unreleased
    assert len(data.history(OWN)) == 2


def test_a_branch_from_before_gets_the_workflows_of_main_and_loses_its_own() -> None:
    """GitHub runs those of the deployed commit when Argo CD reports on it."""
    old, new = ".github/workflows/verified.yml", ".github/workflows/reported.yml"
    data = GitData.initialised({**CHART, RELEASE: "version: 1\n"})
    data.commit(OWN, {**CHART, RELEASE: "version: 2\n", old: "on: deployment_status\n", new: "old\n"})
    released = data.files(OWN)[RELEASE]
    wanted = properties(workflows={new: blob_sha("on: deployment_status\n")})
    waiting = provider(data).create(wanted).outs or {}
    assert waiting["waiting"] == [".github/"]
    data.commit("main", {new: "on: deployment_status\n"})
    assert provider(data).diff("", waiting, wanted).changes
    done = provider(data).update("", waiting, wanted).outs or {}
    assert done["waiting"] == []
    files = data.files(OWN)
    assert set(files) == {*CHART, RELEASE, new}
    assert (files[new].sha, files[RELEASE]) == (wanted["workflows"][new], released)
    assert not provider(data).diff("", done, wanted).changes
    assert provider(data).diff("", done, properties(workflows={new: blob_sha("newer\n")})).changes


def test_a_chart_that_waits_in_a_pull_request_is_looked_for_again() -> None:
    data = GitData.initialised(CHART)
    wanted = properties(folders=["helm-charts/guestbook", "helm-charts/orders"])
    waiting = provider(data).create(wanted).outs or {}
    assert waiting["waiting"] == ["helm-charts/orders"]
    assert provider(data).diff("", waiting, wanted).changes
    data.commit("main", ORDERS)
    done = provider(data).update("", waiting, wanted).outs or {}
    assert done["waiting"] == []
    assert set(ORDERS) <= set(data.files(OWN))
    assert not provider(data).diff("", done, wanted).changes


@pytest.mark.parametrize(("old", "new"), [("main", OWN), (OWN, "main")])
def test_another_way_of_delivery_takes_the_releases_along(old: str, new: str) -> None:
    data = GitData.initialised(CHART)
    data.commit(OWN, CHART)
    data.commit(old, {RELEASE: "version: 2\n"})
    data.commit(new, {RELEASE: "version: 1\n", "environments/production/gone/release.yaml": "version: 9\n"})
    provider(data).update("", properties(branch=old), properties(branch=new))
    assert data.files(new)[RELEASE] == data.files(old)[RELEASE]
    assert "environments/production/gone/release.yaml" not in data.files(new)


def test_a_state_that_was_lost_keeps_the_releases_of_the_branch() -> None:
    data = GitData.initialised({**CHART, RELEASE: "version: 1\n"})
    data.commit(OWN, {**CHART, RELEASE: "version: 2\n"})
    released = data.files(OWN)[RELEASE]
    provider(data).create(properties())
    assert data.files(OWN)[RELEASE] == released


def test_rules_that_keep_releases_off_main_are_an_error_with_the_remedy() -> None:
    data = GitData.initialised(CHART)
    data.commit(OWN, {**CHART, RELEASE: "version: 2\n"})
    data.rules = ["pull_request"]
    with pytest.raises(GitHubError, match="ownedFiles: commit"):
        provider(data).update("", properties(), properties(branch="main"))


def test_a_branch_that_somebody_deleted_is_made_again() -> None:
    data = GitData.initialised(CHART)
    made = provider(data).create(properties())
    del data.branches[OWN]
    assert not provider(data).read("id", made.outs or {}).id
