"""The expression language of GitHub Actions, as the server needs it.

The server evaluates what decides which jobs run and what they are given; what only a running job can know (`steps`,
`runner`, `env`, secrets) stays an expression, and `act` evaluates it. `templates.fold` draws that line.
"""

from sandbox.github.actions.expressions.evaluation import Contexts, Status, evaluate
from sandbox.github.actions.expressions.syntax import ExpressionError, parse
from sandbox.github.actions.expressions.templates import (
    Partial,
    evaluate_condition,
    evaluate_template,
    fold,
    fold_condition,
    quote,
    split,
)
from sandbox.github.actions.expressions.values import Value, is_truthy, to_text

__all__ = [
    "Contexts",
    "ExpressionError",
    "Partial",
    "Status",
    "Value",
    "evaluate",
    "evaluate_condition",
    "evaluate_template",
    "fold",
    "fold_condition",
    "is_truthy",
    "parse",
    "quote",
    "split",
    "to_text",
]
