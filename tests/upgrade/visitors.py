"""People who use a service without a break, and remember each time that it did not answer."""

import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, cast

import httpx
import kubernetes.client

from sandbox.rehearsal import Rehearsal

PAUSE = 0.2


class Visitors:
    """Ask a service in some environments again and again while this is entered."""

    def __init__(self, rehearsal: Rehearsal, service: str, environments: tuple[str, ...]) -> None:
        api = kubernetes.client.CoreV1Api(rehearsal.kubernetes)
        self._addresses: Mapping[str, str] = {
            environment: _address(cast("Any", api.read_namespaced_service(service, f"{service}-{environment}")))
            for environment in environments
        }
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._visit, daemon=True)
        self.answered = 0
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._thread.join()

    def _visit(self) -> None:
        while not self._left.wait(PAUSE):
            for environment, address in self._addresses.items():
                try:
                    httpx.get(address, timeout=5).raise_for_status()
                except httpx.HTTPError as error:
                    self.failures.append(f"{time.ctime()} {environment}: {error!r}")
                else:
                    self.answered += 1


def _address(service: Any) -> str:
    return f"http://{service.spec.cluster_ip}:{service.spec.ports[0].port}/"
