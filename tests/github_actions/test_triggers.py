"""Which workflows an event starts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.github.actions.globs import compile_pattern, matches
from sandbox.github.actions.triggers import asks_to_skip, may_start, starts
from sandbox.github.actions.workflow import WorkflowError, load
from sandbox.github.core.events import Event


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("feature/*", "feature/my-branch", True),
        ("feature/*", "feature/a/b", False),
        ("feature/**", "feature/a/b", True),
        ("main", "main2", False),
        ("*", "releases", True),
        ("*", "all/the/branches", False),
        ("**", "every/tag", True),
        ("*feature", "ver-10-feature", True),
        ("v2*", "v2.9", True),
        ("v[12].[0-9]+.[0-9]+", "v1.10.1", True),
        ("v[12].[0-9]+.[0-9]+", "v3.0.0", False),
        ("v[0-9]+.[0-9]+.[0-9]+", "v1.2.3-rc.1", False),
        ("v[0-9]+.[0-9]+.[0-9]+", "v1x2x3", False),
        ("*.jsx?", "page.js", True),
        ("*.jsx?", "page.jsx", True),
        ("**.js", "src/js/app.js", True),
        ("docs/**/*.md", "docs/hello.md", True),
        ("docs/**/*.md", "docs/a/markdown/file.md", True),
        ("**/docs/**", "space/docs/plan/space.doc", True),
        ("**/docs/**", "docs/hello.md", True),
        ("**/README.md", "README.md", True),
        ("**/*-post.md", "path/to/my-post.md", True),
        ("[CB]at", "Cat", True),
        ("1-2000", "1-2000", True),
        ("a\\*b", "a*b", True),
    ],
)
def test_a_pattern_matches_as_in_githubs_cheat_sheet(pattern: str, name: str, expected: bool) -> None:
    assert matches([pattern], name) is expected


def test_the_last_pattern_that_speaks_decides() -> None:
    assert not matches(["releases/**", "!releases/**-alpha"], "releases/1-alpha")
    assert matches(["releases/**", "!releases/**-alpha", "releases/1**"], "releases/1-alpha")
    assert not matches(["!releases/**"], "main")


@given(st.text(alphabet="abc.-/", min_size=1))
def test_a_plain_name_matches_itself_alone(name: str) -> None:
    assert compile_pattern(name).fullmatch(name)
    assert not compile_pattern(name).fullmatch(name + "x")


def event(name: str, ref: str = "refs/heads/main", action: str | None = None, **payload: Any) -> Event:
    return Event("acme/x", name, action, ref, "a" * 40, "alice", payload)


def started(on: str, happened: Event, changed: list[str] | None = None) -> bool:
    workflow = load(f"on: {on}\njobs: {{a: {{runs-on: x, steps: [{{run: 'true'}}]}}}}\n", "w.yml")
    return starts(workflow, happened, lambda: changed)


@pytest.mark.parametrize(
    ("on", "ref", "expected"),
    [
        ("push", "refs/heads/any", True),
        ("[push, pull_request]", "refs/tags/v1", True),
        ("{push: {branches: [main]}}", "refs/heads/main", True),
        ("{push: {branches: [main]}}", "refs/tags/main", False),
        ("{push: {tags: ['v*']}}", "refs/heads/v1", False),
        ("{push: {tags: ['v*']}}", "refs/tags/v1", True),
        ("{push: {tags-ignore: ['v*']}}", "refs/tags/v1", False),
        ("{push: {tags-ignore: ['v*']}}", "refs/tags/x", True),
        ("{push: {tags-ignore: ['v*']}}", "refs/heads/main", False),
        ("{push: {branches: [main], tags: ['v*']}}", "refs/tags/v1", True),
        ("{push: {paths: ['docs/**']}}", "refs/tags/v1", True),
        ("{push: {paths: ['docs/**']}}", "refs/heads/main", False),
        ("{push: {paths: ['src/**']}}", "refs/heads/main", True),
        ("{push: {paths-ignore: ['src/**']}}", "refs/heads/main", False),
        ("pull_request", "refs/heads/main", False),
    ],
)
def test_a_push_starts_what_its_filters_take_in(on: str, ref: str, expected: bool) -> None:
    assert started(on, event("push", ref), ["src/main.py"]) is expected


def test_a_pull_request_is_filtered_by_type_and_base() -> None:
    pull: Any = {"base": {"ref": "main"}}
    opened = event("pull_request", "refs/pull/1/merge", "opened", pull_request=pull)
    labeled = event("pull_request", "refs/pull/1/merge", "labeled", pull_request=pull)
    assert started("pull_request", opened)
    assert not started("pull_request", labeled)
    assert started("{pull_request: {types: [labeled]}}", labeled)
    assert not started("{pull_request: {branches: [release]}}", opened)


def test_a_dispatch_is_filtered_by_its_type() -> None:
    happened = event("repository_dispatch", action="promote")
    assert started("{repository_dispatch: {types: [promote]}}", happened)
    assert not started("{repository_dispatch: {types: other}}", happened)


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        (event("push"), True),
        (event("deployment_status", deployment_status={"state": "inactive"}), False),
        (event("deployment_status", deployment_status={"state": "success"}), True),
        (event("ping"), False),
        (Event("acme/x", "push", None, "refs/heads/main", "a", "bot", {}, from_workflow_token=True), False),
        (Event("acme/x", "workflow_dispatch", None, "refs/heads/main", "a", "bot", {}, from_workflow_token=True), True),
        (Event("acme/x", "push", None, "refs/heads/main", "", "alice", {}), False),
    ],
)
def test_events_of_a_workflows_own_token_start_nothing_but_dispatches(happened: Event, expected: bool) -> None:
    assert may_start(happened) is expected


@pytest.mark.parametrize("message", ["x [skip ci]", "[CI SKIP] x", "x\n\nskip-checks: true"])
def test_a_commit_can_ask_not_to_run(message: str) -> None:
    assert asks_to_skip(event("push"), message)
    assert not asks_to_skip(event("workflow_dispatch"), message)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: [", "yaml syntax"),
        ("jobs: {a: {runs-on: x, steps: [{run: x}]}}", "event triggers"),
        ("on: push", "No jobs"),
        ("on: push\njobs: {a: {steps: [{run: x}]}}", "runs-on"),
        ("on: push\njobs: {a: {runs-on: x}}", "steps"),
        ("on: push\njobs: {a: {runs-on: x, steps: [{name: x}]}}", "run"),
        ("on: push\njobs: {a: {runs-on: x, needs: b, steps: [{run: x}]}}", "unknown job 'b'"),
        ("on: push\njobs: {'1a': {runs-on: x, steps: [{run: x}]}}", "identifier"),
        ("on: push\njobs: {a: {runs-on: x, typo: 1, steps: [{run: x}]}}", "typo"),
        ("on: push\njobs: {a: {uses: ./x, runs-on: x}}", "runs-on"),
        ("on: {push: {tags: [a], tags-ignore: [b]}}\njobs: {a: {runs-on: x, steps: [{run: x}]}}", "only define one"),
        ("on: push\non: pull_request\njobs: {a: {runs-on: x, steps: [{run: x}]}}", "already defined"),
        ("on: push\njobs: {a: {runs-on: x, needs: a, steps: [{run: x}]}}", "no dependencies"),
    ],
)
def test_a_broken_workflow_is_named(text: str, part: str) -> None:
    with pytest.raises(WorkflowError, match=part):
        load(text, "w.yml")
