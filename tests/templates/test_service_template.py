"""Service templates: questions, answers, where they come from; rendered the same everywhere, running nothing."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifests.repository_files import OFFERED, service_repository_files
from stacks.problems import SettingsError
from stacks.settings import settings_of
from templates import service_template as module
from templates import starting_files as rendering
from templates.service_template import (
    BUILT_IN,
    TemplateProblem,
    own_template,
    service_template,
    service_templates,
)
from templates.starting_files import ANSWERS_FILE, starting_chart, starting_files
from templates.template_history import earlier_chart, earlier_version
from tests.stacks.builders import texts, values

COPIER = """\
_subdirectory: repository
_slipway: {description: A batch job, version: 2.0.0}
size:
  type: int
  default: 10
  validator: "{% if size < 1 %}use 1 or more{% endif %}"
colour:
  type: str
  choices: [red, blue]
  default: red
loud: {type: bool, default: false}
"""
pytestmark = pytest.mark.usefixtures("cache")
VARIABLES: dict[str, Any] = {**dict.fromkeys(OFFERED, "x"), "service": "orders", "environments": ["dev"]}


@pytest.fixture
def template(tmp_path: Path) -> Callable[..., Path]:
    def make(copier: str = COPIER, **files: str) -> Path:
        folder = tmp_path / "ours"
        (folder / "repository").mkdir(parents=True, exist_ok=True)
        (folder / "copier.yml").write_text(copier)
        (folder / "repository/size.txt.jinja").write_text("{{ service }} takes {{ size }} of {{ colour }}\n")
        for path, text in files.items():
            (folder / path.replace("__", "/")).write_text(text)
        return folder

    return make


def own(folder: Path, version: str | None = None) -> module.ServiceTemplate:
    return own_template("ours", folder.name, version, folder.parent)


def test_answers_fill_the_files_and_are_recorded_with_the_version(template: Callable[..., Path]) -> None:
    made = starting_files(own(template()), {"size": 3}, VARIABLES)
    assert made.files["size.txt"] == "orders takes 3 of red\n"
    recorded = yaml.safe_load(made.files[ANSWERS_FILE])
    assert recorded == {"_commit": "2.0.0", "_src_path": "ours", "size": 3, "colour": "red", "loud": False}


@pytest.mark.parametrize(
    ("answers", "question", "text"),
    [
        ({"size": 0}, "size", "use 1 or more"),
        ({"colour": "green"}, "colour", "'green' is not in"),
        ({"sise": 1}, "sise", "no such question; use one of size, colour, loud"),
        ({"size": "many"}, "size", "'many' is not a number"),
        ({"size": [1]}, "size", r"\[1\] is not a number"),
        ({"colour": ["red"]}, "colour", r"\['red'\] is not one value"),
        ({"loud": "maybe"}, "loud", "'maybe' is neither true nor false"),
    ],
)
def test_a_wrong_answer_is_one_sentence(
    template: Callable[..., Path], answers: dict[str, Any], question: str, text: str
) -> None:
    with pytest.raises(TemplateProblem, match=text) as raised:
        starting_files(own(template()), answers, VARIABLES)
    assert raised.value.question == question
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("copier", "text"),
    [
        (COPIER + "_tasks: ['touch /tmp/owned']\n", "wants to run programs"),
        (COPIER + "_jinja_extensions: [os.path]\n", "wants to run programs"),
        (COPIER + "needed: {type: str}\n", "it has no default; answer"),
        (COPIER.replace("{% if size", "{% of size"), "unknown tag"),
        ("a: [", "cannot be read as one document of YAML"),
        ("- a\n", r"its copier\.yml is not a mapping"),
    ],
)
def test_a_template_that_is_none_is_refused_and_runs_nothing(
    template: Callable[..., Path], copier: str, text: str
) -> None:
    folder = template(copier)
    with pytest.raises(TemplateProblem, match=text):
        starting_files(own(folder), {}, VARIABLES)


def test_a_template_does_not_reach_out_of_its_folder(template: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush")
    folder = template()
    (folder / "repository/link").symlink_to(tmp_path / "secret")
    with pytest.raises(TemplateProblem, match="symbolic link, repository/link"):
        own(folder)


def test_files_that_templates_share_lie_under_their_own(template: Callable[..., Path], tmp_path: Path) -> None:
    common = tmp_path / "_common/repository"
    common.mkdir(parents=True)
    (common / "kind.txt.jinja").write_text("a {{ kind }}\n")
    (common / "size.txt.jinja").write_text("not this\n")
    sharing = COPIER.replace("version: 2.0.0", "version: 2.0.0, shared: [_common]")
    found = own(template(sharing + "kind: {type: str, default: job, when: false}\n"))
    made = starting_files(found, {}, VARIABLES)
    assert (made.files["kind.txt"], made.files["size.txt"]) == ("a job\n", "orders takes 10 of red\n")
    assert "kind" not in found.questions
    assert "kind" not in yaml.safe_load(made.files[ANSWERS_FILE])
    with pytest.raises(TemplateProblem, match="no such question"):
        starting_files(found, {"kind": "x"}, VARIABLES)
    (common / "size.txt.jinja").unlink()
    (common / "link").symlink_to("/etc/passwd")
    with pytest.raises(TemplateProblem, match="symbolic link, _common/repository/link"):
        module.described("ours", "./ours", found.folder)


@pytest.mark.parametrize("name", ["_nowhere", "../_common", "common", "_common/.."])
def test_what_is_shared_lies_beside_the_template(template: Callable[..., Path], tmp_path: Path, name: str) -> None:
    (tmp_path / "_common").mkdir()
    (tmp_path / "common").mkdir()
    folder = template(COPIER.replace("version: 2.0.0", f"version: 2.0.0, shared: ['{name}']"))
    with pytest.raises(TemplateProblem, match="name a folder beside the template"):
        own(folder)


def test_files_that_are_not_text_are_named(template: Callable[..., Path]) -> None:
    folder = template()
    (folder / "repository/logo.png").write_bytes(b"\x89PNG\xff")
    with pytest.raises(TemplateProblem, match=r"logo\.png is not text"):
        starting_files(own(folder), {}, VARIABLES)


def test_what_a_person_has_set_for_copier_changes_nothing(
    template: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings.yml"
    settings.write_text("defaults: {colour: blue}\n")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(settings))
    assert "of red" in starting_files(own(template()), {}, VARIABLES).files["size.txt"]


def test_what_was_rendered_is_kept_until_the_template_changes(
    template: Callable[..., Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = template()
    first = starting_files(own(folder), {}, VARIABLES)
    assert len(list(cache.glob("slipway/rendered/*.json"))) == 1
    with monkeypatch.context() as patched:
        patched.setattr(rendering, "rendered", lambda *_: pytest.fail("it is rendered again"))
        rendering._starting_files.cache_clear()
        assert starting_files(own(folder), {}, VARIABLES) == first
    (folder / "repository/more.txt").write_text("more\n")
    rendering._starting_files.cache_clear()
    rendering._digest.cache_clear()
    assert "more.txt" in starting_files(own(folder), {}, VARIABLES).files


def test_a_git_address_is_fetched_once_at_its_version(template: Callable[..., Path], tmp_path: Path) -> None:
    folder = template()
    person = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, env={**os.environ, **person})

    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "First")
    git("tag", "v1.0.0")
    (folder / "repository/late.txt").write_text("late\n")
    git("add", "--all")
    git("commit", "--quiet", "--message", "Second")
    source = f"file://{folder}"
    found = own_template("ours", source, "v1.0.0", tmp_path)
    made = starting_files(found, {}, VARIABLES)
    assert "late.txt" not in made.files
    assert yaml.safe_load(made.files[ANSWERS_FILE])["_commit"] == "v1.0.0"
    folder.rename(tmp_path / "gone")
    own_template.cache_clear()
    assert own_template("ours", source, "v1.0.0", tmp_path) == found
    with pytest.raises(TemplateProblem, match=r"v9 of .* could not be fetched"):
        own_template("ours", source, "v9", tmp_path)
    with pytest.raises(TemplateProblem, match="has no `version`"):
        own_template("ours", source, None, tmp_path)


@pytest.mark.parametrize("name", service_templates())
def test_what_comes_with_slipway_explains_each_question(name: str) -> None:
    for question in service_template(name).questions.values():
        assert {"type", "help", "default"} <= set(question)
    text = (Path(__file__).parents[2] / "docs/service-templates.md").read_text()
    assert f"`{name}`" in text


def test_settings_name_the_answer_that_is_wrong() -> None:
    service_of = {"name": "orders", "template": "python-web", "team": "web", "answers": {"python": "2.7"}}
    with pytest.raises(SettingsError, match=r"services\[orders\]\.answers\.python: '2\.7' is not in"):
        settings_of("test", texts(values(services=[service_of])))
    good = settings_of("test", texts(values(services=[service_of | {"answers": {"python": "3.13"}}])))
    assert "FROM python:3.13-slim" in service_repository_files(good, good.services[0]).seeded["Dockerfile"]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ({"name": "batch", "source": "./nowhere"}, r"templates\[batch\]\.source: './nowhere' is not a folder"),
        ({"name": "go-web", "source": "./docs"}, r"templates\[go-web\]\.name: 'go-web' comes with Slipway"),
        ({"name": "batch", "source": "./docs"}, r"templates\[batch\]\.source: './docs' has no copier\.yml"),
    ],
)
def test_settings_name_the_template_that_is_none(template: dict[str, str], text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        settings_of("test", texts(values(templates=[template])))


def test_a_service_starts_from_a_template_of_the_platforms_own() -> None:
    here = {"name": "ours", "source": f"./{BUILT_IN.relative_to(BUILT_IN.parents[1])}/go-web"}
    mine = {"name": "orders", "template": "ours", "team": "web", "answers": {"go": "1.25"}}
    settings = settings_of("test", texts(values(templates=[here], services=[mine])))
    files = service_repository_files(settings, settings.services[0])
    assert "FROM golang:1.25" in files.seeded["Dockerfile"]
    assert settings.template(settings.services[0]).chart == BUILT_IN / "_chart"


def test_an_earlier_version_has_the_shared_files_of_its_time(template: Callable[..., Path], tmp_path: Path) -> None:
    def git(*words: str) -> None:
        person = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True, env={**os.environ, **person})

    common = tmp_path / "_common/repository"
    common.mkdir(parents=True)
    git("init", "--quiet")
    for version in ("1.0.0", "2.0.0"):
        folder = template(COPIER.replace("version: 2.0.0", f"version: {version}, shared: [_common]"))
        (common / "common.txt").write_text(f"of {version}\n")
        git("add", folder.name, "_common")
        git("commit", "--quiet", "--message", version)
    now = own(tmp_path / "ours")
    found = earlier_version(now, "1.0.0", tmp_path)
    assert starting_files(found, {}, VARIABLES).files["common.txt"] == "of 1.0.0\n"
    assert starting_files(now, {}, VARIABLES).files["common.txt"] == "of 2.0.0\n"


def test_an_earlier_chart_is_that_of_its_time_also_before_there_were_questions(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        person = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True, env={**os.environ, **person})

    ours, chart = tmp_path / "ours", tmp_path / "_chart"
    (ours / "repository").mkdir(parents=True)
    chart.mkdir()
    git("init", "--quiet")
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        described = f"version: {version}\nchart: ../_chart\n"
        if version == "1.0.0":
            (ours / "template.yaml").write_text(described)
        else:
            (ours / "template.yaml").unlink(missing_ok=True)
            (ours / "copier.yml").write_text(f"_slipway: {{version: {version}, chart: ../_chart}}\n")
        (chart / "Chart.yaml").write_text(f"name: of {version}\n")
        git("add", "--all")
        git("commit", "--quiet", "--message", version)
    now = own(ours)
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        assert (earlier_chart(now, version, tmp_path) / "Chart.yaml").read_text() == f"name: of {version}\n"
    assert earlier_version(now, "2.0.0", tmp_path).chart.name == "_chart"
    with pytest.raises(TemplateProblem, match=r"ours 0\.1\.0 is not in the history"):
        earlier_chart(now, "0.1.0", tmp_path)


@pytest.mark.parametrize("chart", ["../../secrets", "/etc", "../plain", "nowhere", ".", "../ours", "5"])
def test_a_chart_lies_in_the_template_or_beside_it(template: Callable[..., Path], tmp_path: Path, chart: str) -> None:
    (tmp_path / "plain").mkdir()
    folder = template(COPIER.replace("version: 2.0.0", f"version: 2.0.0, chart: {chart}"))
    with pytest.raises(TemplateProblem, match="name a folder of the template, or one beside it"):
        own(folder)


@pytest.mark.parametrize(
    ("chart", "text"),
    [
        (
            {"values.yaml.j2": "a: [[ nope ]]\n"},
            r"the chart of ours does not render: values\.yaml: 'nope' is undefined",
        ),
        ({"values.yaml.j2": "a: [% if %]\n"}, r"the chart of ours does not render: values\.yaml\.j2: Expected an expr"),
        ({"values.yaml.j2": "[[ ''.__class__.__mro__[1].__subclasses__() ]]"}, "'__class__' of .* is unsafe"),
        ({"values.yaml.j2": "[[ 1 / 0 ]]"}, r"values\.yaml: division by zero"),
    ],
)
def test_a_chart_that_does_not_render_is_named_and_runs_nothing(
    template: Callable[..., Path], chart: dict[str, str], text: str
) -> None:
    folder = template()
    (folder / "chart").mkdir()
    for path, content in {"Chart.yaml": "name: x\n", **chart}.items():
        (folder / "chart" / path).write_text(content)
    with pytest.raises(TemplateProblem, match=text):
        starting_chart(own(folder), VARIABLES)


def test_a_chart_that_is_not_text_is_named(template: Callable[..., Path]) -> None:
    folder = template()
    (folder / "chart").mkdir()
    (folder / "chart/Chart.yaml").write_text("name: x\n")
    (folder / "chart/logo.png").write_bytes(b"\x89PNG")
    with pytest.raises(TemplateProblem, match=r"the chart of ours does not render: logo\.png: "):
        starting_chart(own(folder), VARIABLES)


@pytest.mark.parametrize(
    ("about", "text"),
    [
        ("hello", "`_slipway` of its copier.yml is not a mapping"),
        ("{shared: one}", "`shared` of `_slipway` in its copier.yml is not a list"),
        ("{version: 1.10}", "1.1 is not a version; write it in quotes"),
        ("{version: '1 ..'}", r"'1 \.\.' is not a version"),
        ("{values: [a]}", "`values` of `_slipway` in its copier.yml is not a mapping"),
    ],
)
def test_what_a_template_says_to_slipway_has_a_shape(template: Callable[..., Path], about: str, text: str) -> None:
    with pytest.raises(TemplateProblem, match=text):
        own(template(f"_slipway: {about}\n"))


@pytest.mark.parametrize(
    ("chart", "text"),
    [
        ({"values.yaml": "a: 1\n"}, "its chart has no Chart.yaml; add it"),
        ({"Chart.yaml": "name: x\n", "values.yaml": "a: [\n"}, "values.yaml of its chart is not a mapping"),
        ({"Chart.yaml": "name: x\n", "values.yaml": "- a\n"}, "values.yaml of its chart is not a mapping"),
        ({"Chart.yaml": "name: x\n", "templates/a.json": "{}"}, "Helm refuses templates/a.json of its chart"),
        ({"Chart.yaml": "name: x\n", "templates/x/README.md.j2": ""}, "Helm refuses templates/x/README.md.j2"),
    ],
)
def test_a_chart_that_is_none_is_named(template: Callable[..., Path], chart: dict[str, str], text: str) -> None:
    with pytest.raises(TemplateProblem, match=text):
        own(with_chart(template(), chart))


def test_what_helm_does_not_look_at_may_be_beside_templates(template: Callable[..., Path]) -> None:
    chart = {"Chart.yaml": "name: x\n", ".helmignore": "*.md\n", "templates/README.md": "", "templates/a.tpl": ""}
    assert own(with_chart(template(), chart)).brings_chart


def with_chart(folder: Path, files: dict[str, str]) -> Path:
    """The template with a chart of its own."""
    for path, content in files.items():
        (folder / "chart" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "chart" / path).write_text(content)
    return folder


def test_a_folder_elsewhere_on_the_machine_is_not_a_template(template: Callable[..., Path], tmp_path: Path) -> None:
    template()
    (tmp_path / "platform").mkdir()
    for source in ("../ours", str(tmp_path / "ours")):
        with pytest.raises(TemplateProblem, match="is not a folder of the platform repository"):
            own_template("ours", source, None, tmp_path / "platform")
