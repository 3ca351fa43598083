"""`make service`, `make environment`, `make team`: one entry, or one sentence and nothing half made."""

import shutil
from pathlib import Path

import pytest
import yaml
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from manifests.model import settings as model
from stacks.addition import KINDS
from stacks.new import main
from stacks.questions import ask
from stacks.stack_text import StackText
from tests.docs.documented import documented, typed

ROOT = Path(__file__).parents[2]
FILE = "stacks/Pulumi.example.yaml"
SERVICE = ["service", "--stack", "example", "--template", "go-web", "--team", "web"]
ENVIRONMENT = ["environment", "--stack", "example"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "stacks").mkdir()
    shutil.copy(ROOT / FILE, tmp_path / FILE)
    return tmp_path


def config(clone: Path) -> dict[str, list[dict[str, object]]]:
    return yaml.safe_load((clone / FILE).read_text())["config"]


def test_a_service_is_added_and_what_it_brings_is_shown(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SERVICE, "--name", "orders", "--environments", "dev, staging"], clone) == 0
    assert config(clone)["slipway:services"][-1] == {
        "name": "orders",
        "template": "go-web",
        "team": "web",
        "environments": ["dev", "staging"],
    }
    shown = capsys.readouterr().out
    assert "+    - name: orders" in shown
    assert "repository https://github.com/acme/orders:" in shown
    assert "namespace orders-staging" in shown
    assert "orders-production" not in shown


def test_an_environment_has_its_place_in_the_order(clone: Path) -> None:
    given = [*ENVIRONMENT, "--name", "qa", "--after", "staging", "--requires", "staging", "--images", "release"]
    assert main(given, clone) == 0
    names = [one["name"] for one in config(clone)["slipway:environments"]]
    assert names == ["dev", "staging", "qa", "production"]


def test_a_team_is_added_with_its_members(clone: Path) -> None:
    assert main(["team", "--stack", "example", "--name", "ops", "--members", "dana:maintainer,sam"], clone) == 0
    members = [{"login": "dana", "role": "maintainer"}, {"login": "sam"}]
    assert config(clone)["slipway:teams"][-1] == {"name": "ops", "members": members}


