"""Multi-class classification: the 1,000 ImageNet classes, by MobileNet V2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from automl_cv_client.local.explainers import ClassificationExplainer
from automl_cv_client.local.gradients import class_names, normalised, probabilities
from automl_cv_client.local.images import Reader
from automl_cv_client.local.preprocessing import centre_crop

if TYPE_CHECKING:
    from PIL.Image import Image


class Classifier:
    """Names the one thing an image shows."""

    name = "MobileNet V2"
    reader: Reader = "pillow"

    def score(self, images: list[Image]) -> list[dict[str, Any]]:
        """``{"probs", "labels"}`` per image: 1,000 probabilities that sum to 1."""
        return [self._score(image) for image in images]

    def explainer(self) -> ClassificationExplainer:
        """Explains by gradients."""
        return ClassificationExplainer()

    def _score(self, image: Image) -> dict[str, Any]:
        probs = probabilities(normalised(np.asarray(centre_crop(image))))[0]
        return {"probs": probs.tolist(), "labels": class_names()}
