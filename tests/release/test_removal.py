"""What a change may take away: what the settings remove goes, and a release stays until they do."""

import shutil
from pathlib import Path

import pytest

from slipway_release.validation import check
from slipway_release.validation.files import Tree
from tests.release.repository import needs_helm, settled


def said(head: Tree, base: Tree, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says, as far as it passes."""
    check.run(head.folder, base.folder)
    return capsys.readouterr().err


@needs_helm
@pytest.mark.parametrize("deleted", [[], ["environments/dev/guestbook", "helm-charts/guestbook"]])
def test_the_platforms_own_removal_of_a_service_passes(
    tree: Tree, template: Path, capsys: pytest.CaptureFixture[str], deleted: list[str]
) -> None:
    settled(tree, services=[])
    for path in deleted:
        shutil.rmtree(tree.folder / path)
    text = said(tree, Tree(template), capsys)
    assert "environments/staging/guestbook: no service of that name runs in staging" in text
    assert "git rm -r environments/staging/guestbook" in text
    # And so does the next change of anything else, and the deletion of what is left over.
    assert "left over" in said(tree, tree, capsys)
    left = Tree(shutil.copytree(tree.folder, tree.folder.parent / "left"))
    for folder in ("dev", "staging", "production"):
        shutil.rmtree(tree.folder / "environments" / folder / "guestbook", ignore_errors=True)
    shutil.rmtree(tree.folder / "helm-charts", ignore_errors=True)
    assert "left over" not in said(tree, left, capsys)


@needs_helm
def test_the_platforms_own_removal_of_an_environment_passes(
    tree: Tree, template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settled(tree, environments=[{"name": "dev", "images": "main"}, {"name": "production", "sync": "manual"}])
    assert "git rm -r environments/staging" in said(tree, Tree(template), capsys)


@needs_helm
def test_the_folders_of_a_service_may_go_before_its_settings(
    tree: Tree, template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in ("helm-charts", "environments/dev", "environments/staging", "environments/production"):
        shutil.rmtree(tree.folder / path / "guestbook")
    assert "take it out of them and run `pulumi up`" in said(tree, Tree(template), capsys)


@pytest.mark.parametrize("how", ["deleted", "moved", "emptied", "with its folder", "with its environment"])
def test_a_release_is_not_taken_away(tree: Tree, template: Path, how: str) -> None:
    file = tree.folder / "environments/staging/guestbook/release.yaml"
    match how:
        case "deleted":
            file.unlink()
        case "moved":
            file.rename(file.parent.parent / "release.yaml")
        case "emptied":
            file.write_text("{}\n")
        case "with its folder":
            shutil.rmtree(file.parent)
        case _:
            shutil.rmtree(file.parent.parent)
    found = "\n".join(map(str, check.problems(tree, Tree(template))))
    assert "environments/staging/guestbook/release.yaml: the release is taken away" in found
