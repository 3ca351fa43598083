"""Checks of a release that is healthy, and a version that a person takes back: on real Jobs, answers and commits."""

import inspect
import json
from dataclasses import dataclass
from typing import Any, cast

import kubernetes.client
import pytest
import yaml

from sandbox.images.catalog import PYTHON
from sandbox.people import change
from sandbox.rehearsal import JsonObject, Rehearsal
from sandbox.story import next_versions
from tests.docs.documented import documented, documented_block
from tests.docs.github_cli import workflow_run
from tests.sandbox.conftest import Sandbox

SERVICE, ENVIRONMENT = "guestbook", "dev"
NAMESPACE, MONITORING = f"{SERVICE}-{ENVIRONMENT}", "monitoring"
AUTHOR, REVIEWER = "dana", "sam"
CHECKS: JsonObject = {
    "answers": {"path": "/", "withinSeconds": 10},
    "errors": {
        "metric": {
            "prometheus": f"http://prometheus.{MONITORING}:9090",
            "query": f'sum(rate(http_requests_total{{service="{SERVICE}",code=~"5.."}}[1m]))',
            "below": 0.1,
        }
    },
}
WRONG = """USER root
RUN sed -i 's/return _json(200, {"greeting"/return _json(500, {"greeting"/' service/web.py
USER 65532
"""
"""Makes an image that passes its tests, is ready, and answers its users with an error."""


def prometheus(service: str) -> None:
    """Runs in a pod: to any query, as Prometheus would, how many of its requests to the service fail."""
    import http.server  # noqa: PLC0415 - the text of this function is all that the pod has
    import json  # noqa: PLC0415
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                status = urllib.request.urlopen(service, timeout=5).status
            except urllib.error.HTTPError as error:
                status = error.code
            result = [{"metric": {}, "value": [0, str(int(status >= 500))]}]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"data": {"resultType": "vector", "result": result}}).encode())

    http.server.ThreadingHTTPServer(("", 9090), Handler).serve_forever()


def start_prometheus(rehearsal: Rehearsal) -> None:
    core = kubernetes.client.CoreV1Api(rehearsal.kubernetes)
    metadata = {"name": "prometheus", "labels": {"app": "prometheus"}}
    program = f"{inspect.getsource(prometheus)}\nprometheus('http://{SERVICE}.{NAMESPACE}/')"
    container = {"name": "prometheus", "image": PYTHON, "command": ["python3", "-c", program]}
    service = {"selector": {"app": "prometheus"}, "ports": [{"port": 9090}]}
    core.create_namespace(cast(Any, {"metadata": {"name": MONITORING}}))
    core.create_namespaced_pod(MONITORING, cast(Any, {"metadata": metadata, "spec": {"containers": [container]}}))
    core.create_namespaced_service(MONITORING, cast(Any, {"metadata": metadata, "spec": service}))

    def runs() -> bool:
        statuses = cast(Any, core.read_namespaced_pod("prometheus", MONITORING)).status.container_statuses or []
        return any(status.ready for status in statuses)

    rehearsal.wait("prometheus running", runs)


@dataclass(frozen=True)
class Told:
    """The sandbox after a release that passed its checks, and one that did not."""

    rehearsal: Rehearsal
    good: str
    bad: str

    def settled(self, version: str, verdict: str) -> JsonObject:
        """The last report of a version, once that is what it says."""
        rehearsal = self.rehearsal

        def reported() -> JsonObject | None:
            found = rehearsal.reports(ENVIRONMENT, SERVICE, version)
            return found[0] if found and found[0]["state"] == verdict else None

        return rehearsal.wait(f"{version} reported as {verdict}", reported)

    def running(self, version: str) -> str:
        """The message of the commit that wrote a version, once it runs and is well."""
        rehearsal, repository = self.rehearsal, self.rehearsal.environment_repository
        rehearsal.wait(f"{version} written", lambda: rehearsal.version(ENVIRONMENT, SERVICE) == version)
        rehearsal.wait_for_version(ENVIRONMENT, SERVICE, version)
        rehearsal.wait_for_state(NAMESPACE, "Synced", "Healthy")
        path = f"environments/{ENVIRONMENT}/{SERVICE}/release.yaml"
        commits = rehearsal.github("GET", f"{rehearsal.repository_path(repository)}/commits?path={path}&per_page=1")
        return commits[0]["commit"]["message"]

    def verified(self) -> set[str]:
        """The versions that were verified, by their records."""
        repository = self.rehearsal.repository_path(self.rehearsal.environment_repository)
        start = f"tags/verified/{ENVIRONMENT}/{SERVICE}/"
        found = self.rehearsal.github("GET", f"{repository}/git/matching-refs/{start}")
        return {one["ref"].removeprefix(f"refs/{start}") for one in found}

    def jobs(self) -> dict[str, list[str]]:
        """How each Job of a check ended, oldest first, by the name of the check."""
        found = cast(Any, kubernetes.client.BatchV1Api(self.rehearsal.kubernetes).list_namespaced_job(NAMESPACE)).items
        ended: dict[str, list[str]] = {}
        for job in sorted(found, key=lambda job: job.metadata.creation_timestamp):
            check = job.metadata.name.removeprefix(f"{SERVICE}-check-").rpartition("-")[0]
            ended.setdefault(check, []).append("good" if job.status.succeeded else "bad")
        return ended


