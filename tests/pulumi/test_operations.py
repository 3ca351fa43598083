"""The real CLI and its real state: what it does, what is told of it, and what it leaves."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from sandbox.pulumi import operations
from sandbox.pulumi.command import clean_environment
from sandbox.pulumi.encryption import encrypted
from sandbox.pulumi.operations import PulumiError
from sandbox.pulumi.processes import OF_JOB
from sandbox.pulumi.programs import write_script
from sandbox.pulumi.settings import StackConfig
from sandbox.pulumi.workspace import Workspace
from tests.pulumi.conftest import Project, wait_for, written


@contextlib.contextmanager
def arguments_of_all_processes() -> Generator[set[str]]:
    """The command lines that were there at some time within the block."""
    seen, ended = set[str](), threading.Event()

    def look() -> None:
        while not ended.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):  # it ended meanwhile
                    seen.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


@dataclass(frozen=True)
class Deployed:
    """What the first `up` of a project has left, by a person who has set pulumi up for something else."""

    project: Project
    canary: str
    settings: StackConfig
    seen: set[str]
    """The command lines of all processes meanwhile."""
    before: set[str]
    """What was in the work tree."""


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    project = written(tmp_path_factory.mktemp("deployed"))
    root = project.place.config.root
    canary = secrets.token_hex()  # no other test, in another process, has the same
    settings = project.settings(token=f"-----BEGIN KEY-----\n{canary}\n-----END KEY-----\n")
    before = {path.name for path in root.iterdir()}
    with pytest.MonkeyPatch.context() as patch, arguments_of_all_processes() as seen:
        patch.setenv("PULUMI_BACKEND_URL", "file:///nowhere")
        patch.setenv("PULUMI_CONFIG_PASSPHRASE", "of another stack")
        patch.setenv("PULUMI_STACK", "another")
        patch.setenv("HOME", str(root / "person"))
        operations.up(project.place, settings)
    return Deployed(project, canary, settings, seen, before)


def test_a_program_is_deployed_changed_mended_and_destroyed(small: Project) -> None:
    place, settings = small.place, small.settings()
    assert operations.preview(place, settings).counts == {"create": 2}
    assert not small.note.exists()
    first = operations.up(place, settings)
    assert small.note.read_text() == "hello"
    assert (str(first), first.messages) == ("2 created", ("this is said",))
    assert first.exports["token"] == "[secret]"

    counting, log = counted(place)
    operations.preview(counting, settings)
    assert str(operations.up(counting, settings)) == "nothing changed (2 resources)"
    operations.refresh(counting, settings)
    assert log.read_text().split() == ["preview", "up", "refresh"], "an operation on a known stack is one process"

    changed = small.settings(text="bye")
    foreseen = operations.preview(place, changed)
    assert [step.operation for step in foreseen.steps if step.name == "note"] == ["update"]
    assert str(operations.up(place, changed)) == "1 updated, 1 unchanged"
    assert small.note.read_text() == "bye"

    small.note.unlink()
    assert operations.preview(place, changed, refresh=True).changed
    assert "note was gone, and was made again" in operations.up(place, changed).messages
    assert small.note.exists()

    assert operations.destroy(place, changed).changed == 2
    assert not small.note.exists()


def test_secrets_are_encrypted_in_settings_and_state(deployed: Deployed) -> None:
    files = [path for path in deployed.project.place.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert deployed.project.state in files
    assert not [path for path in files if deployed.canary.encode() in path.read_bytes()]


def test_no_process_has_a_secret_among_its_arguments(deployed: Deployed) -> None:
    """Every user of the machine can read them."""
    assert any("pulumi --non-interactive up" in line for line in deployed.seen)
    assert not [line for line in deployed.seen if deployed.canary in line]
    stack = deployed.project.place.open(deployed.settings)
    assert stack.get_config("t:token").value == deployed.settings.values["t:token"]


def test_only_secrets_that_differ_are_encrypted_again(small: Project) -> None:
    def given(**values: str) -> StackConfig:
        return replace(small.settings(**values), secrets=frozenset(f"t:{key}" for key in ("token", *values)))

    def sealed() -> dict[str, object]:
        file = small.place.project / "stacks" / "Pulumi.s.yaml"
        found = yaml.safe_load(file.read_text())["config"]
        return {key: value["secure"] for key, value in found.items() if isinstance(value, dict)}

    operations.prepare(small.place, given(first="1", second="2"))
    before = sealed()
    assert len(before) == 3
    operations.prepare(small.place, given(first="1", second="another"))
    after = sealed()
    assert [key for key in before if after[key] != before[key]] == ["t:second"]
    assert small.place.open(given(first="1", second="another")).get_config("t:second").value == "another"
    operations.prepare(small.place, given(first="1"))
    assert sealed() == {key: value for key, value in after.items() if key != "t:second"}


def test_all_secrets_are_encrypted_without_a_command_for_each(small: Project) -> None:
    texts = {"t:first": "1", "t:second": "two\n", "t:third": "drei: ü"}
    settings = replace(small.settings(), values=dict(texts), secrets=frozenset(texts))
    place, log = counted(small.place)
    operations.prepare(place, settings)
    assert "config" not in log.read_text().split()
    stack = small.place.open(settings)
    assert {key: stack.get_config(key).value for key in texts} == texts


@pytest.mark.parametrize("salt", ["", "v2:AAAA", "v1:AAAA:v2:AAAA:AAAA", "v1:?:v1:AAAA:AAAA", "v1:AAAA:v1:AAAA"])
def test_what_is_not_encrypted_in_a_known_way_is_left_to_the_cli(salt: str) -> None:
    assert encrypted({"t:token": "secret"}, salt, b"passphrase") is None


def test_a_secret_that_is_not_the_encrypted_one_any_more_is_encrypted_again(small: Project) -> None:
    """Somebody has put back a stack file of before, whose secrets are old ones."""
    operations.prepare(small.place, small.settings(token="old"))
    file = small.place.project / "stacks" / "Pulumi.s.yaml"
    before = file.read_text()
    operations.prepare(small.place, small.settings(token="new"))
    file.write_text(before)
    assert small.place.open(small.settings(token="new")).get_config("t:token").value == "new"


def counted(place: Workspace) -> tuple[Workspace, Path]:
    """The same place with a CLI that writes down what it is told, and where it does."""
    counting, log = place.config.root / "pulumi", place.config.root / "commands"
    write_script(counting, f'#!/bin/sh\necho "$2" >>{log}\nexec {place.cli} "$@"\n')
    return replace(place, cli=counting), log


def test_nothing_of_the_users_own_pulumi_is_used_or_changed(deployed: Deployed) -> None:
    assert deployed.project.note.exists()
    assert not (deployed.project.place.config.root / "person").exists()


def test_the_work_tree_stays_as_it_is(deployed: Deployed) -> None:
    root = deployed.project.place.config.root
    left = {path.name for path in root.iterdir()} - deployed.before
    assert left <= {"note.txt", ".sandbox", "__pycache__"}
    assert not list((root / "stacks").iterdir())


def test_a_program_that_fails_is_told_without_its_traceback(small: Project) -> None:
    with pytest.raises(PulumiError) as caught:
        operations.preview(small.place, small.settings(broken="yes"))
    assert str(caught.value).count("the program failed: ValueError: no good") == 1
    assert "unhandled" not in str(caught.value)
    assert "Traceback" not in str(caught.value)
    # What a test, or another program, prints of it does not bury that sentence below all that the command has written.
    assert "stdout" not in "".join(traceback.format_exception(caught.value))


def test_what_a_killed_cli_left_is_put_right_with_a_word(small: Project) -> None:
    """Its lock is there, an operation that began and of which nothing says how it ended, and a plugin.

    The plugins of this project end with their CLI, real ones only after minutes; that of another stack is left alone.
    """
    told = end(small, small.up_elsewhere(seconds=120))
    assert "pulumi was ended by SIGKILL" in told
    assert "Warning" not in told
    wait_for(lambda: not processes_in(small.place.config.root))
    mine, anothers = left(small.place.home.folder), left(small.place.home.folder.with_name("another"))
    try:
        mended = operations.up(small.place, small.settings())
        assert [text for text in mended.messages if "which is gone, was taken over" in text]
        assert [text for text in mended.messages if "had begun and not ended: creating note" in text]
        assert "plugins of an interrupted run that still ran were ended: 1" in mended.messages
        assert not is_alive(mine)
        assert is_alive(anothers)
    finally:
        os.kill(anothers, signal.SIGKILL)
    assert operations.preview(small.place, small.settings(), refresh=True).counts == {"same": 2}


def left(home: Path) -> int:
    """A process like a plugin that has outlived its CLI."""
    started = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL).pid)"
    command = [sys.executable, "-c", started, "sleep", "300"]
    environment = os.environ | {"PULUMI_HOME": str(home)}
    return int(subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout)


def test_what_was_found_of_an_interrupted_run_is_said_of_a_failure_too(small: Project) -> None:
    end(small, small.up_elsewhere(seconds=120))
    said = r"ValueError: no good\n(before that, plugins .*\n)?before that, the lock of process"
    with pytest.raises(PulumiError, match=said):
        operations.up(small.place, small.settings(broken="yes"))


def test_the_lock_of_a_living_process_is_respected(small: Project) -> None:
    process = small.up_elsewhere(seconds=120)
    try:
        before = small.note.stat().st_mtime_ns
        with pytest.raises(PulumiError, match=r"process \d+ works on this stack; wait for it to end") as caught:
            operations.up(small.place, small.settings(text="bye"))
        assert str(cli_processes(small)[0]) in str(caught.value)
        assert small.note.stat().st_mtime_ns == before
    finally:
        end(small, process)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a namespace of processes, unless told")
def test_the_lock_of_a_workflows_job_is_respected_though_it_numbers_processes_itself(small: Project) -> None:
    place = small.place
    place.open(small.settings(seconds="120"))
    own = [f"PULUMI_HOME={place.config.root / 'home of the job'}", f"{OF_JOB}={place.home.folder}"]
    known = {key: value for key, value in (clean_environment() | place.environment()).items() if key != "PULUMI_HOME"}
    process = subprocess.Popen(
        ["unshare", "--pid", "--fork", "--kill-child", "env", *own, place.cli, "up", "--yes", "--stack", "s"],
        cwd=place.project, env=known, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_for(small.note.exists)
        with pytest.raises(PulumiError, match=r"process \d+ works on this stack; wait for it to end"):
            operations.up(place, small.settings(text="bye"))
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def end(small: Project, process: "subprocess.Popen[str]") -> str:
    """Kills the CLI that a process runs; what the process said of that."""
    for pid in cli_processes(small):
        os.kill(pid, signal.SIGKILL)
    return process.communicate(timeout=120)[1]


def cli_processes(small: Project) -> list[int]:
    return [pid for pid in processes_in(small.place.config.root) if is_cli(pid)]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def is_cli(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/exe").resolve().name == "pulumi"
    except OSError:
        return False


def processes_in(root: Path) -> list[int]:
    """The processes whose backend lies in a folder."""
    listed = subprocess.run(["ps", "-eo", "pid="], capture_output=True, text=True, check=True).stdout.split()
    found: list[int] = []
    for pid in map(int, listed):
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if f"PULUMI_HOME={root}".encode() in environment:
            found.append(pid)
    return found


def test_the_version_and_the_commit_that_were_here_last_are_known_to_the_next_program(small: Project) -> None:
    program = small.place.config.root / "__main__.py"
    names = "COMMIT_OUTPUT, PLATFORM, VERSION_OUTPUT, read_state"
    lines = ["import pulumi", f"from components.state import {names}", "found = read_state()"]
    lines += ["from stacks.preflight import recorded_commit", 'pulumi.export("outside of a clone", recorded_commit())']
    exports = [
        'pulumi.export("before", f"{found.version} {found.commit}" if found else "none")',
        'platform = pulumi.ComponentResource(PLATFORM, "t")',
        'platform.register_outputs({VERSION_OUTPUT: "9.0.0", COMMIT_OUTPUT: "c0ffee"})',
    ]
    program.write_text("\n".join([*lines, *exports]))
    assert operations.up(small.place, small.settings()).exports["before"] in {" ", "none"}
    again = operations.up(small.place, small.settings()).exports
    assert (again["before"], again["outside of a clone"]) == ("9.0.0 c0ffee", "c0ffee")
