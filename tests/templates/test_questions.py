"""Every kind of question that Copier has: answered in settings, as text, by a person; asked when it is to be."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from manifests.repository_files import OFFERED
from templates import starting_files as rendering
from templates.copier_runs import asked
from templates.service_template import ServiceTemplate, TemplateProblem, own_template
from templates.starting_files import ANSWERS_FILE, starting_files, without_defaults

pytestmark = pytest.mark.usefixtures("cache")
VARIABLES: dict[str, Any] = {**dict.fromkeys(OFFERED, "x"), "service": "orders", "environments": ["dev"]}
DOWN, DELETE = "\x1b[B", "\x7f"

Make = Callable[..., ServiceTemplate]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A template with these questions, whose file `made` shows what they come to."""

    def template(questions: str, made: str = "", about: str = "") -> ServiceTemplate:
        folder = tmp_path / "ours/repository"
        folder.mkdir(parents=True)
        (folder.parent / "copier.yml").write_text(f"_subdirectory: repository\n{about}{questions}")
        (folder / "made.jinja").write_text(made)
        return own_template("ours", "ours", None, tmp_path)

    return template


KINDS: list[tuple[str, Any, str, Any]] = [
    ("{type: int, default: 1}", 3, "3", 3),
    ("{type: float, default: 1.5}", 2.5, "2.5", 2.5),
    ("{type: bool, default: false}", True, "yes", True),
    ("{type: str, default: a}", "1.25", "1.25", "1.25"),
    ("{type: path, default: a/b}", "c/d", "c/d", "c/d"),
    ("{type: yaml, default: []}", ["x", {"y": 1}], "[x, {y: 1}]", ["x", {"y": 1}]),
    ("{type: json, default: '{}'}", {"a": [1]}, '{"a": [1]}', {"a": [1]}),
    ("{type: str, multiline: true, default: ''}", "a\nb\n", "a\nb", "a\nb\n"),
    ("{type: str, choices: [red, blue], default: red}", "blue", "blue", "blue"),
    ("{type: int, choices: {one: 1, two: 2}, default: 1}", 2, "2", 2),
    ("{type: str, choices: [[Red, r], [Blue, b]], default: r}", "b", "b", "b"),
    ("{type: str, choices: '[red, {{ service }}]', default: red}", "orders", "orders", "orders"),
    ("{type: str, multiselect: true, choices: [a, b, c], default: [a]}", ["c", "b"], "[c, b]", ["b", "c"]),
    ("{type: int, multiselect: true, choices: [1, 2, 3], default: [1]}", [2, 3], "[2, 3]", [2, 3]),
    ("{type: '{{ \"int\" }}', default: 1}", 4, "4", 4),
    ("{default: 7}", 8, "8", 8),
    ("7", 8, "8", 8),
    ("{type: str, placeholder: such as this, help: What, default: ''}", "x", "x", "x"),
]


@pytest.mark.parametrize(("question", "answer", "text", "read"), KINDS)
def test_an_answer_is_read_as_copier_reads_it(make: Make, question: str, answer: Any, text: str, read: Any) -> None:
    template = make(f"one: {question}\n", "{{ one }}")
    for given in (answer, text):
        found = starting_files(template, {"one": given}, VARIABLES).answers["one"]
        assert found == (read.rstrip("\n") if given == "a\nb" else read)


@pytest.mark.parametrize(
    ("question", "answer", "text"),
    [
        ("{type: int, default: 1}", "", "'' is not a number"),
        ("{type: int, multiselect: true, choices: [1, 2], default: [1]}", ["x"], "invalid literal for int"),
        ("{type: str, multiselect: true, choices: [a, b], default: [a]}", "a", "Not a YAML list: 'a'"),
        ("{type: str, multiselect: true, choices: [a, b], default: [a]}", 3, "3 is not a list"),
        ("{type: json, default: '{}'}", "{a", "Expecting property name"),
        ("{type: yaml, default: []}", "[a", "while parsing a flow sequence"),
        ("{type: str, choices: [a], default: a}", "b", r"'b' is not in \['a'\]"),
        ('{type: str, default: a, validator: \'{{ "use b" if one != "b" }}\'}', "c", "use b"),
        ("{type: str, choices: {a: a, b: {value: b, validator: not today}}, default: a}", "b", "not today"),
        ("{type: str, default: a, validator: '{{ one.nothing.there }}'}", "b", "has no attribute 'nothing'"),
    ],
)
def test_a_wrong_answer_of_each_kind_is_one_sentence_about_that_question(
    make: Make, question: str, answer: Any, text: str
) -> None:
    template = make(f"zero: {{type: int, default: 0}}\none: {question}\ntwo: {{type: int, default: 2}}\n")
    with pytest.raises(TemplateProblem, match=text) as raised:
        starting_files(template, {"zero": 1, "one": answer, "two": 1}, VARIABLES)
    assert raised.value.question == "one"
    assert "\n" not in str(raised.value)


CONDITIONAL = """\
database: {type: str, choices: [none, postgres], default: none}
size: {type: int, default: 10, when: "{{ database != 'none' }}"}
pool: {type: int, default: "{{ size * 2 }}", when: "{{ database != 'none' }}"}
address: {type: str, default: "{{ service }}-{{ database }}", when: false}
"""


