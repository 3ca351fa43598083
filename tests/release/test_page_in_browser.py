"""The status page in a browser: what is seen, pressed and read out."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox import packages
from sandbox.config import SandboxConfig
from slipway_release.page import page
from tests.release import chromium
from tests.release.chromium import Page
from tests.release.pages import EVIL, large

SHOWN = "document.querySelector('[role=status]').textContent"
NAMES = "[...document.querySelectorAll('#places tbody th')].map((cell) => cell.textContent.trim())"
FOCUS = "document.activeElement.id || document.activeElement.textContent.trim()"


@pytest.fixture(scope="module")
def tab() -> Iterator[Page]:
    """`make test-parts` installs it where it may."""
    if chromium.chromium() is None and os.environ.get("SLIPWAY_TESTS_REQUIRE_PARTS") and os.geteuid() == 0:
        packages.install(SandboxConfig.from_environment(), "chromium")
    found = chromium.chromium()
    if found is None:
        pytest.skip("there is no Chromium here; install the package chromium")
    with chromium.browser(found) as tab:
        yield tab


@dataclass(frozen=True)
class Shown:
    """The page that shows something, at an address with a search."""

    tab: Page
    folder: Path

    def __call__(self, found: dict[str, Any], address: str = "", *, phone: bool = False) -> Page:
        file = self.folder / "page.html"
        file.write_text(page(found))
        self.tab.size(390 if phone else 1280, phone=phone)
        self.tab.open(f"file://{file}#{address}")
        # The page asks for a frame to show what is not shown at once, and then for a turn; these come after its own.
        self.tab.run("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        return self.tab


@pytest.fixture
def shown(tab: Page, tmp_path: Path) -> Callable[..., Page]:
    return Shown(tab, tmp_path)


def test_names_that_are_markup_are_text(shown: Callable[..., Page]) -> None:
    tab = shown(large(10))
    assert tab.run("document.title") == "What runs where: acme/environments"
    assert tab.run("document.images.length") == 0
    assert EVIL in tab.run("document.body.textContent")
    assert tab.run("[...document.links].filter((link) => link.protocol === 'javascript:').length") == 0
    assert tab.run(SHOWN) == "10 of 10 services"
    assert not tab.complaints()


def test_the_browser_refuses_scripts_and_markup_that_are_not_the_pages_own(shown: Callable[..., Page]) -> None:
    tab = shown(large(1))
    tab.run("document.body.append(Object.assign(document.createElement('div'), {id: 'victim'}))")
    with pytest.raises(RuntimeError, match="TrustedHTML"):
        tab.run("document.getElementById('victim').innerHTML = '<img src=x onerror=document.title=1>'")
    with pytest.raises(RuntimeError, match="TrustedScript"):
        tab.run("document.createElement('script').text = 'document.title = 1'")


def test_a_page_of_nothing_says_so(shown: Callable[..., Page]) -> None:
    empty = large(0) | {"environments": [], "releases": [], "dora": []}
    text = shown(empty).run("document.body.textContent")
    assert "There are no services yet." in text
    assert "Nothing was released yet." in text
    assert "There are no figures yet." in text
    assert not shown(empty).complaints()


def test_a_cell_says_who_is_waited_for_and_tells_a_reason_once(shown: Callable[..., Page]) -> None:
    found = large(1)
    reason, held = "Degraded: crash loop", [["1.3.0", "Degraded: crash loop"], ["1.2.0", "too slow"]]
    asked = {"kind": "approval", "version": "1.4.0", "url": "", "for": ["platform", "web"]}
    cell = {"version": "1.1.0", "state": "verified", "back": ["1.3.0", reason], "held": held, "waiting": asked}
    found["services"][0]["in"] = {"dev": cell}
    text = " ".join(shown(found).run("document.querySelector('#places tbody td[data-label=dev]').textContent").split())
    assert f"1.3.0 was taken back and is on hold: {reason} on hold: 1.2.0, too slow" in text
    assert text.count(reason) == 1
    assert "1.4.0 waits for an approval by platform or web" in text


def test_the_way_of_a_release_follows_the_requirements(shown: Callable[..., Page]) -> None:
    found = large(3)
    # staging requires dev, as qa does: both are the same step.
    found["environments"][2]["requires"] = ["dev"]
    columns = shown(found).run("[...document.querySelectorAll('#way > li')].map((column) => column.textContent)")
    assert len(columns) == 4
    assert "qa" in columns[2]
    assert "staging" in columns[2]
    assert "verified in staging" in columns[3]
    assert "approved by platform" in columns[3]


def test_below_hundreds_of_services_the_other_parts_are_one_key_away_and_the_address_stays(
    shown: Callable[..., Page],
) -> None:
    tab = shown(large(300), "order=-service")
    assert tab.run("document.querySelector('h2').getBoundingClientRect().top") > 9000
    links = "[...document.querySelectorAll('nav a')]"
    assert tab.run(f"{links}.length") == tab.run("document.querySelectorAll('h2').length") == 3
    for number in range(3):
        tab.run(f"{links}[{number}].focus()")
        tab.press("Enter")
        assert tab.run(f"document.activeElement.textContent.startsWith({links}[{number}].textContent)")
        assert tab.run("document.activeElement.getBoundingClientRect().top") < 900
    assert tab.run("location.hash") == "#order=-service"
    assert not tab.complaints()


@pytest.mark.parametrize("width", [360, 780, 820, 1280])
def test_nothing_is_wider_than_its_place(shown: Callable[..., Page], width: int) -> None:
    found = large(3)
    names = {"qa": "acceptance-of-the-whole-company", "production": "production"}
    for environment in found["environments"]:
        environment["name"] = names.get(environment["name"], environment["name"])
        environment["requires"] = [names.get(name, name) for name in environment["requires"]]
    for service in found["services"]:
        service["in"] = {names.get(name, name): cell for name, cell in service["in"].items()}
    tab = shown(found)
    tab.size(width, phone=width < 1000)
    all_of_it = "[...document.querySelectorAll('th, td, button, summary, nav a, label')]"
    wide = f"{all_of_it}.filter((one) => one.scrollWidth > Math.ceil(one.getBoundingClientRect().width))"
    assert tab.run(f"{wide}.map((one) => one.textContent.trim())") == []
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")


def test_of_many_environments_the_names_of_services_stay_in_sight(shown: Callable[..., Page]) -> None:
    found = large(3)
    names = [f"place-{number}" for number in range(9)]
    found["environments"] = [found["environments"][0] | {"name": name} for name in names]
    found["services"] = [service | {"in": dict.fromkeys(names, service["in"]["dev"])} for service in found["services"]]
    tab = shown(found)
    tab.run("scrollTo(document.documentElement.scrollWidth, 0)")
    assert tab.run("scrollX") > 0
    assert tab.run("document.querySelector('#places tbody th').getBoundingClientRect().left") == 0


def test_the_trend_is_told_in_words_too(shown: Callable[..., Page]) -> None:
    label = shown(large(3)).run("document.querySelector('.trend').getAttribute('aria-label')")
    assert label == "by week, oldest first: nothing known, 4, 2, 7"


def test_what_is_searched_and_what_needs_attention_is_found(shown: Callable[..., Page]) -> None:
    tab = shown(large(300), "search=service-29")
    assert tab.run(SHOWN) == "11 of 300 services"
    tab = shown(large(300))
    tab.run("document.getElementById('attention').click()")
    assert tab.run(SHOWN) == "1 of 300 services"
    assert tab.run("location.hash") == "#attention="
    assert "Nothing fits the search." in shown(large(3), "search=nowhere").run("document.body.textContent")


def test_all_rows_are_there_a_moment_after_the_first_ones(shown: Callable[..., Page]) -> None:
    assert len(shown(large(300)).run(NAMES)) == 300


@pytest.mark.parametrize("address", ["search=service%", "order=nothing", "%", "order=in%20nowhere"])
def test_an_address_that_is_cut_off_shows_the_page_all_the_same(shown: Callable[..., Page], address: str) -> None:
    tab = shown(large(3), address)
    assert tab.run("document.querySelectorAll('#way > li').length") == 5
    assert not tab.complaints()


def test_columns_are_sorted_by_their_headers_and_the_address_keeps_it(shown: Callable[..., Page]) -> None:
    found = large(12)
    found["services"][5]["in"]["dev"] = found["services"][5]["in"]["dev"] | {"at": "2026-01-02T04:00:00+00:00"}
    tab = shown(found)
    assert tab.run(NAMES)[:3] == ["service-0", "service-1", "service-2"]
    assert tab.run(NAMES)[-1] == "service-11", "numbers are sorted as numbers"
    header = "document.querySelectorAll('#places thead button')"
    tab.run(f"{header}[2].click()")
    assert tab.run(NAMES)[0] == "service-5", "what changed last comes first"
    assert tab.run("document.querySelector('[aria-sort]').getAttribute('aria-sort')") == "descending"
    tab.run(f"{header}[2].click()")
    assert tab.run(NAMES)[-1] == "service-5"
    kept = tab.run("location.hash").removeprefix("#")
    assert shown(found, kept).run(NAMES)[-1] == "service-5"


def test_everything_can_be_reached_by_keys(shown: Callable[..., Page]) -> None:
    tab = shown(large(3))
    tab.press("/")
    assert tab.run(FOCUS) == "search"
    tab.press("-", "2")
    assert tab.run("[document.getElementById('search').value, location.hash]") == ["-2", "#search=-2"]
    assert tab.run(SHOWN) == "1 of 3 services"
    tab.press("Tab")
    assert tab.run(FOCUS) == "attention"
    tab.press("Tab", "Enter")
    assert tab.run(FOCUS).startswith("service"), "a header keeps the focus when it has sorted"
    assert tab.run("document.querySelector('[aria-sort]').getAttribute('aria-sort')") == "descending"
    assert tab.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_screen_reader_is_told_a_table_in_landmarks(shown: Callable[..., Page], phone: bool) -> None:
    nodes = shown(large(2), phone=phone).told()
    named = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes]
    roles = [role for role, _ in named]
    assert ("table", "Services by environment") in named
    assert {"banner", "main", "search", "status", "list"} <= set(roles)
    assert ("rowheader", "service-0") in named
    assert roles.count("cell") >= 2 * 5
    assert ("searchbox", "Search") in named
    if not phone:
        assert any(role == "columnheader" and name.startswith("production") for role, name in named)
    assert all(name for role, name in named if role in {"button", "checkbox", "link", "combobox"})


def test_a_phone_sorts_by_a_list_and_scrolls_in_one_direction(shown: Callable[..., Page]) -> None:
    tab = shown(large(3), phone=True)
    assert tab.run("document.documentElement.scrollWidth") == 390
    assert tab.run("getComputedStyle(document.querySelector('.order')).display") == "flex"
    assert tab.run("[...document.getElementById('order').options].map((one) => one.textContent.trim())")[:3] == [
        "service",
        "team",
        "newest in dev",
    ]
