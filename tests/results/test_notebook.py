"""Results show themselves in notebooks; a real notebook is executed and its outputs are checked."""

from __future__ import annotations

import base64
import io
import os
import re
from pathlib import Path

import pytest
from PIL import Image

from automl_cv_client import Task
from automl_cv_client.local import LocalEndpoint
from tests.conftest import PHOTOS
from tests.formats.results import classification, detections

CAT = PHOTOS / "chelsea.png"
SOURCE = str(PHOTOS.parents[1] / "src")


def test_a_result_without_its_image_is_a_table():
    found = detections("cat", "<b>dog", source=None)
    html = found._repr_html_()
    assert "<img" not in html
    assert "&lt;b&gt;dog" in html
    assert "<b>" not in html


def test_a_image_that_went_away_is_no_error():
    assert "cat" in detections("cat", source="gone.png")._repr_html_()


def test_a_result_with_its_image():
    found = detections("cat", source=str(CAT))
    assert set(found._repr_mimebundle_()) == {"text/plain", "text/html"}, "the image is stored once, as JPEG"
    assert drawn_in(found._repr_html_()).size == (451, 300)
    assert "cat" in classification("cat", source=str(CAT))._repr_html_()


def test_large_images_are_shown_reduced(tmp_path: Path):
    Image.new("RGB", (3000, 1000)).save(tmp_path / "large.jpg")
    html = detections("cat", source=str(tmp_path / "large.jpg"))._repr_html_()
    assert drawn_in(html).width == 1024


def drawn_in(html: str) -> Image.Image:
    (data,) = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


def test_side_by_side():
    first, other = detections("cat"), detections("dog", "cat")
    image = Image.new("RGB", (200, 100), (40, 80, 120))
    drawn = first.draw_beside(other, image, titles=("blue", "green"))
    assert drawn.width > 2 * 200
    assert drawn.height > 100
    assert first.draw_beside(other, image).height == 100
    left = drawn.crop((0, drawn.height - 100, 200, drawn.height))
    assert left.tobytes() == first.draw(image).tobytes()


@pytest.mark.filterwarnings("ignore")  # of Jupyter's own libraries
def test_a_notebook(monkeypatch: pytest.MonkeyPatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([SOURCE, os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("AUTOML_CV_KEY", "the-notebooks-key")
    with LocalEndpoint(Task.DETECTION, key="the-notebooks-key") as endpoint:
        monkeypatch.setenv("AUTOML_CV_SCORING_URI", endpoint.scoring_uri)
        cells = [
            "from automl_cv_client import Client\nclient = Client.from_env()\nclient",
            f"found = client.detect({str(CAT)!r})\nfound",
            "found.show()",
            "found.to_pandas()" if _has_pandas() else "found.to_rows()",
        ]
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        nbclient.NotebookClient(book, timeout=300, kernel_name="python3").execute()
    shown = [cell["outputs"][0]["data"] for cell in book.cells]
    assert endpoint.key not in nbformat.writes(book)
    assert "Client('http://127.0.0.1" in shown[0]["text/plain"]
    assert set(shown[1]) == {"text/plain", "text/html"}
    assert "<td>cat</td>" in shown[1]["text/html"]
    assert "image/jpeg" in shown[2], "shown in the notebook, not in a window"
    drawn = drawn_in(shown[1]["text/html"])
    assert drawn.size == (451, 300)
    assert drawn.tobytes() != Image.open(CAT).convert("RGB").tobytes(), "the box is drawn"


def _has_pandas() -> bool:
    from importlib.util import find_spec

    return find_spec("pandas") is not None
