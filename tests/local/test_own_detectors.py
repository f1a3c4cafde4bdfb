"""Exported detection and segmentation models with known answers, behind real HTTP: boxes and polygons to the pixel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from automl_cv_client import Client
from automl_cv_client.errors import InvalidInput, ModelError
from automl_cv_client.geometry import even_odd_area
from automl_cv_client.local import LocalEndpoint
from tests.local.conftest import CLASSIFICATION, DETECTION, SEGMENTATION, Caller, encode, scoring, to_bytes
from tests.onnx_models import (
    CLASSES,
    write,
    write_color_model,
    write_echo_model,
    write_mm_detection_model,
    write_r_cnn_model,
    write_yolo_model,
)

SIZES = {"landscape": (1600, 900), "portrait": (300, 451), "tiny": (7, 5), "square": (640, 640), "strip": (900, 30)}
each_size = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)


def ask(endpoint: LocalEndpoint, size: tuple[int, int]) -> Any:
    with Client(endpoint.scoring_uri, endpoint.key) as client:
        return client.score(Image.new("RGB", size, "olive"), endpoint.tasks[0])


def objects(result: Any) -> list[tuple[str, float, tuple[float, ...]]]:
    return [(each.label, round(each.score, 4), tuple(round(edge, 6) for edge in each.box)) for each in result]


BOXES = [[80, 60, 400, 300], [0, 0, 800, 600], [100, 100, 200, 200], [10, 10, 20, 20]]
KNOWN = [("can", 0.9, (0.1, 0.1, 0.5, 0.5)), ("carton", 0.5, (0.0, 0.0, 1.0, 1.0))]


@each_size
@pytest.mark.parametrize("retina", [False, True], ids=["faster", "retina"])
def test_r_cnn(tmp_path: Path, size: tuple[int, int], retina: bool) -> None:
    """Boxes in pixels of the input become fractions; scores of 0.3 and less are left out, and so is the background."""
    names = CLASSES if retina else ["--bg--", *CLASSES]
    labels = [0, 1, 0, 1] if retina else [1, 2, 0, 1]
    scores = [0.9, 0.5, 0.2 if retina else 0.8, 0.3]
    model = write_r_cnn_model(tmp_path, BOXES, labels, scores, retina=retina, names=names)
    with LocalEndpoint(DETECTION, model=model) as endpoint:
        assert objects(ask(endpoint, size)) == KNOWN


def test_r_cnn_that_finds_nothing(tmp_path: Path) -> None:
    model = write_r_cnn_model(tmp_path, [], [], [])
    with LocalEndpoint(DETECTION, model=model) as endpoint:
        caller = Caller(endpoint)
        image = encode(to_bytes(Image.new("RGB", (9, 9)), "PNG"))
        with caller.http:
            reply = caller.post(scoring(image, image, image))  # the file fails on two images: it gets one at a time
    assert (reply.status_code, reply.json()) == (200, [{"boxes": []}] * 3)


def test_at_most_100_objects(tmp_path: Path) -> None:
    model = write_r_cnn_model(tmp_path, [[0, 0, 8, 6]] * 120, [1] * 120, [0.9] * 120)
    with LocalEndpoint(DETECTION, model=model) as endpoint:
        assert len(ask(endpoint, (80, 60))) == 100


def test_a_file_for_two_images(tmp_path: Path) -> None:
    """Its outputs are numbered: those of the second image are not those of the first."""
    nodes = [
        helper.make_node("Mul", ["input", "nothing"], ["none"]),
        helper.make_node("Reshape", ["none", "values"], ["row"]),
        helper.make_node("ReduceSum", ["row"], ["sum"], keepdims=0),
    ]
    constants = [
        numpy_helper.from_array(np.array(0, np.float32), "nothing"),
        numpy_helper.from_array(np.array([2 * 3 * 600 * 800], np.int64), "values"),
    ]
    outputs = []
    for number, box in enumerate([[0, 0, 80, 60], [400, 300, 800, 600]]):
        known = {"boxes": np.array([box], np.float32), "labels": np.array([1]), "scores": np.array([0.9], np.float32)}
        for name, value in known.items():
            constants.append(numpy_helper.from_array(value, f"known_{name}_{number}"))
            inputs = [f"known_{name}_{number}", *(["sum"] if name != "labels" else [])]
            nodes.append(helper.make_node("Add" if len(inputs) > 1 else "Identity", inputs, [f"{name}_{number}"]))
            kind = TensorProto.INT64 if name == "labels" else TensorProto.FLOAT
            outputs.append(helper.make_tensor_value_info(f"{name}_{number}", kind, ["n", *value.shape[1:]]))
    given = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [2, 3, 600, 800])]
    model = write(tmp_path / "model.onnx", helper.make_graph(nodes, "two", given, outputs, constants))
    (tmp_path / "labels.json").write_text(json.dumps(["--bg--", "can"]))
    with LocalEndpoint(DETECTION, model=model) as endpoint:
        caller = Caller(endpoint)
        image = encode(to_bytes(Image.new("RGB", (8, 6)), "PNG"))
        with caller.http:
            rows = caller.post(scoring(image, image, image)).json()
    lefts = [row["boxes"][0]["box"]["topX"] for row in rows]
    assert lefts == [0, 0.5, 0]


# Centre, size, objectness, two classes, in a letterbox of 640: an image of 1600 x 900 lies at y 140 to 500.
YOLO = [
    [160, 230, 320, 180, 1.0, 0.9, 0.1],
    [162, 232, 320, 180, 1.0, 0.8, 0.1],  # the same again: suppressed
    [160, 230, 320, 180, 0.5, 0.1, 0.9],  # the same box of another class: kept
    [480, 410, 100, 100, 0.1, 0.9, 0.1],  # objectness of 0.1 is not above 0.1
    [480, 410, 100, 100, 0.2, 0.5, 0.1],  # nor is the product
]


def test_yolo(tmp_path: Path) -> None:
    model = write_yolo_model(tmp_path, YOLO)
    with LocalEndpoint(DETECTION, model=model) as endpoint:
        assert objects(ask(endpoint, (1600, 900))) == [
            ("can", 0.9, (0.0, 0.0, 0.5, 0.5)),
            ("carton", 0.45, (0.0, 0.0, 0.5, 0.5)),
        ]


@each_size
@pytest.mark.parametrize("side", [320, 640])
def test_yolo_undoes_the_letterbox(tmp_path: Path, size: tuple[int, int], side: int) -> None:
    """A box around the right lower quarter of the image, wherever the letterbox puts it; beyond the edge it is cut."""
    ratio = side / max(size)
    width, height = (max(1, int(each * ratio)) for each in size)
    left, top = (side - width) // 2, (side - height) // 2
    quarter = [left + 0.75 * width, top + 0.75 * height, width / 2, height / 2, 1.0, 0.2, 0.7]
    beyond = [left + width / 2, top + height / 2, 2 * side, 2 * side, 1.0, 0.6, 0.2]
    model = write_yolo_model(tmp_path, [quarter, beyond], side=side)
    with LocalEndpoint(DETECTION, model=model) as endpoint:
        found = objects(ask(endpoint, size))
    assert found == [("carton", 0.7, (0.5, 0.5, 1.0, 1.0)), ("can", 0.6, (0.0, 0.0, 1.0, 1.0))]


def test_yolo_gives_at_most_300(tmp_path: Path) -> None:
    grid = [[10 + 20 * (n % 30), 10 + 20 * (n // 30), 10, 10, 1.0, 0.9, 0.1] for n in range(600)]
    with LocalEndpoint(DETECTION, model=write_yolo_model(tmp_path, grid)) as endpoint:
        assert len(ask(endpoint, (640, 640))) == 300


def test_yolo_obeys_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    encoded = to_bytes(Image.new("RGB", (60, 20), "red"), "JPEG", exif=exif)
    seen: dict[str, Any] = {}
    box = [[320, 320, 213, 640, 1.0, 0.9, 0.1]]  # as high as the letterbox: whole, once the image stands upright
    for family in ("yolo", "r-cnn"):
        yolo = family == "yolo"
        model = write_yolo_model(tmp_path, box) if yolo else write_r_cnn_model(tmp_path, BOXES[:1], [1], [0.9])
        with LocalEndpoint(DETECTION, model=model) as endpoint:
            caller = Caller(endpoint)
            with caller.http:
                seen[family] = caller.post(scoring(encode(encoded))).json()[0]["boxes"][0]["box"]
    assert seen["yolo"]["bottomX"] - seen["yolo"]["topX"] == pytest.approx(1, abs=0.01)
    assert seen["r-cnn"]["bottomX"] == 0.5


def square(rows: int, columns: int, box: tuple[int, int, int, int], hole: tuple[int, int, int, int] | None) -> Any:
    mask = np.zeros((1, rows, columns), np.float32)
    left, top, right, bottom = box
    mask[0, top:bottom, left:right] = 0.9
    if hole is not None:
        left, top, right, bottom = hole
        mask[0, top:bottom, left:right] = 0.5  # not above 0.5
    return mask


@each_size
@pytest.mark.parametrize("open_size", [False, True])
def test_mask_r_cnn(tmp_path: Path, size: tuple[int, int], open_size: bool) -> None:
    """Outlines to the pixel of the model's input: a ring with a hole, two blobs, and nothing."""
    blobs = square(600, 800, (0, 0, 80, 60), None) + square(600, 800, (400, 300, 800, 600), None)
    masks = [square(600, 800, (80, 60, 400, 300), (160, 120, 240, 180)), blobs, square(600, 800, (0, 0, 0, 0), None)]
    model = write_r_cnn_model(
        tmp_path,
        [BOXES[0], BOXES[1], BOXES[2]],
        [1, 2, 1],
        [0.9, 0.5, 0.4],
        masks,
        size=("height", "width") if open_size else (600, 800),
    )
    with LocalEndpoint(SEGMENTATION, model=model) as endpoint:
        ring, two, empty = ask(endpoint, size)
    assert objects([ring, two]) == KNOWN
    assert corners(ring.polygons) == [rectangle(0.1, 0.1, 0.5, 0.5), rectangle(0.2, 0.2, 0.3, 0.3)]
    assert corners(two.polygons) == [rectangle(0.0, 0.0, 0.1, 0.1), rectangle(0.5, 0.5, 1.0, 1.0)]
    assert (empty.label, empty.polygons) == ("can", ())
    assert all(segment[:2] == segment[-2:] for each in (ring, two) for segment in each.polygons)


