"""YAML is judged as Helm and Argo CD read it, and nothing that a person may write ends in a traceback."""

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway_release.validation import files, reading
from slipway_release.validation.files import Tree
from slipway_release.yaml_scalars import resolved, text_of
from tests.release.repository import HELM, needs_helm

PROBES = """\
readinessProbe: &probe
  httpGet: {path: /readyz, port: http}
  periodSeconds: 2
livenessProbe:
  <<: *probe
  periodSeconds: 20
"""


def told(text: str) -> list[str]:
    return [str(mistake) for mistake in reading.read(text).mistakes]


def test_a_merged_key_may_be_overridden() -> None:
    found = reading.read(PROBES)
    assert found.mistakes == []
    (document,) = found.documents
    assert isinstance(document, dict)
    assert document["livenessProbe"] == {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 20}


def test_two_merges_in_one_mapping_are_taken_and_the_later_wins() -> None:
    found = reading.read("a: &a {p: 1, q: 1}\nb: &b {p: 2}\nc: {<<: *a, <<: *b, z: 3}\nd: {<<: [*a, *b]}\n")
    assert found.mistakes == []
    (document,) = found.documents
    assert isinstance(document, dict)
    assert document["c"] == {"p": 2, "q": 1, "z": 3}
    assert document["d"] == {"p": 1, "q": 1}


def test_an_anchor_may_be_used_again() -> None:
    assert reading.read("a: &x 1\nb: *x\nc: &x 2\nd: *x\n").documents == [{"a": 1, "b": 1, "c": 2, "d": 2}]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "key 'a' is there twice"),
        ("1: a\n'1': b\n", 2, "key '1' is there twice"),
        ("a: &a {x: 1}\nb:\n  x: 2\n  <<: *a\n", 4, "put `<<` first"),
        ("image: {{ .Values.image }}\n", 1, "quotes"),
        ("a: 1\n? [a, b]\n: 1\n", 2, "a list where a key must stand"),
        ("a: 1\nsince: 2024-13-45\n", 2, "no such day"),
        ("a: 2024-02-30\n", 1, "no such day"),
        ("~: 1\n", 1, "a key is missing"),
        ("a: &a [*a]\n", 1, "no end"),
        ("a: *b\n", 1, "no anchor"),
        ("a:\n\tb: 1\n", 2, "tab"),
        ("a: @b\n", 1, "quote it"),
        ("a: b: c\n", 1, "quotes"),
        ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\n", 2, "merge conflict"),
        ("a: \x00\n", 1, "U+0000"),
        ("a: 'b\n", 2, "quoted text"),
        ("a: .nan\n", 1, "not a number"),
        ("a: !!int x\n", 1, "not of the type int"),
        ("a: !!binary '*'\n", 1, "base64"),
        ("<<: 3\n", 1, "a mapping"),
        ("a: " + "[" * 200_000, 1, "levels deep"),
        ("a: " + "{a: " * 200_000, 1, "levels deep"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int, words: str) -> None:
    (found,) = told(text)
    assert found.startswith(f"line {line}: ")
    assert words in found


def test_all_mistakes_of_a_text_are_named() -> None:
    assert len(told("a: 1\na: 2\nb: {c: 1, c: 2}\nd: 2024-99-99\n")) == 3


def test_a_few_aliases_cannot_stand_for_millions_of_values() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 12)]
    (found,) = told("\n".join(lines))
    assert "aliases" in found


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfea\x00:\x00", "UTF-16"),
        (b"a: 1\nb: \xe9\n", "line 2: is not UTF-8"),
        (b"a: " + b"x" * files.LARGEST, "bytes"),
    ],
)
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "values.yaml").write_bytes(content)
    ((_, _, problems),) = Tree(tmp_path).readings()
    assert [words in str(problem) for problem in problems] == [True]


def test_a_byte_order_mark_is_not_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\n")
    ((_, found, problems),) = Tree(tmp_path).readings()
    assert (found.documents, problems) == ([{"a": 1}], [])


