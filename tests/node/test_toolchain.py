"""What a tool's build is known by, and what is said when there is none."""

import dataclasses
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sandbox import golang, toolchain
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.progress import Progress
from sandbox.toolchain import TOOLS, Tool

QUIET = Progress(quiet=True)


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """A copy of a small tool, free to change."""
    shutil.copytree(toolchain.SOURCES / "pause", tmp_path / "tools" / "pause")
    monkeypatch.setattr(toolchain, "SOURCES", tmp_path / "tools")
    return Tool("pause")


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "main.go"])
def test_a_change_of_a_file_is_another_build(tool: Tool, file: str) -> None:
    was = toolchain.key(tool)
    (tool.folder / file).write_text((tool.folder / file).read_text() + "\n")
    assert toolchain.key(tool) != was


def test_a_change_of_a_version_set_at_link_time_is_another_build(tool: Tool) -> None:
    assert toolchain.key(dataclasses.replace(tool, variables=(("main.version", "2"),))) != toolchain.key(tool)


def test_a_file_that_go_does_not_read_changes_nothing(tool: Tool) -> None:
    was = toolchain.key(tool)
    (tool.folder / "README.md").write_text("words")
    assert toolchain.key(tool) == was


def test_the_needed_go_is_the_newest_that_a_tool_asks_for() -> None:
    asked = [
        tuple(int(part) for part in found[1].split("."))
        for tool in TOOLS.values()
        if (found := re.search(r"^go ([\d.]+)$", (tool.folder / "go.mod").read_text(), re.MULTILINE))
    ]
    assert len(asked) == len(TOOLS)
    assert max(asked) == golang.NEEDED
    assert tuple(map(int, golang.WHEEL.split("."))) >= golang.NEEDED


@pytest.mark.parametrize(
    ("tool", "module", "version"),
    [
        ("kubernetes", "k8s.io/kubernetes", toolchain.KUBERNETES_VERSION),
        ("argocd", "github.com/argoproj/argo-cd/v3", toolchain.ARGOCD_VERSION),
        ("coredns", "github.com/coredns/coredns", toolchain.COREDNS_VERSION),
        ("helm", "helm.sh/helm/v3", toolchain.HELM_VERSION.removeprefix("v")),
        ("pulumi", "github.com/pulumi/pulumi/pkg/v3", toolchain.PULUMI_VERSION.removeprefix("v")),
    ],
)
def test_versions_in_words_are_those_of_the_pins(tool: str, module: str, version: str) -> None:
    assert re.search(rf"^(require )?\s*{re.escape(module)} v{re.escape(version)}$",
                     (TOOLS[tool].folder / "go.mod").read_text(), re.MULTILINE)  # fmt: skip


def test_a_program_inside_a_tool_is_found_beside_it(config: SandboxConfig) -> None:
    folder = config.cache / "bin" / f"kubernetes-{toolchain.key(TOOLS['kubernetes'])}"
    folder.mkdir(parents=True)
    (folder / "kubernetes").touch()
    assert toolchain.ensure(config, QUIET, ["kubectl"]) == {"kubectl": folder / "kubectl"}


def test_embedded_files_are_shown_to_the_compiler_where_the_program_expects_them(
    config: SandboxConfig, tool: Tool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They are in a module, which is read-only and cannot be embedded from."""
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "words.txt").write_text("from the module")
    go = tmp_path / "go"
    go.write_text(f'#!/bin/sh\n[ "$1" != list ] || {{ echo {tmp_path}/module; exit; }}\nexec {_go()} "$@"\n')
    go.chmod(0o755)
    program = (
        'package main\n\nimport _ "embed"\n\n//go:embed words.txt\nvar words string\n\nfunc main() { print(words) }\n'
    )
    (tool.folder / "main.go").write_text(program)
    embedding = dataclasses.replace(tool, module="example.test/words", embedded=("words.txt",))
    monkeypatch.setattr(toolchain, "TOOLS", {tool.name: embedding})
    monkeypatch.setattr(golang, "find", lambda *_: go)
    built = toolchain.ensure(config, QUIET, [tool.name])[tool.name]
    assert subprocess.run([built], capture_output=True, text=True, check=True).stderr == "from the module"
    assert not (tool.folder / "words.txt").exists()


def _go() -> str:
    return shutil.which("go") or pytest.skip("no Go on PATH")


def test_scripts_go_beside_the_program_and_are_part_of_the_build(
    config: SandboxConfig, tool: Tool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    go.write_text('#!/bin/sh\nfor last; do [ "$before" = -o ] && : > "$last"; before=$last; done\n')
    go.chmod(0o755)
    monkeypatch.setattr(golang, "find", lambda *_: go)
    script = tool.folder / "pause-helper"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    scripted = dataclasses.replace(tool, scripts=(script.name,))
    monkeypatch.setattr(toolchain, "TOOLS", {tool.name: scripted})
    built = toolchain.ensure(config, QUIET, [tool.name])[tool.name]
    assert os.access(built.with_name(script.name), os.X_OK)
    was = toolchain.key(scripted)
    script.write_text("#!/bin/sh\nexit 1\n")
    assert toolchain.key(scripted) != was


def test_an_unknown_tool_is_named_with_those_that_there_are(config: SandboxConfig) -> None:
    with pytest.raises(SandboxError, match=r"'kubeclt'.*kubectl"):
        toolchain.ensure(config, QUIET, ["kubeclt"])


def test_a_build_that_fails_says_so_and_leaves_nothing(
    config: SandboxConfig, tool: Tool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho 'main.go:1: no such thing' >&2\nexit 1\n")
    go.chmod(0o755)
    monkeypatch.setattr(golang, "find", lambda *_: go)
    with pytest.raises(SandboxError, match=r"sandbox/tools/pause.*no such thing"):
        toolchain.ensure(config, QUIET, [tool.name])
    assert [path.name for path in (config.cache / "bin").iterdir()] == [".pause.lock"]
