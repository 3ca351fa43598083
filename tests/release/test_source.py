"""The service's side: what may be built, and how."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from slipway_release import image, source
from slipway_release.errors import RefusedError, ReleaseError
from slipway_release.registry import REVISION_LABEL, Image
from slipway_release.source import Source
from tests.release.builders import COMMIT, DIGEST, context

REPOSITORY = "/repos/acme/guestbook"
HEAD = "f" * 40


@pytest.fixture(autouse=True)
def workflow_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/guestbook")
    monkeypatch.setenv("GITHUB_REF", "refs/tags/v1.2.3")
    monkeypatch.setenv("GITHUB_SHA", COMMIT)


def answers(status: str = "behind") -> dict[str, Any]:
    return {
        f"GET {REPOSITORY}": {"default_branch": "main"},
        f"GET {REPOSITORY}/git/ref/tags/v1.2.3": {"object": {"type": "commit", "sha": COMMIT}},
        f"GET {REPOSITORY}/git/ref/heads/main": {"object": {"type": "commit", "sha": HEAD}},
        f"GET {REPOSITORY}/compare/{HEAD}...{COMMIT}": {"status": status},
    }


def test_a_tag_on_main_may_be_built() -> None:
    found = source.check(context(answers()))
    assert (found.service.name, found.version, found.existing) == ("guestbook", "1.2.3", None)


def test_a_commit_of_a_tracked_branch_may_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_REF", "refs/heads/main")
    assert source.check(context(answers())).version == f"main-{COMMIT[:12]}"


def test_what_an_earlier_run_has_built_is_taken() -> None:
    assert source.check(context(answers(), {"1.2.3": COMMIT})).existing is not None


def test_a_version_that_was_built_from_something_else_is_refused() -> None:
    with pytest.raises(RefusedError, match="exists already"):
        source.check(context(answers(), {"1.2.3": HEAD}))


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("refs/tags/v1.2.3;rm", "not SemVer"),
        ("refs/tags/prd-v1.2.3", r"prod-v1\.2\.3"),
        ("refs/heads/feature", "no environment of guestbook follows it"),
        ("refs/pull/1/merge", "only tags and branches"),
    ],
)
def test_everything_else_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, reference: str, words: str
) -> None:
    monkeypatch.setenv("GITHUB_REF", reference)
    with pytest.raises(RefusedError, match=words):
        source.check(context(answers()))


def test_a_tag_beside_main_is_refused() -> None:
    with pytest.raises(RefusedError, match="not on main"):
        source.check(context(answers("diverged")))


def test_a_repository_of_nobody_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/other")
    with pytest.raises(RefusedError, match="acme/other"):
        source.check(context(answers()))


TOOL = """#!/bin/sh
echo "$0 $*" >> "{log}"
case "$1" in
  info) exit {info} ;;
  login) cat >> "{log}"; echo >> "{log}" ;;
  push)
    while [ $# -gt 0 ]; do [ "$1" = --digestfile ] && printf {digest} > "$2"; shift; done
    echo "1.2.3: digest: {digest} size: 1" ;;
  build) exit {build} ;;
  manifest)
    while [ $# -gt 0 ]; do [ "$1" = --digestfile ] && printf {digest} > "$2"; shift; done ;;
  buildx)
    [ "$2" = create ] && echo maker
    while [ $# -gt 0 ]; do
      [ "$1" = --metadata-file ] && printf '{{"containerimage.digest": "{digest}"}}' > "$2"
      shift
    done ;;
esac
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there, and a folder with a Dockerfile."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    monkeypatch.delenv("BUILDAH", raising=False)
    return tmp_path


def tool(folder: Path, name: str, *, info: int = 0, build: int = 0) -> None:
    file = folder / "bin" / name
    file.write_text(TOOL.format(log=folder / "log", info=info, build=build, digest=DIGEST))
    file.chmod(0o755)


def built(folder: Path, *, existing: Image | None = None, password: str = "", platforms: tuple[str, ...] = ()) -> str:
    around = context()
    around = dataclasses.replace(around, platform=dataclasses.replace(around.platform, image_platforms=platforms))
    made = Source(around.platform.service("guestbook"), "1.2.3", COMMIT, existing)
    return image.build(around, made, folder, image.Credential("registry.test", "octocat", password))


def log(folder: Path) -> str:
    return (folder / "log").read_text()


def test_docker_builds_where_its_engine_answers(tools: Path) -> None:
    tool(tools, "docker")
    tool(tools, "buildah")
    assert built(tools, password="hush") == DIGEST
    text = log(tools)
    assert "docker build" in text
    assert f"--label {REVISION_LABEL}={COMMIT}" in text
    assert "--build-arg VERSION=1.2.3" in text
    assert "buildah" not in text


def test_buildah_builds_where_no_engine_answers(tools: Path) -> None:
    tool(tools, "docker", info=1)
    tool(tools, "buildah")
    assert built(tools) == DIGEST
    assert "buildah build --tls-verify=false --isolation chroot" in log(tools)


PLATFORMS = ("linux/amd64", "linux/arm64")


def test_docker_builds_for_several_platforms_with_a_builder_of_its_own(tools: Path) -> None:
    tool(tools, "docker")
    assert built(tools, platforms=PLATFORMS) == DIGEST
    build, push = [line for line in log(tools).splitlines() if "buildx build" in line]
    assert "--platform linux/amd64,linux/arm64" in build
    assert "--push" not in build
    assert "--push" in push


def test_buildah_builds_for_several_platforms_as_one_manifest(tools: Path) -> None:
    tool(tools, "buildah")
    tool(tools, "docker", info=1)
    assert built(tools, platforms=PLATFORMS) == DIGEST
    assert "--platform linux/amd64,linux/arm64 --manifest registry.test/acme/guestbook:1.2.3" in log(tools)
    assert "manifest push --all" in log(tools)


def test_a_password_is_never_an_argument(tools: Path) -> None:
    tool(tools, "docker")
    built(tools, password="hush")
    assert "hush" in log(tools)
    assert not [line for line in log(tools).splitlines() if "docker" in line and "hush" in line]


def test_without_a_builder_the_remedy_is_named(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tools / "bin"))
    with pytest.raises(RefusedError, match="neither"):
        built(tools)


def test_an_image_that_exists_is_not_built_again(tools: Path) -> None:
    assert built(tools, existing=Image(DIGEST, {})) == DIGEST
    assert not (tools / "log").exists()


def test_a_build_that_fails_says_so(tools: Path) -> None:
    tool(tools, "docker", build=3)
    with pytest.raises(ReleaseError, match="ended with 3"):
        built(tools)


def test_without_a_dockerfile_the_service_is_told(tools: Path) -> None:
    (tools / "Dockerfile").unlink()
    with pytest.raises(RefusedError, match="has no Dockerfile"):
        built(tools)
