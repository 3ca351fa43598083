"""The plugin's descriptions are those of the installed `pulumi_github`: names, types, and what is required."""

import collections.abc
import inspect
import re
import typing
from pathlib import Path
from typing import Any

import pulumi
import pulumi_github
import pytest
from pulumi import _types

from sandbox.github_plugin.functions import FUNCTIONS
from sandbox.github_plugin.kinds import KINDS
from sandbox.github_plugin.schema import Block, Field, Kind, Many, Shape
from sandbox.github_plugin.server import VERSION
from sandbox.github_plugin.settings import NAMES

BY_NAME = {token.rpartition(":")[2]: kind for token, kind in KINDS.items()}


OF_THE_FIRST_VERSION = {"ActionsSecret", "Branch"}
"""What v0.1.0 declared besides: an upgrade takes them out of the state."""


def test_the_kinds_are_those_that_the_components_declare() -> None:
    sources = [path.read_text() for path in (Path(__file__).parents[2] / "components").rglob("*.py")]
    called = {name for source in sources for name in re.findall(r"\bgithub\.([A-Z]\w+)\(", source)}
    kinds = {name for name in called if issubclass(getattr(pulumi_github, name), pulumi.CustomResource)}
    assert (kinds - {"Provider"}) | OF_THE_FIRST_VERSION == BY_NAME.keys()


def sdk_inputs(arguments: type) -> dict[str, tuple[Any, bool]]:
    """Types of a class of arguments by Pulumi's names, and whether they are required."""
    names = _types.input_type_py_to_pulumi_names(arguments)
    parameters = inspect.signature(arguments.__init__).parameters
    found: dict[str, tuple[Any, bool]] = {}
    for python_name, name in names.items():
        annotation = getattr(arguments, python_name).fget.__annotations__["return"]
        found[name] = annotation, parameters[python_name].default is inspect.Parameter.empty
    return found


def sdk_outputs(resource: type) -> set[str]:
    return {
        getattr(attribute.fget, "_pulumi_name", name)
        for name, attribute in vars(resource).items()
        if isinstance(attribute, property)
    }


def plain(annotation: Any) -> Any:
    """`Input[Optional[Sequence[Input[str]]]]` without the layers that only say that it may come later or not at all."""
    if isinstance(annotation, typing.ForwardRef):
        return getattr(pulumi_github, annotation.__forward_arg__, None)
    if typing.get_origin(annotation) is not typing.Union:
        return annotation
    parts = (part for part in typing.get_args(annotation) if typing.get_origin(part) is not collections.abc.Awaitable)
    return next(kind for kind in map(plain, parts) if kind not in {None, type(None)})


def differences(shape: Shape, annotation: Any, path: str) -> list[str]:
    said = plain(annotation)
    if isinstance(shape, Many):
        if typing.get_origin(said) is not collections.abc.Sequence:
            return [f"{path}: the SDK has {said}, not a list"]
        return differences(shape.of, typing.get_args(said)[0], f"{path}[]")
    if isinstance(shape, Block):
        if not isinstance(said, type) or not said.__name__.endswith("Args"):
            return [f"{path}: the SDK has {said}, not an object"]
        return input_differences(shape.fields, shape.refused, said, f"{path}.")
    return [] if said is shape else [f"{path}: the SDK has {said}, not {shape}"]


def input_differences(
    fields: typing.Mapping[str, Field], refused: frozenset[str], arguments: type, path: str, *, named: bool = False
) -> list[str]:
    declared = sdk_inputs(arguments)
    assert declared
    ours = {name: field for name, field in fields.items() if not field.output}
    found = [f"{path}{name}: only one of the two has it" for name in declared.keys() ^ (ours.keys() | refused)]
    for name in declared.keys() & ours.keys():
        annotation, is_required = declared[name]
        if is_required != (ours[name].required and not (named and name == "name")):
            found.append(f"{path}{name}: the SDK {'requires' if is_required else 'does not require'} it")
        found += differences(ours[name].shape, annotation, f"{path}{name}")
    return found


@pytest.mark.parametrize("name", BY_NAME)
def test_inputs_of_a_kind_are_those_of_the_sdk(name: str) -> None:
    kind: Kind = BY_NAME[name]
    arguments = getattr(pulumi_github, f"{name}Args")
    assert input_differences(kind.fields, kind.refused, arguments, f"{name}.", named=kind.named) == []


@pytest.mark.parametrize("name", BY_NAME)
def test_outputs_of_a_kind_are_those_of_the_sdk(name: str) -> None:
    kind = BY_NAME[name]
    assert sdk_outputs(getattr(pulumi_github, name)) == kind.fields.keys() | kind.refused


@pytest.mark.parametrize("name", BY_NAME)
def test_the_token_of_a_kind_is_that_of_the_sdk(name: str) -> None:
    token = getattr(pulumi_github, name).pulumi_type
    assert token in KINDS


def test_arguments_and_results_of_functions_are_those_of_the_sdk() -> None:
    arguments, _ = FUNCTIONS["github:index/getTeam:getTeam"]
    python_names = {name for name in inspect.signature(pulumi_github.get_team).parameters if name != "opts"}
    assert {snake(name) for name in arguments} == python_names


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def test_settings_of_the_provider_are_those_of_the_sdk() -> None:
    assert set(sdk_inputs(pulumi_github.ProviderArgs)) == NAMES


def test_the_version_is_that_of_the_sdk() -> None:
    assert pulumi_github._utilities.get_version() == VERSION
