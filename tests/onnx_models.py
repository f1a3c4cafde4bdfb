"""Tiny ONNX models with the inputs and outputs of AutoML's exports, and answers that are known.

A classifier's logits are the means of the color channels. The others answer always alike: what they answer is given
to them. ``write_echo_model`` gives back what it takes, so that a test sees the pixels a model is fed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

COLOURS = ["red", "green", "blue"]
WITH_BACKGROUND = ["--bg--", "can", "carton"]
CLASSES = ["can", "carton"]
Size = int | str | None


def write_color_model(
    folder: Path,
    *,
    side: Size = 64,
    together: Size = "batch",
    times: float = 4,
    names: Sequence[str] = COLOURS,
    normalises: str = "",
) -> Path:
    """``model.onnx`` and ``labels.json`` in the folder: pool each channel, multiply. Returns the model's path.

    ``normalises``: the graph takes ``bytes``, or pixels of the ``unit`` interval, and does the rest by itself.
    """
    nodes, constants = [], [helper.make_tensor("times", TensorProto.FLOAT, [], [times])]
    pixels = "input1"
    if normalises == "bytes":
        constants.append(helper.make_tensor("most", TensorProto.FLOAT, [], [255.0]))
        nodes.append(helper.make_node("Div", [pixels, "most"], ["shares"]))
        pixels = "shares"
    if normalises:
        constants.append(helper.make_tensor("mean", TensorProto.FLOAT, [1, 3, 1, 1], [0.485, 0.456, 0.406]))
        constants.append(helper.make_tensor("std", TensorProto.FLOAT, [1, 3, 1, 1], [0.229, 0.224, 0.225]))
        nodes.append(helper.make_node("Sub", [pixels, "mean"], ["centred"]))
        nodes.append(helper.make_node("Div", ["centred", "std"], ["normal"]))
        pixels = "normal"
    nodes += [
        helper.make_node("GlobalAveragePool", [pixels], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["means"]),
        helper.make_node("Mul", ["means", "times"], ["output1"]),
    ]
    return _write_graph(
        folder, nodes, {"input1": [together, 3, side, side]}, {"output1": [together, 3]}, constants, names
    )


def write_echo_model(folder: Path, shape: Sequence[Size], kind: int = TensorProto.FLOAT) -> Path:
    """A model that gives back what it takes, of any shape."""
    nodes = [helper.make_node("Identity", ["input1"], ["output1"])]
    return _write_graph(folder, nodes, {"input1": shape}, {"output1": shape}, [], COLOURS, kind)


def write_r_cnn_model(
    folder: Path,
    boxes: Any,
    labels: Any,
    scores: Any,
    masks: Any = None,
    *,
    size: tuple[Size, Size] = (600, 800),
    batch: Size = "batch",
    retina: bool = False,
    names: Sequence[str] = WITH_BACKGROUND,
) -> Path:
    """As Faster R-CNN, RetinaNet (``retina``) or Mask R-CNN are exported: fails on two images, as they do.

    ``boxes`` (n, 4) in pixels of the input, ``masks`` (n, 1, rows, columns).
    """
    found: dict[str, Any] = {
        "boxes": np.reshape(np.array(boxes, np.float32), (-1, 4)),
        "labels": np.array(labels, np.int64),
        "scores": np.array(scores, np.float32),
    }
    if retina:
        found = {name: found[name] for name in ("boxes", "scores", "labels")}
    if masks is not None:
        found["masks"] = np.array(masks, np.float32)
    shapes = {name: ["prediction", *value.shape[1:]] for name, value in found.items()}
    constants = [numpy_helper.from_array(value, f"known_{name}") for name, value in found.items()]
    constants += [
        numpy_helper.from_array(np.array(0, np.float32), "nothing"),
        numpy_helper.from_array(np.array([1, -1], np.int64), "one_image"),
        numpy_helper.from_array(np.array([1], np.int64), "one"),
        numpy_helper.from_array(np.array([_values(size)], np.int64), "values"),
    ]
    nodes = [_node("Mul", ["input", "nothing"], "none")]
    if _values(size) > 0:  # an image of another size, or a second one, does not fit
        nodes.append(_node("Reshape", ["none", "values"], "row"))
    nodes.append(_node("ReduceSum", ["row" if _values(size) > 0 else "none"], "sum", keepdims=0))
    for name, value in found.items():
        if value.dtype == np.float32:
            nodes.append(_node("Add", [f"known_{name}", "sum"], name))
        else:
            nodes.append(_node("Identity", [f"known_{name}"], name))
    kinds = {"labels": TensorProto.INT64}
    return _write_graph(folder, nodes, {"input": [batch, 3, *size]}, shapes, constants, names, kinds=kinds)


def write_yolo_model(
    folder: Path, predictions: Any, *, side: Size = 640, batch: Size = "batch", names: Sequence[str] = CLASSES
) -> Path:
    """As YOLOv5 is exported: ``output`` of raw predictions (centre, size, objectness, classes), and a raw map."""
    known = np.array(predictions, np.float32)[np.newaxis]
    constants = [
        numpy_helper.from_array(known, "known"),
        numpy_helper.from_array(np.array(0, np.float32), "nothing"),
    ]
    nodes = [
        _node("Mul", ["input", "nothing"], "none"),
        _node("ReduceSum", ["none"], "sum", keepdims=0),
        _node("Add", ["known", "sum"], "output"),
        _node("Identity", ["none"], "345"),
    ]
    outputs = {"output": [batch, *known.shape[1:]], "345": [batch, 3, side, side]}
    return _write_graph(folder, nodes, {"input": [batch, 3, side, side]}, outputs, constants, names)


def write_mm_detection_model(
    folder: Path, dets: Any, labels: Any, masks: Any = None, *, size: tuple[Size, Size] = (None, None)
) -> Path:
    """As mmdeploy exports: ``dets`` (1, n, 5), ``labels`` (1, n), ``masks`` (1, n, rows, columns)."""
    found: dict[str, Any] = {"dets": np.array([dets], np.float32), "labels": np.array([labels], np.int64)}
    if masks is not None:
        found["masks"] = np.array([masks], np.float32)
    constants = [numpy_helper.from_array(value, f"known_{name}") for name, value in found.items()]
    constants.append(numpy_helper.from_array(np.array(0, np.float32), "nothing"))
    nodes = [_node("Mul", ["input", "nothing"], "none"), _node("ReduceSum", ["none"], "sum", keepdims=0)]
    for name, value in found.items():
        inputs = [f"known_{name}", "sum"] if value.dtype == np.float32 else [f"known_{name}"]
        nodes.append(_node("Add" if len(inputs) > 1 else "Identity", inputs, name))
    shapes = {name: list(value.shape) for name, value in found.items()}
    return _write_graph(
        folder,
        nodes,
        {"input": ["batch", 3, *size]},
        shapes,
        constants,
        CLASSES,
        kinds={"labels": TensorProto.INT64},
    )


def write(path: Path, graph: onnx.GraphProto) -> Path:
    # Old versions, so that every onnxruntime of the extra reads them.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def _values(size: tuple[Size, Size]) -> int:
    """How many one image has; -1 where that is open."""
    height, width = size
    return 3 * height * width if isinstance(height, int) and isinstance(width, int) else -1


def _node(operation: str, inputs: list[str], output: str, **attributes: int) -> onnx.NodeProto:
    node = helper.make_node(operation, inputs, [output])
    node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
    return node


def _write_graph(
    folder: Path,
    nodes: list[onnx.NodeProto],
    inputs: Mapping[str, Sequence[Size]],
    outputs: Mapping[str, Sequence[Size]],
    constants: list[onnx.TensorProto],
    names: Sequence[str],
    kind: int = TensorProto.FLOAT,
    kinds: Mapping[str, int] | None = None,
) -> Path:
    given = [helper.make_tensor_value_info(name, kind, list(shape)) for name, shape in inputs.items()]
    told = [
        helper.make_tensor_value_info(name, (kinds or {}).get(name, kind), list(shape))
        for name, shape in outputs.items()
    ]
    (folder / "labels.json").write_text(json.dumps(list(names)))
    return write(folder / "model.onnx", helper.make_graph(nodes, "known", given, told, constants))
