"""Tiles over real HTTP: a server that finds painted shapes pixel by pixel, and a real model on a wide image."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from automl_cv_client import Client, ImagePolicy, Task, errors
from automl_cv_client.local import LocalEndpoint
from automl_cv_client.local.contours import trace
from tests.conftest import PHOTOS, Caller, encoded
from tests.servers import Answer, Received, ScriptedServer

SIZE = (1500, 900)
SHAPES = {  # color: box of an ellipse
    (255, 0, 0): (300, 250, 420, 330),  # over a seam
    (0, 255, 0): (20, 20, 70, 60),  # within one tile
    (0, 0, 255): (460, 300, 560, 640),  # over two seams and a corner
    (255, 255, 0): (600, 500, 640, 540),  # close to the next
    (255, 0, 255): (642, 500, 690, 545),
    (0, 255, 255): (760, 60, 1450, 840),  # larger than a tile
}


def painted() -> Image.Image:
    image = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(image)
    for color, box in SHAPES.items():
        draw.ellipse((box[0], box[1], box[2] - 1, box[3] - 1), fill=color)
    draw.ellipse((850, 200, 1300, 700), fill=(0, 0, 0))  # a hole in the large one
    return image


class Painter(ScriptedServer):
    """Finds each painted color in each image; all are called "blob"."""

    def step_for(self, request: Received) -> Answer:
        self.received.append(request)
        rows = [{"boxes": list(found(base64.b64decode(image)))} for image in request.images]
        return Answer(200, json.dumps(rows).encode())


def found(data: bytes) -> Iterator[dict[str, Any]]:
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    height, width = pixels.shape[:2]
    for color in SHAPES:
        mask = (pixels == color).all(axis=2)
        if mask.sum() < 30:
            continue
        ys, xs = np.nonzero(mask)
        box = {"topX": xs.min() / width, "topY": ys.min() / height}
        box |= {"bottomX": (xs.max() + 1) / width, "bottomY": (ys.max() + 1) / height}
        polygon = [(ring / (width, height)).ravel().tolist() for ring in trace(mask)]
        yield {"box": box, "label": "blob", "score": 0.5 + mask.sum() / mask.size / 3, "polygon": polygon}


@pytest.fixture
def painter() -> Iterator[Painter]:
    server = Painter()
    server.start()
    yield server
    server.stop()


def truth(color: tuple[int, int, int]) -> Any:
    return (np.asarray(painted()) == color).all(axis=2)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(("tile", "overlap"), [(512, 0.2), ((400, 300), 0.3), (512, 0.05), (2000, 0.2)])
def test_every_object_is_found_once(tile: Any, overlap: float, whole: bool, call: Caller, painter: Painter) -> None:
    options = {"tile": tile, "overlap": overlap, "whole": whole}
    objects = call(painter.url, "detect_tiled", painted(), with_=options)
    assert sorted(detection.pixel_box for detection in objects) == [
        pytest.approx(tuple(map(float, box)), abs=1.01) for box in sorted(SHAPES.values())
    ]
    assert objects.image.size == SIZE
    assert objects.image.changes[0].startswith("sent as ")
    assert objects.call.attempts == len(painter.received)
    assert max(len(request.images) for request in painter.received) <= 4


@pytest.mark.parametrize("whole", [True, False])
def test_outlines_are_put_together_with_their_holes(whole: bool, call: Caller, painter: Painter) -> None:
    objects = call(painter.url, "segment_tiled", painted(), with_={"tile": 400, "overlap": 0.25, "whole": whole})
    assert len(objects) == len(SHAPES)
    for color, box in SHAPES.items():
        (detection,) = [o for o in objects if o.pixel_box == pytest.approx(tuple(map(float, box)), abs=1.01)]
        expected = truth(color)
        assert detection.area == pytest.approx(expected.sum(), rel=0.001)
        assert (detection.mask() != expected).sum() <= 0.002 * expected.sum()


def test_tiles_keep_the_limits(painter: Painter) -> None:
    noisy = Image.effect_noise((900, 700), 60)
    policy = ImagePolicy(most_request_bytes=60_000)
    with Client(painter.url, "k", images=policy) as client:
        client.detect_tiled(noisy, tile=300, together=9)
    assert all(len(request.body) <= 60_000 for request in painter.received)


def test_a_turned_image_is_tiled_upright(painter: Painter) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(painted().transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)
    with Client(painter.url, "k") as client:
        objects = client.detect_tiled(turned, tile=512)
    assert objects.image.raw_size == SIZE[::-1]
    assert len(objects) == len(SHAPES)
    red = next(detection for detection in objects if detection.pixel_box.left == pytest.approx(300, abs=1))
    left, top, right, bottom = red.box_in("raw")
    assert (right - left, bottom - top) == pytest.approx((80, 120), abs=1.1)


def test_half_a_image_is_no_answer(call: Caller, server: ScriptedServer) -> None:
    server.steps = [Answer(200, b'[{"boxes":[]},{"boxes":[]},{"boxes":[]},{"boxes":[]}]'), Answer(403)]
    with pytest.raises(errors.PermissionDenied):
        call(server.url, "detect_tiled", painted(), with_={"tile": 512})


@pytest.mark.parametrize("options", [{"tile": 3}, {"tile": (100,)}, {"overlap": 0.95}, {"together": 0}, {"merge": 2}])
def test_impossible_options(options: dict[str, Any], call: Caller, server: ScriptedServer) -> None:
    with pytest.raises(errors.InvalidInput):
        call(server.url, "detect_tiled", painted(), with_=options)
    assert server.received == []


def test_cats_too_small_for_the_whole_image(endpoint: LocalEndpoint) -> None:
    """Four cats far apart in a wide image: the model, which sees 300 × 300 pixels, misses some of them at once."""
    with Image.open(PHOTOS / "chelsea.png") as cat:
        wide = Image.new("RGB", (2400, 1400), (128, 128, 128))
        for x, y in ((80, 90), (1240, 60), (420, 800), (1800, 960)):
            wide.paste(cat.convert("RGB"), (x, y))
    with Client(endpoint.scoring_uri_of(Task.DETECTION), endpoint.key) as client:
        tiled = client.detect_tiled(wide, tile=640, overlap=0.5).with_labels("cat").above(0.5)
        at_once = client.detect(wide).with_labels("cat").above(0.5)
    assert len(tiled) >= 4 > len(at_once)
    for x, y in ((80, 90), (1240, 60), (420, 800), (1800, 960)):
        inside = [
            detection
            for detection in tiled
            if detection.pixel_box.left > x - 40 and detection.pixel_box.right < x + 491
        ]
        assert [
            detection
            for detection in inside
            if detection.pixel_box.top > y - 40 and detection.pixel_box.bottom < y + 340
        ]
