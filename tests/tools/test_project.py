"""The project's own files agree with each other."""

import re
from pathlib import Path

import pytest
import yaml

from manifests.model import settings as model
from tools.workflows import problems

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
ACCESS = ROOT / ".github/actions/platform-access/action.yml"


def test_ci_previews_with_the_pulumi_that_the_lock_names() -> None:
    locked = re.search(r"^pulumi==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert locked
    assert (ROOT / ".pulumi-version").read_text().strip() == locked[1]


def test_there_are_workflows() -> None:
    assert {path.stem for path in WORKFLOWS} == {"ci", "deploy", "drift", "new-service", "preview", "sandbox"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_grants_nothing_by_default(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    assert all("permissions" in job for job in workflow["jobs"].values())


@pytest.mark.parametrize("path", [*WORKFLOWS, ACCESS], ids=lambda path: path.stem)
def test_every_action_is_pinned_with_its_version_beside(path: Path) -> None:
    uses = re.findall(r"uses: ([^.].+)$", path.read_text(), re.MULTILINE)
    assert uses
    assert all(re.match(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", action) for action in uses)


@pytest.mark.parametrize("name", ["preview", "deploy", "drift"])
def test_a_job_that_needs_the_state_may_log_in_to_the_cloud_that_keeps_it(name: str) -> None:
    jobs = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())["jobs"].values()
    (job,) = [job for job in jobs if "environment" in job]
    uses = [step.get("uses", "").partition("@")[0] for step in job["steps"]]
    assert uses.index("./.github/actions/platform-access") < uses.index("pulumi/actions")
    assert job["permissions"]["id-token"] == "write"
    inputs = yaml.safe_load(ACCESS.read_text())["inputs"]
    assert {name for step in job["steps"] if "platform-access" in step.get("uses", "") for name in step["with"]} == set(
        inputs
    )


def test_previews_alone_leave_out_the_state_between_steps() -> None:
    """With it a preview takes minutes at 100 services; without it an `up` that is killed forgets what it made."""
    for path in WORKFLOWS:
        jobs = yaml.safe_load(path.read_text())["jobs"].values()
        steps = [step for job in jobs for step in job.get("steps", [])]
        previews = [step for step in steps if "pulumi preview" in step.get("run", "")]
        unsaved = [step for step in steps if "PULUMI_SKIP_CHECKPOINTS" in step.get("env", {})]
        assert previews == unsaved, path.name


def test_python_versions_of_ci_are_those_of_the_project() -> None:
    ci = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    assert ci["jobs"]["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]


@pytest.mark.parts  # actionlint
def test_a_template_of_ones_own_that_renders_a_wrong_workflow_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = tmp_path / "ours/repository/.github/workflows/nightly.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text("on: schedule\njobs: {nightly: {runs-on: ubuntu-latest, steps: [{runs: make}]}}\n")
    (tmp_path / "ours/copier.yml").write_text("_subdirectory: repository\n_slipway: {version: 1.0.0}\n")
    stack = yaml.safe_load((ROOT / "stacks/Pulumi.example.yaml").read_text())
    stack["config"]["slipway:templates"] = [{"name": "ours", "source": "./ours"}]
    stack["config"]["slipway:services"] = [{"name": "orders", "template": "ours", "team": "web"}]
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/Pulumi.acme.yaml").write_text(yaml.safe_dump(stack))
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr("tools.workflows.ROOT", tmp_path)
    monkeypatch.setattr(model, "ROOT", tmp_path / "templates")
    found = "\n".join(problems())
    assert "Pulumi.acme: orders: actionlint" in found
    assert ".github/workflows/nightly.yml" in found


@pytest.mark.parts  # actionlint
def test_a_workflow_that_runs_what_a_tag_says_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check itself: silence of two tools must not mean that they looked at nothing."""
    workflow = tmp_path / ".github/workflows/bad.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(
        "on: push\njobs:\n  run:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - run: echo ${{ github.event.head_commit.message }}\n"
    )
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr("tools.workflows.ROOT", tmp_path)
    found = "\n".join(problems())
    assert "actionlint" in found
    assert "zizmor" in found
