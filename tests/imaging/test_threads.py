"""One input may be prepared in many threads at once."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from automl_cv_client._imaging import prepare
from tests.imaging.pictures import POLICY, decoded, difference, scene, stored


def test_one_lazily_opened_picture_in_many_threads():
    for _ in range(15):
        with Image.open(io.BytesIO(stored(6, "PNG"))) as lazy, ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda _: prepare(lazy, POLICY), range(8), timeout=60))
        assert {result.data for result in results} == {results[0].data}
        assert difference(decoded(results[0].data), scene()) == 0


def test_one_file_in_many_threads(tmp_path):
    path = tmp_path / "turned.jpg"
    path.write_bytes(stored(5, "JPEG"))
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: prepare(path, POLICY), range(40), timeout=60))
    assert len({result.data for result in results}) == 1
