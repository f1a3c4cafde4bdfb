"""Detection and segmentation models of the user's own, as AutoML exports them (§9, §11): one class a family.

What the service does behind the model is done here: thresholds, suppression of duplicates, boxes back to fractions
of the image, masks to polygons. Numbers are those of a deployment's defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import Box
from automl_cv_client.local.contours import polygon
from automl_cv_client.local.graphs import LABELS, Graph, Outputs
from automl_cv_client.local.images import Reader
from automl_cv_client.local.preprocessing import Fitted, Scale, letterboxed, model_input, padded, stretched

if TYPE_CHECKING:
    from PIL.Image import Image

R_CNN_SCORE = 0.3
R_CNN_MOST = 100
YOLO_SCORE = 0.1
YOLO_NMS = 0.5
YOLO_MOST = 300
MASK_SCORE = 0.5
R_CNN_SIZE = (800, 600)
"""Width and height where a file leaves them open, as Mask R-CNN does: what AutoML exports with."""
YOLO_SIZE = 640
_BACKGROUND = "--bg--"


class _Objects(NamedTuple):
    """The objects of one image, in pixels of the model's input; ``masks`` is ``[n, rows, columns]``, 0 to 1."""

    boxes: NDArray[Any]
    labels: NDArray[Any]
    scores: NDArray[Any]
    masks: NDArray[Any] | None = None

    def chosen(self, which: NDArray[Any]) -> _Objects:
        masks = None if self.masks is None else self.masks[which]
        return _Objects(self.boxes[which], self.labels[which], self.scores[which], masks)


class _OwnDetector:
    """What the families share: prepare, run, write the objects."""

    reader: Reader = "pillow"
    family = ""

    def __init__(self, graph: Graph, names: list[str], scale: Scale) -> None:
        self._graph = graph
        self._names = names
        self._scale: Scale = scale

    @property
    def name(self) -> str:
        """Of the file."""
        return self._graph.name

    def score(self, images: list[Image]) -> list[dict[str, Any]]:
        """``{"boxes": [...]}`` per image; with masks, each object has its ``polygon``."""
        fitted = [self._fitted(image) for image in images]
        answers = self._graph.run([model_input(each.pixels, self._scale) for each in fitted])
        return [
            {"boxes": self._rows(self._objects_in(outputs), each)}
            for outputs, each in zip(answers, fitted, strict=True)
        ]

    def explainer(self) -> None:
        """Detection and segmentation are not explained: the service answers with plain scores."""
        return

    def _fitted(self, image: Image) -> Fitted:
        raise NotImplementedError

    def _objects_in(self, outputs: Outputs) -> _Objects:
        raise NotImplementedError

    def _rows(self, objects: _Objects, fitted: Fitted) -> list[dict[str, Any]]:
        rows = []
        for number, (corners, index) in enumerate(zip(objects.boxes.tolist(), objects.labels.tolist(), strict=True)):
            label = self._label(int(index))
            if label == _BACKGROUND:
                continue
            box = _fractions(corners, fitted.box)
            row: dict[str, Any] = {
                "box": {"topX": box.left, "topY": box.top, "bottomX": box.right, "bottomY": box.bottom},
                "label": label,
                "score": float(objects.scores[number]),
            }
            if objects.masks is not None:
                row["polygon"] = self._polygon(objects.masks[number], corners, fitted)
            rows.append(row)
        return rows

    def _label(self, index: int) -> str:
        if 0 <= index < len(self._names):
            return self._names[index]
        raise InvalidInput(
            f"the model {self._graph.file} found class {index}, and there are {len(self._names)} labels: give the "
            f"{LABELS} that was exported with this model; R-CNN models have {_BACKGROUND} before the first class"
        )

    def _polygon(self, mask: NDArray[Any], corners: list[float], fitted: Fitted) -> list[list[float]]:
        """Of a mask that covers the model's input, or only the object's box, as MMDetection's may."""
        rows, columns, _ = fitted.pixels.shape
        covered = (0.0, 0.0, float(columns), float(rows)) if mask.shape == (rows, columns) else tuple(corners)
        frame = _within(covered, fitted.box)
        return polygon(mask > MASK_SCORE, frame, Box(0.0, 0.0, 1.0, 1.0))


class OwnRCnn(_OwnDetector):
    """Faster R-CNN, RetinaNet and Mask R-CNN: boxes, labels and scores per image, in whatever order; masks, too."""

    family = "R-CNN"
    expected = (
        "a Faster R-CNN, RetinaNet or Mask R-CNN model: one input (N, 3, height, width), and for each image boxes "
        "(n, 4), labels (n), scores (n), for segmentation masks (n, 1, height, width)"
    )

    def __init__(self, graph: Graph, names: list[str], scale: Scale) -> None:
        super().__init__(graph, names, scale)
        self._size = (graph.input.width or R_CNN_SIZE[0], graph.input.height or R_CNN_SIZE[1])

    def _fitted(self, image: Image) -> Fitted:
        return stretched(image, self._size)

    def _objects_in(self, outputs: Outputs) -> _Objects:
        objects = r_cnn_outputs(outputs)
        if objects is None:
            raise self._graph.refusal(self.expected, outputs)
        best = np.flatnonzero(objects.scores > R_CNN_SCORE)[:R_CNN_MOST]
        return objects.chosen(best)


