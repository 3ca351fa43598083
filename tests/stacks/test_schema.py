"""The JSON Schema that editors use is the one of the types, and it says what the reader says."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from stacks.schema import PATH, resolved, schema_text, stack_schema
from tests.stacks.builders import SECRETS, changed, values

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("stacks/Pulumi.*.yaml"), *ROOT.glob("examples/*.yaml")])


def complaints(stack: dict[str, Any]) -> list[str]:
    config = {f"slipway:{key}": value for key, value in stack.items() if key not in SECRETS}
    validator = Draft202012Validator(stack_schema())
    return [error.json_path for error in validator.iter_errors({"config": config})]


def test_the_committed_schema_is_that_of_the_types() -> None:
    assert PATH.read_text() == schema_text(), "run `python -m stacks.schema`"


def test_the_schema_itself_is_valid() -> None:
    Draft202012Validator.check_schema(stack_schema())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_stack_files_name_the_schema_and_follow_it(file: Path) -> None:
    text = file.read_text()
    first = text.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (file.parent / first.partition("$schema=")[2]).resolve() == PATH.resolve()
    errors = list(Draft202012Validator(stack_schema()).iter_errors(yaml.safe_load(text)))
    assert not errors


def test_the_schema_takes_what_the_reader_takes() -> None:
    assert not complaints(values())


def test_secrets_may_only_be_encrypted() -> None:
    validator = Draft202012Validator(stack_schema())
    config = {f"slipway:{key}": value for key, value in values().items() if key not in SECRETS}
    assert list(validator.iter_errors({"config": config | {"slipway:githubToken": "ghp_clear"}}))
    assert not list(validator.iter_errors({"config": config | {"slipway:githubToken": {"secure": "v1:x"}}}))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("github.onwer", "x"),
        ("github.owner", 5),
        ("environments.0.sync", "sometimes"),
        ("environments.0.quota", {"pods": 0}),
        ("services.0", {"name": "x"}),
        ("secrets", "vault"),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(path: str, value: Any) -> None:
    assert complaints(changed(path, value))


def test_every_setting_is_described() -> None:
    """The descriptions are what an editor shows."""
    schema = copy.deepcopy(stack_schema())
    missing = [
        f"{name}.{key}"
        for name, definition in schema["$defs"].items()
        for key, part in definition.get("properties", {}).items()
        if "description" not in part
    ]
    assert not missing


def test_every_setting_has_an_example_that_it_takes() -> None:
    """Except for what takes one of several words, or true or false: editors offer those by themselves."""
    schema = stack_schema()
    definitions = schema["$defs"]
    sections = {
        key.removeprefix("slipway:"): part for key, part in schema["properties"]["config"]["properties"].items()
    }
    fields = [("", key, part) for key, part in sections.items()]
    fields += [
        (name, key, part) for name, one in definitions.items() for key, part in one.get("properties", {}).items()
    ]
    for name, key, part in fields:
        found = resolved(part, definitions)
        assert found.get("description"), f"{name}.{key} has no description"
        kind = resolved(found["items"], definitions) if found.get("type") == "array" else found
        if "properties" in kind or "enum" in kind or kind.get("type") == "boolean":
            continue
        assert found.get("examples"), f"{name}.{key} has no example in stacks/examples.yaml"
        validator = Draft202012Validator({"$defs": definitions, **part})
        for example in found["examples"]:
            assert not [error.message for error in validator.iter_errors(example)], f"{name}.{key}"
