"""Object detection, and which classes are there at all: the SSD's anchors thinned to what a person would name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from automl_cv_client.geometry import Box, keep_by_nms
from automl_cv_client.local import ssd
from automl_cv_client.local.explainers import OcclusionExplainer
from automl_cv_client.local.images import Reader

if TYPE_CHECKING:
    from PIL.Image import Image

SCORE_THRESHOLD = 0.4
"""Objects with a lower score are left out. The service fixes such a threshold at deployment."""

NMS_THRESHOLD = 0.5
"""Of two boxes of one label that overlap by more (IoU), the lower score goes."""

MOST_OBJECTS = 100
"""The service's R-CNN models return at most this many objects."""


class Found(NamedTuple):
    """One object. ``box`` lies within [0, 1]; ``score`` is a sigmoid, 0 to 1."""

    box: Box
    label: str
    score: float

    def to_json(self) -> dict[str, Any]:
        """The object as §2 of the contract writes it."""
        left, top, right, bottom = self.box
        box = {"topX": left, "topY": top, "bottomX": right, "bottomY": bottom}
        return {"box": box, "label": self.label, "score": self.score}


class Detector:
    """Finds objects of the 80 COCO classes."""

    name = "SSD MobileNet V2"
    reader: Reader = "pillow"

    def score(self, images: list[Image]) -> list[dict[str, Any]]:
        """``{"boxes": [...]}`` per image, best score first; nothing found: ``{"boxes": []}``."""
        return [{"boxes": [detection.to_json() for detection in find(image)]} for image in images]

    def explainer(self) -> None:
        """Detection is not explained: the service answers with plain scores."""
        return


class MultilabelClassifier:
    """Presence of each of the 80 COCO classes, read from the detector, wherever the objects may be."""

    name = "SSD MobileNet V2"
    reader: Reader = "pillow"

    def score(self, images: list[Image]) -> list[dict[str, Any]]:
        """``{"probs", "labels"}`` per image: the best anchor's sigmoid for each class; sums are free."""
        return [self._score(image) for image in images]

    def explainer(self) -> OcclusionExplainer:
        """Explains by hiding parts of the image."""
        return OcclusionExplainer(self, multilabel=True)

    def _score(self, image: Image) -> dict[str, Any]:
        _, scores = ssd.anchors(image)
        return {"probs": scores.max(axis=0).tolist(), "labels": ssd.class_names()}


def find(image: Image) -> list[Found]:
    """The objects of an image, best score first, at most 100."""
    anchors = _candidates(image)
    kept = keep_by_nms(
        [anchor.box for anchor in anchors],
        [anchor.score for anchor in anchors],
        [anchor.label for anchor in anchors],
        NMS_THRESHOLD,
    )
    best_first = sorted((anchors[i] for i in kept), key=lambda anchor: -anchor.score)
    return best_first[:MOST_OBJECTS]


def _candidates(image: Image) -> list[Found]:
    """Every anchor above the threshold, with its best class."""
    boxes, scores = ssd.anchors(image)
    classes = scores.argmax(axis=1)
    best = scores.max(axis=1)
    names = ssd.class_names()
    return [
        Found(_clip(boxes[i].tolist()), names[classes[i]], float(best[i]))
        for i in np.flatnonzero(best >= SCORE_THRESHOLD)
    ]


def _clip(box: list[float]) -> Box:
    """(top, left, bottom, right) as a Box within [0, 1]: the service's scorer clips too."""
    top, left, bottom, right = (min(max(edge, 0.0), 1.0) for edge in box)
    return Box(left, top, right, bottom)
