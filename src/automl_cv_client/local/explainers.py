"""Explains what the two classification models say, in the service's parameters and shapes (§5)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from automl_cv_client.local.gradients import (
    class_names,
    guided_backprop,
    guided_gradcam,
    normalised,
    probabilities,
)
from automl_cv_client.local.integrated import integrated_gradients
from automl_cv_client.local.occlusion import occlusion
from automl_cv_client.local.preprocessing import CROP, RESIZE, FloatArray, centre_crop, view_box
from automl_cv_client.local.xai_figure import figure
from automl_cv_client.local.xai_request import XaiRequest
from automl_cv_client.local.xrai import xrai

if TYPE_CHECKING:
    from PIL.Image import Image


class PlainClassifier(Protocol):
    """A model that gives probabilities and nothing else."""

    def score(self, images: list[Image]) -> list[dict[str, Any]]:
        """``{"probs", "labels"}`` per image."""
        ...


class ClassificationExplainer:
    """Explains the most probable class, by the gradient of its probability."""

    def method(self, request: XaiRequest) -> str:
        """The algorithm asked for: all four are there."""
        return request.xai_algorithm

    def explain(self, images: list[Image], request: XaiRequest) -> list[dict[str, Any]]:
        """``{"probs", "labels", "visualizations", "attributions"}`` per image; a part not asked for is None."""
        return [self._explain(image, request) for image in images]

    def _explain(self, image: Image, request: XaiRequest) -> dict[str, Any]:
        view = centre_crop(image)
        probs = probabilities(normalised(np.asarray(view)))[0]
        names, target = class_names(), int(probs.argmax())
        row: dict[str, Any] = {"probs": probs.tolist(), "labels": names, "visualizations": None, "attributions": None}
        if request.visualizations or request.attributions:
            attributions = attributions_of(view, target, request)
            title = f"{request.xai_algorithm}: {names[target]} {probs[target]:.0%}"
            row["visualizations"] = _png(view, attributions, title) if request.visualizations else None
            row["attributions"] = attributions.tolist() if request.attributions else None
        return row


class OcclusionExplainer:
    """Explains any classifier, a user's own ONNX model for one, by what hiding parts of an image costs.

    Args:
        scorer: the model; its rows are ``{"probs", "labels"}``.
        multilabel: explain each class above the threshold, rather than the most probable one.
        resize: pixels the model's preparation brings the shorter side to.
        crop: rows and columns of the attributions, as large as the model's input.
    """

    def __init__(self, scorer: PlainClassifier, *, multilabel: bool, resize: int = RESIZE, crop: int = CROP) -> None:
        self._scorer = scorer
        self._multilabel = multilabel
        self._resize = resize
        self._crop = crop

    def method(self, request: XaiRequest) -> str:
        """What is done, whatever was asked for."""
        return f"occlusion (no gradient in this model; asked for {request.xai_algorithm})"

    def explain(self, images: list[Image], request: XaiRequest) -> list[dict[str, Any]]:
        """As :meth:`ClassificationExplainer.explain`. Multi-label: lists of parts, one for each class with a
        probability strictly above the threshold; a part not asked for is a list of None, and both are None when no
        class is above.
        """
        return [self._explain(image, request) for image in images]

    def _explain(self, image: Image, request: XaiRequest) -> dict[str, Any]:
        (row,) = self._scorer.score([image])
        probs = np.asarray(row["probs"])
        targets = np.flatnonzero(probs > request.threshold).tolist() if self._multilabel else [int(probs.argmax())]
        figures: list[str | None] = [None] * len(targets)
        numbers: list[Any] = [None] * len(targets)
        if targets and (request.visualizations or request.attributions):
            frame = view_box(image.size, self._resize, self._crop)
            falls = occlusion(image, frame, self._crop, self._probabilities)
            view = centre_crop(image, self._resize, self._crop)
            for number, target in enumerate(targets):
                attributions = np.repeat(falls[target][np.newaxis] / 3, 3, axis=0)  # the channels sum to the fall
                title = f"occlusion: {row['labels'][target]} {probs[target]:.0%}"
                figures[number] = _png(view, attributions, title) if request.visualizations else None
                numbers[number] = attributions.tolist() if request.attributions else None
        if self._multilabel:
            return {**row, "visualizations": figures or None, "attributions": numbers or None}
        return {**row, "visualizations": figures[0], "attributions": numbers[0]}

    def _probabilities(self, image: Image) -> FloatArray:
        return np.asarray(self._scorer.score([image])[0]["probs"], dtype=np.float32)


def attributions_of(view: Image, target: int, request: XaiRequest) -> FloatArray:
    """``[3, 224, 224]`` for class ``target`` of what the classification model sees."""
    pixels = normalised(np.asarray(view))
    if request.xai_algorithm == "integrated_gradients":
        return integrated_gradients(pixels, target, request.n_steps, request.approximation_method)
    if request.xai_algorithm == "guided_gradcam":
        return guided_gradcam(pixels, target)
    if request.xai_algorithm == "guided_backprop":
        return guided_backprop(pixels, target)
    return xrai(view, target, request.n_steps, fast=request.xrai_fast)


def _png(view: Image, attributions: FloatArray, title: str) -> str:
    return base64.b64encode(figure(view, attributions, title)).decode()
