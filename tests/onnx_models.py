"""Tiny ONNX classifiers, as AutoML would export them: the logit of a class is the mean of a colour channel."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
from onnx import TensorProto, helper

COLOURS = ["red", "green", "blue"]


def write_colour_model(folder: Path, *, side: int | str = 64, together: int | str = "batch", times: float = 4) -> Path:
    """``model.onnx`` and ``labels.json`` in the folder: pool each channel, multiply. Returns the model's path."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["input1"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["means"]),
        helper.make_node("Mul", ["means", "times"], ["output1"]),
    ]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("input1", TensorProto.FLOAT, [together, 3, side, side])],
        [helper.make_tensor_value_info("output1", TensorProto.FLOAT, [together, 3])],
        [helper.make_tensor("times", TensorProto.FLOAT, [], [times])],
    )
    (folder / "labels.json").write_text(json.dumps(COLOURS))
    return write(folder / "model.onnx", graph)


def write_echo_model(folder: Path, shape: list[int | str], kind: int = TensorProto.FLOAT) -> Path:
    """A model that is no classifier: it gives back what it takes, of any shape."""
    ends = [helper.make_tensor_value_info(name, kind, shape) for name in ("input1", "output1")]
    graph = helper.make_graph([helper.make_node("Identity", ["input1"], ["output1"])], "echo", ends[:1], ends[1:])
    (folder / "labels.json").write_text(json.dumps(COLOURS))
    return write(folder / "model.onnx", graph)


def write(path: Path, graph: onnx.GraphProto) -> Path:
    # Old versions, so that every onnxruntime of the extra reads them.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path