def test_a_question_is_asked_when_its_condition_holds_and_its_default_follows_other_answers(make: Make) -> None:
    template = make(CONDITIONAL, "{{ size }} {{ pool }} {{ address }}")
    without = starting_files(template, {}, VARIABLES)
    assert without.files["made"] == "10 20 orders-none"
    assert without.answers == {"database": "none"}
    found = starting_files(template, {"database": "postgres", "size": 4}, VARIABLES)
    assert found.files["made"] == "4 8 orders-postgres"
    assert yaml.safe_load(found.files[ANSWERS_FILE])["pool"] == 8


def test_an_answer_to_what_is_not_asked_is_refused_and_an_old_record_is_not(make: Make) -> None:
    template = make(CONDITIONAL)
    with pytest.raises(TemplateProblem, match="does not ask it with these other answers; leave it out") as raised:
        starting_files(template, {"size": 4}, VARIABLES)
    assert raised.value.question == "size"
    starting_files(template, {"database": "none", "size": 10}, VARIABLES, recorded=True)


@pytest.mark.parametrize(
    ("about", "question"),
    [("", "{type: str, secret: true, default: hush}"), ("_secret_questions: [token]\n", "{type: str, default: hush}")],
)
def test_a_secret_has_its_default_and_is_neither_asked_recorded_nor_shown(
    make: Make, about: str, question: str
) -> None:
    template = make(f"token: {question}\nsize: {{type: int, default: 1}}\n", "{{ size }}", about)
    assert list(template.questions) == ["size"]
    made = starting_files(template, {"size": 2}, VARIABLES)
    assert made.answers == {"size": 2}
    assert not any("hush" in text for text in made.files.values())
    with pytest.raises(TemplateProblem, match="it is a secret, and settings and services are kept in Git") as raised:
        starting_files(template, {"token": "mine"}, VARIABLES)
    assert raised.value.question == "token"
    assert "mine" not in str(raised.value)
    assert typed(template, "2\r") == {"size": 12}


def typed(template: ServiceTemplate, keys: str) -> dict[str, Any]:
    """The answers of a person who types that."""
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        pipe.send_text(keys)
        return asked(template, {}, VARIABLES)


@pytest.mark.parametrize(
    ("questions", "keys", "answers"),
    [
        (CONDITIONAL, "\r", {"database": "none"}),
        (CONDITIONAL, f"{DOWN}\r{DELETE * 2}4\r\r", {"database": "postgres", "size": 4, "pool": 8}),
        ("one: {type: bool, default: false}\n", "y", {"one": True}),
        ("one: {type: str, multiselect: true, choices: [a, b], default: [a]}\n", f"{DOWN} \r", {"one": ["a", "b"]}),
        ("one: {type: int, choices: {one: 1, two: 2}, default: 1}\n", f"{DOWN}\r", {"one": 2}),
        # A wrong answer is asked again, with what is wrong with it.
        ("one: {type: int, default: 1, validator: '{{ \"no\" if one == 12 }}'}\n", f"2\r{DELETE}3\r", {"one": 13}),
        ("one: {type: int, default: 1}\n", f"x\r{DELETE}3\r", {"one": 13}),
        ("one: {type: yaml, default: []}\n", f"{DELETE}a]\x1b\r", {"one": ["a"]}),
        ("one: {type: json, default: '{}', multiline: false}\n", f'{DELETE}"a": 1}}\r', {"one": {"a": 1}}),
        ("one: {type: path, default: ''}\n", "c/d\r", {"one": "c/d"}),
        ("one: {type: str, multiline: true, default: ''}\n", "a\nb\x1b\r", {"one": "a\nb"}),
        ("one: {type: str}\n", "x\r", {"one": "x"}),
    ],
)
def test_a_person_is_asked_as_copier_asks(make: Make, questions: str, keys: str, answers: dict[str, Any]) -> None:
    assert typed(make(questions), keys) == answers


def test_defaults_are_left_out_of_the_settings_also_those_that_follow_from_other_answers(make: Make) -> None:
    template = make(f"{CONDITIONAL}name: {{type: str}}\n")
    answers = {"database": "postgres", "size": 4, "pool": 8, "name": "x"}
    assert without_defaults(template, answers, VARIABLES) == {"database": "postgres", "size": 4, "name": "x"}
    assert without_defaults(template, {"database": "none", "name": "x"}, VARIABLES) == {"name": "x"}


def test_a_question_without_a_default_that_is_not_answered_is_named(make: Make) -> None:
    with pytest.raises(TemplateProblem, match="it has no default; answer this question of ours") as raised:
        starting_files(make("one: {type: str}\n"), {}, VARIABLES)
    assert raised.value.question == "one"


def test_an_answers_file_of_the_templates_own_names_no_folder_of_this_machine(make: Make, tmp_path: Path) -> None:
    template = make("_answers_file: .answers.yml\none: {type: int, default: 1}\n")
    (tmp_path / "ours/repository/{{ _copier_conf.answers_file }}.jinja").write_text(
        "{{ _copier_answers|to_nice_yaml }}"
    )
    rendering._digest.cache_clear()
    assert set(starting_files(template, {}, VARIABLES).files) == {"made", ANSWERS_FILE}
