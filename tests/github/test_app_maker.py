"""`make apps`: GitHub makes each App from a manifest, and keys and ids go into the stack file by the pulumi CLI."""

import html
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from components.github.apps import PROMOTER, REQUESTER
from sandbox import toolchain
from sandbox.config import SandboxConfig
from stacks.app_maker import AppMaker, State
from stacks.apps import serve
from stacks.stack_file import StackFile, StackFileError
from tests.github.conftest import Hub

FOLDER = SandboxConfig.from_environment().cache / "bin" / f"pulumi-{toolchain.key(toolchain.TOOLS['pulumi'])}"

pytestmark = pytest.mark.skipif(not (FOLDER / "pulumi").is_file(), reason="pulumi is built by `make up`")

STACK = """\
# of the platform
config:
  slipway:github:
    owner: acme
    baseUrl: {url}/
    promoter: {{ id: "100002", installationId: "10000002" }} # copied from the example
  # what follows
  slipway:teams: []
"""


@dataclass
class Page:
    """The page, as a browser uses it."""

    address: str
    maker: AppMaker
    file: StackFile
    said: list[str]

    def get(self, path: str = "/") -> httpx.Response:
        return httpx.get(f"{self.address}{path}", timeout=60)

    def press(self, name: str) -> httpx.Response:
        """Presses a button and follows GitHub back."""
        item = next(item for item in self.get().text.split("<li>") if f"<strong>{name}</strong>" in item)
        patterns = (r'action="([^"]+)', r'value="([^"]+)')
        action, manifest = (html.unescape(re.findall(pattern, item)[0]) for pattern in patterns)
        return httpx.post(action, data={"manifest": manifest}, follow_redirects=True, timeout=60)


@pytest.fixture
def browser(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    environment = {
        "PATH": f"{FOLDER}:{os.environ['PATH']}",
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/Pulumi.test.yaml").write_text(STACK.format(url=hub.url))
    subprocess.run(["pulumi", "stack", "init", "test"], cwd=tmp_path, capture_output=True, check=True)
    file = StackFile(tmp_path, "test")
    said: list[str] = []
    maker = AppMaker(file, [PROMOTER, REQUESTER], said.append)
    server, _finished = serve(maker)
    yield Page(f"http://127.0.0.1:{server.server_port}", maker, file, said)
    server.shutdown()


def test_an_app_is_made_installed_and_known_to_the_stack(hub: Hub, browser: Page) -> None:
    assert set(browser.maker.states().values()) == {State.MISSING}, "ids of the example are not an App"
    answer = browser.press("promoter")
    assert answer.status_code == 200
    assert browser.maker.states() == {"promoter": State.MADE, "requester": State.MISSING}
    install = html.unescape(re.findall(r'href="([^"]+/installations/new)"', answer.text)[0])
    httpx.get(install, timeout=60)
    assert "made and installed" in browser.get().text
    assert browser.maker.states()["promoter"] is State.READY

    text = browser.file.path.read_text()
    assert ["# of the platform" in text, "# copied from the example" in text, "# what follows" in text] == [True] * 3
    assert "PRIVATE KEY" not in text
    promoter = yaml.safe_load(text)["config"]["slipway:github"]["promoter"]
    with hub.admin as admin:
        found = admin.get("/orgs/acme/installations?per_page=100").json()["installations"]
    (installed,) = [one for one in found if one["app_slug"] == "acme-promoter"]
    assert promoter == {
        "id": str(installed["app_id"]),
        "installationId": str(installed["id"]),
        "slug": "acme-promoter",
    }
    assert installed["permissions"] == {"metadata": "read"} | PROMOTER.permissions
    assert "BEGIN RSA PRIVATE KEY" in browser.file.secret("promoterPrivateKey")
    assert not any("PRIVATE KEY" in line for line in browser.said)


def test_an_answer_that_no_button_asked_for_is_refused(browser: Page) -> None:
    assert browser.get("/made/requester?code=abc&state=guessed").status_code == 403
    assert browser.maker.states()["requester"] is State.MISSING


def test_a_code_that_is_none_is_said_on_the_page_and_not_shown(browser: Page) -> None:
    state = re.findall(r"state=([\w-]+)", html.unescape(browser.get().text))[0]
    answer = browser.get(f"/made/requester?code=no-such-code&state={state}")
    assert "codes last an hour" in answer.text
    assert "no-such-code" not in answer.text


def test_a_stack_without_file_and_one_without_owner_are_named(tmp_path: Path, browser: Page) -> None:
    with pytest.raises(StackFileError, match=r"Pulumi\.nowhere\.yaml: there is no such file"):
        StackFile(tmp_path, "nowhere")
    browser.file.path.write_text("config:\n  slipway:github: {owner: 'not an owner'}\n")
    with pytest.raises(StackFileError, match=r"github\.owner"):
        AppMaker(browser.file, [PROMOTER], print)
