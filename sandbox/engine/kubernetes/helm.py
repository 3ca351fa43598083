"""Runs the helm command for one cluster, and watches the pods that it waits for."""

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from sandbox.engine.kubernetes import pods
from sandbox.engine.kubernetes.api import KubernetesApi
from sandbox.engine.outcome import ApplyError

Tell = Callable[[str], None]

LOOK_EVERY = 1.0
PATIENCE = 60.0
"""Seconds that a pod may be in a hopeless state: an image may come late, and a crash may be a matter of order."""


@dataclass(frozen=True)
class Helm:
    """The helm command, with folders of its own."""

    binary: Path
    home: Path
    """Where helm keeps its cache and settings; never the user's."""
    api: KubernetesApi

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs helm to its end."""
        with self._cluster() as options:
            return subprocess.run(
                [str(self.binary), *arguments, *options],
                env=self._environment(),
                capture_output=True,
                text=True,
                check=False,
            )

    def run_watched(self, namespace: str, tell: Tell, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs helm, says meanwhile which pods it waits for, and gives up when one of them has no hope left.

        Raises:
            ApplyError: A pod will not become ready.
        """
        with self._cluster() as options, tempfile.TemporaryFile("w+") as said:
            command = [str(self.binary), *arguments, *options]
            with subprocess.Popen(command, env=self._environment(), stdout=said, stderr=said, text=True) as process:
                try:
                    self._watch(process, namespace, tell)
                except BaseException:
                    process.terminate()  # the release is left pending, which the next run recovers
                    raise
            said.seek(0)
            return subprocess.CompletedProcess(command, process.returncode, "", said.read())

    def _watch(self, process: subprocess.Popen[str], namespace: str, tell: Tell) -> None:
        hopeless_since: float | None = None
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_EVERY)
                return
            try:
                waiting, trouble = pods.unready(self.api, namespace), pods.first_trouble(self.api, namespace)
            except ApplyError:
                continue  # the API server may be busy; helm says so itself if it is gone
            tell(f"waits for {', '.join(waiting[:4])}" if waiting else "")
            if trouble is None or not trouble.hopeless:
                hopeless_since = None
                continue
            hopeless_since = hopeless_since or time.monotonic()
            if time.monotonic() - hopeless_since > PATIENCE:
                raise ApplyError(f"it will not become ready\n{trouble}")

    def _environment(self) -> dict[str, str]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("HELM_", "KUBE"))}
        return environment | {
            f"HELM_{what}_HOME": str(self.home / what.lower()) for what in ("CACHE", "CONFIG", "DATA")
        }

    @contextlib.contextmanager
    def _cluster(self) -> Generator[list[str]]:
        """The options that name the cluster; a kubeconfig that was given as text goes through a private file."""
        context = ["--kube-context", self.api.context] if self.api.context else []
        with tempfile.NamedTemporaryFile("w") as file:
            path = self.api.source
            if "\n" in path:
                file.write(path)
                file.flush()
                path = file.name
            yield ["--kubeconfig", path, *context]


def last_line(text: str) -> str:
    """What helm said last, which is the error."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("Error: ") if lines else "it said nothing"
