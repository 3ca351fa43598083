"""The browser that the status page is looked at in: headless Chromium, spoken to in its DevTools protocol."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

Json = dict[str, Any]
KEYS = {"Tab": 9, "Enter": 13, " ": 32, "/": 191}
"""The keys that a test presses, with the numbers that the protocol wants as well."""


def chromium() -> str | None:
    """Where Chromium is; None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@dataclass
class Page:
    """A page in a browser of its own, as a person has it before them."""

    _to: BinaryIO
    _from: BinaryIO
    _session: str = ""
    events: list[Json] = field(default_factory=list[Json])
    """What the browser has told of by itself, such as complaints on the console."""
    _number: int = 0

    def call(self, method: str, **parameters: Any) -> Json:
        """One command of the protocol, and its answer."""
        self._number += 1
        message: Json = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _read(self) -> Json:
        """One message; the browser ends each with a zero byte, and writes them one after the other."""
        text = bytearray()
        while (one := self._from.read(1)) != b"\0":
            if not one:
                raise RuntimeError("the browser has ended")
            text += one
        return json.loads(text)

    def attach(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Accessibility"):
            self.call(f"{domain}.enable")

    def size(self, width: int, height: int = 900, *, dark: bool = False, phone: bool = False) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, address: str) -> None:
        # A page that differs in its fragment alone would not be loaded again.
        for one in ("about:blank", address):
            self.events.clear()
            self.call("Page.navigate", url=one)
            while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
                self.events.append(self._read())

    def run(self, script: str) -> Any:
        """What an expression is in the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys, as a person does."""
        for key in keys:
            code = KEYS.get(key) or ord(key.upper())
            text = {"Enter": "\r", "Tab": ""}.get(key, key)
            common: Json = {"key": key, "windowsVirtualKeyCode": code}
            self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
            self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def told(self) -> list[Json]:
        """What a screen reader is told: the nodes of the accessibility tree that are not left out."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [node for node in nodes if not node.get("ignored")]

    def complaints(self) -> list[str]:
        """Errors of scripts, and what the Content-Security-Policy has refused."""
        self.run("new Promise((done) => setTimeout(done, 50))")
        methods = {"Runtime.exceptionThrown", "Log.entryAdded"}
        return [json.dumps(event["params"]) for event in self.events if event.get("method") in methods]

    def picture(self, file: Path, *, whole: bool = False) -> None:
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(found["data"]))


@contextlib.contextmanager
def browser(program: str) -> Generator[Page]:
    """A browser with one empty page, which is gone afterwards."""
    # The browser reads commands from its file descriptor 3 and writes to 4.
    commands, to = os.pipe()
    answers, back = os.pipe()
    options = "--headless --no-sandbox --disable-gpu --no-first-run --disable-dev-shm-usage --remote-debugging-pipe"
    shell = f'exec "$0" {options} "$@" 3<&{commands} 4>&{back}'
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            ["bash", "-c", shell, program, f"--user-data-dir={profile}"],
            pass_fds=(commands, back),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(back)
        try:
            with os.fdopen(to, "wb") as writing, os.fdopen(answers, "rb") as reading:
                page = Page(writing, reading)
                page.attach()
                yield page
        finally:
            process.terminate()
            process.wait(30)
