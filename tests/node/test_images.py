"""Layers, manifests and the registry's storage that is filled with them."""

import json
import os
import tarfile
from pathlib import Path

import pytest

from sandbox import images, registry
from sandbox.config import SandboxConfig
from sandbox.images import oci, recipes
from sandbox.images.cache import ImageCache
from sandbox.images.catalog import Image
from sandbox.images.oci import Settings
from sandbox.images.recipes import Recipe
from sandbox.progress import Progress

QUIET = Progress(quiet=True)


def image(name: str = "quay.io/acme/tool:v1", text: str = "one", below: Recipe | None = None) -> Image:
    def fill(folder: Path) -> None:
        (folder / "file").write_text(text)

    return Image(name, recipes.files("tool", fill, text, below=below), Settings(entrypoint=("/file",)))


@pytest.fixture
def cache(config: SandboxConfig) -> ImageCache:
    return ImageCache(config.cache / "images")


def test_the_same_files_are_the_same_layer(tmp_path: Path) -> None:
    for name, time in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("text")
        os.utime(tmp_path / name / "file", (time, time))
    first, second = (oci.write_layer(tmp_path / name, tmp_path / "blobs") for name in ("one", "two"))
    assert first == second


def test_a_layer_keeps_links_and_modes(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "folder").mkdir(parents=True)
    (tree / "folder" / "program").write_text("text")
    (tree / "folder" / "program").chmod(0o755)
    (tree / "link").symlink_to("folder/program")
    layer = oci.write_layer(tree, tmp_path / "blobs")
    with tarfile.open(tmp_path / "blobs" / layer.digest.removeprefix("sha256:")) as archive:
        assert archive.getmember("folder/program").mode == 0o755
        assert archive.getmember("link").linkname == "folder/program"


@pytest.mark.skipif(os.geteuid() != 0, reason="making the mark takes root")
def test_what_an_overlay_marks_as_deleted_is_deleted_in_the_layer(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "folder").mkdir(parents=True)
    os.mknod(tree / "folder" / "gone", 0o020000, os.makedev(0, 0))
    layer = oci.write_layer(tree, tmp_path / "blobs")
    with tarfile.open(tmp_path / "blobs" / layer.digest.removeprefix("sha256:")) as archive:
        assert archive.getnames() == ["folder", "folder/.wh.gone"]


def test_a_built_image_is_found_and_another_is_not(cache: ImageCache) -> None:
    with cache.locked():
        cache.build(image(), QUIET)
    found = cache.find(image())
    assert found
    assert (found.repository, found.tag) == ("acme/tool", "v1")
    assert cache.find(image(text="two")) is None


def test_an_image_with_a_lost_blob_is_built_again(cache: ImageCache) -> None:
    with cache.locked():
        cache.build(image(), QUIET)
    found = cache.find(image())
    assert found
    found.blob(found.contents[-1]).unlink()
    assert cache.find(image()) is None
    with cache.locked():
        cache.build(image(), QUIET)
    assert cache.find(image()) == found


def test_a_change_below_is_another_layer_above() -> None:
    lower = [recipes.files("lower", lambda _: None, version) for version in ("1", "2")]
    assert image(below=lower[0]).top.key != image(below=lower[1]).top.key


def test_the_remains_of_a_killed_build_are_removed(cache: ImageCache) -> None:
    (cache.folder / "trees" / ".half").mkdir(parents=True)
    cache.blobs.mkdir()
    (cache.blobs / ".layer-half").touch()
    with cache.locked():
        pass
    assert not [*cache.blobs.iterdir(), *(cache.folder / "trees").iterdir()]


def test_seeding_a_registry_copies_no_blob_and_never_shares_what_a_tag_says(cache: ImageCache, tmp_path: Path) -> None:
    with cache.locked():
        cache.build(image(), QUIET)
    found = cache.find(image())
    assert found
    for _ in range(2):
        registry.seed(tmp_path / "registry", [found])
    root = tmp_path / "registry" / "docker" / "registry" / "v2"
    blobs = {path.parent.name: path for path in root.glob("blobs/sha256/*/*/data")}
    assert len(blobs) == 3
    assert all(path.samefile(cache.blobs / value) for value, path in blobs.items())
    current = root / "repositories/acme/tool/_manifests/tags/v1/current/link"
    assert current.read_text() == found.digest
    assert current.stat().st_nlink == 1


def test_a_manifest_lists_its_layers_with_their_sizes(cache: ImageCache) -> None:
    with cache.locked():
        cache.build(image(), QUIET)
    found = cache.find(image())
    assert found
    document = json.loads(found.manifest)
    assert [layer["size"] for layer in document["layers"]] == [found.blob(found.contents[1]).stat().st_size]


def test_base_images_are_looked_for_in_the_sandbox(config: SandboxConfig) -> None:
    text = images.registries_conf(config).read_text()
    assert f'prefix = "docker.io"\nlocation = "{config.registry_host}"\ninsecure = true' in text
