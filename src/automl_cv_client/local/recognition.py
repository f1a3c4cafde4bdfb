"""Which family an exported ONNX model belongs to: read from what its graph takes and gives, and tried once."""

from __future__ import annotations

from automl_cv_client.errors import InvalidInput
from automl_cv_client.local import own_classifier
from automl_cv_client.local.graphs import LABELS, File, Graph, Outputs, read_labels
from automl_cv_client.local.models import Model, demo_model
from automl_cv_client.local.normalising import normalises_from
from automl_cv_client.local.own_classifier import OwnClassifier
from automl_cv_client.local.own_detectors import (
    R_CNN_SIZE,
    YOLO_SIZE,
    OwnMmDetection,
    OwnRCnn,
    OwnYolo,
    r_cnn_outputs,
)
from automl_cv_client.local.preprocessing import Scale
from automl_cv_client.task import Task

_EXPECTED = {
    Task.DETECTION: "boxes (n, 4), labels (n), scores (n) of Faster R-CNN or RetinaNet; or predictions (N, n, 5 + "
    "classes) of YOLOv5; or dets (N, n, 5), labels (N, n) of MMDetection",
    Task.SEGMENTATION: "boxes (n, 4), labels (n), scores (n), masks (n, 1, height, width) of Mask R-CNN; or dets (N, "
    "n, 5), labels (N, n), masks (N, n, height, width) of MMDetection",
}


def model_for(
    task: Task,
    model: File | None,
    labels: File | None = None,
    *,
    normalized: bool | None = None,
    resize: int | None = None,
    crop: int | None = None,
) -> Model:
    """The model in a file, or the task's demo model where no file is given. Arguments as :func:`own_model`."""
    if model is not None:
        return own_model(task, model, labels, normalized=normalized, resize=resize, crop=crop)
    if (labels, normalized, resize, crop) != (None,) * 4:
        raise InvalidInput("labels, normalized, resize and crop belong to a model of your own: give its file, too")
    return demo_model(task)


def own_model(
    task: Task,
    model: File,
    labels: File | None = None,
    *,
    normalized: bool | None = None,
    resize: int | None = None,
    crop: int | None = None,
) -> Model:
    """The model in a file, ready to score.

    Args:
        task: what it is for: softmax or sigmoid, boxes or polygons.
        model: the ONNX file.
        labels: a JSON list of names; by default ``labels.json`` beside the model.
        normalized: whether the graph normalises the image by itself; None to read it from the graph.
        resize: for classification: pixels the shorter side is brought to.
        crop: for classification: the crop, where the file leaves it open.

    Raises:
        InvalidInput: the files cannot be used, do not belong together, or are of another task. It says what was found
            and what was expected.
    """
    graph = Graph(model)
    names = read_labels(graph.file, labels)
    if task.explainable:  # the two classification tasks
        if {"boxes", "dets"} & set(graph.outputs):  # boxes of shape (1, 4) would pass for logits of 4 classes
            raise graph.refusal(own_classifier.EXPECTED)
        multilabel = task is Task.MULTILABEL
        scale = _scale(graph, normalized, "imagenet")
        return OwnClassifier(graph, names, multilabel=multilabel, scale=scale, resize=resize, crop=crop)
    if resize is not None or crop is not None:
        raise InvalidInput(f"resize and crop are for classification; {task.value} models fix their size themselves")
    return _detector(task, graph, names, normalized)


def _detector(task: Task, graph: Graph, names: list[str], normalized: bool | None) -> Model:
    if {"dets", "labels"} <= set(graph.outputs):
        _check_masks(task, graph, "masks" in graph.outputs)
        tried = graph.tried(graph.input.height or 800, graph.input.width or 1344)
        if tried.values["dets"].ndim != 3 or tried.values["dets"].shape[2] != 5:
            raise graph.refusal(_EXPECTED[task], tried)
        return OwnMmDetection(graph, names, _scale(graph, normalized, "imagenet"))
    open_size = (YOLO_SIZE, YOLO_SIZE) if _looks_raw(graph) else R_CNN_SIZE
    tried = graph.tried(graph.input.height or open_size[1], graph.input.width or open_size[0])
    objects = r_cnn_outputs(tried)
    if objects is not None:
        _check_masks(task, graph, objects.masks is not None)
        return OwnRCnn(graph, names, _scale(graph, normalized, "imagenet"))
    if task is Task.DETECTION and _is_yolo(graph, tried):
        classes = tried.values[graph.outputs[0]].shape[2] - 5
        if classes != len(names):
            raise InvalidInput(
                f"the model {graph.file} has {classes} classes, and there are {len(names)} labels: give the {LABELS} "
                "that was exported with this model"
            )
        return OwnYolo(graph, names, _scale(graph, normalized, "unit"))
    raise graph.refusal(_EXPECTED[task], tried)


def _looks_raw(graph: Graph) -> bool:
    """Whether the outputs are YOLO's: one of predictions, and perhaps the raw maps it was made of."""
    return "boxes" not in graph.outputs and len(graph.outputs) != 3


def _is_yolo(graph: Graph, tried: Outputs) -> bool:
    predictions = tried.values[graph.outputs[0]]
    return predictions.ndim == 3 and len(predictions) == graph.input.batch and predictions.shape[2] > 5


def _check_masks(task: Task, graph: Graph, masks: bool) -> None:
    if masks != (task is Task.SEGMENTATION):
        other = Task.SEGMENTATION if masks else Task.DETECTION
        has = "has" if masks else "has no"
        raise graph.refusal(f"{_EXPECTED[task]}. This model {has} masks: it is for {other.value}")


def _scale(graph: Graph, normalized: bool | None, usual: Scale) -> Scale:
    """What to feed: the usual, unless the graph normalises by itself."""
    if normalized is False:
        return usual
    taken = normalises_from(graph.file.read_bytes(), graph.input.name)
    if normalized is None:
        return taken or usual
    return taken or "bytes"
