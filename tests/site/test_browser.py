"""The site in a real browser: every page by the navigation, the search, a phone, and what axe says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.site.conftest import places

TABS = ("Start", "Tasks", "Guides", "Migrate", "Reference", "Project")
SIDEBAR = ".md-nav--primary .md-nav__item--section.md-nav__item--active a.md-nav__link[href]:not([href^='#']):visible"
NO_INDEX = {"config": {"lang": ["en"], "separator": " ", "pipeline": [], "fields": {}}, "docs": []}
WIDE = {"width": 1300, "height": 900}
PHONE = {"width": 390, "height": 844}


class Visit:
    """A page, with what went wrong on it and what it asked for."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on(
            "console", lambda item: self.complaints.append(item.text) if item.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def without_search(self) -> None:
        """Leaves the index out, which each page would load and sort anew: half of its time."""
        self.page.route("**/search_index.json", lambda route: route.fulfill(json=NO_INDEX))

    def open(self, place: str) -> None:
        """Go to a page of the site, until its scripts ran."""
        self.page.goto(f"{self.address}/{place}")

    @property
    def place(self) -> str:
        """Where the visitor is, such as ``reference/clients/``."""
        return str(self.page.url).removeprefix(f"{self.address}/").partition("#")[0]

    def assert_well(self) -> None:
        """Nothing complained, and nothing was asked of another host."""
        assert self.complaints == []
        assert all(url.startswith((self.address, "data:", "blob:")) for url in self.asked)

    def is_wider_than_the_screen(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def visit_of(browser: Any, address: str, viewport: dict[str, int], **options: Any) -> Iterator[Visit]:
    context = browser.new_context(viewport=viewport, **options)
    item = Visit(context.new_page(), address)
    yield item
    context.close()
    item.assert_well()


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Visit]:
    """A visitor at a desk."""
    yield from visit_of(browser, address, WIDE)


@pytest.fixture
def phone(browser: Any, address: str) -> Iterator[Visit]:
    """A visitor with a phone."""
    yield from visit_of(browser, address, PHONE, has_touch=True, is_mobile=True)


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
    visit.open("")
    visit.page.click(".md-search__input")
    visit.page.keyboard.type("deadline")
    for place in ("/reference/clients/", "/errors/"):  # of the whole word: results change with each letter
        link = f".md-search-result__link[href*='{place}?h=deadline']"
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


def test_the_colours_are_the_visitors(browser: Any, address: str) -> None:
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
