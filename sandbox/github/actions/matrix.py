"""`strategy.matrix`: which combinations a job is run for."""

import itertools
from typing import Any

from sandbox.github.actions.expressions import ExpressionError, to_text
from sandbox.github.actions.expressions.values import are_equal
from sandbox.github.actions.shapes import is_list, is_mapping

Combination = dict[str, Any]

LIMIT = 256


def expand(matrix: Any) -> list[Combination]:
    """Combinations of a matrix whose expressions are evaluated, in GitHub's order.

    `exclude` is applied first; an entry of `include` is added to every combination whose own values it does not
    change, and stands alone if there is none.

    Raises:
        ExpressionError: it is not a matrix, or an empty or too large one.
    """
    if not is_mapping(matrix):
        raise ExpressionError("strategy.matrix: a mapping was expected")
    vectors: dict[str, list[Any]] = {}
    for name, values in matrix.items():
        if name in ("include", "exclude"):
            continue
        if not is_list(values):
            raise ExpressionError(f"strategy.matrix.{name}: an array was expected")
        if not values:
            raise ExpressionError(f"Matrix vector '{name}' does not contain any values")
        vectors[str(name)] = values
    included = _entries(matrix.get("include"), "include")
    excluded = _entries(matrix.get("exclude"), "exclude")
    crossed = [dict(zip(vectors, values, strict=True)) for values in itertools.product(*vectors.values()) if vectors]
    combinations = [one for one in crossed if not any(_covers(entry, one) for entry in excluded)]
    _include(combinations, included, set(vectors))
    if not combinations:
        raise ExpressionError("strategy.matrix: it has no combination")
    if len(combinations) > LIMIT:
        raise ExpressionError(f"strategy.matrix: {len(combinations)} combinations; the limit is {LIMIT}")
    return combinations


def _entries(value: Any, where: str) -> list[Combination]:
    if value is None:
        return []
    if not is_list(value) or not all(is_mapping(entry) for entry in value):
        raise ExpressionError(f"strategy.matrix.{where}: an array of mappings was expected")
    return value


def _covers(entry: Combination, combination: Combination) -> bool:
    return all(name in combination and _same(value, combination[name]) for name, value in entry.items())


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, (dict, list)) or isinstance(right, (dict, list)):
        return bool(left == right)
    return are_equal(left, right)


def _include(combinations: list[Combination], included: list[Combination], vectors: set[str]) -> None:
    originals = list(combinations)
    for entry in included:
        shared = {name: value for name, value in entry.items() if name in vectors}
        fitting = [combination for combination in originals if _covers(shared, combination)]
        for combination in fitting:
            combination.update({name: value for name, value in entry.items() if name not in shared})
        if not fitting:
            combinations.append(dict(entry))


def label(combination: Combination) -> str:
    """The values of a combination as GitHub puts them behind a job's name: ` (a, b)`."""
    return f" ({', '.join(_leaves(combination))})" if combination else ""


def _leaves(value: Any) -> list[str]:
    if is_mapping(value):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if is_list(value):
        return [leaf for item in value for leaf in _leaves(item)]
    return [to_text(value)]