def test_a_dry_run_changes_nothing(clone: Path) -> None:
    assert main([*SERVICE, "--name", "orders", "--dry-run"], clone) == 0
    assert (clone / FILE).read_text() == (ROOT / FILE).read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([*SERVICE, "--name", "guestbook"], "name: 'guestbook' is taken by services[guestbook] in line 1"),
        ([*SERVICE, "--name", "infrastructure"], "is that of the infrastructure of dev"),
        ([*SERVICE, "--name", "Orders"], "'Orders' cannot be the name of a Helm release"),
        ([*SERVICE, "--name", "yes"], "'yes' is read as a truth value"),
        ([*SERVICE, "--name", "a" * 53], "has 64 characters"),
        ([*SERVICE, "--name", "kube"], "the namespace kube-dev begins with kube-"),
        ([*SERVICE, "--name", "orders", "--template", "ruby-web"], "'ruby-web' is not a template: use one of go-web"),
        ([*SERVICE, "--name", "orders", "--team", "nobody"], "'nobody' is not a team"),
        ([*SERVICE, "--name", "orders", "--environments", "moon"], "'moon' is not an environment"),
        ([*SERVICE, "--name", "orders", "--environments", " , "], "environments: ' , ' names none; name some"),
        ([*SERVICE, "--name", "orders", "--repository", "guestbook"], "is also that of services[guestbook].name"),
        (
            [*SERVICE, "--name", "orders", "--answers", "hue=red"],
            "answers.hue: go-web has no such question; use one of go",
        ),
        ([*SERVICE, "--name", "orders", "--answers", "go=1.2"], "services[orders].answers.go: '1.2' is not in"),
        (
            [*SERVICE, "--name", "orders", "--answers", "1.25"],
            "answers: '1.25' is not an answer; write question=answer",
        ),
        ([*SERVICE, "--name", "orders", "--answers", "go=1.25,go=1.26"], "answers: 'go' is answered twice"),
        (["service", "--stack", "example", "--yes"], "template: missing"),
        ([*ENVIRONMENT, "--name", "dev"], "'dev' is taken by environments[dev]"),
        ([*ENVIRONMENT, "--name", "default"], "'default' is the platform's own"),
        ([*ENVIRONMENT, "--name", "qa", "--after", "moon"], "after: 'moon' is not in environments"),
        ([*ENVIRONMENT, "--name", "qa", "--images", "all"], "'all' is not allowed"),
        ([*ENVIRONMENT, "--name", "qa", "--tagPrefix", "prod"], "'prod' also belongs to production"),
        (["service", "--stack", "moon", "--name", "x"], "Pulumi.moon.yaml: there is no such file"),
        ([*SERVICE, "--name", "orders", "--propose"], "GITHUB_TOKEN: it is not set"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_changes_nothing(
    clone: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    sentence: str,
) -> None:
    for name in ("GITHUB_TOKEN", "GH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert main(arguments, clone) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert "nothing was changed" in said
    assert "Traceback" not in said
    assert (clone / FILE).read_text() == (ROOT / FILE).read_text()
    assert sorted(path.name for path in (clone / "stacks").iterdir()) == ["Pulumi.example.yaml"]


def test_a_word_that_is_not_text_is_told(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A terminal in Latin-1 sends such bytes, and Python keeps them in surrogates."""
    before, word = (clone / FILE).read_bytes(), b"Gr\xf6\xdfe".decode(errors="surrogateescape")
    assert main([*SERVICE, "--name", "orders", "--description", word], clone) == 2
    assert "error: description: it has bytes that are not text in UTF-8" in capsys.readouterr().err
    assert (clone / FILE).read_bytes() == before


def test_answers_to_the_questions_of_a_template_are_typed_as_it_asks(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(model, "ROOT", clone / "templates")
    ours = clone / "ours"
    (ours / "repository").mkdir(parents=True)
    asked = "size: {type: int, default: 1}\nloud: {type: bool, default: false}\nwords: {type: str, default: a}\n"
    asked += "tags: {type: yaml, default: []}\nhow: {type: str, choices: {Fast: f}, multiselect: true, default: []}\n"
    asked += "speed: {type: int, default: 1, when: '{{ loud }}'}\ntoken: {type: str, secret: true, default: ''}\n"
    (ours / "copier.yml").write_text(f"_subdirectory: repository\n{asked}")
    path = clone / FILE
    own = "slipway:templates: [{name: ours, source: ./ours}]"
    path.write_text(path.read_text().replace("slipway:templates: []", own))
    given = "size=3, loud=yes, words=one, two: three,tags=[x, y],how=[f],speed=9"
    service = [*SERVICE, "--template", "ours", "--name", "orders", "--answers", given]
    assert main(service, clone) == 0
    answers = config(clone)["slipway:services"][-1]["answers"]
    assert answers == {
        "size": 3,
        "loud": True,
        "words": "one, two: three",
        "tags": ["x", "y"],
        "how": ["f"],
        "speed": 9,
    }
    for refused, sentence in (
        ("speed=9", "services[more].answers.speed: ours does not ask it with these other answers; leave it out"),
        ("token=mine", "services[more].answers.token: it is a secret"),
        ("how=f", "services[more].answers.how: 'f' does not fit: Not a YAML list: 'f'"),
        ("size=", "services[more].answers.size: '' is not a number"),
    ):
        assert main([*SERVICE, "--template", "ours", "--name", "more", "--answers", refused], clone) == 2
        assert sentence in capsys.readouterr().err


@pytest.fixture
def ours(clone: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that a template of the platform's own writes."""
    monkeypatch.setattr(model, "ROOT", clone / "templates")
    files = clone / "ours/repository"
    files.mkdir(parents=True)
    (clone / "ours/copier.yml").write_text("_subdirectory: repository\n")
    (clone / FILE).write_text(
        (clone / FILE).read_text().replace("slipway:templates: []", "slipway:templates: [{name: ours, source: ./ours}]")
    )
    return files


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("a.jinja", "x\n{{ now().year }}\n", "repository/a.jinja line 2: `now` is another text each time"),
        ("a.jinja", "{{ make_secret() }}", "repository/a.jinja line 1: `make_secret` is"),
        ("a.jinja", "{% if false %}{{ 9 | random }}{% endif %}", "`random` is another text each time"),
        ("{{ '%Y' | strftime }}.txt", "", "`strftime` is another text each time"),
    ],
)
def test_a_template_that_renders_otherwise_each_time_is_refused(
    clone: Path, ours: Path, capsys: pytest.CaptureFixture[str], path: str, text: str, said: str
) -> None:
    (ours / path).write_text(text)
    before = (clone / FILE).read_bytes()
    assert main([*SERVICE, "--template", "ours", "--name", "orders"], clone) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "leave it out, or make it a question\nnothing was changed" in error
    assert (clone / FILE).read_bytes() == before


def test_a_template_that_renders_the_same_each_time_is_taken(clone: Path, ours: Path) -> None:
    (ours / "a.jinja").write_text("{{ 9 | ans_random(seed=service) }} {{ '%Y' | strftime(second=0) }} {# now #} now\n")
    assert main([*SERVICE, "--template", "ours", "--name", "orders"], clone) == 0


@pytest.mark.parts  # actionlint
@pytest.mark.parametrize(("step", "code"), [("runs", 2), ("run", 0)])
def test_a_template_whose_workflow_is_none_is_refused(
    clone: Path, ours: Path, capsys: pytest.CaptureFixture[str], step: str, code: int
) -> None:
    workflow = ours / ".github/workflows/nightly.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(
        f"on: workflow_dispatch\njobs: {{nightly: {{runs-on: ubuntu-latest, steps: [{{{step}: make}}]}}}}\n"
    )
    before = (clone / FILE).read_bytes()
    assert main([*SERVICE, "--template", "ours", "--name", "orders"], clone) == code
    error = capsys.readouterr().err
    assert ((clone / FILE).read_bytes() == before) is bool(code)
    if code:
        assert "services[orders].template: ours: .github/workflows/nightly.yml line 2: step must run" in error
        assert "mend the template\nnothing was changed" in error


