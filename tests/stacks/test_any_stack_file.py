"""Whatever is in a stack file, a person gets the platform or sentences, and never a traceback."""

import copy
import json
import os
from pathlib import Path
from typing import Any, cast

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from manifests.application import application, infrastructure_application
from manifests.argocd.values import helm_values
from manifests.repository_files import environment_repository_files, service_repository_files
from stacks.problems import SettingsError
from stacks.settings import settings_of

ROOT = Path(__file__).parents[2]
STACKS = [
    {key.partition(":")[2]: value for key, value in yaml.safe_load(path.read_text())["config"].items()}
    for path in [*sorted((ROOT / "stacks").glob("Pulumi.*.yaml")), *sorted((ROOT / "examples").glob("*.yaml"))]
]
EXAMPLES = int(os.environ.get("SLIPWAY_FUZZ", "60"))
WORDS = [
    "",
    "-",
    "~",
    "on",
    "null",
    "1e3",
    "0x1f",
    "é",
    "a\nb",
    "{{ x }}",
    "${{ x }}",
    "[[",
    "a: b",
    "#",
    "\x00",
    "\ud800",
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(WORDS),
    st.text(max_size=20),
    st.sampled_from([10**400, -1, 0, "9" * 400, "a" * 300]),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    found = [place] if place else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in cast("Any", items):
        found += places(inner, (*place, key))
    return found


@st.composite
def stacks(draw: st.DrawFn) -> dict[str, Any]:
    """A stack file that somebody has changed in a few places."""
    stack = copy.deepcopy(draw(st.sampled_from(STACKS)))
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(places(stack)))
        here: Any = stack
        try:
            for part in parents:
                here = here[part]
            match draw(st.sampled_from(["set", "remove", "add", "copy"])):
                case "remove":
                    del here[last]
                case "add" if isinstance(here, dict):
                    here[draw(st.text(max_size=10))] = draw(ANYTHING)
                case "copy" if isinstance(here, list):
                    here.append(copy.deepcopy(here[last]))
                case _:
                    here[last] = draw(ANYTHING)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    return stack


def text(value: Any) -> str:
    """A value as Pulumi hands it to the program."""
    return value if isinstance(value, str) else json.dumps(value)


def check_words(refused: SettingsError) -> None:
    """What a person reads: one line for each problem."""
    assert refused.problems
    assert len(str(refused).splitlines()) == len(refused.problems) + 1
    assert str(refused).replace("\n", "").isprintable()


@settings(
    max_examples=int(os.environ.get("SLIPWAY_FUZZ", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(stacks())
def test_no_stack_file_ends_in_a_traceback(stack: dict[str, Any]) -> None:
    texts = {key: text(value) for key, value in stack.items()} | {"preflight": "false"}
    secrets = dict.fromkeys(["promoterPrivateKey", "requesterPrivateKey", "argocdPrivateKey"], "x")
    secrets |= dict.fromkeys(
        ["webhookSecret", "registryPassword", "packagesToken", "ssoClientSecret", "slackToken"], "x"
    )
    secrets["githubAppPrivateKey" if '"app"' in texts.get("github", "") else "githubToken"] = "x"
    try:
        found = settings_of("test", texts | {key: value for key, value in secrets.items() if key not in texts})
    except SettingsError as refused:
        check_words(refused)
        return
    files = environment_repository_files(found)
    written = {**files.owned, **files.seeded}
    for service in found.services:
        more = service_repository_files(found, service)
        written |= {f"{service.name}/{path}": content for path, content in more.owned.items()}
    for path, content in written.items():
        content.encode()
        if path.endswith((".yml", ".yaml")) and "/templates/" not in path:
            list(yaml.load_all(content, yaml.CSafeLoader))
    json.dumps(helm_values(found))
    for environment in found.environments:
        json.dumps(infrastructure_application(found, environment))
    for service, environment in found.placements():
        json.dumps(application(found, service, environment))
