"""A release as a person does it by hand, with the usual tools and nothing else: the least that a release can take.

The image is built by the builder of the jobs, with the same arguments, and pushed to the same registry. The manifest is
pushed to a branch of the environment repository, kubectl sets the image, and `kubectl rollout status` is waited for.
What is rolled out is a copy of the service's Deployment in its namespace, which Argo CD and the Service do not see.
"""

import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.clone import Clone
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.rehearsal import Rehearsal
from slipway_release.image import Buildah, Metadata
from slipway_release.tool import Credential

NAME = "by-hand"
"""Of the Deployment and the branch; the label of its pods."""
AUTHOR = "dana"


@dataclass(frozen=True)
class ByHand:
    """What a person has at hand: a work tree of the service and one of the manifests."""

    config: SandboxConfig
    rehearsal: Rehearsal
    service: str
    namespace: str
    source: Clone
    manifests: Clone

    def release(self, version: str) -> float:
        """Builds, pushes and rolls out; how long it took, in seconds."""
        began = time.monotonic()
        image = self.build(version)
        self._push_manifest(version, image)
        self.roll_out(image)
        return time.monotonic() - began

    def build(self, version: str) -> str:
        """The image of what the work tree has, by its digest, in the registry."""
        host, owner = self.config.registry_host, self.rehearsal.owner
        commit = self.source.git("rev-parse", "HEAD")
        metadata = Metadata(version, commit, f"{self.config.github_url.rstrip('/')}/{owner}/{self.service}")
        name = f"{host}/{owner}/{self.service}:{version}-{NAME}"
        with tempfile.TemporaryDirectory(prefix="slipway-by-hand-") as folder, _quiet():
            builder = Buildah(str(self.config.directory / "runner" / "buildah"), True, (), Path(folder))
            builder.log_in(Credential(host, AUTHOR, self.rehearsal.token(AUTHOR)))
            builder.build(name, self.source.directory, metadata.arguments())
            digest = builder.push(name)
        return f"{name.rpartition(':')[0]}@{digest}"

    def roll_out(self, image: str) -> None:
        """Sets the image and waits until its pods serve.

        Raises:
            SandboxError: the rollout failed; kubectl's words are in it.
        """
        self.set_image(image)
        self.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout", "300s")

    def set_image(self, image: str) -> None:
        self.kubectl("set", "image", f"deployment/{NAME}", f"*={image}")

    def kubectl(self, *words: str, given: str | None = None) -> str:
        command = [str(self.config.commands / "kubectl"), "--kubeconfig", str(self.config.kubeconfig)]
        ran = subprocess.run(
            [*command, "--namespace", self.namespace, *words], input=given, capture_output=True, text=True, check=False
        )
        if ran.returncode:
            raise SandboxError(f"kubectl {words[0]}: {ran.stderr.strip()}")
        return ran.stdout

    def _push_manifest(self, version: str, image: str) -> None:
        self.manifests.write({f"{NAME}/release.yaml": json.dumps({"version": version, "image": image})})
        self.manifests.git("add", "--all")
        self.manifests.git("commit", "--quiet", "--message", f"Release {version} by hand")
        self.manifests.git("push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{NAME}")


@contextlib.contextmanager
def by_hand(config: SandboxConfig, rehearsal: Rehearsal, service: str, environment: str) -> Generator[ByHand]:
    """A copy of a service's Deployment in an environment, that runs and is gone afterwards.

    Args:
        config: the sandbox.
        rehearsal: the same, as people use it.
        service: its name.
        environment: where it is released already.
    """
    with (
        rehearsal.clone(service, AUTHOR) as source,
        rehearsal.clone(rehearsal.environment_repository, AUTHOR) as manifests,
    ):
        hand = ByHand(config, rehearsal, service, f"{service}-{environment}", source, manifests)
        own = json.loads(hand.kubectl("get", "deployment", service, "--output", "json"))
        try:
            hand.kubectl("apply", "--filename", "-", given=json.dumps(copied(own)))
            hand.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout", "300s")
            yield hand
        finally:
            hand.kubectl("delete", "deployment", NAME, "--ignore-not-found", "--wait=false")


def copied(deployment: dict[str, Any]) -> dict[str, Any]:
    """A Deployment under our name, whose pods have our label alone."""
    labels, spec = {"app": NAME}, deployment["spec"]
    template = spec["template"] | {"metadata": spec["template"]["metadata"] | {"labels": labels}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "labels": labels},
        "spec": spec | {"selector": {"matchLabels": labels}, "template": template},
    }


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """What the builder says belongs neither to the table nor to the document."""
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield
