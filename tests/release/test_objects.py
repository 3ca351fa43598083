"""What Kubernetes would refuse, or Argo CD would not heed, is said before it is merged."""

import json
import tomllib
from typing import Any

import pytest

from slipway_release.validation import constraints, objects, rules, schedules, structure
from slipway_release.validation.formats import FORMATS
from tests.objects import REFUSED, TAKEN, UNHEEDED, examples


def _check(manifest: dict[str, Any]) -> list[str]:
    named = {**manifest, "metadata": {"name": "tried", **manifest["metadata"]}}
    return [*objects.check(manifest), *constraints.check(manifest), *structure.check(named)]


@pytest.mark.parametrize(("manifest", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_kubernetes_refuses_is_named(manifest: dict[str, Any], said: str) -> None:
    (found,) = _check(manifest)
    assert said in found


@pytest.mark.parametrize(("annotations", "said"), UNHEEDED)
def test_what_argo_cd_does_not_heed_is_named(annotations: dict[str, str], said: str) -> None:
    (found,) = objects.check({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"annotations": annotations}})
    assert said in found


@pytest.mark.parametrize("manifest", TAKEN, ids=range(len(TAKEN)))
def test_what_kubernetes_takes_is_taken(manifest: dict[str, Any]) -> None:
    assert _check(manifest) == []


def test_examples_that_kubernetes_judges_are_judged_alike() -> None:
    """`tests/admission` has a real API server judge the same ones."""
    refused, taken = list(examples("refused")), list(examples("taken"))
    assert min(len(refused), len(taken)) > 250
    assert [name for name, manifest in refused if not rules.check_manifest("x", manifest, None)] == []
    assert [(name, found) for name, manifest in taken if (found := rules.check_manifest("x", manifest, None))] == []


def test_every_constraint_is_of_a_field_that_kubernetes_has() -> None:
    types = json.loads(structure.FILE.read_text())["types"]
    known = tomllib.loads(constraints.FILE.read_text())
    named = [
        (name, field)
        for rule in ("fields", "only_when", "wanted_when", "unique")
        for name, constraint in known[rule].items()
        for field in constraint
    ]
    named += [
        (name, one) for rule in ("exactly_one", "at_most_one") for name, all_ in known[rule].items() for one in all_
    ]
    assert len(named) > 150
    assert [(name, field) for name, field in named if field not in types[name]["fields"]] == []


def test_every_format_of_a_constraint_is_known() -> None:
    given = [
        value
        for constraint in tomllib.loads(constraints.FILE.read_text())["fields"].values()
        for value in constraint.values()
    ]
    texts = [text for value in given for text in (value.values() if isinstance(value, dict) else [value])]
    words = [text.removeprefix("some").removeprefix("filled").strip() for text in texts if isinstance(text, str)]
    assert {word for word in words if word and ".." not in word} <= FORMATS.keys() | {"path without .."}


def test_a_machine_without_the_older_names_of_time_zones_lets_them_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Distributions have them in a package of its own."""
    here = "slipway_release.validation.schedules._known_zones"
    monkeypatch.setattr(here, lambda: frozenset({"Europe/Berlin", "Asia/Kolkata"}))
    zones = ("Europe/Berlin", "Asia/Calcutta", "europe/berlin", "Local")
    assert [schedules.is_time_zone(zone) for zone in zones] == [True, True, False, False]


def test_what_a_newer_kubernetes_may_know_is_not_missed() -> None:
    probe = {"containers": [{"name": "a", "livenessProbe": {"telepathy": {}}}]}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": probe}
    assert list(constraints.check(manifest)) == []
