"""Size of the status page of 300 services in 4 environments, and the time until a browser has laid it out."""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import Report, benchmark
from sandbox.errors import SandboxError
from slipway_release.page import page
from tests.release.chromium import chromium

SERVICES = 300
PLACES = ("dev", "qa", "staging", "production")
# Asking for the height makes the browser lay everything out; what is left then is to paint it.
_SCRIPT = "<script>document.body.offsetHeight; document.title = `laid out in ${performance.now()} ms`</script></body>"


def measured(options: argparse.Namespace, report: Report) -> None:
    browser = chromium()
    text = page(platform())
    size = len(text.encode()) / 1000
    report.measure("size", "kB").values.append(size)
    report.at_most("size in kB", size, 200)
    if browser is None:
        raise SandboxError("there is no Chromium here; install the package chromium")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(text.replace("</body>", _SCRIPT))
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", f"file://{file}"]
        for _ in range(options.runs):
            shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=110).stdout
            found = re.search(r"<title>laid out in ([\d.]+) ms", shown)
            if found is None:
                raise SandboxError("the browser did not show the page; open it by hand and look at its console")
            report.measure("laid out").values.append(float(found[1]) / 1000)
    report.at_most("seconds until it is laid out", report.measure("laid out").median, 1)


def platform() -> dict[str, Any]:
    """What the page shows, with an ordinary cell for each service in each environment."""
    cell = {"version": "1.23.4", "state": "verified", "at": "2026-01-02T03:04:05+00:00", "by": "argocd[bot]"}
    names = [f"service-{number:03}" for number in range(SERVICES)]
    return {
        "repository": "acme/environments",
        "url": "https://github.com/acme/environments",
        "made": "2026-01-02T05:00:00Z",
        "run": "",
        "environments": [
            {"name": place, "sync": "automated", "requires": [], "frozen": None, "services": SERVICES}
            for place in PLACES
        ],
        "services": [
            {"name": name, "team": "web", "url": f"https://github.com/acme/{name}", "in": dict.fromkeys(PLACES, cell)}
            for name in names
        ],
        "releases": [],
        "dora": [],
    }


if __name__ == "__main__":
    sys.exit(benchmark("page", measured, description="The status page of 300 services in 4 environments"))
