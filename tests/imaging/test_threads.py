"""One input may be prepared in many threads at once."""

from __future__ import annotations

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest
from PIL import Image

from automl_cv_client._imaging import prepare
from automl_cv_client._imaging.inputs import describe, is_array, is_image
from tests.conftest import PHOTOS
from tests.imaging.images import POLICY, decoded, difference, scene, stored


@pytest.mark.parametrize("name", ["PIL.Image", "numpy"])
def test_a_module_that_another_thread_is_importing_just_now(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands in sys.modules, half empty."""
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    assert not is_image(b"")
    assert not is_array(b"")
    assert describe("a.jpg") == "a.jpg"


def test_many_threads_in_a_fresh_process() -> None:
    """The first images of a process import pillow in several threads at once."""
    code = """
import sys
from threading import Barrier, Thread
from automl_cv_client._imaging import ImagePolicy, prepare
assert "PIL" not in sys.modules
together, failures = Barrier(8), []
def work():
    together.wait()
    try:
        prepare(sys.argv[1], ImagePolicy(longest_side=64))
    except Exception as error:
        failures.append(error)
threads = [Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
sys.exit(repr(failures) if failures else 0)
"""
    words = [sys.executable, "-c", code, str(PHOTOS / "coffee.png")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_one_lazily_opened_image_in_many_threads():
    for _ in range(15):
        with Image.open(io.BytesIO(stored(6, "PNG"))) as lazy, ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda _: prepare(lazy, POLICY), range(8), timeout=300))
        assert {result.data for result in results} == {results[0].data}
        assert difference(decoded(results[0].data), scene()) == 0


def test_one_file_in_many_threads(tmp_path):
    path = tmp_path / "turned.jpg"
    path.write_bytes(stored(5, "JPEG"))
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: prepare(path, POLICY), range(40), timeout=300))
    assert len({result.data for result in results}) == 1
