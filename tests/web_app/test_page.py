"""The sample's page in a real browser: what it draws, filters, compares, copies and says."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl_cv_client import Detections
from automl_cv_client.drawing import colors_of
from automl_cv_client.testing import FakeEndpoint, SentRequest, classification, detections, instances, unavailable
from tests.integrations.site import served
from tests.web_app.conftest import Visit

CAT, DOG = ("cat", 0.9, (0.25, 0.5, 0.75, 1.0)), ("dog", 0.4, (0.0, 0.0, 0.5, 0.25))


def drawn(visit: Visit) -> list[dict[str, float]]:
    """The rectangles as they lie on the screen, in pixels of the image."""
    found: list[dict[str, float]] = visit.page.eval_on_selector_all(
        "svg rect",
        """all => all.map(one => {
            const frame = one.closest(".image").querySelector("img").getBoundingClientRect();
            const scale = 400 / frame.width, edge = one.getBBox(), matrix = one.getScreenCTM();
            return { left: (matrix.a * edge.x + matrix.e - frame.left) * scale,
                     top: (matrix.d * edge.y + matrix.f - frame.top) * scale,
                     width: matrix.a * edge.width * scale, height: matrix.d * edge.height * scale };
        })""",
    )
    return found


def rows(visit: Visit) -> list[str]:
    texts: list[str] = visit.page.eval_on_selector_all(
        "tbody tr", "all => all.map(tr => [...tr.cells].map(td => td.textContent).join(' | '))"
    )
    return texts


def test_boxes_are_drawn_where_the_json_says(visit: Visit, fake: FakeEndpoint, image: bytes) -> None:
    fake.reply_with(detections(CAT, DOG))
    visit.upload(image)
    visit.wait_for_result()
    assert rows(visit) == ["cat | 0.900 | 100, 100, 300, 200", "dog | 0.400 | 0, 0, 200, 50"]
    wanted = [(100, 100, 200, 100), (0, 0, 200, 50)]
    for box, edges in zip(drawn(visit), wanted, strict=True):
        assert tuple(box.values()) == pytest.approx(edges, abs=1)
    assert visit.page.text_content("#status") == "blue: 2 shown"
    assert visit.complaints == []


def test_labels_have_the_colors_that_drawings_have(visit: Visit) -> None:
    chance = random.Random(20)
    sets = [[f"label {chance.randrange(10**6)}" for _ in range(chance.randint(1, 22))] for _ in range(40)]
    sets += [["cat", "Katze", "猫", "😀", "\uffff", "ë", "e\u0308"]]
    script = """async (sets) => {
        const { colorsOf } = await import("/results.js");
        const { palette } = await (await fetch("/api/offer")).json();
        return sets.map((labels) => Object.fromEntries(colorsOf(labels, palette)));
    }"""
    expected = [{label: "#" + bytes(color).hex() for label, color in colors_of(labels).items()} for labels in sets]
    assert visit.page.evaluate(script, sets) == expected


def test_filters_ask_nobody(visit: Visit, fake: FakeEndpoint, image: bytes) -> None:
    fake.reply_with(detections(CAT, DOG))
    visit.upload(image)
    visit.wait_for_result()
    visit.page.fill("#limit", "0.5")
    assert rows(visit) == ["cat | 0.900 | 100, 100, 300, 200"]
    assert len(drawn(visit)) == 1
    visit.page.fill("#limit", "0")
    visit.page.uncheck("#labels input[value=cat]")
    assert [row.split()[0] for row in rows(visit)] == ["dog"]
    fake.assert_sent(times=1)


def test_outlines_and_classes(visit: Visit, fake: FakeEndpoint, image: bytes) -> None:
    hole = [(0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0), (0.5, 0.25, 0.75, 0.25, 0.75, 0.5, 0.5, 0.25)]
    fake.reply_with(instances(("cat", 0.9, (0, 0, 1, 1), hole)))
    visit.page.select_option("#task", "image-instance-segmentation")
    visit.upload(image)
    visit.wait_for_result()
    path = visit.page.get_attribute("svg path", "d")
    assert path == "M0 0L400 0L400 200L0 0ZM200 50L300 50L300 100L200 50Z"
    assert visit.page.eval_on_selector("svg path", "one => getComputedStyle(one).fillRule") == "evenodd"
    fake.reply_with(classification({"cat": 0.75, "dog": 0.25}))
    visit.page.select_option("#task", "image-classification")
    visit.page.wait_for_selector("td:text('0.750')")
    assert rows(visit) == ["cat | 0.750 | –"]  # the dog is below the limit
    assert visit.complaints == []


def test_the_heat_map_is_laid_over_the_image(browser: Any, sample: Any) -> None:
    from automl_cv_client.local import LocalEndpoint

    photo = (Path(__file__).parents[2] / "samples" / "photos" / "chelsea.png").read_bytes()
    with LocalEndpoint.for_all_tasks() as local:
        endpoints = {task: (local.scoring_uri_of(task), local.key) for task in sample.RESULTS}
        with served(sample.make_app(endpoints, ("default", "default"))) as site:
            visit = Visit(browser.new_page(), site)
            visit.page.select_option("#task", "image-classification")
            visit.upload(photo, "chelsea.png", "image/png")
            visit.wait_for_result()
            assert visit.page.is_hidden(".heat")
            visit.page.click("#heat")
            visit.page.wait_for_selector("#heat[aria-pressed=true]", timeout=60_000)
            same = "one => [one.naturalWidth, one.clientWidth === one.parentNode.querySelector('img').clientWidth]"
            visit.page.wait_for_selector(".heat:not([hidden])")
            visit.page.eval_on_selector(".heat", "one => one.decode()")
            assert visit.page.eval_on_selector(".heat", same) == [451, True]
            visit.page.click("#heat")
            assert visit.page.is_hidden(".heat")
            assert visit.complaints == []
            visit.page.close()


def test_two_deployments_are_compared(visit: Visit, fake: FakeEndpoint, image: bytes) -> None:
    def by_deployment(sent: SentRequest) -> Any:
        return detections(CAT, DOG) if sent.deployment == "blue" else detections(CAT)

    fake.reply_with(by_deployment)
    visit.page.select_option("#second", "green")
    visit.upload(image)
    visit.wait_for_result()
    assert visit.page.locator("article h2").all_text_contents() == ["blue", "green"]
    assert visit.page.text_content("#difference") == "In both: 1. Only blue: 1. Only green: 0."
    assert visit.page.text_content("#status") == "blue: 2 shown, green: 1 shown"


def test_the_json_is_copied(visit: Visit, fake: FakeEndpoint, image: bytes) -> None:
    fake.reply_with(detections(CAT))
    visit.upload(image)
    visit.wait_for_result()
    visit.page.click("#copy")
    visit.page.wait_for_selector("#status:text('Copied.')")
    copied = visit.page.evaluate("navigator.clipboard.readText()")
    assert Detections.model_validate(json.loads(copied)) == detections(CAT, size=(400, 200))
    visit.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')); }")
    visit.page.click("#copy")
    visit.page.wait_for_selector("#error:text('does not let this page copy')")


def turned(kind: str) -> bytes:
    """A file of 200 x 400 pixels whose EXIF data make it one of 400 x 200."""
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (200, 400), "teal").save(file, kind, exif=exif)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_boxes_lie_on_the_upright_image_whether_the_browser_can_show_it_or_not(
    kind: str, visit: Visit, fake: FakeEndpoint
) -> None:
    fake.reply_with(detections(CAT))
    visit.upload(turned(kind), f"turned.{kind.lower()}", f"image/{kind.lower()}")
    visit.wait_for_result()
    assert rows(visit) == ["cat | 0.900 | 100, 100, 300, 200"]
    if kind in ("WEBP", "TIFF"):
        visit.page.wait_for_selector("article p:text('This browser cannot show the image')")
        assert visit.page.is_hidden(".image img")
    else:
        visit.page.eval_on_selector(".image img", "one => one.decode()")
        size = "one => [one.naturalWidth, one.naturalHeight]"
        assert visit.page.eval_on_selector(".image img", size) == [400, 200]
        assert visit.page.locator(".unseen").count() == 0
    frame = visit.page.locator(".image").bounding_box()
    assert frame["width"] / frame["height"] == pytest.approx(2, rel=0.02)
    mark = visit.page.locator("svg rect").bounding_box()
    assert mark["x"] + mark["width"] / 2 == pytest.approx(frame["x"] + frame["width"] / 2, abs=3)
    assert mark["y"] + mark["height"] / 2 == pytest.approx(frame["y"] + frame["height"] * 0.75, abs=3)


def test_the_newest_of_two_images_is_shown_and_named_while_it_is_in_work(
    visit: Visit, fake: FakeEndpoint, image: bytes
) -> None:
    held: list[Any] = []
    visit.page.route("**/score", lambda route: held.append(route))
    fake.reply_with(detections(CAT))
    visit.upload(image, "first.jpg")
    visit.page.wait_for_selector("#status:text('Scoring first.jpg…')")
    visit.upload(image, "second.jpg")
    visit.page.wait_for_selector("#status:text('Scoring second.jpg…')")
    assert visit.page.is_hidden("#error")  # to be replaced is no failure
    held[-1].continue_()
    visit.wait_for_result()
    assert visit.page.get_attribute(".image img", "alt") == "The image second.jpg"
    fake.assert_sent(times=1)


def test_a_failure_can_be_tried_again_and_a_refused_image_is_named(
    visit: Visit, fake: FakeEndpoint, image: bytes
) -> None:
    fake.reply_with(unavailable(502))
    visit.upload(image)
    visit.page.wait_for_selector("#again:not([hidden])")
    fake.reply_with(detections(CAT))
    visit.page.click("#again")
    visit.wait_for_result()
    assert visit.page.is_hidden("#again")
    visit.upload(image[: len(image) // 2], "half.jpg")
    visit.page.wait_for_selector("#error:not([hidden])")
    assert visit.page.text_content("#error").startswith("half.jpg: ")
    assert visit.page.is_hidden("#again")  # it would be refused again


def test_an_answer_that_is_no_problem_of_ours_is_told_by_its_status(visit: Visit, image: bytes) -> None:
    visit.page.route("**/score", lambda route: route.fulfill(status=504, body="<h1>Gateway</h1>"))
    visit.upload(image)
    visit.page.wait_for_selector("#error:not([hidden])")
    assert visit.page.text_content("#error") == "The server answered 504."


def test_the_same_file_can_be_chosen_again(visit: Visit, fake: FakeEndpoint, tmp_path: Path, image: bytes) -> None:
    """To a browser the same choice is no change, unless the field was emptied before."""
    file = tmp_path / "same.jpg"
    file.write_bytes(image)
    fake.reply_with(detections(CAT))
    for times in (1, 2):
        with visit.page.expect_file_chooser() as chooser:
            visit.page.click("#drop")
        assert visit.page.input_value("#file") == ""
        chooser.value.set_files(file)
        visit.wait_for_result()
        fake.assert_sent(times=times)


def test_a_deployment_is_not_compared_with_itself(visit: Visit) -> None:
    closed = "all => all.filter(one => one.disabled).map(one => one.value)"
    assert visit.page.eval_on_selector_all("#second option", closed) == ["blue"]
    visit.page.select_option("#second", "green")
    visit.page.select_option("#first", "green")
    assert visit.page.input_value("#second") == ""
    assert visit.page.eval_on_selector_all("#second option", closed) == ["green"]


def test_nothing_found_and_nothing_shown_are_told_apart(visit: Visit, fake: FakeEndpoint, image: bytes) -> None:
    fake.reply_with(detections(CAT, DOG))
    visit.upload(image)
    visit.wait_for_result()
    visit.page.fill("#limit", "0.95")
    assert visit.page.text_content("#status") == "blue: 0 of 2 shown"
    fake.reply_with(detections())
    visit.upload(image)
    visit.page.wait_for_selector("#status:text('blue: nothing found')")


def test_what_goes_wrong_is_said(visit: Visit, fake: FakeEndpoint, image: bytes) -> None:
    visit.upload(b"only words", "words.txt", "text/plain")
    visit.page.wait_for_selector("#error:not([hidden])")
    assert "not an image" in visit.page.text_content("#error")
    assert visit.page.is_hidden("#found")
    fake.reply_with(detections(CAT))
    visit.upload(image)  # and it goes on
    visit.wait_for_result()
    assert visit.page.is_hidden("#error")


def test_a_stopped_endpoint_is_said(visit: Visit, fake: FakeEndpoint, image: bytes) -> None:
    fake.reply_with(unavailable(502))
    visit.upload(image)
    visit.page.wait_for_selector("#error:not([hidden])")
    assert visit.page.text_content("#error") == "The scoring endpoint failed or could not be reached."
    assert fake.key not in visit.page.content()


def test_a_image_chosen_before_the_page_knows_its_tasks_is_scored(
    browser: Any, site: str, fake: FakeEndpoint, image: bytes
) -> None:
    fake.reply_with(detections(CAT, DOG))
    held: list[Any] = []
    page = browser.new_page()
    page.route("**/api/offer", lambda route: held.append(route))
    page.goto(site)
    page.set_input_files("#file", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": image})
    while not held:
        page.wait_for_timeout(10)
    fake.assert_nothing_sent()
    held[0].continue_()
    page.wait_for_selector("#found:not([hidden])")
    fake.assert_sent(times=1)
    page.close()


def test_a_page_whose_server_does_not_answer_says_so(browser: Any, site: str) -> None:
    page = browser.new_page()
    page.route("**/api/offer", lambda route: route.abort())
    page.goto(site)
    page.wait_for_selector("#error:not([hidden])")
    assert "cannot be reached" in page.text_content("#error")
    page.close()


def test_an_endpoint_that_is_down_is_said(browser: Any, sample: Any, image: bytes) -> None:
    gone = FakeEndpoint()
    with gone.serving():
        endpoints = {task: (gone.scoring_uri_of(task), gone.key) for task in sample.RESULTS}
    with served(sample.make_app(endpoints, ())) as site:
        page = browser.new_page()
        page.goto(site)
        page.set_input_files("#file", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": image})
        page.wait_for_selector("#error:not([hidden])")
        assert "could not be reached" in page.text_content("#error")
        page.close()


def test_it_is_used_by_keyboard(visit: Visit, fake: FakeEndpoint, image: bytes) -> None:
    fake.reply_with(detections(CAT, DOG))
    visit.upload(image)
    visit.wait_for_result()
    visit.page.focus("#file")
    reached = []
    for _ in range(8):
        visit.page.keyboard.press("Tab")
        reached.append(visit.page.evaluate("document.activeElement.id || document.activeElement.value"))
    assert reached[:7] == ["task", "first", "second", "limit", "cat", "dog", "copy"]
    visit.page.focus("#limit")
    for _ in range(15):
        visit.page.keyboard.press("ArrowRight")
    assert visit.page.text_content("#limit-shown") == "0.45"
    assert len(rows(visit)) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 360])
def test_axe_finds_nothing(browser: Any, site: str, fake: FakeEndpoint, image: bytes, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe()
    fake.reply_with(detections(CAT, DOG))
    # The page's own policy lets no script in, so the checker comes in past it.
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    visit = Visit(context.new_page(), site)
    assert axe.run(visit.page).response["violations"] == []
    visit.upload(image)
    visit.wait_for_result()
    assert axe.run(visit.page).response["violations"] == []
    visit.upload(b"words", "words.txt")
    visit.page.wait_for_selector("#error:not([hidden])")
    assert axe.run(visit.page).response["violations"] == []
    wider = visit.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    context.close()
    assert not wider


def test_labels_from_outside_stay_text(visit: Visit, fake: FakeEndpoint, image: bytes) -> None:
    evil = "<img src=x onerror=alert(1)>"
    fake.reply_with(detections((evil, 0.9, (0, 0, 1, 1))))
    visit.upload(image)
    visit.wait_for_result()
    assert rows(visit)[0].startswith(evil)
    assert visit.page.locator("tbody img").count() == 0
    assert visit.complaints == []


@pytest.mark.parametrize("given", [{}, {"AUTOML_CV_KEY": "k", "AUTOML_CV_TASK": "cats"}])
def test_a_half_set_environment_is_one_line(
    given: dict[str, str], sample: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOML_CV_SCORING_URI", "https://cats.example/score")
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=r"set AUTOML_CV_KEY .* and AUTOML_CV_TASK to one of"):
        sample.main()


def test_the_page_is_small_and_needs_no_build() -> None:
    page = Path(__file__).parents[2] / "samples" / "web_app" / "page"
    text = "".join(file.read_text() for file in page.iterdir())
    assert len(text) < 30_000
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
