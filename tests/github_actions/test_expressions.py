"""The expression language, by the examples of GitHub's documentation and by its laws."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.github.actions.expressions import (
    ExpressionError,
    Partial,
    Status,
    evaluate,
    evaluate_condition,
    evaluate_template,
    fold,
    fold_condition,
    quote,
    to_text,
)
from sandbox.github.actions.expressions.syntax import Constant, parse, unparse

CONTEXTS: dict[str, Any] = {
    "github": {"ref_name": "v1.2.3", "event": {"labels": [{"name": "bug"}, {"name": "help"}, {"no": 1}], "Count": 3}},
    "fruits": {
        "scallions": {"colors": ["green", "white"], "ediblePortions": ["roots", "stalks"]},
        "beets": {"colors": ["red"]},
    },
    "needs": {"build": {"result": "success", "outputs": {"list": '["dev","staging"]'}}},
    "inputs": {"flag": False, "number": 7},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null", None),
        ("0xff", 255),
        ("-2.99e-2", -0.0299),
        ("'Mona''s octocat'", "Mona's octocat"),
        ("1 == '1'", True),
        ("'a' == 'A'", True),
        ("null == 0", True),
        ("null == ''", True),
        ("true == 1", True),
        ("'abc' == 1", False),
        ("'abc' > 1 || 'abc' <= 1", False),
        ("fromJSON('[]') == fromJSON('[]')", False),
        ("!''", True),
        ("'' || 'default'", "default"),
        ("inputs.flag && 'yes' || 'no'", "no"),
        ("1 < 2 == true", True),
        ("!(1 > 2) && 3 >= 3", True),
        ("github.event.labels.*.name", ["bug", "help"]),
        ("fruits.*.ediblePortions", [["roots", "stalks"]]),
        ("GitHub.Event.count", 3),
        ("github['ref_name']", "v1.2.3"),
        ("github.event.labels[1].name", "help"),
        ("github.event.labels[9].name", None),
        ("github.nothing.at.all", None),
        ("contains(github.event.labels.*.name, 'BUG')", True),
        ("contains('Hello world', 'LLO')", True),
        ("startsWith(github.ref_name, 'V1')", True),
        ("endsWith('abc', 'BC')", True),
        ("format('Hello {0} {1} {{x}}', 'Mona', 7)", "Hello Mona 7 {x}"),
        ("join(github.event.labels.*.name, ', ')", "bug, help"),
        ("toJSON(inputs)", '{\n  "flag": false,\n  "number": 7\n}'),
        ("fromJSON(needs.build.outputs.list)[1]", "staging"),
        ("case(false, 1, inputs.number > 6, 'big', 'small')", "big"),
    ],
)
def test_an_expression_has_the_value_that_github_gives_it(text: str, expected: Any) -> None:
    assert evaluate(text, CONTEXTS) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 +",
        "a b",
        "'open",
        '"double"',
        "unknown.x",
        "nofunction()",
        "contains('a')",
        "1x",
        "format('{1}', 1)",
        "success()",
    ],
)
def test_what_is_not_an_expression_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(text, CONTEXTS)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("v${{ inputs.number }}-${{ inputs.flag }}", "v7-false"),
        ("${{ fromJSON(needs.build.outputs.list) }}", ["dev", "staging"]),
        ("${{ '}}' }}", "}}"),
        ({"a": ["${{ inputs.number }}"]}, {"a": [7]}),
        ("plain", "plain"),
        (3, 3),
    ],
)
def test_a_template_keeps_the_type_of_a_lone_expression(value: Any, expected: Any) -> None:
    assert evaluate_template(value, CONTEXTS) == expected


@pytest.mark.parametrize(
    ("condition", "status", "expected"),
    [
        (None, Status(), True),
        (None, Status(success=False, failure=True), False),
        ("inputs.number == 7", Status(success=False), False),
        ("always()", Status(success=False, failure=True, cancelled=True), True),
        ("failure() && inputs.number == 7", Status(success=False, failure=True), True),
        ("${{ !cancelled() }}", Status(cancelled=True), False),
        ("success()", Status(cancelled=True), False),
        (False, Status(), False),
    ],
)
def test_a_condition_without_a_status_function_needs_success(condition: Any, status: Status, expected: bool) -> None:
    assert evaluate_condition(condition, CONTEXTS, status) is expected


def test_folding_decides_what_is_known_and_leaves_the_rest() -> None:
    known = {"needs": CONTEXTS["needs"], "github": Partial(ref_name="v1")}
    assert (
        fold("${{ needs.build.result }} ${{ steps.x.outputs.y }}", known) == "${{ 'success' }} ${{ steps.x.outputs.y }}"
    )
    assert fold("${{ github.ref_name }} ${{ github.token }}", known) == "${{ 'v1' }} ${{ github.token }}"
    assert fold_condition("needs.build.result == 'success' && failure()", known) == "${{ true && failure() }}"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_any_value_survives_being_written_as_an_expression(value: Any) -> None:
    assert evaluate(unparse(Constant(value)), {}) == value


@given(st.text())
def test_quoted_text_is_that_text_whatever_it_looks_like(text: str) -> None:
    assert evaluate_template(quote(text), {}) == text


@given(st.text(alphabet="${}' ax.", max_size=30))
def test_folded_input_is_never_evaluated_again(text: str) -> None:
    folded = fold("<${{ inputs.x }}>", {"inputs": {"x": text}})
    assert evaluate_template(folded, {}) == f"<{text}>"


@given(VALUES)
def test_json_makes_a_round_trip(value: Any) -> None:
    assert evaluate("fromJSON(toJSON(v))", {"v": value}) == value
    assert json.loads(to_text(evaluate("toJSON(v)", {"v": value}))) == value


NODES = st.recursive(
    st.sampled_from(["1", "'a'", "true", "null", "inputs.number", "github.event.labels"]),
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["&&", "||", "==", "!=", "<", ">="]), inner)
        | st.builds("!{}".format, inner)
        | st.builds("format('{{0}}', {})".format, inner)
    ),
    max_leaves=6,
)


@given(NODES)
def test_reading_and_writing_an_expression_changes_nothing(text: str) -> None:
    once = parse(text)
    assert parse(unparse(once)) == once
    assert evaluate(unparse(once), CONTEXTS) == evaluate(once, CONTEXTS)
