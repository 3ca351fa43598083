"""Size of the status page of 300 services in 4 environments, and the time until a browser paints it."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Report, benchmark
from sandbox.errors import SandboxError
from slipway_release.page import page
from tests.release import chromium
from tests.release.pages import large

SERVICES = 300
_PAINTED = """new Promise((done) => new PerformanceObserver((list) => done(list.getEntries()[0].startTime))
    .observe({type: "paint", buffered: true}))"""
_COMPLETE = """new Promise((done) => {
    const look = () => document.querySelectorAll("#places tbody tr").length === SERVICES
        ? done(performance.now()) : setTimeout(look, 5);
    look();
})""".replace("SERVICES", str(SERVICES))


def measured(options: argparse.Namespace, report: Report) -> None:
    program = chromium.chromium()
    if program is None:
        raise SandboxError("there is no Chromium here; install the package chromium")
    text = page(large(SERVICES))
    size = len(text.encode()) / 1000
    report.measure("size", "kB").values.append(size)
    report.at_most("size in kB", size, 200)
    with tempfile.TemporaryDirectory() as folder, chromium.browser(program) as tab:
        file = Path(folder) / "page.html"
        file.write_text(text)
        tab.size(1280)
        for _ in range(options.runs):
            tab.open(f"file://{file}")
            report.measure("first paint").values.append(tab.run(_PAINTED) / 1000)
            report.measure("all rows there").values.append(tab.run(_COMPLETE) / 1000)
    report.at_most("seconds to the first paint", report.measure("first paint").median, 1)


if __name__ == "__main__":
    sys.exit(benchmark("page", measured, description="The status page of 300 services in 4 environments"))
