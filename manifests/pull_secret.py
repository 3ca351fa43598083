"""What a kubelet pulls images with: a Secret in each namespace, whose content never is in Git."""

import base64
import json

from manifests.model import Registry
from manifests.model.image_names import DOCKER_HUB

SECRET_TYPE = "kubernetes.io/dockerconfigjson"
SECRET_KEY = ".dockerconfigjson"
_SERVERS = {DOCKER_HUB: "https://index.docker.io/v1/"}
"""Where Docker's configuration knows a registry by another name than its images do."""


def docker_configuration(registry: Registry, password: str) -> str:
    """The credential of `registry.pullUsername` in the form that kubelets read."""
    username = registry.pull_username or ""
    login = base64.b64encode(f"{username}:{password}".encode()).decode()
    entry = {"username": username, "password": password, "auth": login}
    return json.dumps({"auths": {_SERVERS.get(registry.server, registry.server): entry}})
