"""The site in a real browser: every page by the navigation, the search, a phone, and what axe says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.site.conftest import PHONE, WIDE, Visit, places, visit_of

TABS = ("Start", "Tasks", "Guides", "Migrate", "Reference", "Project")
SIDEBAR = ".md-nav--primary .md-nav__item--section.md-nav__item--active a.md-nav__link[href]:not([href^='#']):visible"


@pytest.fixture(scope="module")
def tour(browser: Any, address: str) -> dict[str, bool]:
    """Every page that the navigation leads to, by clicks; and whether it is wider than a phone."""
    reached = {}
    for visit in visit_of(browser, address, WIDE):
        visit.without_search()
        visit.open("")
        for tab in TABS:
            visit.page.click(f".md-tabs__link:text-is('{tab}')")
            visit.page.wait_for_selector(f".md-tabs__item--active :text-is('{tab}')")
            for place in visit.page.locator(SIDEBAR).evaluate_all("all => all.map(one => one.href)"):
                links = visit.page.locator(SIDEBAR)
                links.nth(links.evaluate_all("all => all.map(one => one.href)").index(place)).click()
                visit.page.wait_for_url(place)
                assert visit.page.inner_text("article h1")
                visit.page.set_viewport_size(PHONE)
                reached[visit.place] = visit.is_wider_than_the_screen()
                visit.page.set_viewport_size(WIDE)
    return reached


def test_every_page_is_reached_by_the_navigation(tour: dict[str, bool]) -> None:
    assert tour.keys() >= set(places())
    assert {"repository/CONTRIBUTING/", "repository/CHANGELOG/"} <= tour.keys()


def test_no_page_is_wider_than_a_phone(tour: dict[str, bool], visit: Visit) -> None:
    assert [place for place, wider in tour.items() if wider] == []
    visit.page.set_viewport_size(PHONE)
    visit.open("")
    assert not visit.is_wider_than_the_screen()
    visit.page.evaluate("document.querySelector('article').innerHTML += '<p style=\"width: 500px\">wide</p>'")
    assert visit.is_wider_than_the_screen()  # or the above would say nothing


def test_a_table_of_names_fits_a_phone(phone: Visit) -> None:
    """Long names break at a dot, a bracket or a capital, as site.js lets them; without it the table is wider."""
    wider = "document.querySelector('.md-typeset__scrollwrap').scrollWidth > innerWidth"
    phone.open("")
    assert phone.page.locator(".md-typeset__table wbr").count() > 10
    assert not phone.page.evaluate(wider)
    phone.page.evaluate("document.querySelectorAll('.md-typeset__table wbr').forEach(one => one.remove())")
    phone.page.evaluate("document.querySelectorAll('.md-typeset__table code').forEach(one => one.normalize())")
    assert phone.page.evaluate(wider)


def test_the_search_finds(visit: Visit) -> None:
    for words, place in (("with_options", "/reference/clients/"), ("deadline", "/errors/")):
        visit.open("")
        visit.page.click(".md-search__input")
        visit.page.keyboard.type(words)
        link = f".md-search-result__link[href*='{place}?h={words}']"  # of the whole word: results change by the letter
        visit.page.wait_for_selector(link, state="attached")
    visit.page.click(link)
    visit.page.wait_for_url("**/errors/**")
    assert "deadline" in visit.page.inner_text("article mark").lower()


def test_what_nobody_wrote_is_not_found(visit: Visit) -> None:
    visit.open("")
    visit.page.click(".md-search__input")
    visit.page.keyboard.type("xylophone")
    visit.page.wait_for_selector(".md-search-result__meta:text('No matching documents')")


def test_the_menu_opens_on_a_phone(phone: Visit) -> None:
    phone.open("image-inputs/")
    link = phone.page.locator(".md-nav--primary a.md-nav__link[href$='errors/']").first
    assert link.bounding_box()["x"] < 0  # it waits outside the screen
    phone.page.tap("label.md-header__button[for=__drawer]")
    link.tap()
    phone.page.wait_for_url("**/errors/")
    assert phone.page.inner_text("article h1").startswith("Errors")


def test_the_colors_are_the_visitors(browser: Any, address: str) -> None:
    papers = []
    for scheme in ("light", "dark"):
        for visit in visit_of(browser, address, WIDE, color_scheme=scheme):
            visit.open("")
            papers.append(visit.page.evaluate("getComputedStyle(document.body).backgroundColor"))
            visit.page.click("label[for=__palette_1]:visible")  # from the system's to light
            visit.page.wait_for_selector("body[data-md-color-scheme=default]")
    light, dark = papers
    assert light == "rgb(255, 255, 255)"
    assert dark != light


COLOURS = ("light", "dark")
SHORT = {("", "light"), ("errors/", "dark"), ("image-inputs/", "light"), ("reference/explanations/", "dark")}
EVERY = [(place, scheme) for place in places() for scheme in COLOURS]


@pytest.mark.parametrize(
    ("place", "scheme"), [pytest.param(*item, marks=() if item in SHORT else pytest.mark.slow) for item in EVERY]
)
def test_axe_finds_nothing_serious(browser: Any, address: str, place: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe()
    viewport = PHONE if scheme == "light" and place != "" else WIDE
    for visit in visit_of(browser, address, viewport, color_scheme=scheme):
        visit.without_search()
        visit.open(place)
        found = axe.run(visit.page).response["violations"]
        serious = [
            f"{item['id']}: {[node['html'][:120] for node in item['nodes'][:3]]}"
            for item in found
            if item["impact"] in ("serious", "critical")
        ]
        assert serious == []
