"""Explains what the two classification models say, in the service's parameters and shapes (§5)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_cv_client.local import classification, ssd
from automl_cv_client.local.gradients import probabilities
from automl_cv_client.local.guided import guided_backprop, guided_gradcam
from automl_cv_client.local.integrated import integrated_gradients
from automl_cv_client.local.occlusion import occlusion
from automl_cv_client.local.sessions import FloatArray
from automl_cv_client.local.xai_figure import figure
from automl_cv_client.local.xai_request import XaiRequest
from automl_cv_client.local.xrai import xrai

if TYPE_CHECKING:
    from PIL.Image import Image


class ClassificationExplainer:
    """Explains the most probable class, by the gradient of its probability."""

    def method(self, request: XaiRequest) -> str:
        """The algorithm asked for: all four are there."""
        return request.xai_algorithm

    def explain(self, images: list[Image], request: XaiRequest) -> list[dict[str, Any]]:
        """``{"probs", "labels", "visualizations", "attributions"}`` per picture; a part not asked for is None."""
        return [self._explain(image, request) for image in images]

    def _explain(self, image: Image, request: XaiRequest) -> dict[str, Any]:
        view = classification.model_view(image)
        probs = probabilities(classification.normalised(classification.model_pixels(view)))[0]
        names, target = classification.class_names(), int(probs.argmax())
        row: dict[str, Any] = {"probs": probs.tolist(), "labels": names, "visualizations": None, "attributions": None}
        if request.visualizations or request.attributions:
            found = attributions_of(view, target, request)
            title = f"{request.xai_algorithm}: {names[target]} {probs[target]:.0%}"
            row["visualizations"] = _png(view, found, title) if request.visualizations else None
            row["attributions"] = found.tolist() if request.attributions else None
        return row


class MultilabelExplainer:
    """Explains each class above the threshold. Its model has no gradient, so all methods are occlusion."""

    def method(self, request: XaiRequest) -> str:
        """What is done, whatever was asked for."""
        return f"occlusion (no gradient in this model; asked for {request.xai_algorithm})"

    def explain(self, images: list[Image], request: XaiRequest) -> list[dict[str, Any]]:
        """As for one class, with a list of parts: one for each class with a probability strictly above the threshold.

        A part not asked for is a list of None; with no class above the threshold both are None.
        """
        return [self._explain(image, request) for image in images]

    def _explain(self, image: Image, request: XaiRequest) -> dict[str, Any]:
        probs, names = _presence(image), ssd.class_names()
        row: dict[str, Any] = {"probs": probs.tolist(), "labels": names, "visualizations": None, "attributions": None}
        chosen = np.flatnonzero(probs.astype(np.float64) > request.confidence_score_threshold_multilabel)
        if not len(chosen):
            return row
        figures: list[str | None] = [None] * len(chosen)
        numbers: list[Any] = [None] * len(chosen)
        if request.visualizations or request.attributions:
            box = classification.view_box(image)
            falls = occlusion(image, box, classification.CROP, _presence)
            view = classification.model_view(image)
            for place, target in enumerate(chosen):
                found = np.repeat(falls[target][np.newaxis] / 3, 3, axis=0)  # the channels sum to the fall
                title = f"occlusion: {names[target]} {probs[target]:.0%}"
                figures[place] = _png(view, found, title) if request.visualizations else None
                numbers[place] = found.tolist() if request.attributions else None
        return {**row, "visualizations": figures, "attributions": numbers}


def attributions_of(view: Image, target: int, request: XaiRequest) -> FloatArray:
    """``[3, 224, 224]`` for class ``target`` of what the classification model sees."""
    one = classification.normalised(classification.model_pixels(view))
    if request.xai_algorithm == "integrated_gradients":
        return integrated_gradients(one, target, request.n_steps, request.approximation_method)
    if request.xai_algorithm == "guided_gradcam":
        return guided_gradcam(one, target)
    if request.xai_algorithm == "guided_backprop":
        return guided_backprop(one, target)
    return xrai(view, target, request.n_steps, fast=request.xrai_fast)


def _presence(image: Image) -> FloatArray:
    return np.asarray(ssd.anchors(image)[1].max(axis=0))


def _png(view: Image, attributions: FloatArray, title: str) -> str:
    return base64.b64encode(figure(view, attributions, title)).decode()
