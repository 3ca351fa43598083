"""Ten releases at once, again and again, of the same and of different services, on a GitHub that fails now and then.

Some requests are answered with 502 and 409, and some pushes are rejected. Nothing may be lost: every release run ends
well, the newest version is in the end what each environment has, and the history of the environment repository is a
line.
"""

import argparse
import sys
import threading
import time

from benchmarks.measure import Report, benchmark, say
from benchmarks.sandboxes import drop_faults, inject, next_minor, running
from sandbox.config import SandboxConfig
from sandbox.rehearsal import JsonObject, Rehearsal

FAULTS: tuple[JsonObject, ...] = (
    {"match": r"PUT /api/v3/repos/[^/]+/environments/contents/", "status": 409, "count": 6, "message": "Conflict"},
    {
        # Not the token's lookup: that is GitHub's own action, which gives up after its fourth try in a row.
        "match": r"(GET|PUT|POST) /api/v3/repos/[^/]+/environments/(?!installation)",
        "status": 502,
        "count": 10,
        "message": "Bad gateway",
    },
    {"match": r"/environments refs/heads/", "kind": "reject-push", "count": 4, "message": "cannot lock ref"},
)


def measured(options: argparse.Namespace, report: Report) -> None:
    with running() as config:
        rehearsal = Rehearsal(config)
        services: list[str] = options.service or [item["name"] for item in rehearsal.platform()["services"]]
        failed, lost = list[str](), list[str]()
        for run in range(options.runs):
            minor = next_minor(rehearsal, *services)
            releases = [
                (services[i % len(services)], f"0.{minor}.{i // len(services)}") for i in range(options.releases)
            ]
            say(f"run {run + 1} of {options.runs}: {len(releases)} releases")
            failed += at_once(config, rehearsal, releases, FAULTS if options.faults else (), report)
            lost += [
                f"{service} {version}" for service, version in releases if not accounted(rehearsal, service, version)
            ]
        report.at_most("release runs that did not end well", len(failed), 0)
        report.at_most("releases that the ledger does not know", len(lost), 0)
        report.at_most("merge commits in the environment repository", merges(rehearsal), 0)
        report.notes += failed + lost


def at_once(
    config: SandboxConfig,
    rehearsal: Rehearsal,
    releases: list[tuple[str, str]],
    faults: tuple[JsonObject, ...],
    report: Report,
) -> list[str]:
    """Releases all, adds what that took, and returns the addresses of the runs that did not end well."""
    for fault in faults:
        inject(config, rehearsal, fault)
    try:
        began = time.monotonic()
        push_all(rehearsal, releases)
        finished = [
            rehearsal.wait_for_run(service, "release.yml", head=f"v{version}", seconds=3600)
            for service, version in releases
        ]
        released = time.monotonic()
        for service, version in dict(releases).items():
            rehearsal.wait_for_version("dev", service, version, seconds=900)
            rehearsal.wait_for_version("staging", service, version, seconds=900)
        arrived = time.monotonic()
    finally:
        drop_faults(config, rehearsal)
    report.measure(f"{len(releases)} releases, to the last run's end").values.append(released - began)
    report.measure(f"{len(releases)} releases, to the newest running").values.append(arrived - began)
    report.measure("releases per minute", "").values.append(60 * len(releases) / (released - began))
    return [run["html_url"] for run in finished if run["conclusion"] != "success"]


def push_all(rehearsal: Rehearsal, releases: list[tuple[str, str]]) -> None:
    """Pushes every tag by a push of its own, all of them at the same time."""
    errors: list[Exception] = []

    def push(service: str, version: str) -> None:
        try:
            with rehearsal.clone(service) as clone:
                ready.wait()
                clone.tag(f"v{version}")
        except Exception as error:  # noqa: BLE001 - told by the thread that waits
            errors.append(error)
            ready.abort()

    ready = threading.Barrier(len(releases))
    threads = [threading.Thread(target=push, args=release) for release in releases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def accounted(rehearsal: Rehearsal, service: str, version: str) -> bool:
    """Whether the service's repository has a deployment of the version's tag, delivered or superseded."""
    path = f"{rehearsal.repository_path(service)}/deployments?ref=v{version}"
    return bool(rehearsal.github("GET", path))


def merges(rehearsal: Rehearsal) -> int:
    with rehearsal.clone(rehearsal.environment_repository) as clone:
        return len(clone.git("rev-list", "--merges", "HEAD").split())


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--releases", type=int, default=10, help="how many at once (default: 10)")
    parser.add_argument("--service", action="append", help="only this one; may be repeated (default: all)")
    parser.add_argument("--no-faults", dest="faults", action="store_false", help="on a GitHub that always answers")


if __name__ == "__main__":
    sys.exit(benchmark("parallel_releases", measured, description="Releases at once", arguments=arguments))
