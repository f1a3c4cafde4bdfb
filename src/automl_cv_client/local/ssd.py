"""Runs the SSD detector: one image in, raw boxes and class scores of all its anchors out."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from automl_cv_client.local.preprocessing import FloatArray
from automl_cv_client.local.sessions import labels, run

if TYPE_CHECKING:
    from PIL.Image import Image

_MODEL = "ssd_mobilenet_v2_coco.onnx"
_INPUT = "Preprocessor/map/TensorArrayStack/TensorArrayGatherV3"
_BOXES = "Postprocessor/ExpandDims_1"
_SCORES = "Postprocessor/Slice"
_SIDE = 300  # pixels of the model's square input


def anchors(image: Image) -> tuple[FloatArray, FloatArray]:
    """Boxes ``[1917, 4]`` as (top, left, bottom, right) in fractions, and sigmoid scores ``[1917, 80]``.

    Boxes may leave [0, 1] by a hair. Score columns follow ``class_names``.
    """
    # Resampling.BILINEAR is 2; pixels stay 0 to 255, the model scales them itself.
    pixels = np.asarray(image.resize((_SIDE, _SIDE), resample=2), dtype=np.float32)
    boxes, scores = run(_MODEL, [_BOXES, _SCORES], {_INPUT: pixels[np.newaxis]})
    columns = [coco_id - 1 for coco_id in _coco()]
    return boxes[0, :, 0, :], scores[0][:, columns]


def class_names() -> list[str]:
    """The 80 COCO names, by rising COCO id."""
    return list(_coco().values())


@cache
def _coco() -> dict[int, str]:
    """COCO id (1 to 90, ten of them unused) to name."""
    return {int(coco_id): name for coco_id, name in sorted(labels("coco_labels.json").items(), key=_by_id)}


def _by_id(entry: tuple[str, str]) -> int:
    return int(entry[0])