class OwnYolo(_OwnDetector):
    """YOLOv5: raw predictions, from which this chooses."""

    reader: Reader = "opencv"
    family = "YOLOv5"

    def __init__(self, graph: Graph, names: list[str], scale: Scale) -> None:
        super().__init__(graph, names, scale)
        self._size = (graph.input.width or YOLO_SIZE, graph.input.height or YOLO_SIZE)

    def _fitted(self, image: Image) -> Fitted:
        return letterboxed(image, self._size)

    def _objects_in(self, outputs: Outputs) -> _Objects:
        """Of each prediction (centre, size, objectness, classes) the best class; duplicates of a class suppressed."""
        predictions = outputs.of_image(self._graph.outputs[0])
        predictions = predictions[predictions[:, 4] > YOLO_SCORE]
        confidences = predictions[:, 5:] * predictions[:, 4:5]
        labels = confidences.argmax(axis=1)
        scores = confidences[np.arange(len(labels)), labels]
        middles, halves = predictions[:, :2], predictions[:, 2:4] / 2
        objects = _Objects(np.hstack([middles - halves, middles + halves]), labels, scores)
        objects = objects.chosen(scores > YOLO_SCORE)
        return objects.chosen(_suppressed(objects)[:YOLO_MOST])


class OwnMmDetection(_OwnDetector):
    """MMDetection models as mmdeploy exports them: ``dets`` (n, 5), ``labels`` (n), and ``masks`` of a segmenter."""

    reader: Reader = "opencv"
    family = "MMDetection"

    def _fitted(self, image: Image) -> Fitted:
        height, width = self._graph.input.height, self._graph.input.width
        return padded(image) if height is None or width is None else stretched(image, (width, height))

    def _objects_in(self, outputs: Outputs) -> _Objects:
        detections, labels = outputs.of_image("dets"), outputs.of_image("labels")
        masks = outputs.of_image("masks") if "masks" in outputs.values else None
        scores = detections[:, 4]
        # A file of a fixed number of objects is filled up with label -1 and score 0.
        kept = np.flatnonzero((scores > R_CNN_SCORE) & (labels >= 0))[:R_CNN_MOST]
        return _Objects(detections[:, :4], labels, scores, masks).chosen(kept)


def r_cnn_outputs(outputs: Outputs) -> _Objects | None:
    """Boxes, labels, scores and masks, told apart by name, else by shape and type; None when they are others."""
    values = {
        name: value[outputs.number] if _is_batch(name, value) else value for name, value in outputs.values.items()
    }
    if not {"boxes", "labels", "scores"} <= set(values):
        values = {_kind(value): value for value in values.values()}
    if not {"boxes", "labels", "scores"} <= set(values) or values["boxes"].shape[1:] != (4,):
        return None
    count = len(values["boxes"])
    if values["labels"].shape != (count,) or values["scores"].shape != (count,):
        return None
    masks = values.get("masks")
    if masks is not None and (masks.ndim != 4 or masks.shape[:2] != (count, 1)):
        return None
    return _Objects(values["boxes"], values["labels"], values["scores"], None if masks is None else masks[:, 0])


def _is_batch(name: str, value: NDArray[Any]) -> bool:
    """Whether an output of R-CNN has an axis more than AutoML exports, that of the batch."""
    return value.ndim == {"boxes": 3, "labels": 2, "scores": 2, "masks": 5}.get(name)


def _kind(value: NDArray[Any]) -> str:
    if value.ndim == 1:
        return "labels" if value.dtype.kind in "iu" else "scores"
    return {2: "boxes", 4: "masks"}.get(value.ndim, "")


def _suppressed(objects: _Objects) -> NDArray[Any]:
    """Which are kept, best first: a box goes when a better one of its class overlaps it by more than the bound."""
    boxes = objects.boxes.astype(np.float64)
    areas = np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=1)
    waiting = np.argsort(-objects.scores, kind="stable")
    kept: list[int] = []
    while len(waiting) and len(kept) < YOLO_MOST:
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        shared = np.minimum(boxes[best, 2:], boxes[waiting, 2:]) - np.maximum(boxes[best, :2], boxes[waiting, :2])
        overlap = np.prod(np.clip(shared, 0, None), axis=1)
        iou = overlap / np.maximum(areas[best] + areas[waiting] - overlap, 1e-12)
        waiting = waiting[(iou <= YOLO_NMS) | (objects.labels[waiting] != objects.labels[best])]
    return np.array(kept, dtype=np.intp)


def _within(corners: tuple[float, ...], frame: tuple[float, float, float, float]) -> Box:
    """Corners in pixels of the model's input as fractions of the image, which lies at ``frame`` there."""
    left, top, right, bottom = frame
    width, height = right - left, bottom - top
    x = [(corner - left) / width for corner in corners[0::2]]
    y = [(corner - top) / height for corner in corners[1::2]]
    return Box(x[0], y[0], x[1], y[1])


def _fractions(corners: list[float], frame: tuple[float, float, float, float]) -> Box:
    """As :func:`_within`, cut at the image's edge."""
    return Box(*(min(max(edge, 0.0), 1.0) for edge in _within(tuple(corners), frame)))
