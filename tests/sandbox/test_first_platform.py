"""`docs/first-platform.md`, followed literally: its commands, in its order, from an empty organisation to production.

The organisation is on the plan Team, its repositories and packages are private, and three people have their hands in
the release: dana tags it, pat approves it for production, sam, another of the approvers, syncs it there.
"""

import contextlib
import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import yaml

from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.github.credentials import ADMIN, READER
from sandbox.overlay import sandbox_stack
from sandbox.people import agree, change
from sandbox.pulumi.workspace import Workspace
from sandbox.rehearsal import JsonObject, Rehearsal
from tests.docs.documented import documented, documented_steps
from tests.docs.github_cli import workflow_run
from tests.sandbox.places import ROOT, config_of, environment_of, started

SERVICE, VERSION = "guestbook", "0.1.0"
APPROVERS = "leads"
"""Their team is not the platform's: a person who syncs is not an administrator of Argo CD."""
STEPS = documented_steps("docs/first-platform.md", "make install")
"""The packages are here; make would install them again."""
STARTED = {
    "hold": documented("gh workflow run hold.yml --repo acme/environments -f action=hold"),
    "release from hold": documented("gh workflow run hold.yml --repo acme/environments -f action='release from hold'"),
    "freeze": documented(
        "gh workflow run freeze.yml --repo acme/environments -f environment=production -f action=freeze"
    ),
    "end the freeze": documented(
        "gh workflow run freeze.yml --repo acme/environments -f environment=production -f action='end"
    ),
}
"""What people start, by its action."""
REPLACED = ("github", "cluster", "argocd", "registry", "teams", "environments", "services", "secrets", "notifications")
"""The sections of the example that the page has a person go through."""


@dataclass
class Newcomer:
    """A person at a shell in a fresh clone, with the page open."""

    config: SandboxConfig
    place: Workspace
    folder: Path
    ran: list[str] = field(default_factory=list[str])

    @property
    def rehearsal(self) -> Rehearsal:
        return Rehearsal(self.config)

    def environment(self) -> dict[str, str]:
        own = self.place.environment()
        path = os.pathsep.join([str(self.place.cli.parent), own["PATH"], os.environ["PATH"]])
        return os.environ | own | {"PATH": path, "BROWSER": "true"}

    def types(self, command: str, given: str = "", folder: Path | None = None) -> str:
        """Runs a line of the page as it stands there, and answers what it printed."""
        done = subprocess.run(
            ["sh", "-ec", command], cwd=folder or self.folder, env=self.environment(), input=given,
            capture_output=True, text=True, timeout=1200, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        self.ran.append(command)
        return done.stdout

    def starts(self, wanted: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str], bool]:
        """Workflow, person and action, all at once for production; whether each run of them succeeds."""
        rehearsal = self.rehearsal
        repository = rehearsal.environment_repository
        before = max(run["id"] for run in rehearsal.runs(repository))
        for workflow, user, action in wanted:
            instead = {"version": "9.9.9"} if workflow == "hold" else {}
            path, body = workflow_run(STARTED[action], **instead)
            rehearsal.github("POST", path, user=user, body=body)

        def done() -> dict[tuple[str, str], bool]:
            found = {
                (workflow, user): run["conclusion"] == "success"
                for workflow, user, _ in wanted
                for run in rehearsal.runs(repository, workflow=f"{workflow}.yml")
                if run["id"] > before and run["actor"]["login"] == user and run["status"] == "completed"
            }
            return found if len(found) == len(wanted) else {}

        return rehearsal.wait("all of them done", done)

    def edits_the_example(self) -> None:
        """Replaces what is in the copied file; the ids of the Apps are left for the next step."""
        file = self.folder / "stacks/Pulumi.acme.yaml"
        document = yaml.safe_load(file.read_text())
        config, here = document["config"], sandbox_stack(self.config).values
        for section in REPLACED:
            config.pop(f"slipway:{section}", None)
        example = yaml.safe_load((self.folder / "stacks/Pulumi.example.yaml").read_text())["config"]
        production = example["slipway:environments"][-1]
        config |= {
            "slipway:github": example["slipway:github"]
            | {"owner": "acme", "baseUrl": self.config.github_url, "protect": False, "writeDelayMilliseconds": 0},
            "slipway:cluster": here["slipway:cluster"] | {"kubeconfig": str(self.config.kubeconfig)},
            "slipway:argocd": here["slipway:argocd"],
            "slipway:registry": here["slipway:registry"],
            "slipway:teams": [
                *here["slipway:teams"],
                {"name": APPROVERS, "ssoGroup": "acme leads", "members": [{"login": "pat"}, {"login": "sam"}]},
            ],
            "slipway:environments": [
                {"name": "staging", "requires": []},
                {key: value for key, value in production.items() if key not in {"url", "quota"}}
                | {"approvers": [APPROVERS]},
            ],
            "slipway:services": [{"name": SERVICE, "template": "python-web", "team": "web"}],
        }
        file.write_text(yaml.safe_dump(document, sort_keys=False))

    def makes_the_apps(self, command: str) -> None:
        """Presses the buttons and follows the links of the page that the command opens."""
        self.ran.append(command)
        command = command.replace("make ", "make --old-file=.venv/.everything ", 1)
        with subprocess.Popen(
            ["sh", "-ec", f"exec {command}"], cwd=self.folder, env=self.environment(), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        ) as process:  # fmt: skip
            try:
                assert process.stdout is not None
                said: list[str] = []
                for line in process.stdout:
                    said.append(line)
                    if opened := re.search(r"Open (http://\S+)/ in a browser", line):
                        clicks_through(opened[1])
                        break
                else:
                    pytest.fail("".join(said))
                assert process.wait(120) == 0, process.stdout.read()
            finally:
                process.kill()


