"""The page for people, in a real browser: it renews itself, fits a phone, and axe finds nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from automl_cv_client.local import LocalEndpoint
from tests.local.conftest import DETECTION, Caller, photo, scoring
from tests.onnx_models import write_yolo_model
from tests.web_app.conftest import browser as browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 360])
def test_the_status_page_in_a_browser(browser: Any, tmp_path: Path, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe()
    model = write_yolo_model(tmp_path, [[320, 320, 320, 320, 1.0, 0.9, 0.1]])
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    with LocalEndpoint(DETECTION, model=model) as endpoint:
        page = context.new_page()
        page.goto(endpoint.status_uri)
        assert page.text_content(".images") == "No image was scored yet."
        caller = Caller(endpoint)
        with caller.http:
            caller.post(scoring(photo("chelsea.png")))
        page.wait_for_selector("figure rect")  # without anybody pressing reload
        assert page.text_content("figcaption") == "default can 0.90"
        assert axe.run(page).response["violations"] == []
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        base = endpoint.scoring_uri.removesuffix("score")
    context.close()
    assert all(url.startswith((base, "data:")) for url in asked)
