"""A classifier of the user's own: the ``model.onnx`` and ``labels.json`` that AutoML for Images exports (§9)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from automl_cv_client.errors import InvalidInput
from automl_cv_client.local.classification import CROP, model_input
from automl_cv_client.local.sessions import FloatArray, open_session
from automl_cv_client.task import Task

if TYPE_CHECKING:
    import onnxruntime
    from PIL.Image import Image

File = str | os.PathLike[str]
_LABELS = "labels.json"


class OwnClassifier:
    """Scores images by an exported classification model. Thread-safe.

    Args:
        task: one of the two classification tasks: softmax or sigmoid is not in the file.
        model: an ONNX file. One input ``(N, 3, S, S)`` of float32, any N, S taken as 224 where the file leaves it
            open; the first output ``(N, classes)`` are logits.
        labels: a JSON list of names in the order of the logits; by default ``labels.json`` beside the model.

    Attributes:
        crop: S, pixels of the model's square input.
        multilabel: whether the task is the multi-label one.

    Raises:
        InvalidInput: no such model for this task, or the files are not such files or do not belong together.
    """

    def __init__(self, task: Task, model: File, labels: File | None = None) -> None:
        if not task.explainable:  # the two classification tasks
            raise InvalidInput(
                f"a model of your own is not supported yet for {task.value}; it is for {Task.CLASSIFICATION.value} "
                f"and {Task.MULTILABEL.value}"
            )
        file = _existing(model, "model")
        self.multilabel = task is Task.MULTILABEL
        self._names = _names(_existing(file.with_name(_LABELS) if labels is None else labels, "labels"))
        self._session = _opened(file)
        self._input, self._together, self.crop = _input_of(self._session, file)
        self._output: str = self._session.get_outputs()[0].name
        _check_output(self._tried(file), self._together, len(self._names), file)

    def score(self, images: list[Image]) -> list[dict[str, Any]]:
        """``{"probs", "labels"}`` per image: sums are 1 for the multi-class task, free for the multi-label one."""
        # One at a time, as exported models often have N fixed, and explanations ask for one anyway.
        return [self._score(image) for image in images]

    def _score(self, image: Image) -> dict[str, Any]:
        logits = self._run(model_input(image, self.crop))[0].astype(np.float64)
        probs = _sigmoid(logits) if self.multilabel else _softmax(logits)
        return {"probs": probs.tolist(), "labels": self._names}

    def _run(self, one: FloatArray) -> FloatArray:
        """The logits ``(N, classes)``; where N is fixed above 1, of as many copies of the image."""
        (found,) = self._session.run([self._output], {self._input: np.repeat(one, self._together, axis=0)})
        return np.asarray(found)

    def _tried(self, file: Path) -> FloatArray:
        """The output for a grey image: says more than the shapes in the file, which may be left open."""
        try:
            return self._run(np.zeros((1, 3, self.crop, self.crop), dtype=np.float32))
        except Exception as error:  # noqa: BLE001  onnxruntime's errors have no base class of their own
            said = _first_line(error)
        raise InvalidInput(f"the model {file} cannot be run on an image of {self.crop} x {self.crop}: {said}")


def _existing(path: File, what: str) -> Path:
    file = Path(path)
    if not file.is_file():
        raise InvalidInput(f"there is no {what} file {file}: AutoML exports model.onnx and {_LABELS} together")
    return file


def _names(file: Path) -> list[str]:
    try:
        names = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise InvalidInput(f'the labels in {file} must be a JSON list of names, such as ["cat", "dog"]')
    return names


def _opened(file: Path) -> onnxruntime.InferenceSession:
    try:
        return open_session(file)
    except Exception as error:  # noqa: BLE001  onnxruntime's errors have no base class of their own
        said = _first_line(error)
    raise InvalidInput(f"{file} is no ONNX model that can be read: {said}")


def _input_of(session: onnxruntime.InferenceSession, file: Path) -> tuple[str, int, int]:
    """Name, N (1 where it is open) and S of the model's input."""
    inputs = session.get_inputs()
    shape = list(inputs[0].shape) if inputs else []
    if len(inputs) == 1 and inputs[0].type == "tensor(float)" and len(shape) == 4:
        # An open size is a name or None.
        together, channels, rows, columns = (size if isinstance(size, int) else None for size in shape)
        if channels in (3, None) and (rows or CROP) == (columns or CROP):
            return inputs[0].name, together or 1, rows or CROP
    told = "; ".join(f"{one.name} {one.type} {tuple(one.shape)}" for one in inputs)
    raise InvalidInput(
        f"{file} is no exported classification model: it takes {told or 'nothing'}, and should take one "
        "tensor(float) (N, 3, S, S); models of detection and segmentation are not supported yet"
    )


def _check_output(found: FloatArray, together: int, classes: int, file: Path) -> None:
    if found.ndim != 2 or len(found) != together:
        raise InvalidInput(
            f"{file} is no exported classification model: its first output has the shape {found.shape}, and should "
            f"have ({together}, classes); models of detection and segmentation are not supported yet"
        )
    if found.shape[1] != classes:
        raise InvalidInput(
            f"the model {file} has {found.shape[1]} classes, and there are {classes} labels: give the {_LABELS} that "
            "was exported with this model"
        )


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    grown = np.exp(logits - logits.max())
    shares: NDArray[np.float64] = grown / grown.sum()
    return shares


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.5 * (1 + np.tanh(logits / 2))  # the same function, without an overflow


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
