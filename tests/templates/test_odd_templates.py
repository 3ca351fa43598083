"""Templates of a careless author: each is told in one sentence that names the file, and none leaves anything behind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from manifests.repository_files import OFFERED
from templates.service_template import TemplateProblem, own_template
from templates.starting_files import ANSWERS_FILE, StartingFiles, starting_files

COPIER = "_subdirectory: repository\nsize: {type: int, default: 1}\n"
pytestmark = pytest.mark.usefixtures("cache")
VARIABLES: dict[str, Any] = {**dict.fromkeys(OFFERED, "x"), "service": "orders", "environments": ["dev"]}

Make = Callable[..., StartingFiles]


@pytest.fixture
def made(tmp_path: Path) -> Make:
    """What a template with these files makes."""

    def make(files: dict[str, bytes], copier: str = COPIER) -> StartingFiles:
        folder = tmp_path / "platform/ours"
        (folder / "repository").mkdir(parents=True)
        (folder / "copier.yml").write_text(copier)
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        return starting_files(own_template("ours", "./ours", None, tmp_path / "platform"), {}, VARIABLES)

    return make


@pytest.mark.parametrize(
    ("path", "content", "text"),
    [
        ("a.jinja", b"x\n{% if %}\n", r"repository/a\.jinja line 2: Expected an expression"),
        ("a.jinja", b"x\n{{ nope.more }}\n", r"repository/a\.jinja line 2: 'nope' is undefined"),
        ("a.jinja", b"{{ ''.__class__.__mro__ }}", r"repository/a\.jinja line 1: access to attribute '__class__'"),
        ("a.jinja", b"{% include '/etc/passwd' %}", "'/etc/passwd' not found in search path: 'template'"),
        ("a.jinja", b"{% for one in range(10**9) %}x{% endfor %}", "Range too big"),
        ("a.png.jinja", b"\x89PNG", r"repository/a\.png\.jinja: 'utf-8' codec can't decode"),
        ("a.txt", "\u00e9".encode("latin-1"), r"a\.txt is not text in UTF-8; leave it out"),
        ("{% if %}", b"", "Error rendering template path"),
        ("{{ '..' }}/a", b"", '".." is forbidden'),
        (".git/config", b"", r"'\.git/config' cannot be the path of a file in a repository"),
        ("a/.GIT/b", b"", r"'a/\.GIT/b' cannot be the path"),
        ("a\nb", b"", r"'a\\nb' cannot be the path"),
        ("a.jinja", b"{{ _copier_conf.src_path }}", r"a names a folder of this machine \(`_copier_conf`\)"),
    ],
)
def test_a_file_that_cannot_be_made_is_named(made: Make, tmp_path: Path, path: str, content: bytes, text: str) -> None:
    with pytest.raises(TemplateProblem, match=text) as raised:
        made({f"repository/{path}": content})
    said = str(raised.value)
    assert "\n" not in said
    assert "slipway-template-" not in said
    assert sorted(one.name for one in tmp_path.iterdir()) == ["platform"]


@pytest.mark.parametrize(
    ("copier", "text"),
    [
        ("_subdirectory: nope\n", "No such file or directory: 'nope'"),
        ("_subdirectory: ../..\n", '"../.." is forbidden'),
        ("_min_copier_version: '99'\n", "requires Copier version >= 99"),
        ("a: 1\n---\nb: 2\n", r"its copier\.yml cannot be read as one document of YAML, without `!include`"),
        ("--- !include x.yml\n", "without `!include`"),
        ("1: {type: int, default: 1}\n", r"the question 1 of its copier\.yml is not named by a text; quote it"),
        ("now: {type: int, default: 1}\n", "question now: var_name: Value error, Invalid question name"),
        ("a: {type: integer, default: 1}\n", 'question a: Unsupported type "integer"'),
        ("a: {type: int, default: x}\n", "question a: invalid literal for int"),
        ("a: {type: int, choices: 3, default: 1}\n", "question a: choices: Input should be"),
        ("a: {type: str, secret: true}\n", "question a: secret: .*requires a default"),
        ("_secret_questions: a\n", "`_secret_questions` .* is not a list"),
    ],
)
def test_a_description_that_is_wrong_is_told_in_one_sentence(made: Make, copier: str, text: str) -> None:
    with pytest.raises(TemplateProblem, match=text) as raised:
        made({}, copier)
    said = str(raised.value)
    assert "\n" not in said
    assert "https://errors" not in said


def test_two_descriptions_are_one_too_many(made: Make, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TemplateProblem, match=r"has both copier\.yml and copier\.yaml; keep one"):
        made({"copier.yaml": b"a: 1\n"})
    assert capsys.readouterr().err == ""


def test_ends_of_lines_stay_as_they_are(made: Make) -> None:
    found = made({"repository/a.cmd": b"a\r\nb\r\n", "repository/b": b"a\n", "repository/c": b"\xef\xbb\xbfa\r"})
    assert [found.files[path] for path in ["a.cmd", "b", "c"]] == ["a\r\nb\r\n", "a\n", "\ufeffa\r"]


def test_an_empty_folder_and_what_tools_leave_behind_are_not_copied(made: Make) -> None:
    found = made({"repository/a": b"", "repository/.pytest_cache/x": b"x", "repository/__pycache__/y.pyc": b"\xff"})
    assert set(found.files) == {"a", ANSWERS_FILE}