def clicks_through(page: str) -> None:
    """Presses every button of the page and follows every link to install an App."""
    with httpx.Client(timeout=120, follow_redirects=True) as browser:
        while buttons := re.findall(r'action="([^"]+)".*?value="([^"]+)"', browser.get(page).text, re.DOTALL):
            action, manifest = map(html.unescape, buttons[0])
            browser.post(action, data={"manifest": manifest})
        for link in re.findall(r'href="([^"]+/installations/new)"', browser.get(page).text):
            browser.get(html.unescape(link))
        with contextlib.suppress(httpx.RemoteProtocolError):  # the last answer ends the command
            browser.get(page)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    made = tmp_path_factory.mktemp("first")
    config = config_of(environment_of(made / "state"))
    with started(config) as place:
        place.prepare(sandbox_stack(config))
        yield Newcomer(config, place, cloned(made / "slipway"))


def cloned(folder: Path) -> Path:
    """What is in the work tree, and the packages beside it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    for name in filter(lambda name: (ROOT / name).is_file(), listed.stdout.splitlines()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to((ROOT / ".venv").resolve())
    return folder


def test_the_page_leads_to_production(newcomer: Newcomer) -> None:
    rehearsal = newcomer.rehearsal
    settings, stack, apps, given, up, _, tag, *_ = (step.commands for step in STEPS)
    for command in settings:
        newcomer.types(command)
    newcomer.edits_the_example()
    for command in stack:
        newcomer.types(command)
    for command in apps:
        newcomer.makes_the_apps(command)
    tokens = {"githubToken": rehearsal.token(ADMIN), "packagesToken": rehearsal.token(READER)}
    of_sso = documented("pulumi config set --secret slipway:ssoClientSecret")
    newcomer.types(of_sso, rehearsal.credentials["ssoClientSecret"])
    for command in given:
        newcomer.types(command, tokens.get(command.rpartition(":")[2], "something secret"))
    for command in up:
        newcomer.types(f"{command} --yes" if command == "pulumi up" else command)

    with rehearsal.clone(SERVICE, "dana") as clone:
        change(rehearsal, clone, "Greet", {"NOTES.md": "Good day.\n"}, author="dana", reviewer="sam")
        for command in tag:
            newcomer.types(command, folder=clone.directory)
    run = rehearsal.wait_for_run(SERVICE, "release.yml", head=f"v{VERSION}")
    assert run["conclusion"] == "success", rehearsal.run_log(SERVICE, run["id"])
    rehearsal.wait_for_version("staging", SERVICE, VERSION)

    number = proposed(rehearsal)
    dana_lets_nothing_in(rehearsal, number)
    agree(rehearsal, rehearsal.environment_repository, number, reviewer="pat")
    application = f"{SERVICE}-production"
    rehearsal.wait("production OutOfSync", lambda: rehearsal.state(application)[0] == "OutOfSync")
    with pytest.raises(SandboxError, match="403"):
        rehearsal.sync(application, user="dana")
    rehearsal.sync(application, user="sam")
    rehearsal.wait_for_version("production", SERVICE, VERSION)
    rehearsal.wait("verified", lambda: rehearsal.verdict("production", SERVICE, VERSION) == "success")
    assert {command for step in STEPS for command in step.commands} <= {*newcomer.ran, "pulumi up"}


def dana_lets_nothing_in(rehearsal: Rehearsal, number: int) -> None:
    """Dana may push and review, is not of the approvers, and has asked for it; others change nothing of it either."""
    repository = rehearsal.environment_repository
    path = rehearsal.repository_path(repository)
    pull = rehearsal.github("GET", f"{path}/pulls/{number}")
    before = max((run["id"] for run in rehearsal.runs(repository, workflow="reconcile.yml")), default=0)
    rehearsal.github("POST", f"{path}/pulls/{number}/reviews", user="dana", body={"event": "APPROVE"})
    for user in ("dana", "sam", "pat"):
        more = {"message": "More", "content": "eA==", "branch": pull["head"]["ref"]}
        with pytest.raises(SandboxError, match="rule violations"):
            rehearsal.github("PUT", f"{path}/contents/more.txt", user=user, body=more)
    rehearsal.wait_for_run(repository, "reconcile.yml", after=before)
    with pytest.raises(SandboxError, match=" 405 "):
        rehearsal.github("PUT", f"{path}/pulls/{number}/merge", user="dana", body={"merge_method": "squash"})


def test_each_person_holds_and_freezes_where_it_is_declared(newcomer: Newcomer) -> None:
    """What `make access` says is what the workflows let each of them do; the reader does not even see them."""
    listed = json.loads(newcomer.types(".venv/bin/python -m stacks.access --stack acme --json"))
    of = {one["team"]: set(one["actions"]) for one in listed if one["environment"] == "production"}
    declared = {"dana": of["web"], "sam": of["web"] | of[APPROVERS], "pat": of["platform"] | of[APPROVERS]}
    tried = (("hold", "dana", "hold"), ("freeze", "dana", "freeze"), ("freeze", "sam", "freeze"))
    lifted = (("hold", "sam", "release from hold"), ("freeze", "pat", "end the freeze"))
    for started_by in (tried, lifted):
        done = newcomer.starts(started_by)
        assert done == {(what, user): what in declared[user] for what, user, _ in started_by}
    assert {what in declared["dana"] for what in ("hold", "freeze")} == {True, False}
    with pytest.raises(SandboxError, match=" 404 "):
        newcomer.starts((("hold", READER, "hold"),))


def proposed(rehearsal: Rehearsal) -> int:
    """The pull request that asks for the version in production; dana, who tagged it, is not of the approvers."""

    def found() -> JsonObject | None:
        pulls = rehearsal.open_pull_requests(rehearsal.environment_repository)
        return next((pull for pull in pulls if VERSION in pull["title"]), None)

    return rehearsal.wait("a pull request for production", found)["number"]


def test_a_new_key_is_set_in_place_of_the_old_one(newcomer: Newcomer) -> None:
    """As `docs/rotate-a-credential.md` has it, with the same key."""
    shown = "pulumi config get slipway:promoterPrivateKey"
    key = newcomer.types(shown)
    (newcomer.folder / "promoter-new.pem").write_text(key)
    newcomer.types(documented("cat promoter-new.pem | pulumi config set --secret slipway:promoterPrivateKey"))
    assert newcomer.types(shown) == key


def test_a_value_of_the_chart_is_set_as_a_secret(newcomer: Newcomer) -> None:
    newcomer.types(documented("pulumi config set --path --secret"), "something secret")
    file = (newcomer.folder / "stacks/Pulumi.acme.yaml").read_text()
    assert "another.key" in file
    assert "something secret" not in file
