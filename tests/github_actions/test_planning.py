"""Jobs of a workflow: matrices, needs, results, permissions, inputs, masks. No server."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.github.actions import inputs, matrix, permissions, planner
from sandbox.github.actions.concurrency import Claim, Concurrency
from sandbox.github.actions.expressions import ExpressionError, Status
from sandbox.github.actions.masking import Masker
from sandbox.github.actions.workflow import Workflow, WorkflowError, load


def test_include_extends_combinations_it_does_not_change() -> None:
    """The example of GitHub's documentation."""
    expanded = matrix.expand(
        {
            "fruit": ["apple", "pear"],
            "animal": ["cat", "dog"],
            "include": [
                {"color": "green"},
                {"color": "pink", "animal": "cat"},
                {"fruit": "apple", "shape": "circle"},
                {"fruit": "banana"},
                {"fruit": "banana", "animal": "cat"},
            ],
        }
    )
    assert expanded == [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]


def test_exclude_goes_before_include() -> None:
    expanded = matrix.expand({"a": [1, 2], "exclude": [{"a": 1}], "include": [{"a": 1, "b": 2}]})
    assert expanded == [{"a": 2}, {"a": 1, "b": 2}]


@pytest.mark.parametrize("value", [[], {"a": []}, {"a": "x"}, {"include": "x"}, {"a": list(range(300))}])
def test_what_is_not_a_matrix_is_refused(value: Any) -> None:
    with pytest.raises(ExpressionError):
        matrix.expand(value)


def workflow(jobs: str) -> Workflow:
    return load(f"on: push\njobs:\n{jobs}", "w.yml")


def job(name: str, needs: str = "[]", extra: str = "") -> str:
    return f"  {name}: {{runs-on: x, needs: {needs}, steps: [{{run: x}}]{extra}}}\n"


CHAIN = workflow(job("a") + job("b", "[a]") + job("c", "[b]"))


def record(node: str, conclusion: str, **fields: Any) -> dict[str, Any]:
    return {"node": node, "status": "completed", "conclusion": conclusion, "outputs": {}} | fields


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("success", "success", Status()),
        ("failure", "skipped", Status(success=False, failure=True)),
        ("skipped", "success", Status(success=False)),
        ("success", "cancelled", Status(success=False)),
    ],
)
def test_status_functions_look_at_all_ancestors(a: str, b: str, expected: Status) -> None:
    grouped = planner.by_node([record("a", a), record("b", b)])
    assert planner.status_of(CHAIN, "c", grouped, cancelled=False) == expected


@pytest.mark.parametrize(
    ("conclusions", "expected"),
    [
        (["success", "success"], "success"),
        (["success", "failure"], "failure"),
        (["cancelled", "failure"], "failure"),
        (["success", "cancelled"], "cancelled"),
        (["skipped"], "skipped"),
    ],
)
def test_a_matrix_is_as_good_as_its_worst(conclusions: list[str], expected: str) -> None:
    assert planner.result_of([record("a", conclusion) for conclusion in conclusions]) == expected


def test_a_tolerated_failure_counts_as_success() -> None:
    assert planner.result_of([record("a", "failure", continue_on_error=True)]) == "success"


def test_a_run_of_skipped_jobs_is_skipped_and_one_with_open_jobs_is_open() -> None:
    skipped = [record(name, "skipped") for name in "abc"]
    assert planner.conclusion_of(CHAIN, skipped, cancelled=False) == "skipped"
    assert planner.conclusion_of(CHAIN, skipped[:2], cancelled=False) is None


def test_instances_are_named_as_on_github() -> None:
    plain = workflow(job("a", extra=", strategy: {matrix: {x: [1, 2], y: [z]}}"))
    named = workflow(job("a", extra=", name: 'on ${{ matrix.x }}', strategy: {matrix: {x: [1, 2]}}"))
    names = [one.name for one in planner.expand(plain, "a", {"needs": {}}, Status()).instances]
    assert names == ["a (1, z)", "a (2, z)"]
    assert [one.name for one in planner.expand(named, "a", {}, Status()).instances] == ["on 1", "on 2"]


def test_a_nested_job_cannot_ask_for_more_than_its_caller_has() -> None:
    assert permissions.effective({"contents": "read"}, None, None, name="a", nested=True) == {"contents": "read"}
    assert permissions.effective({"contents": "write"}, {"contents": "read"}, None, name="a", nested=True) == {
        "contents": "read"
    }
    assert permissions.effective({}, {}, {"contents": "write"}, name="a", nested=False) == {"contents": "write"}
    with pytest.raises(WorkflowError, match="requesting 'contents: write'"):
        permissions.effective({"contents": "read"}, None, {"contents": "write"}, name="a", nested=True)
    with pytest.raises(WorkflowError, match="content"):
        permissions.declared({"content": "read"}, "")


def test_inputs_of_a_call_are_checked() -> None:
    declared = {"a": {"type": "string", "required": True}, "b": {"type": "boolean", "default": True}}
    assert inputs.of_called_workflow(declared, {"a": "x"}) == {"a": "x", "b": True}
    for given_inputs in ({}, {"a": "x", "c": 1}, {"a": "x", "b": "yes"}):
        with pytest.raises(WorkflowError):
            inputs.of_called_workflow(declared, given_inputs)


def test_a_group_replaces_who_waits_unless_it_is_a_queue() -> None:
    groups, single = Concurrency(), Claim(1, "Deploy")
    assert groups.acquire(("run", 1), single) == (True, [])
    assert groups.acquire(("run", 2), Claim(1, "deploy")) == (False, [])
    assert groups.acquire(("run", 3), single) == (False, [("run", 2)])
    assert groups.acquire(("run", 4), Claim(2, "deploy")) == (True, [])
    assert groups.release(("run", 2)) is None
    assert groups.release(("run", 1)) == ("run", 3)
    queue = Concurrency()
    for number in range(5):
        queue.acquire(("job", number), Claim(1, "q", queue=True))
    assert [queue.release(("job", number)) for number in range(5)] == [("job", number) for number in range(1, 5)] + [
        None
    ]


@given(
    st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=12, max_size=40),
    st.text(max_size=9),
)
def test_no_usual_form_of_a_secret_passes_the_masker(secret: str, before: str) -> None:
    masker = Masker([secret])
    encoded = base64.b64encode((before + secret).encode()).decode()
    inner = len(before.encode()) % 3
    for shown in (secret, json.dumps(secret), encoded):
        masked = masker.mask(shown)
        assert secret not in masked
        assert "***" in masked
    assert len(masker.mask(encoded)) < len(encoded) - len(secret.encode()) + 8 + inner