def corners(segments: Any) -> list[set[tuple[float, float]]]:
    return [
        {(round(x, 6), round(y, 6)) for x, y in zip(segment[::2], segment[1::2], strict=True)} for segment in segments
    ]


def rectangle(left: float, top: float, right: float, bottom: float) -> set[tuple[float, float]]:
    return {(x, y) for x in (left, right) for y in (top, bottom)}


def test_an_outline_has_at_most_100_points(tmp_path: Path) -> None:
    y, x = np.mgrid[:600, :800]
    disc = ((x - 400) ** 2 + (y - 300) ** 2 < 250**2).astype(np.float32)
    model = write_r_cnn_model(tmp_path, [BOXES[1]], [1], [0.9], [disc[np.newaxis]])
    with LocalEndpoint(SEGMENTATION, model=model) as endpoint:
        (found,) = ask(endpoint, (800, 600))
    (segment,) = found.polygons
    assert 20 < len(segment) <= 200
    assert even_odd_area(found.polygons) == pytest.approx(disc.mean(), rel=0.01)


@each_size
def test_mm_detection(tmp_path: Path, size: tuple[int, int]) -> None:
    dets = [[40, 30, 200, 150, 0.9], [0, 0, 400, 300, 0.5], [0, 0, 9, 9, 0.2], [0, 0, 0, 0, 0.0]]
    model = write_mm_detection_model(tmp_path, dets, [0, 1, 0, -1], size=(300, 400))
    with LocalEndpoint(DETECTION, model=model) as endpoint:
        assert objects(ask(endpoint, size)) == KNOWN