# What Go's reader makes of words without quotes; YAML 1.1 and 1.2 would read each otherwise.
WORDS: dict[str, Any] = {
    "y": True,
    "N": False,
    "on": True,
    "nUll": "nUll",
    "1e3": 1000.0,
    "0o17": 15,
    "0123": 83,
    "089": 89.0,
    "1_000": 1000,
    "1:30": "1:30",
    "2024-01-02": "2024-01-02",
    "1.10": 1.1,
    "1e400": "1e400",
    "0x1F": 31,
    "1.2.3": "1.2.3",
    ".5": 0.5,
    "-": "-",
}


@pytest.mark.parametrize(("word", "value"), WORDS.items())
def test_a_word_is_what_go_reads(word: str, value: Any) -> None:
    assert resolved(word) == value
    assert type(resolved(word)) is type(value)


@needs_helm
def test_helm_reads_a_word_as_it_is_said_here(tmp_path: Path) -> None:
    characters, chosen = "0123456789+-._eExXobByYnNuUlLtTrsSfFaAIi~", random.Random(20)
    words = [*WORDS, *("".join(chosen.choices(characters, k=chosen.randint(1, 6))) for _ in range(5000))]
    words = [word for word in words if word != "-" and not word.startswith(("---", "..."))]
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: words\nversion: 1.0.0\n")
    (chart / "templates/words.yaml").write_text('{"words": {{ .Values.words | toJson }}}')
    (tmp_path / "values.yaml").write_text("words:\n" + "".join(f"  - {word}\n" for word in words))
    command = [str(HELM), "template", str(chart), "--values", str(tmp_path / "values.yaml")]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs = json.loads(text[text.index("{") :])["words"]
    unlike = {
        word: (resolved(word), value)
        for word, value in zip(words, theirs, strict=True)
        if _comparable(resolved(word)) != _comparable(value)
    }
    assert unlike == {}


def _comparable(value: Any) -> Any:
    number = isinstance(value, int) and not isinstance(value, bool)
    return ("number", float(value)) if number or isinstance(value, float) else (type(value), value)


def test_a_word_that_is_read_otherwise_than_it_is_written_is_known_with_its_place() -> None:
    found = reading.read("config: {MAX: 1048576, VERSION: 1.10, DEBUG: on, OK: true, TEXT: '1.10'}\nno: x\n")
    assert [(changed.place, changed.line, changed.source, changed.value) for changed in found.changed] == [
        (("config", "VERSION"), 1, "1.10", "1.1"),
        (("config", "DEBUG"), 1, "on", "true"),
        (("false",), 2, "no", "false"),
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1048576, "1048576"), (880444307210, "880444307210"), (1.5, "1.5"), (1.0, "1"), (True, "true"), (1e21, "1e+21")],
)
def test_digits_stay_digits(value: Any, text: str) -> None:
    assert text_of(value) == text


# What people type, torn apart and put together again.
PIECES = st.sampled_from(
    [
        *PROBES.splitlines(keepends=True),
        *(
            "{{ .Values.x }}",
            "- ",
            ": ",
            "\n",
            "\t",
            "  ",
            "<<: ",
            "*probe",
            "&probe ",
            "? ",
            "[",
            "]",
            "{",
            "}",
            "'",
            '"',
        ),
        *("|\n", ">\n", "---\n", "...\n", "%YAML 1.1\n", "!!set ", "!!binary ", "!!python/name:os ", "!<x>", "# ", ","),
        *("2024-13-45", "0x", "\x00", "\ufeff", "\ud800", "\x85", "é", "~", "=", "@", "`", "on", "1e400", ".."),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.lists(PIECES, max_size=25).map("".join), st.text(max_size=60)))
def test_nothing_that_is_typed_ends_in_a_traceback(text: str) -> None:
    found, problems = files.parse(text, "values.yaml")
    assert isinstance(found, list)
    assert all(problem.path == "values.yaml" and problem.text for problem in problems)
    json.dumps(found)
