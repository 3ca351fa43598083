"""The command line: exit codes, and errors without tracebacks."""

import errno
import http.server
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sandbox import preflight
from sandbox.cli import main
from sandbox.config import SandboxConfig
from sandbox.errors import ExitCode, PreflightError, SandboxError
from sandbox.lock import locked


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sandbox that is not up."""
    monkeypatch.setenv("SLIPWAY_SANDBOX_DIR", str(tmp_path / "box"))
    return tmp_path / "box"


def test_a_stack_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--stack", "nowhere"]) == ExitCode.USAGE
    assert "Pulumi.nowhere.yaml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("module", "unused"),
    [
        ("preview", ["kubernetes", "starlette", "sandbox.up"]),
        ("up", ["starlette"]),
        ("status", ["pulumi", "starlette"]),
    ],
)
def test_a_command_starts_without_what_it_does_not_use(module: str, unused: list[str]) -> None:
    """Each of these takes a good part of a second to import."""
    code = f"import sys, sandbox.{module}; print([name for name in {unused} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")


def test_the_status_of_nothing_names_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == ExitCode.FAILED
    assert "make up" in capsys.readouterr().err


def test_template_updates_ask_the_github_of_the_sandbox_that_is_up(
    nowhere: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["template-updates"]) == ExitCode.FAILED
    assert "make up" in capfd.readouterr().err

    class Empty(http.server.BaseHTTPRequestHandler):
        """A GitHub without repositories."""

        def do_GET(self) -> None:
            self.send_response(404)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base names it
            pass

    config = SandboxConfig.from_environment()
    config.credentials.parent.mkdir(parents=True)
    config.credentials.write_text('{"githubToken": "ghp_x"}')
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        text = (config.root / "stacks/Pulumi.sandbox.yaml").read_text()
        written = config.pulumi_directory / "project/stacks/Pulumi.sandbox.yaml"
        written.parent.mkdir(parents=True)
        written.write_text(text.replace("http://10.201.0.1:3000/", f"http://127.0.0.1:{server.server_port}/", 1))
        assert main(["template-updates", "--service", "guestbook"]) == ExitCode.FAILED
        server.shutdown()
    assert "guestbook: acme/guestbook is not there yet; `pulumi up` makes it" in capfd.readouterr().err


def test_a_log_that_is_not_there_is_a_usage_error() -> None:
    assert main(["logs", "kubelet"]) == ExitCode.USAGE


def test_a_wrong_network_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_SANDBOX_NETWORK", "ten")
    assert main(["status"]) == ExitCode.USAGE


@pytest.mark.parametrize("network", ["127.0", "8.8", "10.300", "10", "0.0", "169.254"])
def test_only_private_networks_are_taken(monkeypatch: pytest.MonkeyPatch, network: str) -> None:
    monkeypatch.setenv("SLIPWAY_SANDBOX_NETWORK", network)
    assert main(["status"]) == ExitCode.USAGE


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/box/x"), "make room"),
        (PermissionError(errno.EACCES, "Permission denied", "/box/x"), "as the user"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "Broken pipe"),
        (KeyError("surprise"), "report it"),
    ],
)
def test_no_failure_shows_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, said: str
) -> None:
    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr("sandbox.logs.tail", failing)
    assert main(["logs"]) == ExitCode.FAILED
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told
    assert len(told.splitlines()) == 1


def test_ctrl_c_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sandbox.logs.tail", interrupted)
    assert main(["logs"]) == ExitCode.INTERRUPTED
    assert "make up" in capsys.readouterr().err


def test_one_command_at_a_time(nowhere: Path) -> None:
    config = SandboxConfig.from_environment()
    with locked(config), pytest.raises(SandboxError, match="another command") as caught, locked(config):
        pass
    assert caught.value.exit_code == ExitCode.BUSY
    with locked(config):
        pass


def test_an_occupied_port_is_found_before_anything_is_written(monkeypatch: pytest.MonkeyPatch, nowhere: Path) -> None:
    monkeypatch.setenv("SLIPWAY_SANDBOX_NETWORK", "10.79")
    config = SandboxConfig.from_environment()
    with socket.socket() as occupant:
        occupant.setsockopt(socket.SOL_IP, 15, 1)  # IP_FREEBIND: the address need not be there
        occupant.bind((config.host_ip, 3000))
        occupant.listen()
        with pytest.raises(PreflightError, match=r"10\.79\.0\.1.*SLIPWAY_SANDBOX_NETWORK") as caught:
            preflight.check(config)
    assert caught.value.exit_code == ExitCode.UNABLE
    assert not nowhere.exists()


def test_a_lock_that_its_holder_removed_holds_nobody_off(nowhere: Path) -> None:
    config = SandboxConfig.from_environment()
    with locked(config):
        nowhere.with_name(f"{nowhere.name}.lock").unlink()
        with locked(config):
            assert nowhere.with_name(f"{nowhere.name}.lock").exists()


def test_a_folder_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SLIPWAY_SANDBOX_DIR", str(tmp_path / "file" / "box"))
    with pytest.raises(SandboxError, match="SLIPWAY_SANDBOX_DIR") as caught, locked(SandboxConfig.from_environment()):
        pass
    assert caught.value.exit_code == ExitCode.UNABLE


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), ("[", "not a kubeconfig"), ("current-context: x", "not a kubeconfig")]
)
def test_a_named_kubeconfig_is_read_before_anything_is_written(
    nowhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, said: str
) -> None:
    named = tmp_path / "config"
    if content is not None:
        named.write_text(content)
    monkeypatch.setenv("SLIPWAY_SANDBOX_KUBECONFIG", str(named))
    with pytest.raises(PreflightError, match=said):
        preflight.check(SandboxConfig.from_environment())
    assert not nowhere.exists()


def test_every_address_comes_from_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_SANDBOX_NETWORK", "10.77")
    config = SandboxConfig.from_environment()
    assert config.github_url == "http://10.77.0.1:3000/"
    assert config.argocd_url == "http://10.77.0.2:30080"
    assert (config.registry_host, config.pod_cidr) == ("10.77.0.2:5000", "10.77.16.0/20")


@pytest.mark.parametrize(
    "words", [["preview", "--diff"], ["--version"], ["--help"], ["stack", "output", "--", "x"], []]
)
def test_the_pulumi_among_the_commands_passes_every_word_on(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also options before the first command, which this command line would take for its own."""
    passed: list[list[str]] = []
    monkeypatch.setattr("sandbox.pulumi.operations.execute", lambda _place, _settings, given: passed.append(given))
    monkeypatch.setattr("sandbox.pulumi.workspace.find_workspace", lambda *_given: None)
    monkeypatch.setattr("sandbox.overlay.sandbox_stack", lambda *_given: None)
    assert main(["pulumi", "--", *words]) == ExitCode.OK
    assert passed == [words]


def test_a_pull_request_that_is_not_open_yet_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object, **_named: object) -> None:
        raise SandboxError("POST /repos/acme/environments/pulls/9/reviews: 404 Not Found")

    monkeypatch.setattr("sandbox.people.agree", refused)
    assert main(["approve", "http://10.201.0.1:3000/acme/environments/pull/9"]) == ExitCode.FAILED
    assert "pull/9: there is no such pull request, or it is not opened yet" in capsys.readouterr().err


def test_an_address_that_is_not_a_pull_requests_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["approve", "http://10.201.0.1:3000/acme/environments"]) == ExitCode.FAILED
    assert "not the address of a pull request" in capsys.readouterr().err