def test_without_actionlint_and_go_it_is_said_that_workflows_are_not_checked(
    clone: Path, ours: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (ours / ".github/workflows").mkdir(parents=True)
    (ours / ".github/workflows/nightly.yml").write_text("on: x\n")
    monkeypatch.setenv("PATH", str(clone))
    assert main([*SERVICE, "--template", "ours", "--name", "orders"], clone) == 0
    assert "are not checked: that takes actionlint or Go" in capsys.readouterr().err


def test_an_answer_that_looks_like_a_number_stays_text(clone: Path) -> None:
    assert main([*SERVICE, "--name", "orders", "--answers", "go=1.25"], clone) == 0
    assert config(clone)["slipway:services"][-1]["answers"] == {"go": "1.25"}


def test_problems_that_the_file_had_before_are_not_the_entrys(clone: Path) -> None:
    path = clone / FILE
    path.write_text(path.read_text().replace("images: main", "images: mian"))
    assert main([*SERVICE, "--name", "orders"], clone) == 0
    assert config(clone)["slipway:services"][-1]["name"] == "orders"


def test_a_person_is_asked_and_a_wrong_answer_is_asked_again() -> None:
    text = StackText((ROOT / FILE).read_text())
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        # A taken name is refused; it is wiped out and typed again. Then the first template, and the second team.
        # The last is the question of that template: the version of Go before its default.
        keys.send_text("guestbook\r" + "\x7f" * 9 + "orders\r" + "\r" + "\x1b[B\r" + "\r" + "\r" + "\r" + "\x1b[A\r")
        answers, after = ask(text, KINDS["service"], "example", {}, None)
    assert answers["name"] == "orders"
    assert answers["team"] == "web"
    assert answers["template"] == "go-web"
    assert answers["answers"] == {"go": "1.25"}
    assert after is None


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (documented("make service STACK=acme NAME=orders"), "+    - name: orders"),
        (documented("make environment STACK=acme"), "+    - name: qa"),
        (documented("make team STACK=acme"), "+    - name: ops"),
        (documented(".venv/bin/python -m stacks.new service --help"), "--platform-repository"),
    ],
)
def test_what_the_documentation_types_adds_an_entry(line: str, entry: str) -> None:
    """By the example in place of somebody's stack, which stays as it is."""
    tried = line.replace("STACK=acme", "STACK=example DRY_RUN=1")
    assert entry in typed(tried)
