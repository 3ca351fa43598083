"""The sandbox's container images: built once into the cache, served under their usual names.

The registry of the sandbox answers for every registry of the world, so charts and Dockerfiles need no other names.
"""

from pathlib import Path

from sandbox import packages, registry
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.github import credentials
from sandbox.images import catalog
from sandbox.images.cache import ImageCache
from sandbox.images.catalog import ARGOCD, COREDNS, DEBIAN, DISTROLESS, GOLANG, PAUSE, PYTHON, REDIS
from sandbox.progress import Progress
from sandbox.registry import CachedImage

__all__ = [
    "ARGOCD",
    "COREDNS",
    "DEBIAN",
    "DISTROLESS",
    "GOLANG",
    "PAUSE",
    "PYTHON",
    "REDIS",
    "cached",
    "ensure",
    "push",
    "registries_conf",
]

_MIRRORED = ("docker.io", "gcr.io", "ghcr.io", "public.ecr.aws", "quay.io", "registry.k8s.io")
"""Registries whose names base images go by in Dockerfiles."""


def ensure(config: SandboxConfig, progress: Progress) -> list[CachedImage]:
    """Builds every image that is not in the cache yet.

    Raises:
        SandboxError: a layer cannot be made.
    """
    cache = _cache(config)
    wanted = catalog.images(catalog.Supplies(config, progress))
    if any(cache.find(image) is None for image in wanted):
        packages.ensure(config, progress)
        with cache.locked():
            for image in wanted:
                if cache.find(image) is None:
                    with progress.phase(f"Building image {image.name} (once)"):
                        cache.build(image, progress)
    return cached(config)


def cached(config: SandboxConfig) -> list[CachedImage]:
    """The images that are in the cache."""
    cache = _cache(config)
    wanted = catalog.images(catalog.Supplies(config, Progress(quiet=True)))
    return [image for image in map(cache.find, wanted) if image is not None]


def push(config: SandboxConfig, progress: Progress) -> int:
    """Uploads what the running registry lacks of the cached images; returns how many images that were.

    A node that is started after `ensure` has them all in its registry from the start.

    Raises:
        SandboxError: the registry does not answer.
    """
    pushed = 0
    token = credentials.ensure(config).github_token
    with progress.phase("Looking at the images in the registry"), registry.logged_in(token) as client:
        for image in cached(config):
            progress.update(image.name)
            pushed += registry.push(client, config.registry_host, image)
    return pushed


def registries_conf(config: SandboxConfig) -> Path:
    """Writes the file that lets buildah find base images under their usual names (`--registries-conf`)."""
    lines = ['unqualified-search-registries = ["docker.io"]', 'short-name-mode = "disabled"']
    for prefix in _MIRRORED:
        lines += ["", "[[registry]]", f'prefix = "{prefix}"', f'location = "{config.registry_host}"', "insecure = true"]
    lines += ["", "[[registry]]", f'location = "{config.registry_host}"', "insecure = true", ""]
    path = config.directory / "registries.conf"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != "\n".join(lines):
            path.write_text("\n".join(lines))
    except OSError as error:
        raise SandboxError(f"{path}: {error.strerror}; the sandbox's folder has to be writable") from None
    return path


def _cache(config: SandboxConfig) -> ImageCache:
    return ImageCache(config.cache / "images")
