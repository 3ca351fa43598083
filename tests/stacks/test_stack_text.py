"""The text of a stack file: lines of settings, and entries that leave every other line alone."""

from pathlib import Path

import pulumi
import pytest
import yaml

from stacks.problems import Problem, SettingsError
from stacks.settings import read_settings
from stacks.stack_text import StackText, StackTextError

ROOT = Path(__file__).parents[2]
TEXT = """\
# ours
config:
  slipway:github: { owner: acme }
  slipway:teams: []
  slipway:environments:
    - name: dev
      images: main # every merge
    # the last one
    - name: production
      requires: [dev]
      # manual: people
      sync: manual

      # trailing, of production

  # of what follows
  slipway:services:
  - {name: guestbook, team: web}
  slipway:webhookSecret:
    secure: v1:abc
encryptionsalt: v1:xyz
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("github.owner", 3),
        ("github.promoter.id", 3),
        ("environments", 5),
        ("environments[dev].images", 7),
        ("environments[1].requires[0]", 10),
        ("environments[production].approvers", 9),
        ("services[guestbook].team", 18),
        ("registry.host", None),
    ],
)
def test_a_setting_or_what_stands_around_it_has_a_line(path: str, line: int | None) -> None:
    assert StackText(TEXT).line(path) == line


def test_a_problem_begins_with_its_line() -> None:
    assert str(StackText(TEXT).located(Problem("environments[dev].images", "wrong"))).startswith(
        "line 7: environments[dev].images: wrong"
    )


@pytest.mark.parametrize(
    ("section", "after", "follows"),
    [
        ("environments", "dev", "      images: main # every merge\n"),
        ("environments", None, "      sync: manual\n"),
        ("services", None, "  - {name: guestbook, team: web}\n"),
        ("teams", None, "  slipway:github: { owner: acme }\n  slipway:teams:\n"),
        ("adopted", None, "    secure: v1:abc\n  slipway:adopted:\n"),
    ],
)
def test_an_entry_is_added_and_every_other_line_stays(section: str, after: str | None, follows: str) -> None:
    item = {"name": "orders", "team": "on", "environments": ["dev"]}
    grown = StackText(TEXT).with_item(section, item, after).text
    added = [line for line in grown.splitlines() if line not in TEXT.splitlines()]
    assert [line for line in TEXT.splitlines() if line not in grown.splitlines()] in ([], ["  slipway:teams: []"])
    assert len(added) <= 5
    assert grown.partition(follows)[2].lstrip(" ").startswith("- name: orders\n"), grown
    items = yaml.safe_load(grown)["config"][f"slipway:{section}"]
    assert item in items


@pytest.mark.parametrize("file", [*ROOT.glob("stacks/Pulumi.*.yaml"), *ROOT.glob("examples/*.yaml")], ids=str)
def test_every_stack_file_here_takes_an_entry(file: Path) -> None:
    text = StackText(file.read_text())
    for section in ("services", "environments", "teams"):
        grown = text.with_item(section, {"name": "orders"})
        assert grown.names(section) == [*text.names(section), "orders"]
        assert len(grown.text.splitlines()) in {len(text.text.splitlines()) + 1, len(text.text.splitlines()) + 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("config: [", "line 1: it cannot be read"),
        ("config:\n  a: b\n c: d", "line 3: it cannot be read"),
        ("other: 1", "has no `config`"),
        ("- a", "has no `config`"),
    ],
)
def test_a_file_that_is_not_a_stack_file_is_refused_in_a_sentence(text: str, message: str) -> None:
    with pytest.raises(StackTextError, match=message):
        StackText(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("config:\n  slipway:services: [{name: a}]\n", "line 2: services: the list is written in brackets"),
        ("config: {a:b: 1}\n", "written in braces"),
    ],
)
def test_what_has_no_room_for_a_line_is_refused_in_a_sentence(text: str, message: str) -> None:
    with pytest.raises(StackTextError, match=message):
        StackText(text).with_item("services", {"name": "orders"})


def test_the_lines_are_those_of_the_file_that_people_write(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "stacks/Pulumi.sandbox.yaml").read_text()
    line = next(number for number, one in enumerate(text.splitlines(), 1) if one.endswith("- name: guestbook"))
    values = {f"slipway:{key}": value for key, value in StackText(text).texts().items()}
    values["slipway:services"] = '[{"name": "guestbook", "template": "nope", "team": "web"}]'
    pulumi.runtime.set_all_config(values)
    monkeypatch.setattr(pulumi, "get_stack", lambda: "sandbox")
    with pytest.raises(SettingsError) as raised:
        read_settings()
    assert f"line {line + 1}: services[guestbook].template: 'nope' is not a template" in str(raised.value)
