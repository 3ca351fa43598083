"""An upgrade from the first version: what that one made is taken along, by the same names in the state.

`record_first_version` has recorded what v0.1.0 declares.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from slipway_release.version import VERSION
from tests.docs.documented import documented
from tests.first_version import ROOT
from tests.program.record_first_version import RECORDED, STACKS, declared

Declared = dict[str, dict[str, Any]]

MOVED = {"github:index/actionsSecret:ActionsSecret"}
"""Kinds that went elsewhere: keys of the Apps became secrets of environments, which branches do not reach."""
RETAINED = {"github:index/branch:Branch"}
"""Kinds that leave the state and stay on GitHub; v0.1.0 declared them so."""
NAMED = ("name", "metadata.name", "metadata.namespace", "source", "destination", "project")
"""What would make another object of it, or deploy something else, if it changed."""
PLATFORMS = "valuesObject"
"""Values that come from the settings; `tests/argocd/test_upgrade.py` renders with them."""


@pytest.fixture(scope="module", params=STACKS)
def versions(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Declared, Declared]:
    """What v0.1.0 and this version declare for a stack file of v0.1.0."""
    first = json.loads(RECORDED.read_text())[request.param]
    file: Path = tmp_path_factory.mktemp("stacks") / f"Pulumi.{request.param}.yaml"
    file.write_text(first["file"])
    return first["declared"], declared(ROOT, file)


def test_what_is_no_longer_declared_moved_or_stays_on_github(versions: tuple[Declared, Declared]) -> None:
    before, now = versions
    gone = {urn: one for urn, one in before.items() if urn not in now}
    assert {one["type"] for one in gone.values()} <= MOVED | RETAINED, list(gone)
    for urn, one in gone.items():
        assert one["retained"] or one["type"] in MOVED, urn


@pytest.mark.parametrize("kind", [":Repository", ":Team", ":Namespace", ":Application", ":AppProject", ":Release"])
def test_nothing_that_runs_is_replaced_or_deploys_something_else(
    versions: tuple[Declared, Declared], kind: str
) -> None:
    """A repository of another name would be made again, and an Application from elsewhere would restart its pods."""
    before, now = versions
    found = {urn: one for urn, one in before.items() if one["type"].endswith(kind)}
    assert found
    for urn, one in found.items():
        now[urn].get("source", {}).get("helm", {}).pop(PLATFORMS, None)
        assert {name: now[urn].get(name) for name in NAMED} == {name: one.get(name) for name in NAMED}, urn


def test_a_platform_repository_takes_a_tag_by_the_commands_of_the_page(tmp_path: Path) -> None:
    """What the platform has changed itself stays, and the next version is beside it."""
    upstream, ours = tmp_path / "upstream", tmp_path / "ours"
    committing = ["-c", "user.name=pat", "-c", "user.email=pat@example.com", "commit", "--quiet", "--message", "Change"]

    def git(folder: Path, *words: str) -> None:
        subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)

    def commit(folder: Path, path: str, text: str) -> None:
        (folder / path).write_text(text)
        git(folder, "add", path)
        git(folder, *committing)

    subprocess.run(["git", "init", "--quiet", "--initial-branch", "main", str(upstream)], check=True)
    commit(upstream, "program", "1\n")
    subprocess.run(["git", "clone", "--quiet", str(upstream), str(ours)], check=True)
    commit(ours, "Pulumi.acme.yaml", "ours\n")
    commit(upstream, "program", "2\n")
    git(upstream, "tag", f"v{VERSION}")
    commit(upstream, "program", "not released yet\n")

    fetch = documented("git fetch https://github.com/acme/slipway.git")
    for key, value in (f"url.{upstream}.insteadOf", fetch.split()[2]), ("user.name", "pat"), ("user.email", "p@x"):
        git(ours, "config", key, value)
    for line in (fetch, documented("git switch --create upgrade"), documented("git merge FETCH_HEAD")):
        subprocess.run(["sh", "-ec", line], cwd=ours, check=True, capture_output=True)
    assert (ours / "program").read_text() == "2\n"
    assert (ours / "Pulumi.acme.yaml").read_text() == "ours\n"
