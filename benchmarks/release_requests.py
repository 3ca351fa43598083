"""Requests of one release to GitHub, at 10, 100 and 300 services, against what each token has in an hour.

The real program forwards, checks, plans, delivers and verifies on the model of GitHub: dev, then staging, then
production, each verified in turn. A platform with more services has more records of verified releases, and must not pay
for them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.measure import Report, benchmark, say
from sandbox.errors import SandboxError
from sandbox.github.core.forge import Forge
from slipway_release import claims, deliveries, forward, verified
from slipway_release.context import Context
from slipway_release.git import Git
from slipway_release.github import GitHub
from slipway_release.platform_types import Environment
from slipway_release.record import tag_name
from slipway_release.transport import Response, Transport
from tests.release import serving
from tests.release.builders import Images, answer, environment
from tests.release.world import World

SIZES = (10, 100, 300)
BUDGET = 1_000
"""What GITHUB_TOKEN has an hour and repository."""
AN_HOUR = 100
"""Releases that shall fit into it."""
PLACES = (
    environment("dev"),
    environment("staging", requires=["dev"]),
    environment("production", requires=["staging"]),
)
VERSIONS = 20
"""Verified releases of each service in each environment that are there before."""


@dataclass
class Counting(Transport):
    """Counts requests by whose token they carry; promotions that it starts are made by the benchmark."""

    whose: str = ""
    counts: Counter[str] = field(default_factory=Counter[str])
    asked: list[str] = field(default_factory=list[str])
    """The environments of the promotions that were started."""
    run: dict[str, object] = field(default_factory=dict[str, object])
    """The run that has built the image."""

    def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        self.counts[self.whose] += 1
        if url.endswith("/promote.yml/dispatches"):
            self.asked += json.loads(body or b"")["inputs"].get("environments", "").split()
            return answer(status=204)
        if url.endswith("/verified.yml/dispatches"):
            return answer(status=204)
        if url.endswith("/actions/runs/7"):
            return answer(self.run)
        if "/actions/runs/7/jobs" in url:
            return answer({"jobs": [{"name": f"release / {claims.TEST_JOB}", "conclusion": "success"}]})
        return super().send(method, url, headers, body)


def measured(options: argparse.Namespace, report: Report) -> None:
    del options
    for size in SIZES:
        say(f"{size} services")
        with tempfile.TemporaryDirectory() as folder, serving.github(Path(folder)) as github:
            counts = one_release(github.forge, github.world(PLACES), size)
        for whose in ("GITHUB_TOKEN", "promoter"):
            report.measure(f"{size} services: {whose}, a release to three environments", "").values.append(
                counts[whose]
            )
        for whose, budget in (("GITHUB_TOKEN", BUDGET), ("promoter", promoters_budget(size))):
            report.at_most(f"{size} services: {AN_HOUR} releases an hour by {whose}", counts[whose] * AN_HOUR, budget)


def promoters_budget(services: int) -> int:
    """What the installation of an App has an hour: more with each repository above twenty."""
    return min(12_500, 5_000 + 50 * max(0, services + 1 - 20))


def one_release(forge: Forge, world: World, size: int) -> Counter[str]:
    """Releases a version to all environments, on a platform that has had many; requests by whose token it was."""
    fill(forge, world, size)
    counts, asked = Counter[str](), list[str]()
    before = world.request("8.9.0")
    for place in PLACES:
        world.deliver(before, place["name"])
        world.succeed(place["name"], world.head("environments"))
    made = world.request("9.0.0")
    release, service = made.release, made.service
    run: dict[str, object] = {
        "event": "push",
        "path": service.release_workflow,
        "head_branch": release.tag,
        "head_sha": release.commit,
        "conclusion": None,
        "html_url": release.run,
        "repository": {"full_name": service.repository},
    }

    def context() -> Context:
        api = f"{world.url}api/v3"
        own, promoter, git = (
            Counting(60, log=lambda _: None, whose=whose, counts=counts, asked=asked, run=run)
            for whose in ("GITHUB_TOKEN", "promoter", "git")
        )
        return replace(
            world.context(),
            own=GitHub(api, world.token, own),
            writer=GitHub(api, world.token, promoter, Git(world.url, world.token, git)),
            service=GitHub(api, world.token, promoter, Git(world.url, world.token, git, with_files=False)),
            registry=Images({release.digest: release.commit}),
        )

    def promoted() -> list[Environment]:
        around = context()
        return deliveries.promote(around, claims.check(around, service, "7", release.digest), tuple(asked))

    places = promoted()
    while places:
        # The run that has built the image ends while the first environment gets it.
        run["conclusion"] = "success"
        asked.clear()
        for place in places:
            report = world.report(place.name, world.head("environments"), "success")
            forward.forward(world.platform, context().own, report, f"{place.name}/{service.name}", "success")
            verified.verified(context(), report)
        places = promoted() if asked else []
    if world.wanted("production") != release.version:
        raise SandboxError("the release did not reach production, so that nothing was measured")
    return counts


def fill(forge: Forge, world: World, size: int) -> None:
    """Services with releases that were verified everywhere."""
    names = [place["name"] for place in PLACES]
    (known, *_) = world.platform.services
    world.changes["argocd"] = {"login": "root"}
    world.changes["services"] = [
        {
            "name": name,
            "repository": name,
            "team": "web",
            "environments": names,
            "image": known.image.replace(known.name, name),
        }
        for name in ("guestbook", *(f"service-{number:03}" for number in range(1, size)))
    ]
    head = world.head("environments")
    lines = [
        f"create refs/tags/{tag_name(place, service, f'1.{minor}.0')} {head}\n"
        for service in world.platform.services
        for place in world.platform.environments
        for minor in range(VERSIONS)
    ]
    # By the API, thousands of tags would take minutes.
    repository = forge.repository(world.repository)
    assert repository is not None  # noqa: S101 - it was made above
    command = ["git", "update-ref", "--stdin"]
    subprocess.run(
        command, cwd=forge.git.by_id(repository["id"]).directory, input="".join(lines), text=True, check=True
    )


if __name__ == "__main__":
    sys.exit(benchmark("release_requests", measured, description="Requests of a release", runs=1))
