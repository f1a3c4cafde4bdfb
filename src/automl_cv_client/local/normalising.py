"""Reads from an ONNX file whether its graph begins by normalising the image, and from which pixels; no I/O.

AutoML exports both kinds under the same names and shapes. The arithmetic right behind the input tells them apart: a
graph that divides by 255 takes bytes (``enable_onnx_normalization``); one that takes ImageNet's mean off first takes
pixels from 0 to 1 (an export from a saved checkpoint); one that does neither wants all of that done before.

An ONNX file is a protocol buffer; of its fields only those named below are read, the rest is stepped over.
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from automl_cv_client.local.preprocessing import MEAN, STD, Scale

_GRAPH = 7
_NODE, _INITIALIZER = 1, 5
_NODE_INPUT, _NODE_OUTPUT, _OPERATION, _ATTRIBUTE = 1, 2, 4, 5
_ATTRIBUTE_TENSOR = 5
_FLOAT_DATA, _TENSOR_NAME, _RAW_DATA = 4, 8, 9
_FEW = 64  # bytes: a mean or deviation of three channels has 12
_HARMLESS = ("Identity", "Cast", "Slice", "Split", "Concat", "Reshape", "Unsqueeze", "Squeeze", "Transpose", "Gather")
_ARITHMETIC = ("Add", "Sub", "Mul", "Div")


class _Node(NamedTuple):
    operation: str
    inputs: list[str]
    outputs: list[str]


def normalises_from(model: bytes, image: str) -> Scale | None:
    """``bytes`` or ``unit`` where the graph normalises by itself, else None.

    Args:
        model: the ONNX file.
        image: the name of the graph's input.
    """
    try:
        nodes, constants = _graph(memoryview(model))
    except (IndexError, ValueError, struct.error):
        return None
    reached, used = {image}, []
    for node in nodes:  # in the order of execution, which ONNX asks for
        if not reached.intersection(node.inputs):
            continue
        if node.operation in _ARITHMETIC:
            used += [(node.operation, value) for name in node.inputs for value in constants.get(name, ())]
        if node.operation in _ARITHMETIC + _HARMLESS:
            reached.update(node.outputs)
    if any(_undoes_bytes(operation, value) for operation, value in used):
        return "bytes"
    means = any(_near(value if operation == "Sub" else -value, MEAN) for operation, value in used
                if operation in ("Sub", "Add"))  # fmt: skip
    return "unit" if means else None


def _undoes_bytes(operation: str, value: float) -> bool:
    if operation == "Div":
        return _near(value, [255.0, *(STD * 255)])
    if operation == "Mul":
        return _near(value, [1 / 255])
    return operation == "Sub" and _near(value, MEAN * 255)


def _near(value: float, known: Iterable[float]) -> bool:
    return any(abs(value - each) <= 1e-3 * abs(each) for each in known)


def _graph(model: memoryview) -> tuple[list[_Node], dict[str, tuple[float, ...]]]:
    """The nodes in their order, and the small constants by name."""
    nodes: list[_Node] = []
    constants: dict[str, tuple[float, ...]] = {}
    for number, graph in _fields(model):
        if number != _GRAPH:
            continue
        for field, content in _fields(graph):
            if field == _NODE:
                node, value = _node(content)
                nodes.append(node)
                if node.operation == "Constant" and value is not None:
                    constants[node.outputs[0]] = value
            elif field == _INITIALIZER:
                name, value = _tensor(content)
                constants[name] = value
    return nodes, constants


def _node(content: memoryview) -> tuple[_Node, tuple[float, ...] | None]:
    operation, inputs, outputs = "", [], []
    value = None
    for field, part in _fields(content):
        if field == _OPERATION:
            operation = str(part, "utf-8")
        elif field == _NODE_INPUT:
            inputs.append(str(part, "utf-8"))
        elif field == _NODE_OUTPUT:
            outputs.append(str(part, "utf-8"))
        elif field == _ATTRIBUTE:
            for inner, tensor in _fields(part):
                if inner == _ATTRIBUTE_TENSOR:
                    value = _tensor(tensor)[1]
    return _Node(operation, inputs, outputs), value


def _tensor(content: memoryview) -> tuple[str, tuple[float, ...]]:
    """Name and values of a small tensor of float32; others come without values."""
    name, values = "", b""
    for field, part in _fields(content):
        if field == _TENSOR_NAME:
            name = str(part, "utf-8")
        elif field in (_FLOAT_DATA, _RAW_DATA) and len(part) <= _FEW and len(part) % 4 == 0:
            values += bytes(part)
    return name, struct.unpack(f"<{len(values) // 4}f", values)


def _fields(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and bytes of each field that has a length or is a single float; other numbers are stepped over."""
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        kind = key & 7
        if kind == 0:
            _, at = _varint(content, at)
            continue
        size = {1: 8, 5: 4}.get(kind)
        if size is None:
            if kind != 2:
                raise ValueError("not a protocol buffer")
            size, at = _varint(content, at)
        if kind != 1:
            yield key >> 3, content[at : at + size]
        at += size


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
