"""Time of the preflight on a platform that is up, at 10 and 100 services, as if GitHub were far away.

The real checks ask the model of GitHub, and each request takes as long as one to github.com does besides. The cluster
is asked at the same time, and is not measured here.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from benchmarks.measure import Report, benchmark, say
from components.github.api import GitHubApi
from components.github.apps import ROLES
from components.github.credentials import Token
from components.github.kept_connections import KeptConnections
from components.github.preflight import github_findings
from manifests.model import Settings
from sandbox.errors import SandboxError
from sandbox.github import seed
from slipway_release.exchange import Exchange, Response
from stacks.settings import settings_of
from tests.keys import pem, rsa_key
from tests.release import serving

SIZES = (10, 100)
GOAL_SECONDS = 5
AWAY_SECONDS = 0.1
"""What a request to github.com takes on its way."""
OWNER = "acme"


@dataclass
class Away:
    """Requests that take their time, and their number."""

    exchange: Exchange
    count: int = 0

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        self.count += 1
        time.sleep(AWAY_SECONDS)
        return self.exchange(method, url, headers, body)


def measured(options: argparse.Namespace, report: Report) -> None:
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder, serving.github(Path(folder)) as github:
            say(f"{size} services: making their repositories")
            settings = platform(github, size)
            for _ in range(options.runs):
                kept = KeptConnections()
                away = Away(kept)
                keys = {role.secret: pem(role.name) for role in ROLES}
                api = GitHubApi(settings.github.api_url, Token(serving.TOKEN), exchange=away)
                with kept, report.measure(f"{size} services: time").timed():
                    found = github_findings(settings, api, keys)
                if found.problems:
                    raise SandboxError(f"the platform is not as it should be: {found.problems[0]}")
                report.measure(f"{size} services: requests", "").values.append(away.count)
        report.at_most(f"seconds at {size} services", report.measure(f"{size} services: time").median, GOAL_SECONDS)


def platform(github: serving.Running, size: int) -> Settings:
    """An organisation with the platform's Apps, and repositories that are there."""
    apps: list[dict[str, Any]] = [
        {
            "id": number,
            "slug": role.name,
            "owner": OWNER,
            "public_key": rsa_key(role.name)
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode(),
            "installation": {"id": number + 100, "permissions": role.permissions, "repositories": None},
        }
        for number, role in enumerate(ROLES, start=1)
    ]
    organization = {"login": OWNER, "plan": "team", "members": {"root": "admin"}}
    seed.apply(github.forge, {"organizations": [organization], "apps": apps})
    names = [f"service-{number:03}" for number in range(size)]
    stack: dict[str, object] = {
        "github": {
            "owner": OWNER,
            "baseUrl": github.url,
            "ownedFiles": "commit",
            **{app["slug"]: {"id": str(app["id"]), "installationId": str(app["id"] + 100)} for app in apps},
        },
        "cluster": {"kubeconfig": "none", "context": "none"},
        "registry": {"host": "registry.example.com"},
        "teams": [{"name": "web", "members": []}],
        "environments": [{"name": "dev"}, {"name": "staging"}, {"name": "production", "sync": "manual"}],
        "services": [{"name": name, "template": "python-web", "team": "web"} for name in names],
    }
    texts = {key: json.dumps(value) for key, value in stack.items()}
    secrets = dict.fromkeys(["githubToken", *(role.secret for role in ROLES)], "x")
    settings = settings_of("benchmark", texts | secrets)
    admin = GitHubApi(settings.github.api_url, Token(serving.TOKEN))
    for name in ("environments", *names):
        admin.post(f"/orgs/{OWNER}/repos", {"name": name, "private": True, "description": f"x [{settings.mark}]"})
    return settings


if __name__ == "__main__":
    sys.exit(benchmark("preflight", measured, description="Time of the preflight", runs=3))
