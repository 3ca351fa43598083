"""The comment on an infrastructure change, from previews of the real engine in `previews/` and from odd ones."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from stacks.preview_access import access_words, guarded
from stacks.preview_changes import PreviewError, read_preview
from stacks.preview_comment import LABEL, REFUSED, comment, main
from stacks.preview_words import UNKNOWN
from stacks.pull_request_comment import LIMIT

PREVIEWS = Path(__file__).parent / "previews"
ADDED, REMOVED = (PREVIEWS / f"{name}.json" for name in ("added", "removed"))
TEAMS = {"orders": "web"}


def step(operation: str, type_: str, name: str, old: Any = None, new: Any = None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "op": operation,
        "urn": f"urn:pulumi:acme::slipway::slipway:index:Platform${type_}::{name}",
    }
    parent = "urn:pulumi:acme::slipway::slipway:index:Platform$slipway:index:ServiceRepository::orders"
    for key, inputs in (("oldState", old), ("newState", new)):
        if inputs is not None:
            found[key] = {"inputs": inputs, "parent": parent} | more
    return found


def preview(*steps: dict[str, Any], **more: Any) -> str:
    return json.dumps({"steps": list(steps), "changeSummary": {"same": 3}, **more})


RULES: dict[str, Any] = {
    "enforcement": "active",
    "bypassActors": [{"actorType": "OrganizationAdmin"}],
    "conditions": {"refName": {"includes": ["~DEFAULT_BRANCH"]}},
    "rules": {
        "deletion": True,
        "pullRequest": {"requiredApprovingReviewCount": 1, "requireCodeOwnerReview": True, "odd": 2},
        "requiredStatusChecks": {"requiredChecks": [{"context": "Validate", "integrationId": 7}, {"context": "lint"}]},
    },
}
RULESET_KIND = "github:index/repositoryRuleset:RepositoryRuleset"
GATE: dict[str, Any] = {
    "environment": "production",
    "reviewers": [{"teams": [7]}],
    "canAdminsBypass": False,
    "preventSelfReview": True,
    "deploymentBranchPolicy": {"customBranchPolicies": True},
}


def changed(given: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    result = copy.deepcopy(given)
    *parents, last = path.split(".")
    here = result
    for part in parents:
        here = here[part]
    here[last] = value
    return result


def test_a_new_service_is_told_by_whom_it_belongs_to_and_who_may_do_what() -> None:
    text = comment(read_preview(ADDED.read_text()), "sandbox", TEAMS)
    head = text.partition("**service orders**")[0]
    assert "`sandbox`: 23 to create, 9 to update" in head
    assert "- team web may now push to `orders`" in head
    assert "- in Argo CD `team-web` may now get applications, get logs, sync applications: `dev/orders-dev`" in head
    assert "- AppProject `dev` now takes the namespaces `orders-dev`" in head
    assert "- the secret `REQUESTER_PRIVATE_KEY` is now in the environment `slipway` of `orders`" in head
    assert "+ Application orders-dev-application" in text.partition("**environment dev**")[2]
    assert "<summary>files of <code>environments</code>: infrastructure/dev" in text
    assert "+ Repository orders-repository" in text
    assert UNKNOWN not in text
    assert "Deleted and replaced" not in text


def test_what_goes_comes_first_and_then_who_may_do_less() -> None:
    text = comment(read_preview(REMOVED.read_text()), "sandbox", {"clock": "web"})
    order = [text.index(word) for word in ("⛔", "### Deleted and replaced", "### Access", "```diff")]
    assert order == sorted(order)
    assert "- **deletes the Repository `clock-repository` (service clock); it stays on GitHub**" in text
    assert "- **replaces Argo CD: Release `argocd-release` (Argo CD)**" in text
    assert "- **delete** Application `clock-dev-application` (environment dev)" in text
    assert "because of `metadata.namespace`" in text
    assert "- `sam` leaves team web" in text
    assert "- team web may no longer push to `clock`" in text


def test_what_has_to_be_meant_fails_the_check_until_a_label_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "preview.json"
    gone = step("delete", "github:index/repository:Repository", "orders-repository", {}, retainOnDelete=True)
    file.write_text(preview(gone))
    assert main([str(file), "--stack", "acme", "--labels", "null"]) == REFUSED
    assert main([str(file), "--stack", "acme", "--labels", ""]) == REFUSED
    capsys.readouterr()
    assert main([str(file), "--stack", "acme"]) == REFUSED
    said = capsys.readouterr()
    assert f"label the pull request `{LABEL}` if it is meant" in said.err
    assert said.out.index("⛔") < said.out.index("### Deleted and replaced")
    assert "deletes the Repository `orders-repository` (service orders); it stays on GitHub" in said.out
    assert main([str(file), "--stack", "acme", "--labels", f'["bug", "{LABEL}"]']) == 0
    assert "says that this is meant" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (step("delete", "github:index/repository:Repository", "r", {}), "deletes the Repository `r`"),
        (step("create-replacement", "github:index/repository:Repository", "r", {}, {}), "replaces the Repository `r`"),
        (
            step("delete", "github:index/repositoryRuleset:RepositoryRuleset", "m", RULES),
            "deletes the RepositoryRuleset",
        ),
        *(
            (step("update", "github:index/repositoryRuleset:RepositoryRuleset", "m", RULES, changed(RULES, *now)), text)
            for now, text in [
                (("enforcement", "disabled"), "enforcement becomes `disabled`"),
                (("rules.deletion", False), "everybody who may push may delete what it covers (`deletion`)"),
                (("rules.pullRequest", None), "changes need no pull request (`pullRequest`)"),
                (("rules.pullRequest.requiredApprovingReviewCount", 0), "need `0` approvals instead of `1` ("),
                (("rules.pullRequest", {}), "code owners need not approve (`pullRequest.requireCodeOwnerReview`)"),
                (("rules.pullRequest.odd", 1), "`pullRequest.odd` goes from `2` to `1`"),
                (("rules.requiredStatusChecks", None), "no check has to pass (`requiredStatusChecks`)"),
                (
                    ("rules.requiredStatusChecks.requiredChecks", [{"context": "Validate"}, {"context": "lint"}]),
                    "the check `Validate` of the App `7` is not required any more",
                ),
                (
                    ("rules.requiredStatusChecks.requiredChecks", [{"context": "Validate", "integrationId": 7}]),
                    "the check `lint` is not required any more (`requiredStatusChecks.requiredChecks`)",
                ),
                (("conditions.refName.excludes", ["refs/heads/x"]), "it no longer covers `refs/heads/x` (`excludes`)"),
                (("bypassActors", [*RULES["bypassActors"], {"actorType": "Team"}]), "more may bypass it"),
                (("bypassActors", [{"actorType": "Team"}]), "others may bypass it than before"),
                (("conditions.refName.includes", []), "it no longer covers `~DEFAULT_BRANCH`"),
            ]
        ),
        *(
            (
                step(
                    "update", "github:index/repositoryEnvironment:RepositoryEnvironment", "e", GATE, changed(GATE, *now)
                ),
                text,
            )
            for now, text in [
                (("reviewers", []), "it waits for no approval any more"),
                (("deploymentBranchPolicy", None), "every branch reaches it"),
                (("canAdminsBypass", True), "administrators need no approval (`canAdminsBypass`)"),
                (
                    ("preventSelfReview", False),
                    "the person who starts a deployment may approve it (`preventSelfReview`)",
                ),
            ]
        ),
        (
            step(
                "update",
                "github:index/workflowRepositoryPermissions:WorkflowRepositoryPermissions",
                "w",
                {"defaultWorkflowPermissions": "read"},
                {"defaultWorkflowPermissions": "write"},
            ),
            "every workflow may write",
        ),
        (step("replace", "kubernetes:helm.sh/v3:Release", "argocd-release", {}, {}), "replaces Argo CD"),
    ],
)
def test_a_guard_that_opens_has_to_be_meant(one: dict[str, Any], sentence: str) -> None:
    assert sentence in " ".join(guarded(read_preview(preview(one)).changes))


@pytest.mark.parametrize(
    "one",
    [
        step("update", "github:index/repositoryRuleset:RepositoryRuleset", "m", RULES, RULES),
        step("update", "github:index/repositoryRuleset:RepositoryRuleset", "m", changed(RULES, "rules", {}), RULES),
        step("create", "github:index/repositoryRuleset:RepositoryRuleset", "m", None, RULES),
        step("update", "github:index/repositoryEnvironment:RepositoryEnvironment", "e", {}, GATE),
        step("delete", "kubernetes:argoproj.io/v1alpha1:Application", "a", {}),
        step("update", "kubernetes:helm.sh/v3:Release", "argocd-release", {}, {}),
    ],
)
def test_what_opens_nothing_needs_no_label(one: dict[str, Any]) -> None:
    assert guarded(read_preview(preview(one)).changes) == []


def test_members_approvals_and_ways_in_are_told_in_words() -> None:
    members = [{"username": "dana", "role": "maintainer"}, {"username": "sam", "role": "member"}]
    later = [{"username": "dana", "role": "member"}, {"username": "pat", "role": "member"}]
    pattern = {"environment": UNKNOWN, "repository": "orders", "branchPattern": "main"}
    kind = "github:index/repositoryEnvironment:RepositoryEnvironment"
    policy = "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy"
    found = read_preview(
        preview(
            step("update", "github:index/teamMembers:TeamMembers", "m", {"members": members}, {"members": later}),
            step("update", kind, "e", {"environment": "qa"}, GATE | {"environment": "qa"}),
            step("create", policy, "orders-from-main", None, pattern),
            step(
                "delete", "github:index/teamRepository:TeamRepository", "t", {"permission": "push", "repository": "x"}
            ),
        )
    )
    assert access_words(found.changes, {}) == [
        "`dana` becomes member of service orders",
        "`pat` joins service orders as member",
        "`sam` leaves service orders",
        "releases to `qa` now wait for an approval",
        "workflow runs on the branch `main` of `orders` may now use its environment (`orders-from-main`)",
        "the team of orders may no longer push to `x`",
    ]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ([{"teams": [7]}], [], "releases to `production` no longer wait for an approval"),
        ([{"teams": [7]}], [{"teams": [8]}], "other teams approve releases to `production`"),
        ([{"teams": [7]}], [{"teams": [7]}], None),
        ([], [], None),
    ],
)
def test_approvals_that_go_or_change_are_told(before: list[Any], after: list[Any], sentence: str | None) -> None:
    kind = "github:index/repositoryEnvironment:RepositoryEnvironment"
    old, new = (changed(GATE, "reviewers", reviewers) for reviewers in (before, after))
    found = read_preview(preview(step("update", kind, "e", old, new))).changes
    assert access_words(found, {}) == ([sentence] if sentence else [])


def test_an_approval_of_an_environment_that_goes_is_not_told_beside_it() -> None:
    kind = "github:index/repositoryEnvironment:RepositoryEnvironment"
    assert access_words(read_preview(preview(step("delete", kind, "e", GATE))).changes, {}) == []


def test_rights_in_namespaces_that_change_are_told_with_where_they_stand() -> None:
    bindings, other = "infrastructure/dev/role-bindings.yaml", "infrastructure/dev/quotas.yaml"
    old, new = ({"owned": {bindings: text, other: text, "a/role-bindings.yaml": text}} for text in ("a", "b"))
    kind = "pulumi-python:dynamic/files:CommittedFiles"
    (said,) = access_words(read_preview(preview(step("update", kind, "f", old, new))).changes, {})
    assert said == "access to namespaces of `dev` changes: see `role-bindings.yaml` of each below"
    assert access_words(read_preview(preview(step("create", kind, "f", None, new))).changes, {}) == []


def test_a_line_of_argo_cd_s_policy_of_another_form_is_shown_as_it_is() -> None:
    lines = ["p, role:a, logs, get, */*, deny", "g, a, b, c", "p, role:a, logs, get"]
    old, new = (
        {"values": {"configs": {"rbac": {"policy.csv": "\n".join(["p, role:b, logs, get, */*, allow", *more])}}}}
        for more in ([], lines)
    )
    found = read_preview(preview(step("update", "kubernetes:helm.sh/v3:Release", "argocd-release", old, new))).changes
    assert access_words(found, {}) == [f"Argo CD's policy has now `{line}`" for line in sorted(lines)]


@pytest.mark.parametrize(
    "one",
    [
        step(
            "update",
            RULESET_KIND,
            "m",
            changed(RULES, "enforcement", "evaluate"),
            changed(RULES, "enforcement", "disabled"),
        ),
        step("delete", RULESET_KIND, "m", RULES, retainOnDelete=True),
        step("update", "github:index/repositoryEnvironment:RepositoryEnvironment", "e", GATE, GATE),
        step("update", "github:index/repositoryEnvironment:RepositoryEnvironment", "e", {"environment": "e"}, GATE),
        step(
            "update",
            "github:index/repositoryEnvironment:RepositoryEnvironment",
            "e",
            {"environment": "e", "canAdminsBypass": False},
            {"environment": "e", "canAdminsBypass": True},
        ),
    ],
)
def test_what_was_open_or_stays_is_no_guard_that_opens(one: dict[str, Any]) -> None:
    assert guarded(read_preview(preview(one)).changes) == []


def test_guards_that_open_in_the_same_way_are_named_together() -> None:
    kind, path = "github:index/repositoryRuleset:RepositoryRuleset", "rules.pullRequest.requiredApprovingReviewCount"
    steps = [step("update", kind, f"m{number}", RULES, changed(RULES, path, 0)) for number in range(14)]
    (said,) = guarded(read_preview(preview(*steps)).changes)
    assert said.startswith("opens the RepositoryRuleset `m0` (service orders), RepositoryRuleset `m1` (")
    assert said.endswith(f" and 2 more: pull requests need `0` approvals instead of `1` (`{path.partition('.')[2]}`)")


def test_the_team_that_may_push_to_the_environment_repository_is_named() -> None:
    kind, access = "github:index/teamRepository:TeamRepository", {"permission": "push", "repository": "environments"}
    steps = [
        step("create", kind, "environments-shop-access", None, access),
        step("delete", kind, "environments-web-access", access),
    ]
    parent = "urn:pulumi:acme::slipway::slipway:index:Platform$slipway:index:EnvironmentRepository::environments"
    for one in steps:
        (one.get("newState") or one["oldState"])["parent"] = parent
    found = preview(*steps)
    words = access_words(read_preview(found).changes, {})
    assert [one.partition(" may")[0] for one in words] == ["team shop", "team web"], words


def test_what_many_services_have_in_common_is_said_once() -> None:
    secret = "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret"
    policy = "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy"
    steps: list[dict[str, Any]] = []
    for name in ("orders", "ledger"):
        place = {"repository": name, "environment": "automation"}
        access = {"repository": name, "permission": "push"}
        steps += [
            step("create", "github:index/teamRepository:TeamRepository", name, None, access),
            step("create", policy, name, None, place | {"tagPattern": "v*"}),
            step("create", secret, name, None, place | {"secretName": "KEY"}),
        ]
    assert access_words(read_preview(preview(*steps)).changes, {"orders": "web"}) == [
        "team web may now push to `orders`, `ledger`",
        "workflow runs on tags `v*` may now use the environment `automation` of `orders`, `ledger`",
        "the secret `KEY` is now in the environment `automation` of `orders`, `ledger`",
    ]


def test_no_value_of_a_resource_is_shown_but_those_that_say_who_may_do_what() -> None:
    hush = {"value": "hush", "plaintextValue": "hush", "secretName": "KEY", "environment": "e", "repository": "r"}
    kind = "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret"
    text = comment(
        read_preview(preview(step("create", kind, "s", None, hush), step("update", "a:b:C", "c", hush, hush))),
        "acme",
        {},
    )
    assert "hush" not in text
    assert "`KEY`" in text


def test_names_cannot_write_markup_or_call_people() -> None:
    odd = {"permission": "push", "repository": "`@all` <img src=x>\n# big"}
    kind = "github:index/teamRepository:TeamRepository"
    said = [{"severity": "warning", "message": "warning: <script> @all"}]
    text = comment(read_preview(preview(step("create", kind, "t", None, odd), diagnostics=said)), "acme", {})
    assert "push to `'@all' <img src=x> # big`" in text
    assert "<script>" not in text
    assert " @all" not in text.partition("Said by")[2]


ODD = "<img src=x>``` @all\n# big"


def test_odd_names_of_resources_owners_and_files_stay_names() -> None:
    files = {"repository": ODD, "owned": {f"{ODD}/a/b": "x\n", f"c/{ODD}/d": "x\n"}}
    kind = "pulumi-python:dynamic/slipway:CommittedFiles"
    steps = [
        step("delete", "github:index/repository:Repository", ODD, {}),
        step("update", "a:b:Thing", f"{ODD} again", {}, {}),
        step("update", kind, "files", {**files, "owned": {"e": "y\n"}}, files),
    ]
    steps[1]["detailedDiff"] = {ODD: {"kind": "update"}}
    for one in steps:
        for state in ("oldState", "newState"):
            if state in one:
                one[state]["parent"] = one[state]["parent"].replace("orders", ODD)
    text = comment(read_preview(preview(*steps)), "acme", {})
    assert "\n# big" not in text
    outside = re.sub(r"^(```+)diff\n.*?\n\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert "<img" not in re.sub(r"`[^`]*`", "", outside)
    assert "@all" not in re.sub(r"`[^`]*`", "", outside)


def test_a_file_with_fences_stays_within_its_own() -> None:
    files = {"repository": "environments", "owned": {"a.md": "````\nout\n"}}
    before = {"repository": "environments", "owned": {"a.md": "x\n"}}
    text = comment(
        read_preview(preview(step("update", "pulumi-python:dynamic/slipway:CommittedFiles", "f", before, files))),
        "acme",
        {},
    )
    assert "`````diff\n" in text


@pytest.mark.parametrize("limit", [LIMIT, 6_000, 1_000])
def test_it_fits_and_says_what_is_left_out(limit: int) -> None:
    many = [
        step(
            "update",
            "pulumi-python:dynamic/slipway:CommittedFiles",
            f"f{number}",
            {"repository": "r", "owned": {}},
            {"repository": "r", "owned": {f"{number}/a/b": "line\n" * 500}},
        )
        for number in range(100)
    ]
    gone = [step("delete", "a:b:Thing", f"thing-{number}", {}) for number in range(500 if limit == 1_000 else 3)]
    text = comment(read_preview(preview(*many, *gone)), "acme", {}, limit=limit)
    assert len(text) <= limit
    assert "artifact of this run has" in text
    assert "thing-0" in text


def test_an_update_without_changes_and_one_that_fails_are_said() -> None:
    assert "`acme`: nothing would change" in comment(read_preview(preview()), "acme", {})
    said = [{"severity": "error", "message": "error: an unhandled error occurred: line 3: services: wrong\n"}]
    failed = comment(read_preview(json.dumps({"diagnostics": said})), "acme", {})
    assert "**The preview failed.** line 3: services: wrong" in failed


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"other": 1}', "error: no stack", '{"steps": [{"op": 5}]}', '{"steps": 5}']
)
def test_what_is_not_a_preview_is_refused_in_a_sentence(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PreviewError):
        read_preview(text)
    file = tmp_path / "preview.json"
    file.write_text(text)
    assert main([str(file), "--stack", "acme"]) == 2
    assert "pulumi preview --json" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_named_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.json"), "--stack", "acme"]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path / 'none.json'}: No such file or directory\n"


def test_a_preview_that_ended_before_it_looked_at_anything_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    json_file, said = tmp_path / "preview.json", tmp_path / "preview.log"
    json_file.write_text("")
    said.write_text("error: getting stack configuration: invalid YAML file: line 52\n")
    assert main([str(json_file), "--said", str(said), "--stack", "acme"]) == 1
    text = capsys.readouterr().out
    assert "## `acme`: the preview failed" in text
    assert "> **The preview failed.** getting stack configuration: invalid YAML file: line 52" in text


def test_files_are_named_and_what_only_tells_a_provider_how_to_write_is_left_out() -> None:
    files = "pulumi-python:dynamic/slipway:CommittedFiles"
    before = {"owned": {"infrastructure/dev/quotas.yaml": "a\n"}, "repository": "environments"}
    after = changed(before, "owned", {"infrastructure/dev/quotas.yaml": "b\n"})
    application = step(
        "update", "kubernetes:argoproj.io/v1alpha1:Application", "dev-infrastructure", {"a": 1}, {"a": 1}
    )
    application["detailedDiff"] = {'metadata.annotations["pulumi.com/waitFor"]': {"kind": "update"}}
    text = comment(read_preview(preview(step("update", files, "f", before, after), application)), "acme", TEAMS)
    assert "## `acme`: 1 to update, 4 unchanged" in text
    assert "~ files of the repository environments: infrastructure/dev/quotas.yaml" in text
    assert "Application" not in text


def test_what_teams_may_do_stands_together_in_the_order_of_their_names() -> None:
    kind = "github:index/teamRepository:TeamRepository"
    teams = {"alpha": "web", "beta": "data", "gamma": "web"}
    joins = {"members": [{"username": "pat", "role": "member"}]}
    owner = "urn:pulumi:acme::slipway::slipway:index:Platform$slipway:index:{}"
    steps: list[dict[str, Any]] = []
    for name, permission in (("alpha", "push"), ("beta", "push"), ("gamma", "pull")):
        access = {"repository": name, "permission": permission}
        steps.append(step("create", kind, name, None, access, parent=owner.format(f"ServiceRepository::{name}")))
    parent = owner.format("TeamAccess::data")
    steps.append(step("create", "github:index/teamMembers:TeamMembers", "data", None, joins, parent=parent))
    assert access_words(read_preview(preview(*steps)).changes, teams) == [
        "team data may now push to `beta`",
        "`pat` joins team data as member",
        "team web may now push to `alpha`",
        "team web may now read `gamma`",
    ]


def test_a_group_of_a_directory_is_told_once_and_not_in_each_spelling() -> None:
    old, new = (
        {
            "values": {
                "configs": {"rbac": {"policy.csv": f"g, {name}, role:team-web\ng, {name.upper()}, role:team-web\n"}}
            }
        }
        for name in ("acme web", "acme makers")
    )
    change = read_preview(preview(step("update", "kubernetes:helm.sh/v3:Release", "argocd-release", old, new)))
    assert access_words(change.changes, TEAMS) == [
        "in Argo CD the group `acme web` no longer has the rights of `team-web`",
        "in Argo CD the group `acme makers` has now the rights of `team-web`",
    ]


REPOSITORY, RULESET = "github:index/repository:Repository", "github:index/repositoryRuleset:RepositoryRuleset"


def test_a_plan_is_told_by_what_differs_from_that_of_the_base_and_says_what_it_cannot_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, opened = step("create", "a:b:C", "same", new={"a": 1}), changed(RULES, "rules.deletion", value=False)
    gone = step("create", REPOSITORY, "clock-repository", new={"name": "clock"}, retainOnDelete=True)
    plan, base = tmp_path / "plan.json", tmp_path / "base.json"
    base.write_text(preview(kept, gone, step("create", RULESET, "rules", new=RULES)))
    added = step("create", REPOSITORY, "orders-repository", new={"name": "orders"})
    plan.write_text(preview(kept, added, step("create", RULESET, "rules", new=opened)))
    assert main([str(plan), "--plan-of-base", str(base), "--stack", "acme"]) == REFUSED
    text = capsys.readouterr().out
    assert "1 to delete, 1 to create, 1 to update, 1 unchanged" in text
    assert "**This is a plan without state.** GitHub gives no secrets to pull requests of forks" in text
    assert "deletes the Repository `clock-repository` (service orders); it stays on GitHub" in text
    assert "~ RepositoryRuleset rules: rules.deletion" in text


@pytest.mark.parametrize("base", [None, "", '{"diagnostics": [{"severity": "error", "message": "no"}]}'])
def test_a_plan_without_one_of_the_base_lists_all_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], base: str | None
) -> None:
    plan, other = tmp_path / "plan.json", tmp_path / "base.json"
    plan.write_text(preview(step("create", REPOSITORY, "orders-repository", new={"name": "orders"})))
    if base is not None:
        other.write_text(base)
    assert main([str(plan), "--plan-of-base", str(other), "--stack", "acme"]) == 0
    text = capsys.readouterr().out
    assert "1 to create" in text
    assert "The base branch has no plan that works" in text


DENY = {"kind": "deny", "schedule": "0 22 * * 5", "duration": "58h", "timeZone": "UTC", "manualSync": False}
ALLOW = DENY | {"kind": "allow"}
DENIED, ALLOWED = (
    "denied for 58h from 0 22 * * 5 (UTC), by hand too",
    "allowed for 58h from 0 22 * * 5 (UTC), else not at all",
)


@pytest.mark.parametrize(
    ("before", "after", "access", "opens"),
    [
        ([], [DENY], [f"now {DENIED}"], []),
        ([DENY], [], [f"no longer {DENIED}"], [f"no longer {DENIED}"]),
        ([DENY], [DENY], [], []),
        (
            [DENY],
            [DENY | {"manualSync": True}],
            [f"no longer {DENIED}", f"now {DENIED.replace('by hand too', 'except by hand')}"],
            [f"now {DENIED.replace('by hand too', 'except by hand')}"],
        ),
        ([DENY | {"manualSync": True}], [DENY], None, []),
        ([], [ALLOW], [f"now {ALLOWED}"], []),
        ([ALLOW], [], [f"no longer {ALLOWED}"], ["allowed at any time that no window denies"]),
        ([ALLOW], [ALLOW, ALLOW | {"duration": "60h"}], None, [f"now {ALLOWED.replace('58h', '60h')}"]),
        ([ALLOW, ALLOW | {"duration": "60h"}], [ALLOW], None, []),
    ],
)
def test_a_sync_window_that_lets_more_through_has_to_be_meant(
    before: list[Any], after: list[Any], access: list[str] | None, opens: list[str]
) -> None:
    old, new = ({"metadata": {"name": "qa"}, "spec": {"syncWindows": windows}} for windows in (before, after))
    found = read_preview(preview(step("update", "kubernetes:argoproj.io/v1alpha1:AppProject", "qa", old, new))).changes
    if access is not None:
        assert access_words(found, {}) == [f"syncs of `qa` are `{words}`" for words in access]
    assert guarded(found) == [f"opens the AppProject `qa` (service orders): syncs are `{words}`" for words in opens]