def test_mm_detection_of_an_open_size(tmp_path: Path) -> None:
    """Proportions are kept, to 1333 x 750 for 1600 x 900: what lies beyond that is filled up."""
    ends = [[0, 0, 1333, 750, 0.9]]
    model = write_mm_detection_model(tmp_path, ends, [1])
    with LocalEndpoint(DETECTION, model=model) as endpoint:
        assert objects(ask(endpoint, (1600, 900))) == [("carton", 0.9, (0.0, 0.0, 1.0, 1.0))]


@pytest.mark.parametrize("whole", [True, False], ids=["of the whole image", "of the box"])
def test_masks_of_mm_detection(tmp_path: Path, whole: bool) -> None:
    mask = square(300, 400, (40, 30, 200, 150), None) if whole else np.ones((1, 28, 28), np.float32)
    model = write_mm_detection_model(tmp_path, [[40, 30, 200, 150, 0.9]], [0], mask, size=(300, 400))
    with LocalEndpoint(SEGMENTATION, model=model) as endpoint:
        (found,) = ask(endpoint, (80, 60))
    assert corners(found.polygons) == [rectangle(0.1, 0.1, 0.5, 0.5)]


def test_a_class_without_a_name_is_a_failure_and_no_guess(tmp_path: Path) -> None:
    model = write_r_cnn_model(tmp_path, BOXES[:1], [3], [0.9])
    with LocalEndpoint(DETECTION, model=model) as endpoint, pytest.raises(ModelError):
        ask(endpoint, (8, 6))


def refused(task: str, model: Path, **options: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        LocalEndpoint(task, model=model, **options)
    return str(caught.value)


def test_a_model_that_does_not_fit_is_refused_with_what_was_found_and_expected(tmp_path: Path) -> None:
    said = refused(DETECTION, write_echo_model(tmp_path, [1, 3, 64, 64]))
    assert "takes input1 tensor(float) (1, 3, 64, 64), gives output1" in said
    assert "Expected: boxes (n, 4), labels (n), scores (n) of Faster R-CNN or RetinaNet; or predictions" in said
    said = refused(DETECTION, write_color_model(tmp_path))
    assert "gives output1 tensor(float)" in said
    said = refused(CLASSIFICATION, write_r_cnn_model(tmp_path, BOXES[:1], [1], [0.9], size=(64, 64)))
    assert "Expected: a classification model" in said
    said = refused(SEGMENTATION, write_r_cnn_model(tmp_path, BOXES[:1], [1], [0.9]))
    assert "has no masks: it is for image-object-detection" in said
    said = refused(DETECTION, write_mm_detection_model(tmp_path, [[0, 0, 1, 1, 1]], [0], np.ones((1, 2, 2))))
    assert "has masks: it is for image-instance-segmentation" in said
    said = refused(DETECTION, write_yolo_model(tmp_path, YOLO, names=["can"]))
    assert "has 2 classes, and there are 1 labels" in said
    said = refused(DETECTION, write_yolo_model(tmp_path, YOLO), crop=224)
    assert "resize and crop are for classification" in said
