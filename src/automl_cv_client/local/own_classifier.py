"""A classifier of the user's own: the ``model.onnx`` and ``labels.json`` that AutoML for Images exports (§9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from automl_cv_client.errors import InvalidInput
from automl_cv_client.local.explainers import OcclusionExplainer
from automl_cv_client.local.graphs import LABELS, Graph, Outputs
from automl_cv_client.local.images import Reader
from automl_cv_client.local.preprocessing import CROP, RESIZE, Scale, centre_crop, model_input

if TYPE_CHECKING:
    from PIL.Image import Image

EXPECTED = "a classification model: one input (N, 3, S, S), logits (N, classes)"


class OwnClassifier:
    """Scores images by an exported classification model. Thread-safe.

    Args:
        graph: one input ``(N, 3, S, S)``, any N; its first output ``(N, classes)`` are logits.
        names: of the classes, in the order of the logits.
        multilabel: whether the task is the multi-label one: softmax or sigmoid is not in the file.
        scale: what the graph is fed.
        resize: pixels the shorter side is brought to; by default 256 for a crop of 224, and in that proportion.
        crop: S, where the file leaves it open; 224 by default.

    Raises:
        InvalidInput: the graph does not fit, or has another number of classes.
    """

    reader: Reader = "pillow"

    def __init__(
        self,
        graph: Graph,
        names: list[str],
        *,
        multilabel: bool,
        scale: Scale = "imagenet",
        resize: int | None = None,
        crop: int | None = None,
    ) -> None:
        self._graph = graph
        self._names = names
        self._multilabel = multilabel
        self._scale: Scale = scale
        self._crop = _crop_of(graph, crop)
        self._resize = round(self._crop * RESIZE / CROP) if resize is None else resize
        _check_output(graph, graph.tried(self._crop, self._crop), len(names))

    @property
    def name(self) -> str:
        """Of the file."""
        return self._graph.name

    def score(self, images: list[Image]) -> list[dict[str, Any]]:
        """``{"probs", "labels"}`` per image: sums are 1 for the multi-class task, free for the multi-label one."""
        views = [np.asarray(centre_crop(image, self._resize, self._crop)) for image in images]
        answers = self._graph.run([model_input(view, self._scale) for view in views])
        return [self._row(outputs.of_image(self._graph.outputs[0]).astype(np.float64)) for outputs in answers]

    def explainer(self) -> OcclusionExplainer:
        """Explains by hiding parts of an image: an exported graph has no gradients."""
        return OcclusionExplainer(self, multilabel=self._multilabel, resize=self._resize, crop=self._crop)

    def _row(self, logits: NDArray[np.float64]) -> dict[str, Any]:
        probs = _sigmoid(logits) if self._multilabel else _softmax(logits)
        return {"probs": probs.tolist(), "labels": self._names}


def _crop_of(graph: Graph, wanted: int | None) -> int:
    height, width = graph.input.height, graph.input.width
    crop = height or width or wanted or CROP
    if (width or crop) != crop:
        raise graph.refusal(EXPECTED)
    if wanted not in (None, crop):
        raise InvalidInput(f"crop is {wanted}, and the model {graph.file} takes {crop} x {crop}: leave crop out")
    return crop


def _check_output(graph: Graph, tried: Outputs, classes: int) -> None:
    logits = tried.values[graph.outputs[0]]
    if logits.ndim != 2 or len(logits) != graph.input.batch:
        raise graph.refusal(EXPECTED, tried)
    if logits.shape[1] != classes:
        raise InvalidInput(
            f"the model {graph.file} has {logits.shape[1]} classes, and there are {classes} labels: give the {LABELS} "
            "that was exported with this model"
        )


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    grown = np.exp(logits - logits.max())
    shares: NDArray[np.float64] = grown / grown.sum()
    return shares


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.5 * (1 + np.tanh(logits / 2))  # the same function, without an overflow
