"""What the comment on an infrastructure change says first: what it is about, and what a reviewer has to read."""

import json
from typing import Any

import pytest

from stacks.preview_changes import read_preview
from stacks.preview_comment import comment
from stacks.preview_headlines import headlines, machinery
from tests.stacks.test_preview_comment import preview, step


def told_to_the_platform(old: dict[str, Any], new: dict[str, Any]) -> str:
    """A change of the environment repository's file that says what the platform is made of."""
    inputs = [
        {
            "repository": "environments",
            "owned": {".slipway/platform.json": json.dumps({"slipwayVersion": "0.2.0"} | one)},
        }
        for one in (old, new)
    ]
    return preview(step("update", "pulumi-python:dynamic/files:CommittedFiles", "environments-files", *inputs))


STAGING: dict[str, Any] = {
    "name": "staging",
    "sync": "automated",
    "images": "release",
    "requires": ["dev"],
    "approvers": [],
}
ORDERS: dict[str, Any] = {"name": "orders", "team": "web", "environments": ["staging"]}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ({}, {"environments": [STAGING]}, "**new environment** `staging`: `sync` `automated`, `images` `release`"),
        ({"environments": [STAGING]}, {}, "**environment `staging` leaves**"),
        (
            {"environments": [STAGING]},
            {"environments": [STAGING | {"approvers": ["ops"], "requires": []}]},
            "environment `staging`: `requires` was `dev` and is now none, `approvers` was none and is now `ops`",
        ),
        ({}, {"services": [ORDERS]}, "**new service** `orders`: `team` `web`"),
        ({"services": [ORDERS]}, {}, "**service `orders` leaves**"),
        (
            {"environments": [STAGING, {"name": "qa"}]},
            {"environments": [{"name": "qa"}, STAGING]},
            "the order of promotion is now `qa`, `staging`",
        ),
        ({"slipwayVersion": "0.1.0"}, {}, "the platform: `slipwayVersion` was `0.1.0` and is now `0.2.0`"),
        (
            {"registry": {"attestations": True}, "argocd": {"url": "https://a.example.com"}},
            {"registry": {"attestations": False}, "argocd": {"url": None}},
            "the platform: `registry.attestations` was yes and is now no, `argocd.url` was `https://a.example.com`",
        ),
    ],
    ids=[
        "environment",
        "environment leaves",
        "environment changes",
        "service",
        "service leaves",
        "order",
        "upgrade",
        "platform",
    ],
)
def test_what_a_change_is_about_is_said_in_short_before_its_details(
    old: dict[str, Any], new: dict[str, Any], sentence: str
) -> None:
    text = comment(read_preview(told_to_the_platform(old, new)), "acme", {})
    assert sentence in text.partition("### In short")[2].partition("**service orders**")[0]


def test_a_service_that_leaves_is_told_by_the_warning_that_says_what_becomes_of_it() -> None:
    changes = read_preview(told_to_the_platform({"services": [ORDERS]}, {})).changes
    said = "service orders leaves: its Applications go"
    assert headlines(changes, [said]) == [said]
    assert headlines(changes, ["something else"]) == ["**service `orders` leaves**", "something else"]


def test_what_is_said_of_several_services_is_said_once() -> None:
    services = [ORDERS | {"name": name} for name in ("orders", "invoices")]
    moved = [one | {"environments": ["staging", "qa"]} for one in services]
    said = comment(read_preview(told_to_the_platform({"services": services}, {"services": moved})), "acme", {})
    assert "services `orders`, `invoices`: `environments` was `staging` and is now `staging`, `qa`" in said
    said = comment(read_preview(told_to_the_platform({}, {"services": services})), "acme", {})
    assert "**new services** `orders`, `invoices`: `team` `web`, `environments` `staging`" in said


@pytest.mark.parametrize("odd", ["no JSON", "[]", '{"environments": 7}', '{"environments": [7]}'])
def test_what_cannot_be_read_of_a_platform_is_left_to_the_details(odd: str) -> None:
    inputs = {"repository": "environments", "owned": {".slipway/platform.json": odd}}
    said = preview(step("update", "pulumi-python:dynamic/files:CommittedFiles", "files", inputs, inputs))
    assert "### In short" not in comment(read_preview(said), "acme", {})


class Files:
    """GitHub, asked which files a pull request changes."""

    def __init__(self, *paths: str, before: str | None = None) -> None:
        self.paths = paths
        self.more = {} if before is None else {"previous_filename": before}

    def pages(self, path: str) -> Any:
        assert path == "/repos/acme/platform/pulls/7/files"
        return iter([{"filename": path, **self.more} for path in self.paths])

    def post(self, path: str, body: dict[str, Any]) -> Any:
        raise NotImplementedError

    patch = post


def test_a_change_of_what_a_preview_runs_is_named_before_everything_else() -> None:
    said = machinery(
        Files("stacks/Pulumi.acme.yaml", ".github/workflows/preview.yml", "docs/README.md"), "acme/platform", 7
    )
    assert "changes what previews and deployments run**: `.github/workflows/preview.yml`." in said
    assert comment(read_preview(preview()), "acme", {}, note=said).index("Read these files first") < 300


def test_a_change_of_settings_alone_has_no_such_warning() -> None:
    assert machinery(Files("stacks/Pulumi.acme.yaml", "docs/a.md", "README.md"), "acme/platform", 7) == ""


def test_what_a_preview_runs_is_not_moved_away_without_a_warning() -> None:
    said = machinery(Files("docs/checks.md", before="stacks/override_checks.py"), "acme/platform", 7)
    assert "`stacks/override_checks.py`" in said


def test_a_change_does_not_hide_among_more_files_than_github_lists() -> None:
    many = [f"docs/{number}.md" for number in range(3000)]
    assert "more files than GitHub lists" in machinery(Files(*many), "acme/platform", 7)
    assert machinery(Files(*many[1:]), "acme/platform", 7) == ""


def test_entries_of_a_list_that_move_are_one_difference() -> None:
    paths = [f"spec.destinations[{one}].namespace" for one in range(9)]
    found = json.loads(preview(step("update", "kubernetes:argoproj.io/v1alpha1:AppProject", "dev-project", {}, {})))
    found["steps"][0]["diffReasons"] = paths
    found["steps"][0]["detailedDiff"] = {path: {"kind": "update"} for path in paths}
    text = comment(read_preview(json.dumps(found)), "acme", {})
    assert "~ AppProject dev-project: spec.destinations\n" in text
