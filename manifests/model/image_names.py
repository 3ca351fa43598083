"""Settings that say which images there are and where: registries, paths in them, platforms and accounts."""

import re
from typing import Annotated

from pydantic import AfterValidator

from manifests.model.addresses import has_valid_port, without_credentials
from manifests.model.base import Line, wrong
from slipway_release import names

IMAGE_PART = re.compile(names.IMAGE_PART)
IMAGE_PART_MEANING = "lowercase letters and digits with single dots, underscores or dashes between"
DOCKER_HUB = "docker.io"
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?")
_PROCESSORS = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "i386": "386"}
_DOCKER_HUB = frozenset({"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "hub.docker.com"})


def _image_source(text: str) -> str:
    without_credentials(text)
    host, *path = text.split("/")
    if not has_valid_port(text) or not _HOST.fullmatch(host) or not all(map(IMAGE_PART.fullmatch, path)):
        raise wrong(f"{text!r} is not a registry: use a host, a port and a path in small letters, without https://")
    if not set(host) & set(".:") and host != "localhost":
        raise wrong(f"{host!r} is read as an account of Docker Hub, for want of a dot; use the registry's full name")
    return text


def _registry(text: str) -> str:
    _image_source(text)
    server, _, path = text.partition("/")
    if path.partition("/")[0] in {"v1", "v2"}:
        raise wrong(f"{text!r} has the path of a registry's API; use {server}, and the name that images have")
    if server in _DOCKER_HUB or (server == DOCKER_HUB and path):
        raise wrong(f"{text!r} is Docker Hub; use `host: {DOCKER_HUB}`, and `namespace` for the account of the images")
    return text


def _image_path(text: str) -> str:
    if not all(map(IMAGE_PART.fullmatch, text.split("/"))):
        raise wrong(f"{text!r} cannot be part of an image's name; use {IMAGE_PART_MEANING}, and slashes between parts")
    return text


def _platform(text: str) -> str:
    _, _, processor = text.partition("/")
    if meant := _PROCESSORS.get(processor):
        raise wrong(f"{text!r} has the kernel's word for the processor; use linux/{meant}, as images do")
    if not re.fullmatch(r"linux/[a-z0-9_]+(/v[0-9]+)?", text):
        raise wrong(f"{text!r} is not a platform of images; use one such as linux/amd64 or linux/arm64")
    return text


def _account(text: str) -> str:
    if re.search(r"[\s:]", text):
        raise wrong(f"{text!r} is not an account of a registry: use its name alone, without a colon and blanks")
    return text


ImagePath = Annotated[str, AfterValidator(_image_path)]
Platform = Annotated[str, AfterValidator(_platform)]
ImageSource = Annotated[str, AfterValidator(_image_source)]
RegistryHost = Annotated[str, AfterValidator(_registry)]
Account = Annotated[Line, AfterValidator(_account)]
