"""Images that are built already: blobs and an index in the cache, shared by all sandboxes of this user."""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.images import oci
from sandbox.images.catalog import Image
from sandbox.images.oci import Layer
from sandbox.images.recipes import Recipe, Workshop
from sandbox.lock import held
from sandbox.progress import Progress
from sandbox.registry import CachedImage


@dataclass(frozen=True)
class ImageCache:
    """A folder of blobs, and beside it what is known of each layer and image by its key."""

    folder: Path

    @property
    def blobs(self) -> Path:
        return self.folder / "blobs"

    @property
    def workshop(self) -> Workshop:
        return Workshop(self.folder / "trees", self.folder / "apt")

    def find(self, image: Image) -> CachedImage | None:
        """The image, when it is complete in the cache."""
        with contextlib.suppress(OSError, ValueError):
            known = json.loads(self._index(image).read_text())
            cached = CachedImage(image.name, known["manifest"], known["digest"], self.blobs)
            if all(cached.blob(digest).exists() for digest in (cached.digest, *cached.contents)):
                return cached
        return None

    def build(self, image: Image, progress: Progress) -> None:
        """Makes the layers that are missing, then the image."""
        layers = [self._layer(recipe, progress) for recipe in image.top.stack]
        manifest, digest = oci.write_manifest(layers, image.settings, self.blobs)
        _write(self._index(image), json.dumps({"name": image.name, "manifest": manifest, "digest": digest}))

    @contextlib.contextmanager
    def locked(self) -> Generator[None]:
        """Holds the right to build into this cache."""
        with held(self.folder / ".lock"):
            for leftover in (*self.blobs.glob(".*"), *(self.folder / "trees").glob(".*")):  # of one that was killed
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
            yield

    def _index(self, image: Image) -> Path:
        content = json.dumps([image.top.key, image.settings.document()], sort_keys=True)
        key = hashlib.sha256(content.encode()).hexdigest()[:12]
        return self.folder / "index" / f"{image.name.replace('/', '_').replace(':', '_')}-{key}.json"

    def _layer(self, recipe: Recipe, progress: Progress) -> Layer:
        record = self.folder / "layers" / f"{recipe.name}-{recipe.key}.json"
        tree = self.workshop.tree(recipe)
        with contextlib.suppress(OSError, ValueError, TypeError):
            layer = Layer(**json.loads(record.read_text()))
            if (self.blobs / layer.digest.removeprefix("sha256:")).exists() and (tree.exists() or not recipe.is_base):
                return layer
        progress.update(f"layer {recipe.name}")
        if not tree.exists():
            unfinished = tree.with_name(f".{tree.name}")
            unfinished.mkdir(parents=True)
            unfinished.chmod(0o755)
            recipe.fill(self.workshop, unfinished)
            unfinished.rename(tree)
        layer = oci.write_layer(tree, self.blobs)
        _write(record, json.dumps(asdict(layer)))
        if not recipe.is_base:
            shutil.rmtree(tree)
        return layer


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.write_text(text)
    unfinished.rename(path)
