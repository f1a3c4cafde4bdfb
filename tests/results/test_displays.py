"""What else shows itself in a notebook: explanations with their scale, reports, summaries, outcomes, statistics."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from automl_cv_client import Classification, Health, Stats
from automl_cv_client.batch import BatchSummary
from automl_cv_client.errors import ImageError
from automl_cv_client.evaluation import compare, evaluate
from automl_cv_client.results import Failed, Scored
from tests.conftest import PHOTOS
from tests.evaluation.made import boxes_row
from tests.evaluation.made import detections as found
from tests.formats.results import classification, detections
from tests.results.test_explanation import explanation, info

CAT = str(PHOTOS / "chelsea.png")


def images_in(html: str) -> list[Image.Image]:
    """The images of a fragment, which loads nothing from anywhere."""
    assert "<script" not in html
    assert "http" not in html
    encoded = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in encoded]


def numbers() -> Any:
    return np.linspace(-1, 1, 3 * 224 * 224, dtype=np.float32).reshape(3, 224, 224)


def explained() -> Any:
    return explanation(numbers(), info(451, 300).model_copy(update={"source": CAT}))


def test_an_explanation_shows_the_image_with_a_caption_and_the_scale():
    heat_map = explained()
    plain, captioned = heat_map.overlay(), heat_map.overlay(caption=True)
    assert captioned.width == plain.width
    assert captioned.height > plain.height + 20
    assert captioned.crop((0, 0, *plain.size)).tobytes() == plain.tobytes()
    below = np.asarray(captioned.crop((0, plain.height, *captioned.size))).astype(int)
    assert (np.ptp(below, axis=2) > 60).sum() > 300, "the colors of the scale"
    (shown,) = images_in(heat_map._repr_html_())
    assert shown.size == captioned.size
    assert set(heat_map._repr_mimebundle_()) == {"text/plain", "text/html"}


def test_a_classification_shows_its_explanation_besides():
    result = classification("cat", "dog", source=CAT)
    assert isinstance(result, Classification)
    with_reason = result.model_copy(update={"explanation": explained()})
    assert len(images_in(result._repr_html_())) == 1
    assert len(images_in(with_reason._repr_html_())) == 2


def test_an_explanation_whose_image_went_away_shows_no_error():
    gone = explanation(numbers(), info(451, 300).model_copy(update={"source": "gone.png"}))
    assert len(images_in(gone._repr_html_())) <= 1


def test_reports_and_comparisons_are_tables():
    rows = [boxes_row("1.png", ("<b>cup", (0.1, 0.1, 0.5, 0.5)))]
    predictions = {"1.png": found(("<b>cup", 0.9, (0.1, 0.1, 0.5, 0.45)))}
    html = evaluate(predictions, rows, name="green")._repr_html_()
    assert "<td>AP50</td><td>1.000</td>" in html
    assert "&lt;b&gt;cup" in html
    html = compare(labels=rows, predictions=(predictions, predictions), draws=30)._repr_html_()
    assert "no clear difference" in html
    assert "0 of 1 images" in html


def test_summaries_health_and_statistics_are_tables_with_sensible_digits():
    summary = BatchSummary(10, 8, 1, 1, 0, 9, 12.3456, 0.729, 11, 2, 0, 123456, 0.51234, None, {"ImageError": 1})
    html = summary._repr_html_()
    assert "<td>rate</td><td>0.729</td>" in html
    assert "<td>seconds</td><td>12.3</td>" in html
    assert "<td>ImageError</td><td>1</td>" in html
    assert "p95" not in html
    assert "<td>p50</td><td>0.250</td>" in Stats(calls=3, p50=0.25)._repr_html_()
    assert "<td>status</td><td>401</td>" in Health(ok=False, status=401, detail="refused")._repr_html_()


@pytest.mark.parametrize("ok", [True, False])
def test_an_outcome_shows_its_result_or_its_error(ok):
    outcome: Any = Scored(3, CAT, detections("cat", source=CAT))
    if not ok:
        outcome = Failed(3, CAT, error=ImageError("the <image> is truncated"))
    html = outcome._repr_html_()
    assert "image 3" in html
    assert ("<td>cat</td>" in html) is ok
    assert ("ImageError: the &lt;image&gt; is truncated" in html) is not ok
    assert len(images_in(html)) == ok