@pytest.fixture(scope="module")
def told(sandbox: Sandbox, rehearsal: Rehearsal) -> Told:
    good, bad, *_ = next_versions(rehearsal, SERVICE)
    told = Told(rehearsal, good, bad)
    start_prometheus(rehearsal)
    values = f"environments/{ENVIRONMENT}/{SERVICE}/values.yaml"
    with rehearsal.clone(rehearsal.environment_repository, AUTHOR) as clone:
        with_checks = yaml.safe_load((clone.directory / values).read_text()) | {"checks": CHECKS}
        change(
            rehearsal, clone, "Check releases", {values: yaml.safe_dump(with_checks)}, author=AUTHOR, reviewer=REVIEWER
        )
    # Images of main would come to the environment beside the releases.
    rehearsal.github("PUT", f"{rehearsal.repository_path(SERVICE)}/actions/workflows/main.yml/disable")
    release = documented_block("docs/getting-started.md", "Release something")
    sandbox.types("\n".join(release).replace("0.1.0", good))
    told.settled(good, "success")
    with rehearsal.clone(SERVICE, AUTHOR) as clone:
        dockerfile = (clone.directory / "Dockerfile").read_text()
        change(rehearsal, clone, "Answer wrongly", {"Dockerfile": dockerfile + WRONG}, author=AUTHOR, reviewer=REVIEWER)
        for line in (documented("git tag v1.2.3"), documented("git push origin v1.2.3")):
            sandbox.types(line.replace("1.2.3", bad), clone.directory)
    return told


def test_a_release_that_answers_wrongly_is_taken_back_and_its_checks_are_named(told: Told) -> None:
    assert told.settled(told.bad, "failure")["description"] == "Check failed: answers, errors"
    message = told.running(told.good)
    assert f"from {told.bad} to {told.good}" in message.splitlines()[0]
    assert "Why: Check failed: answers, errors" in message
    path = f"{told.rehearsal.repository_path(SERVICE)}/deployments"
    (deployment,) = told.rehearsal.github("GET", f"{path}?ref=v{told.bad}&environment={ENVIRONMENT}")
    story = f"{told.bad}: rolled back from {told.bad} to {told.good}: Check failed: answers, errors"
    statuses = f"{path}/{deployment['id']}/statuses"
    # The workflow that takes it back tells so after its commit, which Argo CD may have synced by then.
    told.rehearsal.wait(story, lambda: told.rehearsal.github("GET", statuses)[0]["description"] == story)


def test_what_a_failed_check_has_said_is_there_after_the_rollback_whose_checks_pass(told: Told) -> None:
    def ended() -> bool:
        found = told.jobs()
        return {"answers", "errors"} <= set(found) and all(
            "bad" in jobs and jobs[-1] == "good" for jobs in found.values()
        )

    told.rehearsal.wait("the rollback's checks", ended)
    core = kubernetes.client.CoreV1Api(told.rehearsal.kubernetes)
    said = ""
    for pod in cast(Any, core.list_namespaced_pod(NAMESPACE)).items:
        if pod.metadata.name.startswith(f"{SERVICE}-check-"):
            said += cast(Any, core.read_namespaced_pod_log(pod.metadata.name, NAMESPACE))
    assert f"http://{SERVICE}/: HTTP Error 500" in said
    assert ": 1, and must be below 0.1" in said
    assert f"http://{SERVICE}/ answers" in said


def test_a_person_takes_back_a_version_that_was_verified(told: Told) -> None:
    rehearsal, repository = told.rehearsal, told.rehearsal.environment_repository
    told.running(told.good)
    earlier = told.verified() - {told.good}
    line = documented("gh workflow run hold.yml --repo acme/environments -f action='roll back'")
    path, body = workflow_run(line, environment=ENVIRONMENT, version=told.good)
    last = max((run["id"] for run in rehearsal.runs(repository, workflow="hold.yml")), default=0)
    rehearsal.github("POST", path, user=AUTHOR, body=body)
    run = rehearsal.wait_for_run(repository, "hold.yml", after=last)
    assert run["conclusion"] == "success", rehearsal.run_log(repository, run["id"])
    back = rehearsal.version(ENVIRONMENT, SERVICE)
    assert back in earlier, rehearsal.run_log(repository, run["id"])
    message = told.running(back)
    assert f"from {told.good} to {back}" in message.splitlines()[0]
    assert f"loses orders ({AUTHOR})" in message
    document = rehearsal.release(ENVIRONMENT, SERVICE) or {}
    assert told.good in json.dumps(document["held"])
    told.settled(back, "success")
