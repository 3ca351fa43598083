"""The status page: what it knows of releases on a real GitHub, and what a browser makes of it."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox import packages
from sandbox.config import SandboxConfig
from slipway_release import hold
from slipway_release.errors import RefusedError
from slipway_release.overview import overview
from slipway_release.page import page
from tests.release.builders import environment
from tests.release.chromium import chromium
from tests.release.world import World

Make = Callable[..., World]
EVIL = "</script><img src=x onerror=document.title='owned'>"


def clone(here: World, folder: Path) -> Path:
    host = here.url.partition("://")[2]
    url = f"http://x-access-token:{here.token}@{host}{here.repository}.git"
    subprocess.run(["git", "clone", "--quiet", url, folder], check=True, capture_output=True)
    return folder


def cells(found: dict[str, Any], service: str) -> dict[str, Any]:
    return next(item for item in found["services"] if item["name"] == service)["in"]


def test_it_knows_what_is_verified_held_frozen_waiting_and_taken_back(world: Make, tmp_path: Path) -> None:
    here = world(
        environment("dev"), environment("qa", delivery="pull-request", approval=True), environment("production")
    )
    here.freeze("production", "the shop's big day")
    here.verified_release("1.0.0", "dev")
    here.fail("dev", here.release("1.1.0", "dev"))
    here.deliver(here.request("2.0.0"), "qa")
    dev = here.platform.environment("dev")
    hold.hold(here.context(), dev, here.platform.service("guestbook"), "1.2.0", reason="too slow", login="sam")
    commit = here.release("0.1.0", "dev", "clock")
    found: dict[str, Any] = json.loads(json.dumps(overview(here.context(), clone(here, tmp_path / "clone"))))

    guestbook = cells(found, "guestbook")
    assert guestbook["dev"]["version"] == "1.0.0"
    assert guestbook["dev"]["back"][0] == "1.1.0"
    assert {version for version, _ in guestbook["dev"]["held"]} == {"1.1.0", "1.2.0"}
    assert guestbook["qa"]["state"] == "none"
    assert (guestbook["qa"]["waiting"]["kind"], guestbook["qa"]["waiting"]["version"]) == ("release", "2.0.0")
    assert guestbook["qa"]["waiting"]["url"].startswith(here.url)
    assert isinstance(guestbook["qa"]["waiting"]["for"], list)
    production = found["environments"][2]
    assert (production["delivery"], production["approval"], production["services"]) == ("commit", False, 2)
    assert cells(found, "clock")["dev"]["state"] == "progressing"
    assert [place["frozen"] for place in found["environments"]] == [None, None, "the shop's big day (dana)"]
    newest = found["releases"][0]
    assert (newest["version"], newest["state"]) == ("0.1.0", "progressing")
    assert ("1.1.0", "failed") in [(item["version"], item["state"]) for item in found["releases"]]
    (figures,) = found["dora"]
    assert (figures["environment"], figures["failures"]) == ("dev", 1)
    assert figures["trend"] == [0, 0, 0, 1]

    here.succeed("dev", commit, "clock")
    again: dict[str, Any] = json.loads(json.dumps(overview(here.context(), clone(here, tmp_path / "again"))))
    clock = cells(again, "clock")["dev"]
    assert clock["state"] == "verified"
    assert clock["at"]
    assert clock["by"]


def test_a_platform_without_releases_has_a_page(world: Make, tmp_path: Path) -> None:
    here = world()
    found = overview(here.context(), clone(here, tmp_path / "clone"))
    assert found["releases"] == []
    assert cells(json.loads(json.dumps(found)), "clock")["production"] == {"state": "none"}
    assert "<title>" in page(found)


def test_a_folder_that_is_not_a_clone_is_refused_in_a_sentence(world: Make, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="not a clone of the environment repository"):
        overview(world().context(), tmp_path)


def large(services: int) -> dict[str, Any]:
    """A platform with so many services in four environments, as much of it said as there is to say."""
    places = ["dev", "qa", "staging", "production"]
    cell = {"version": "1.23.4", "state": "verified", "at": "2026-01-02T03:04:05+00:00", "by": "argocd[bot]"}
    return {
        "repository": "acme/environments",
        "url": "https://github.test/acme/environments",
        "made": "2026-01-02T05:00:00Z",
        "run": "",
        "environments": [
            {
                "name": name,
                "sync": "manual",
                "requires": places[:index][-1:],
                "images": "release" if index else "main",
                "delivery": "pull-request",
                "rollback": "automatic",
                "approval": name == "production",
                "tags": None,
                "services": services,
                "frozen": EVIL if name == "production" else None,
            }
            for index, name in enumerate(places)
        ],
        "services": [
            {
                "name": f"service-{number}",
                "team": "web",
                "url": f"https://github.test/acme/service-{number}",
                "in": dict.fromkeys(places, cell | ({"state": "failed", "said": EVIL} if number == 7 else {})),
            }
            for number in range(services)
        ],
        "releases": [
            {
                "service": EVIL,
                "environment": "dev",
                "version": "1",
                "at": "",
                "state": "failed",
                "said": EVIL,
                "url": "javascript:alert(1)",
            }
        ],
        "dora": [
            {
                "environment": "dev",
                "deployments_per_week": 3.5,
                "lead_time_seconds": 5400,
                "change_failure_rate": 0.125,
                "time_to_restore_seconds": None,
                "trend": [1, 4, 2, 7],
            }
        ],
    }


def test_the_page_of_300_services_in_4_environments_is_below_200_kilobytes() -> None:
    assert len(page(large(300)).encode()) < 200_000


def test_what_others_wrote_cannot_end_the_script_it_is_in() -> None:
    text = page(large(10))
    assert EVIL not in text
    assert text.count("</script>") == 2


@dataclass(frozen=True)
class Browser:
    """Headless Chromium, and where it finds its page."""

    program: str
    folder: Path

    def seen(self, found: dict[str, Any], search: str = "", script: str = "") -> str:
        """The document after the browser has run it, with something that a person does."""
        file = self.folder / "page.html"
        file.write_text(page(found).replace("</body>", f"<script>{script}</script></body>"))
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        command = [self.program, *options, f"file://{file}#{search}"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=110).stdout


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """`make test-parts` installs it where it may."""
    if chromium() is None and os.environ.get("SLIPWAY_TESTS_REQUIRE_PARTS") and os.geteuid() == 0:
        packages.install(SandboxConfig.from_environment(), "chromium")
    found = chromium()
    if found is None:
        pytest.skip("there is no Chromium here; install the package chromium")
    return Browser(found, tmp_path)


def test_a_browser_shows_names_that_are_markup_as_text(browser: Browser) -> None:
    text = browser.seen(large(10))
    assert "<title>What runs where: acme/environments</title>" in text
    assert "&lt;/script&gt;&lt;img src=x onerror=" in text
    assert "<img" not in text
    assert 'href="javascript:' not in text
    assert text.count('<th scope="row">') == 11
    assert "10 of 10 services" in text


def test_a_browser_draws_the_way_of_a_release_and_the_trend(browser: Browser) -> None:
    text = browser.seen(large(3))
    way = text.partition('<ol id="way"')[2].partition("</ol>")[0]
    assert way.count("<li>") == 4
    assert "verified in staging · approved by a person · synced by hand" in way
    assert "every merge to main" in way
    assert 'aria-label="by week, oldest first: 1, 4, 2, 7"' in text


def test_a_browser_finds_what_is_searched_and_what_needs_attention(browser: Browser) -> None:
    assert "11 of 300 services" in browser.seen(large(300), "service-29")
    attention = 'document.getElementById("attention").click()'
    assert "1 of 300 services" in browser.seen(large(300), script=attention)
    assert "Nothing fits the search." in browser.seen(large(3), "nowhere")


def test_an_address_that_is_cut_off_searches_for_what_is_left_of_it(browser: Browser) -> None:
    text = browser.seen(large(3), "service%")
    assert "Nothing fits the search." in text
    assert text.partition('<ol id="way"')[2].partition("</ol>")[0].count("<li>") == 4


def test_a_key_leads_to_the_search(browser: Browser) -> None:
    press = (
        'document.dispatchEvent(new KeyboardEvent("keydown", {key: "/"})); document.title = document.activeElement.id'
    )
    assert "<title>search</title>" in browser.seen(large(3), script=press)
