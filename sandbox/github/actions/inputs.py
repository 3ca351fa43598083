"""Inputs of workflows: those of `workflow_dispatch`, which come as text, and of `workflow_call`, which have types."""

from typing import Any

from sandbox.github.actions.expressions import to_text
from sandbox.github.actions.shapes import mapping
from sandbox.github.actions.workflow import Mapping, WorkflowError

LIMIT = 25
"""Inputs that a dispatch may carry."""

LENGTH = 65_535

MISSING: Any = object()


def dispatched(declared: Mapping, given: Mapping, environments: list[str]) -> tuple[Mapping, Mapping]:
    """Inputs of a `workflow_dispatch`: as the `inputs` context has them, and as the event's payload has them.

    Raises:
        WorkflowError: in the words with which GitHub refuses the request.
    """
    unexpected = [name for name in given if name not in declared]
    if unexpected:
        raise WorkflowError(f"Unexpected inputs provided: {_listed(unexpected)}")
    if len(given) > LIMIT:
        raise WorkflowError(f"you may only define up to {LIMIT} `inputs` for a `workflow_dispatch` event")
    typed: Mapping = {}
    texts: Mapping = {}
    for name, declaration in declared.items():
        settings = mapping(declaration)
        kind = str(settings.get("type", "string"))
        value: Any = given.get(name)
        if value is None or value == "":
            if settings.get("required") and "default" not in settings:
                raise WorkflowError(f"Required input '{name}' not provided")
            value = settings.get("default", _empty(kind, settings))
        typed[name] = _converted(name, kind, value, settings, environments)
        texts[name] = to_text(typed[name])
    if sum(len(text) for text in texts.values()) > LENGTH:
        raise WorkflowError("inputs are too large.")
    return typed, texts


def _listed(names: list[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _empty(kind: str, settings: Mapping) -> Any:
    if kind == "choice":
        return next(iter(settings.get("options") or []), "")
    return {"boolean": False, "number": 0}.get(kind, "")


def _converted(name: str, kind: str, value: Any, settings: Mapping, environments: list[str]) -> Any:
    if kind == "boolean":
        if str(value).lower() not in ("true", "false"):
            raise WorkflowError(f"Provided value '{value}' for input '{name}' is not a valid boolean")
        return str(value).lower() == "true"
    if kind == "number":
        try:
            return float(value) if not isinstance(value, int) else value
        except (TypeError, ValueError):
            raise WorkflowError(f"Provided value '{value}' for input '{name}' is not a valid number") from None
    text = to_text(value)
    listed: list[Any] = settings.get("options") or []
    options = [to_text(option) for option in listed]
    if kind == "choice" and text not in options:
        raise WorkflowError(f"Provided value '{text}' for input '{name}' not in the list of allowed values")
    if kind == "environment" and text and text not in environments:
        raise WorkflowError(f"Provided value '{text}' for input '{name}' not in the list of allowed values")
    return text


def of_called_workflow(declared: Mapping, given: Mapping) -> Mapping:
    """Inputs of a called workflow, from the evaluated `with` of its caller.

    Raises:
        WorkflowError: one is missing, unknown or of another type.
    """
    for name in given:
        if name not in declared:
            raise WorkflowError(f"Invalid input, {name} is not defined in the referenced workflow.")
    values: Mapping = {}
    for name, declaration in declared.items():
        settings = mapping(declaration)
        kind = str(settings.get("type", "string"))
        value = given.get(name, MISSING)
        if value is MISSING:
            if settings.get("required"):
                raise WorkflowError(f"Input {name} is required, but not provided while calling.")
            value = settings.get("default", _empty(kind, settings))
        fits = {
            "boolean": isinstance(value, bool),
            "number": isinstance(value, (int, float)) and not isinstance(value, bool),
            "string": True,
        }
        if not fits.get(kind, False):
            raise WorkflowError(f"Input {name}: a {kind} was expected, {to_text(value)!r} was given.")
        values[name] = to_text(value) if kind == "string" else value
    return values


def check_secrets(declared: Mapping, given: Any) -> None:
    """Checks the `secrets` of a call.

    Raises:
        WorkflowError: one is missing or unknown.
    """
    if given == "inherit":
        return
    names = set(given or {})
    for name in names - declared.keys():
        raise WorkflowError(f"Invalid secret, {name} is not defined in the referenced workflow.")
    for name, settings in declared.items():
        if mapping(settings).get("required") and name not in names:
            raise WorkflowError(f"Secret {name} is required, but not provided while calling.")
