"""Multi-label classification: is there at least one object of each class, wherever it may be?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_cv_client.local import ssd

if TYPE_CHECKING:
    from PIL.Image import Image


class MultilabelClassifier:
    """Presence of each of the 80 COCO classes, read from the detector."""

    def score(self, images: list[Image]) -> list[dict[str, Any]]:
        """``{"probs", "labels"}`` per image: the best anchor's sigmoid for each class; sums are free."""
        return [self._score(image) for image in images]

    def _score(self, image: Image) -> dict[str, Any]:
        _, scores = ssd.anchors(image)
        return {"probs": scores.max(axis=0).tolist(), "labels": ssd.class_names()}
